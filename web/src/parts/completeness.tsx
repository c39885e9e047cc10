// How much of an account is here, which the operator is told, and having the rest fetched.
import { useEffect, useState } from "react";
import { admin, ApiError, command, told } from "../api.ts";
import { isSettled } from "../completeness.ts";
import { count, words } from "../figures.ts";
import { useLoad } from "../load.ts";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import type { AccountState } from "../types.ts";
import { Badge, Facts, type Mood } from "./figure.tsx";
import { A } from "./link.tsx";
import { Shown } from "./states.tsx";
import { Time } from "./time.tsx";

/** As `docs/guides/backfill.md` has them. */
const STATES: Record<string, [word: string, mood: Mood, says: string]> = {
  complete: ["complete", "good", "All of it is here, and what it does next follows."],
  partial: ["partial", "plain", "What it did since it was first heard of is here; what was before is not."],
  in_progress: ["being fetched", "plain", "Its repository is being fetched. What it does meanwhile waits, and follows."],
  desynchronized: ["something missing", "warn", "Something of it is missing, and is fetched as soon as it can be had."],
  gone: ["deleted", "bad", "It is deleted, and nothing of it is shown."],
};
/** Between two questions: while it may become another, and afterwards. */
const SOON_MS = 1_000;
const LATER_MS = 5_000;

export function Completeness({ operator, did, tell }: { operator: Operator; did: string; tell: (state: AccountState | null) => void }) {
  const [said, setSaid] = useState("");
  const [everyMs, setEveryMs] = useState(SOON_MS);
  const loaded = useLoad(`account ${did}`, (signal) => admin<AccountState>(operator, `accounts/${did}`, signal), everyMs);
  useEffect(() => {
    tell(loaded.data);
    if (loaded.data !== null) setEveryMs(isSettled(loaded.data) ? LATER_MS : SOON_MS);
  }, [loaded.data, tell]);
  const unknown = loaded.error instanceof ApiError && loaded.error.status === 404;
  const fetchAgain = async () => {
    try {
      await command(operator, `accounts/${did}/resync`);
      setSaid("Its repository will be fetched.");
      loaded.again();
    } catch (error) {
      setSaid(told(error));
    }
  };
  return (
    <section className="card" aria-labelledby="completeness">
      <div className="card-head">
        <h2 id="completeness">How much of it is here</h2>
        <div className="actions">
          <A to={href({ page: "moderation", tab: "accounts", subject: did })}>Moderate</A>
          <button type="button" onClick={fetchAgain}>
            Fetch its repository
          </button>
        </div>
      </div>
      <p role="status" className="said">
        {said}
      </p>
      {unknown ? (
        <p className="muted">Ingest has seen no event of this account.</p>
      ) : (
        <Shown of={loaded} what="the account's state">
          {(state) => {
            const [word, mood, says] = STATES[state.syncState] ?? [words(state.syncState), "plain", ""];
            return (
              <>
                <p aria-live="polite">{says}</p>
                <Facts
                  wide
                  facts={[
                    ["State", <Badge key="s" mood={mood}>{word}</Badge>],
                    ["Revision", state.rev === null ? "–" : <code key="r">{state.rev}</code>],
                    ["Host", state.pds ?? "not known yet"],
                    ["Hosting status", state.active ? "active" : (state.status ?? "not active")],
                    ["Last change", <Time key="u" ms={state.updatedUs / 1_000} />],
                    ...(state.attempts > 0 ? [["Failed attempts", count(state.attempts)] as [string, string]] : []),
                    ...(state.nextTryUs !== null && state.syncState !== "in_progress" ? [["Next fetch", <Time key="n" ms={state.nextTryUs / 1_000} />] as [string, React.ReactNode]] : []),
                    ...(state.error !== null ? [["Last error", state.error] as [string, string]] : []),
                  ]}
                />
              </>
            );
          }}
        </Shown>
      )}
    </section>
  );
}
