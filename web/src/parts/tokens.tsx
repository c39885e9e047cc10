// Tokens with which programs act for who is signed in: each is shown once.
import { type FormEvent, useState } from "react";
import { useAct } from "../act.ts";
import { signedIn } from "../api.ts";
import { useLoad } from "../load.ts";
import type { ApiToken } from "../types.ts";
import { Confirm } from "./confirm.tsx";
import { Badge } from "./figure.tsx";
import { Said } from "./said.tsx";
import { Shown } from "./states.tsx";
import { Time } from "./time.tsx";

const DAY_MS = 86_400_000;
const SCOPES: [name: string, says: string][] = [
  ["read", "ask what you may see"],
  ["write", "change what only this place has: mutes, bookmarks, drafts, settings, seen marks"],
  ["post", "write into your repository: posts, likes, follows"],
];
const ENDS: [name: string, days: number][] = [
  ["in 30 days", 30],
  ["in 90 days", 90],
  ["in a year", 365],
  ["never", 0],
];
const NAME_MAX = 64;

export function Tokens() {
  const act = useAct();
  const [ending, setEnding] = useState<ApiToken | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const loaded = useLoad("tokens", (signal) => signedIn<{ tokens: ApiToken[] }>("/tokens", undefined, signal));
  const revoke = (token: ApiToken) => {
    setEnding(null);
    void act.run("revoke", async () => {
      await signedIn(`/tokens/${encodeURIComponent(token.tokenId)}/revoke`, {});
      loaded.again();
      return `“${token.name}” acts no more.`;
    });
  };
  return (
    <section className="card">
      <h2>Tokens for programs</h2>
      <p className="muted">
        A program acts for you at this service with one, sent as <code>Authorization: Bearer …</code>.
      </p>
      <Said of={act} />
      {secret !== null && <Secret secret={secret} close={() => setSecret(null)} />}
      <Shown of={loaded} what="your tokens">
        {({ tokens }) =>
          tokens.length === 0 ? (
            <p className="muted">There are none.</p>
          ) : (
            <ul className="chosen">
              {tokens.map((token) => (
                <li key={token.tokenId}>
                  <div className="what">
                    <p className="break">
                      <bdi>{token.name}</bdi>{" "}
                      {token.scopes.map((scope) => (
                        <Badge key={scope} mood="plain">
                          {scope}
                        </Badge>
                      ))}
                    </p>
                    <p className="muted">
                      made <Time ms={token.createdAtUs / 1_000} />, {token.usedAtUs === null ? "never used" : <>last used <Time ms={token.usedAtUs / 1_000} /></>},{" "}
                      {token.expiresAtUs === null ? "does not end" : <>ends <Time ms={token.expiresAtUs / 1_000} /></>}
                    </p>
                  </div>
                  <button type="button" className="danger" disabled={act.pending !== null} onClick={() => setEnding(token)}>
                    Revoke …<span className="hidden"> {token.name}</span>
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      <Make
        done={(secret) => {
          setSecret(secret);
          loaded.again();
        }}
      />
      {ending !== null && (
        <Confirm title={`Revoke “${ending.name}”?`} yes="Revoke" no="Keep it" onYes={() => revoke(ending)} onNo={() => setEnding(null)}>
          <p>The program that has it can do nothing more with it, at once.</p>
        </Confirm>
      )}
    </section>
  );
}

function Secret({ secret, close }: { secret: string; close: () => void }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      setSaid("Copied.");
    } catch {
      setSaid("The browser does not allow it: mark the text and copy it.");
    }
  };
  return (
    <div className="secret" role="status">
      <p>
        <strong>Your new token.</strong> It is shown this once; only its digest is kept.
      </p>
      <p className="break">
        <code>{secret}</code>
      </p>
      <div className="actions">
        <button type="button" onClick={copy}>
          Copy
        </button>
        <button type="button" onClick={close}>
          I have it
        </button>
        <span>{said}</span>
      </div>
    </div>
  );
}

function Make({ done }: { done: (secret: string) => void }) {
  const act = useAct();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>(["read"]);
  const [days, setDays] = useState(30);
  const turn = (scope: string) => setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act.run("make", async () => {
      if (name.trim() === "") throw new Error("Say what it is for.");
      if (scopes.length === 0) throw new Error("Choose what it may do.");
      const ends = days === 0 ? {} : { expiresAtUs: (Date.now() + days * DAY_MS) * 1_000 };
      const { secret } = await signedIn<{ secret: string }>("/tokens/make", { name: name.trim(), scopes, ...ends });
      setName("");
      done(secret);
      return "";
    });
  };
  return (
    <details>
      <summary>Make a token</summary>
      <form className="form" onSubmit={submit}>
        <label>
          What it is for
          <input value={name} maxLength={NAME_MAX} onChange={(event) => setName(event.target.value)} />
        </label>
        <fieldset>
          <legend>It may</legend>
          {SCOPES.map(([scope, says]) => (
            <label key={scope} className="choice">
              <input type="checkbox" checked={scopes.includes(scope)} onChange={() => turn(scope)} />
              <span>
                <code>{scope}</code> {says}
              </span>
            </label>
          ))}
        </fieldset>
        <label>
          Ends
          <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {ENDS.map(([name, days]) => (
              <option key={name} value={days}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Said of={act} />
        <button type="submit" className="primary" disabled={act.pending !== null}>
          {act.pending === null ? "Make it" : "Making …"}
        </button>
      </form>
    </details>
  );
}
