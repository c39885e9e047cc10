// What could not be applied: entries of the log, what homes could not take, and what webhooks did not.
import { useState } from "react";
import { admin, ApiError, command, query, told } from "../api.ts";
import { count } from "../figures.ts";
import { type Pages, usePages } from "../load.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Badge } from "../parts/figure.tsx";
import { A } from "../parts/link.tsx";
import { Resolve } from "../parts/resolve.tsx";
import { Listed } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import type { ParkedEntry, ParkedOf, ParkedPage } from "../types.ts";

/** Entries that are asked for at once where all of a kind are discarded. */
const PAGE = 500;

/** As its address and the operator's commands name it. */
export function parkedId(entry: ParkedEntry): string {
  return entry.of === undefined || entry.of === "entries" ? String(entry.id) : `${entry.of}-${entry.id}`;
}

function useParked(operator: Operator, of: ParkedOf, settled = false) {
  return usePages<ParkedEntry>(`parked ${of} ${settled}`, async (cursor, signal) => {
    const which = { of, after: cursor, limit: 50, settled: settled ? "true" : undefined };
    const page = await admin<ParkedPage>(operator, `parked${query(which)}`, signal);
    return { items: page.parked, cursor: page.cursor === undefined ? undefined : String(page.cursor) };
  });
}

/** What each kind is called, and what it means that something of it is here. */
const KINDS: Record<ParkedOf, { title: string; told: string }> = {
  entries: {
    title: "Entries of the log",
    told: "Entries of the log that could not be applied. Nothing is lost, and entries of other accounts are not held up.",
  },
  facts: { title: "Facts that homes were not told", told: "Homes may lack what they say; the rest of the service shows it." },
  fanout: {
    title: "Posts on their way into homes",
    told: "Writing them into the homes of followers failed ten times. Other posts went on.",
  },
  deliveries: {
    title: "Deliveries",
    told: "Posts that a webhook was to be told of and did not take: it refused them, or failed for more than an hour. Others went on.",
  },
};

/** What is to be done once it is confirmed. */
type Asked = { what: "discard" | "resolve"; ids: string[] } | { what: "all"; of: ParkedOf };

export function Parked({ operator }: { operator: Operator }) {
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [withSettled, setWithSettled] = useState(false);
  const lists: Record<ParkedOf, Pages<ParkedEntry>> = {
    entries: useParked(operator, "entries"),
    facts: useParked(operator, "facts"),
    fanout: useParked(operator, "fanout"),
    deliveries: useParked(operator, "deliveries"),
  };
  const kinds = Object.keys(lists) as ParkedOf[];
  const again = () => {
    setChosen(new Set());
    kinds.forEach((of) => lists[of].again());
  };
  const run = async (work: () => Promise<string>) => {
    setBusy(true);
    setAsked(null);
    try {
      setSaid(await work());
    } catch (error) {
      setSaid(told(error));
    }
    setBusy(false);
    again();
  };
  /** Does something to each; one that is gone meanwhile needs nothing. */
  const each = async (ids: string[], what: string, body?: unknown) => {
    let done = 0;
    for (const id of ids) {
      try {
        await command(operator, `parked/${id}/${what}`, body);
        done += 1;
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      }
      if (done % 20 === 0) setSaid(`${count(done)} of ${count(ids.length)} …`);
    }
    return done;
  };
  const retryAll = () =>
    run(async () => {
      let entries = 0;
      for (const of of kinds) {
        entries += (await command<{ entries: number }>(operator, `parked/retry${query({ of })}`)).entries;
      }
      return `${count(entries)} entries are tried again. Those that wait behind another follow it.`;
    });
  const discardAll = (of: ParkedOf) =>
    run(async () => {
      let done = 0;
      let after: number | undefined;
      do {
        const page: ParkedPage = await admin<ParkedPage>(operator, `parked${query({ of, after, limit: PAGE })}`);
        done += await each(page.parked.map(parkedId), "discard");
        after = page.cursor;
      } while (after !== undefined);
      return `${count(done)} are discarded.`;
    });
  const ids = [...chosen];
  const onlyDeliveries = ids.every((id) => id.startsWith("deliveries-"));
  return (
    <>
      <div className="page-head">
        <h1>Parked entries</h1>
        <div className="actions">
          <button type="button" onClick={again}>
            Refresh
          </button>
          <button type="button" onClick={retryAll} disabled={busy || kinds.every((of) => lists[of].items.length === 0)}>
            Retry all
          </button>
        </div>
      </div>
      <p className="muted">{KINDS.entries.told}</p>
      <p role="status" className="said">
        {said}
      </p>
      {ids.length > 0 && (
        <div className="actions" role="group" aria-label="What is chosen">
          <span className="muted">{count(ids.length)} chosen</span>
          <button type="button" disabled={busy} onClick={() => run(async () => `${count(await each(ids, "retry"))} are tried again.`)}>
            Retry chosen
          </button>
          {onlyDeliveries && (
            <button type="button" disabled={busy} onClick={() => setAsked({ what: "resolve", ids })}>
              Resolve chosen …
            </button>
          )}
          <button type="button" className="danger" disabled={busy} onClick={() => setAsked({ what: "discard", ids })}>
            Discard chosen …
          </button>
        </div>
      )}
      <Listed of={lists.entries} what="the parked entries" empty="Nothing is parked: every entry was applied.">
        {(entries) => (
          <>
            <Table entries={entries} chosen={chosen} choose={setChosen} />
            <DiscardAll of="entries" busy={busy} ask={setAsked} />
          </>
        )}
      </Listed>
      {kinds
        .filter((of) => of !== "entries" && lists[of].items.length > 0)
        .map((of) => (
          <section key={of} aria-labelledby={of}>
            <h2 id={of}>{KINDS[of].title}</h2>
            <p className="muted">{KINDS[of].told}</p>
            <Listed of={lists[of]} what="what is parked" empty="">
              {(entries) => <Table entries={entries} chosen={chosen} choose={setChosen} />}
            </Listed>
            <DiscardAll of={of} busy={busy} ask={setAsked} />
          </section>
        ))}
      <section aria-label="Settled deliveries">
        <label>
          <input type="checkbox" checked={withSettled} onChange={(event) => setWithSettled(event.target.checked)} /> Show deliveries that are settled
        </label>
        {withSettled && <Settled operator={operator} />}
      </section>
      {asked?.what === "discard" && (
        <Confirm
          title={`Discard ${count(asked.ids.length)}?`}
          yes="Discard"
          no="Keep them"
          onYes={() => run(async () => `${count(await each(asked.ids, "discard"))} are discarded.`)}
          onNo={() => setAsked(null)}
        >
          <p>They are not tried again, and what they say will not be shown or told.</p>
        </Confirm>
      )}
      {asked?.what === "all" && (
        <Confirm title={`Discard all: ${KINDS[asked.of].title}?`} yes="Discard all" no="Keep them" onYes={() => discardAll(asked.of)} onNo={() => setAsked(null)}>
          <p>All of them, those too that this page does not show. They are not tried again.</p>
        </Confirm>
      )}
      {asked?.what === "resolve" && (
        <Resolve
          what={`${count(asked.ids.length)} deliveries`}
          onYes={(note) => run(async () => `${count(await each(asked.ids, "resolve", { note }))} are resolved.`)}
          onNo={() => setAsked(null)}
        />
      )}
    </>
  );
}

function DiscardAll({ of, busy, ask }: { of: ParkedOf; busy: boolean; ask: (asked: Asked) => void }) {
  return (
    <div className="actions">
      <button type="button" className="danger" disabled={busy} onClick={() => ask({ what: "all", of })}>
        {`Discard all: ${KINDS[of].title} …`}
      </button>
    </div>
  );
}

function Settled({ operator }: { operator: Operator }) {
  const settled = useParked(operator, "deliveries", true);
  return (
    <Listed of={settled} what="settled deliveries" empty="No delivery was settled in the last thirty days.">
      {(entries) => <Table entries={entries} />}
    </Listed>
  );
}

interface TableProps {
  entries: ParkedEntry[];
  /** Where some can be chosen. */
  chosen?: ReadonlySet<string>;
  choose?: (chosen: ReadonlySet<string>) => void;
}

function Table({ entries, chosen, choose }: TableProps) {
  const ids = entries.map(parkedId);
  const all = chosen !== undefined && ids.every((id) => chosen.has(id));
  const put = (some: string[], on: boolean) => {
    const next = new Set(chosen);
    some.forEach((id) => (on ? next.add(id) : next.delete(id)));
    choose?.(next);
  };
  return (
    <table className="stacking">
      <thead>
        <tr>
          {chosen !== undefined && (
            <th scope="col">
              <input type="checkbox" aria-label="Choose all that are shown" checked={all} onChange={() => put(ids, !all)} />
            </th>
          )}
          <th scope="col">Entry</th>
          <th scope="col">Reason</th>
          <th scope="col">Account</th>
          <th scope="col" className="number">
            Tries
          </th>
          <th scope="col">Parked</th>
          <th scope="col">Next try</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id} data-item>
            {chosen !== undefined && (
              <td data-name="Choose">
                <input
                  type="checkbox"
                  aria-label={`Choose #${parkedId(entry)}`}
                  checked={chosen.has(parkedId(entry))}
                  onChange={(event) => put([parkedId(entry)], event.target.checked)}
                />
              </td>
            )}
            <th scope="row">
              <A data-open to={href({ page: "parked", id: parkedId(entry) })}>
                #{parkedId(entry)}
              </A>{" "}
              <span className="muted">
                {entry.projection}
                {entry.of !== "fanout" && ` @${count(entry.offset)}`}
              </span>
            </th>
            <td data-name="Reason">
              <Badge mood={entry.reason === "behind" ? "plain" : "warn"}>{entry.reason}</Badge>
              <p className="muted clamp">{entry.error}</p>
            </td>
            <td data-name="Account" className="break">
              {entry.key ?? "–"}
            </td>
            <td data-name="Tries" className="number">
              {count(entry.attempts)}
            </td>
            <td data-name="Parked">
              <Time ms={Date.parse(entry.parkedAt)} />
            </td>
            <td data-name="Next try">{next(entry)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** When it is tried again, or how it was settled. */
function next(entry: ParkedEntry) {
  switch (entry.state) {
    case "retrying":
      return "on its way again";
    case "resolved":
    case "discarded":
      return `${entry.state} by ${entry.actor ?? "somebody"}: ${entry.resolution ?? ""}`;
    default:
      return entry.nextTryAt === null ? "when asked" : <Time ms={Date.parse(entry.nextTryAt)} />;
  }
}
