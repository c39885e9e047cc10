// Who is signed in with their own account, as the server says: asked when the page opens, and again when an answer lets
// doubt it.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { doubts, signedIn, xrpc } from "./api.ts";
import type { Own } from "./context.ts";
import { recall } from "./drafts.ts";
import type { Person, SessionAnswer } from "./person.ts";
import { isAble, sayAgain, turnOff } from "./push.ts";
import type { Actor } from "./types.ts";
import { wishes } from "./wishes.ts";

interface State {
  person: Person | null | undefined;
  service: SessionAnswer | null;
  error: unknown;
  lost: boolean;
}

export function useOwnAccount(): Own {
  const [state, setState] = useState<State>({ person: undefined, service: null, error: null, lost: false });
  const known = useRef<string | null>(null);
  const asking = useRef<Promise<void> | null>(null);
  const learn = useCallback((service: SessionAnswer) => {
    const { did, sessionId } = service;
    const before = known.current;
    const isSame = before === (did ?? null);
    known.current = did ?? null;
    // What one account wished is nothing of another's.
    if (!isSame && before !== null) wishes.clear();
    if (did === undefined || sessionId === undefined) return setState({ person: null, service, error: null, lost: before !== null });
    setState((old) => ({ person: { did, sessionId, profile: isSame ? (old.person?.profile ?? null) : null }, service, error: null, lost: false }));
    if (!isSame) recall(did, localStorage);
    xrpc<Actor>("app.bsky.actor.getProfile", { actor: did }).then(
      (profile) => setState((old) => (old.person?.did === did ? { ...old, person: { ...old.person, profile } } : old)),
      () => undefined, // Not known here yet: the DID stands for it.
    );
  }, []);
  const refresh = useCallback(() => {
    // Many answers may doubt it at once; one question is enough.
    asking.current ??= signedIn<SessionAnswer>("")
      .then(learn, (error: unknown) => setState((old) => ({ ...old, person: old.person ?? null, error })))
      .finally(() => {
        asking.current = null;
      });
    return asking.current;
  }, [learn]);
  useEffect(() => {
    const doubt = () => {
      if (known.current !== null) void refresh();
    };
    doubts.add(doubt);
    void refresh();
    return () => {
      doubts.delete(doubt);
    };
  }, [refresh]);
  const { did, sessionId } = state.person ?? {};
  useEffect(() => {
    if (did !== undefined && sessionId !== undefined) sayAgain(did).catch(() => undefined);
  }, [did, sessionId]);
  const signOut = useCallback(
    async (everywhere: boolean) => {
      // Nobody is told here of what is new for who left.
      if (isAble()) await turnOff().catch(() => undefined);
      await signedIn("/sign-out", { everywhere });
      known.current = null;
      wishes.clear();
      await refresh();
    },
    [refresh],
  );
  return useMemo(() => ({ ...state, refresh, signOut }), [state, refresh, signOut]);
}
