// Handles of accounts that only their DIDs are known of, such as labelers: those wanted at the same moment are
// asked for together, and each once. The operator is told of those taken down, too.
import { useEffect, useState } from "react";
import { xrpc, xrpcAs } from "./api.ts";
import { useSession } from "./context.ts";
import type { Operator } from "./session.ts";
import type { AccountInfo } from "./types.ts";

/** Accounts of one question. */
const ASKED_MAX = 50;
/** Answers remembered; beyond that the oldest are asked for again. */
const KEPT_MAX = 1_000;

let known = new Map<string, Promise<string | null>>();
let knownTo: Operator | null = null;
let waiting = new Map<string, (handle: string | null) => void>();

/** The handle of an account, or `null` while it is not known or there is none. */
export function useHandle(did: string | null): string | null {
  const { operator } = useSession();
  const [found, setFound] = useState<{ did: string; handle: string | null } | null>(null);
  useEffect(() => {
    let gone = false;
    if (did !== null) void handleOf(did, operator).then((handle) => !gone && setFound({ did, handle }));
    return () => {
      gone = true;
    };
  }, [did, operator]);
  return found !== null && found.did === did ? found.handle : null;
}

function handleOf(did: string, operator: Operator | null): Promise<string | null> {
  if (knownTo !== operator) known = new Map();
  knownTo = operator;
  const asked = known.get(did);
  if (asked !== undefined) return asked;
  if (waiting.size === 0) setTimeout(() => ask(operator));
  const handle = new Promise<string | null>((tell) => waiting.set(did, tell));
  const oldest = known.size >= KEPT_MAX ? known.keys().next().value : undefined;
  if (oldest !== undefined) known.delete(oldest);
  known.set(did, handle);
  return handle;
}

async function ask(operator: Operator | null) {
  const all = [...waiting];
  waiting = new Map();
  for (let at = 0; at < all.length; at += ASKED_MAX) {
    const some = all.slice(at, at + ASKED_MAX);
    const handles = new Map<string, string>();
    try {
      const params = { dids: some.map(([did]) => did) };
      const nsid = "com.atproto.admin.getAccountInfos";
      const { infos } = await (operator === null ? xrpc<Infos>(nsid, params) : xrpcAs<Infos>(operator, nsid, params));
      for (const info of infos) handles.set(info.did, info.handle);
    } catch {
      // The DID itself is shown; another page may ask again.
      for (const [did] of some) known.delete(did);
    }
    for (const [did, tell] of some) tell(handles.get(did) ?? null);
  }
}

interface Infos {
  infos: AccountInfo[];
}
