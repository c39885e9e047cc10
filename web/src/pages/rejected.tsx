// Events that were not accepted, the newest first, all or of one reason.
import { admin, query } from "../api.ts";
import { bytes, count, words } from "../figures.ts";
import { useLoad, usePages } from "../load.ts";
import { A } from "../parts/link.tsx";
import { Badge } from "../parts/figure.tsx";
import { Listed } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import type { Overview, RejectedEvent, RejectedPage } from "../types.ts";

export function Rejected({ operator, reason }: { operator: Operator; reason: string | null }) {
  const overview = useLoad("reasons", (signal) => admin<Overview>(operator, "overview", signal), 5_000);
  const pages = usePages<RejectedEvent>(`rejected ${reason ?? ""}`, async (cursor, signal) => {
    const path = `rejected${query({ reason: reason ?? undefined, before: cursor, limit: 50 })}`;
    const page = await admin<RejectedPage>(operator, path, signal);
    return { items: page.rejected, cursor: page.cursor === undefined ? undefined : String(page.cursor) };
  });
  const counted = Object.entries(overview.data?.ingest.status?.counts.rejected ?? {}).sort((a, b) => b[1] - a[1]);
  return (
    <>
      <div className="page-head">
        <h1>Rejected events</h1>
        <button type="button" onClick={pages.again}>
          Refresh
        </button>
      </div>
      <p className="muted">Events that do not verify are not shown to anybody. The latest are kept here, to see who sends them and why.</p>
      <ul className="chips" aria-label="Reasons, with events since the start">
        <li>
          <A to={href({ page: "rejected", reason: null })} aria-current={reason === null ? "true" : undefined}>
            all
          </A>
        </li>
        {counted.map(([name, n]) => (
          <li key={name}>
            <A to={href({ page: "rejected", reason: name })} aria-current={reason === name ? "true" : undefined}>
              {words(name)} <span className="muted">{count(n)}</span>
            </A>
          </li>
        ))}
      </ul>
      <Listed of={pages} what="the events" empty={reason === null ? "No event was rejected." : `None of the events kept was rejected for “${words(reason)}”.`}>
        {(events) => (
          <table className="stacking">
            <thead>
              <tr>
                <th scope="col">Event</th>
                <th scope="col">Reason</th>
                <th scope="col">Account</th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col">Seen</th>
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr key={event.id}>
                  <th scope="row">
                    {event.source} {event.seq !== null && <span className="muted">{count(event.seq)}</span>}
                  </th>
                  <td data-name="Reason">
                    <Badge mood="bad">{words(event.reason)}</Badge>
                    <p className="muted break">{event.detail}</p>
                  </td>
                  <td data-name="Account" className="break">
                    {event.did === null ? "–" : <A to={href({ page: "profile", actor: event.did, tab: "posts" })}>{event.did}</A>}
                  </td>
                  <td data-name="Size" className="number">
                    {bytes(event.bytes)}
                  </td>
                  <td data-name="Seen">
                    <Time ms={event.seenUs / 1_000} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listed>
    </>
  );
}
