// The entries that could not be applied.
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
import type { ParkedEntry, ParkedPage } from "../types.ts";

export function Parked({ operator }: { operator: Operator }) {
  const [said, setSaid] = useState("");
  const pages = usePages<ParkedEntry>("parked", async (cursor, signal) => {
    const page = await admin<ParkedPage>(operator, `parked${query({ after: cursor, limit: 50 })}`, signal);
    return { items: page.parked, cursor: page.cursor === undefined ? undefined : String(page.cursor) };
  });
  const retryAll = async () => {
    try {
      const { entries } = await command<{ entries: number }>(operator, "parked/retry");
      setSaid(`${count(entries)} entries are tried again. Those that wait behind another follow it.`);
      pages.again();
    } catch (error) {
      setSaid(told(error));
    }
  };
  return (
    <>
      <div className="page-head">
        <h1>Parked entries</h1>
        <div className="actions">
          <button type="button" onClick={pages.again}>
            Refresh
          </button>
          <button type="button" onClick={retryAll} disabled={pages.items.length === 0}>
            Retry all
          </button>
        </div>
      </div>
      <p className="muted">Entries of the log that could not be applied. Nothing is lost, and entries of other accounts are not held up.</p>
      <p role="status" className="said">
        {said}
      </p>
      <Listed of={pages} what="the parked entries" empty="Nothing is parked: every entry was applied.">
        {(entries) => (
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
                    <A data-open to={href({ page: "parked", id: entry.id })}>
                      #{entry.id}
                    </A>{" "}
                    <span className="muted">
                      {entry.projection} @{count(entry.offset)}
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
        )}
      </Listed>
    </>
  );
}
