// One parked entry: why, what stands in the log, and what to do about it.
import { useState } from "react";
import { admin, ApiError, command, told } from "../api.ts";
import { bytes, count } from "../figures.ts";
import { useLoad } from "../load.ts";
import { navigate } from "../navigate.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Badge, Facts } from "../parts/figure.tsx";
import { A } from "../parts/link.tsx";
import { Resolve } from "../parts/resolve.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import type { ParkedEntry, ParkedOf } from "../types.ts";
import { parkedId } from "./parked.tsx";

const SHOWN_NO_MORE = "It is not tried again, and what it says will not be shown. Entries of the account that wait behind it go on.";

/** What it means that it is discarded. */
const WITHOUT: Record<ParkedOf, string> = {
  entries: SHOWN_NO_MORE,
  facts: SHOWN_NO_MORE,
  fanout: "It is not tried again: homes that do not have it yet will not show it, until they are built anew.",
  deliveries: "It is not tried again: the webhook is not told of it.",
};

const LIST = href({ page: "parked", id: null });

export function ParkedOne({ operator, id }: { operator: Operator; id: string }) {
  const loaded = useLoad(`parked ${id}`, (signal) => admin<ParkedEntry>(operator, `parked/${id}`, signal), 4_000);
  const gone = loaded.error instanceof ApiError && loaded.error.status === 404;
  return (
    <>
      <p>
        <A to={LIST}>← Parked entries</A>
      </p>
      <h1>Parked entry #{id}</h1>
      {gone ? (
        <Empty>It is no longer parked: it was applied, or discarded.</Empty>
      ) : (
        <Shown of={loaded} what="the entry">
          {(entry) => <One operator={operator} entry={entry} again={loaded.again} />}
        </Shown>
      )}
    </>
  );
}

function One({ operator, entry, again }: { operator: Operator; entry: ParkedEntry; again: () => void }) {
  const [said, setSaid] = useState("");
  const [asking, setAsking] = useState<"discard" | "resolve" | null>(null);
  const isDelivery = entry.of === "deliveries";
  const isSettled = entry.state === "resolved" || entry.state === "discarded";
  const act = async (what: "retry" | "discard" | "resolve", note?: string) => {
    try {
      await command(operator, `parked/${parkedId(entry)}/${what}`, note === undefined ? undefined : { note });
      if (what === "discard") return navigate(LIST);
      setSaid(what === "resolve" ? "It is resolved." : "It is tried again now. If it fails once more it stays here, with one try more.");
      again();
    } catch (error) {
      setSaid(told(error));
    }
    setAsking(null);
  };
  return (
    <>
      <section className="card">
        <p>
          <Badge mood={entry.reason === "behind" ? "plain" : "warn"}>{entry.reason}</Badge>{" "}
          {entry.state !== undefined && <Badge mood={isSettled ? "good" : "plain"}>{entry.state}</Badge>}
        </p>
        <p className="error break">{entry.error}</p>
        {entry.cause !== undefined && (
          <p>
            <strong>Why: </strong>
            {entry.cause}
          </p>
        )}
        {entry.remedy !== undefined && (
          <p>
            <strong>What to do: </strong>
            {entry.remedy}.
          </p>
        )}
        {isSettled ? (
          <p>
            {entry.state === "resolved" ? "Resolved" : "Discarded"} by {entry.actor ?? "somebody"}: {entry.resolution ?? ""}
          </p>
        ) : (
          <div className="actions">
            <button type="button" className="primary" onClick={() => act("retry")}>
              Retry
            </button>
            {isDelivery && (
              <button type="button" onClick={() => setAsking("resolve")}>
                Resolve …
              </button>
            )}
            <button type="button" className="danger" onClick={() => setAsking("discard")}>
              Discard …
            </button>
          </div>
        )}
        <p role="status" className="said">
          {said}
        </p>
      </section>
      <section className="card">
        <Facts
          wide
          facts={[
            ["Projection", entry.projection],
            ["Place", entry.of === "fanout" ? "on its way into homes" : `${entry.topic}/${entry.partition} @${count(entry.offset)}`],
            ["Account", entry.key === null ? "none: it blocks nobody" : entry.key],
            ["Tries", count(entry.attempts)],
            ["Written", <Time key="w" ms={Date.parse(entry.appendedAt)} />],
            ["Parked", <Time key="p" ms={Date.parse(entry.parkedAt)} />],
            ["Last tried", <Time key="l" ms={Date.parse(entry.lastTriedAt)} />],
            ["Next try", entry.nextTryAt === null ? "when its turn comes, or when asked" : <Time key="n" ms={Date.parse(entry.nextTryAt)} />],
          ]}
        />
        {entry.key !== null && entry.key.startsWith("did:") && (
          <p>
            <A to={href({ page: "profile", actor: entry.key, tab: "posts" })}>The account</A>
          </p>
        )}
      </section>
      {entry.entry !== undefined && (
        <section className="card" aria-labelledby="content">
          <h2 id="content">{entry.of === "fanout" ? "What is written into homes" : isDelivery ? "The event" : "In the log"}</h2>
          {entry.of !== "fanout" && (
            <p className="muted">
              {bytes(entry.entry.bytes)}
              {entry.entry.fault !== null && `; ${entry.entry.fault}`}
            </p>
          )}
          <pre tabIndex={0} aria-labelledby="content">
            {JSON.stringify(entry.entry.content, null, 2)}
          </pre>
        </section>
      )}
      {asking === "discard" && (
        <Confirm title={`Discard entry #${parkedId(entry)}?`} yes="Discard" no="Keep it" onYes={() => act("discard")} onNo={() => setAsking(null)}>
          <p>{WITHOUT[entry.of ?? "entries"]}</p>
        </Confirm>
      )}
      {asking === "resolve" && <Resolve what={`delivery #${parkedId(entry)}`} onYes={(note) => act("resolve", note)} onNo={() => setAsking(null)} />}
    </>
  );
}
