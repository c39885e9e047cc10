// What could not be applied: entries of the log, and what homes could not take.
import { useState } from "react";
import { admin, command, query, told } from "../api.ts";
import { count } from "../figures.ts";
import { usePages } from "../load.ts";
import { Badge } from "../parts/figure.tsx";
import { A } from "../parts/link.tsx";
import { Listed } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import type { ParkedEntry, ParkedOf, ParkedPage } from "../types.ts";

/** As its address and the operator's commands name it. */
export function parkedId(entry: ParkedEntry): string {
  return entry.of === undefined || entry.of === "entries" ? String(entry.id) : `${entry.of}-${entry.id}`;
}

function useParked(operator: Operator, of: ParkedOf) {
  return usePages<ParkedEntry>(`parked ${of}`, async (cursor, signal) => {
    const page = await admin<ParkedPage>(operator, `parked${query({ of, after: cursor, limit: 50 })}`, signal);
    return { items: page.parked, cursor: page.cursor === undefined ? undefined : String(page.cursor) };
  });
}

export function Parked({ operator }: { operator: Operator }) {
  const [said, setSaid] = useState("");
  const pages = useParked(operator, "entries");
  const facts = useParked(operator, "facts");
  const fanout = useParked(operator, "fanout");
  const lists = [pages, facts, fanout];
  const again = () => lists.forEach((list) => list.again());
  const retryAll = async () => {
    try {
      let entries = 0;
      for (const of of ["entries", "facts", "fanout"]) {
        entries += (await command<{ entries: number }>(operator, `parked/retry${query({ of })}`)).entries;
      }
      setSaid(`${count(entries)} entries are tried again. Those that wait behind another follow it.`);
      again();
    } catch (error) {
      setSaid(told(error));
    }
  };
  return (
    <>
      <div className="page-head">
        <h1>Parked entries</h1>
        <div className="actions">
          <button type="button" onClick={again}>
            Refresh
          </button>
          <button type="button" onClick={retryAll} disabled={lists.every((list) => list.items.length === 0)}>
            Retry all
          </button>
        </div>
      </div>
      <p className="muted">Entries of the log that could not be applied. Nothing is lost, and entries of other accounts are not held up.</p>
      <p role="status" className="said">
        {said}
      </p>
      <Listed of={pages} what="the parked entries" empty="Nothing is parked: every entry was applied.">
        {(entries) => <Table entries={entries} />}
      </Listed>
      {facts.items.length > 0 && (
        <section aria-labelledby="facts">
          <h2 id="facts">Facts that homes were not told</h2>
          <p className="muted">Homes may lack what they say; the rest of the service shows it.</p>
          <Listed of={facts} what="the parked facts" empty="">
            {(entries) => <Table entries={entries} />}
          </Listed>
        </section>
      )}
      {fanout.items.length > 0 && (
        <section aria-labelledby="fanout">
          <h2 id="fanout">Posts on their way into homes</h2>
          <p className="muted">Writing them into the homes of followers failed ten times. Other posts went on.</p>
          <Listed of={fanout} what="the parked posts" empty="">
            {(entries) => <Table entries={entries} />}
          </Listed>
        </section>
      )}
    </>
  );
}

function Table({ entries }: { entries: ParkedEntry[] }) {
  return (
    <table className="stacking">
      <thead>
        <tr>
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
            <td data-name="Next try">{entry.nextTryAt === null ? "when asked" : <Time ms={Date.parse(entry.nextTryAt)} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
