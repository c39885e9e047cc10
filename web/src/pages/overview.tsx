// The whole service on one page, asked for every two seconds.
import { admin } from "../api.ts";
import { bytes, count, duration, share, short, words } from "../figures.ts";
import { useLoad } from "../load.ts";
import { Chart } from "../parts/chart.tsx";
import { Badge, Bar, Facts, Figure, type Mood } from "../parts/figure.tsx";
import { A } from "../parts/link.tsx";
import { Sources } from "../parts/sources.tsx";
import { Shown } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import { rateNow, rates } from "../series.ts";
import type { Operator } from "../session.ts";
import type { Counts, IngestStatus, Overview as Data } from "../types.ts";

const EVERY_MS = 2_000;
/** Seconds over which "now" is averaged. */
const NOW_S = 10;
/** Behind by so much, the service is not live. */
const LATE_US = 10e6;

export function Overview({ operator }: { operator: Operator }) {
  const loaded = useLoad("overview", (signal) => admin<Data>(operator, "overview", signal), EVERY_MS);
  return (
    <>
      <h1 className="hidden">Overview</h1>
      <Shown of={loaded} what="the overview">
        {(data) => <Whole data={data} />}
      </Shown>
    </>
  );
}

function Whole({ data }: { data: Data }) {
  const ingest = data.ingest.status;
  return (
    <>
      <Headline data={data} />
      <Figures data={data} />
      {ingest === null ? <Away half="Ingest" why={data.ingest.error} /> : <Rates ingest={ingest} />}
      {data.dataplane.status === null && <Away half="The data-plane" why={data.dataplane.error} />}
      <section aria-labelledby="sources">
        <h2 id="sources">Sources</h2>
        <Sources sources={data.sources} bySource={ingest?.counts.eventsBySource ?? {}} nowUs={data.nowUs} />
      </section>
      <div className="columns">
        {ingest !== null && <Outcomes counts={ingest.counts} />}
        <div>
          {ingest !== null && <Accounts ingest={ingest} />}
          {ingest !== null && <Fetching counts={ingest.counts} />}
        </div>
        <div>
          <LogAndTables data={data} />
          <Process data={data} />
        </div>
      </div>
    </>
  );
}

function Away({ half, why }: { half: string; why: string | null }) {
  return (
    <p className="state bad" role="alert">
      <strong>{half} does not answer.</strong> {why}
    </p>
  );
}

/** In one sentence: how it goes. */
function verdict(data: Data): { mood: Mood; text: string } {
  const ingest = data.ingest.status;
  if (data.dataplane.status === null) return { mood: "bad", text: "The data-plane does not answer" };
  if (ingest === null) return { mood: "bad", text: "Ingest does not answer" };
  const stopped = data.sources.filter((source) => source.stopped);
  const paused = data.sources.find((source) => source.paused);
  const connected = data.sources.filter((source) => source.connected);
  if (stopped.length > 0) return { mood: "bad", text: `${stopped.map((source) => source.name).join(", ")} stopped and waits for you` };
  if (paused?.paused) return { mood: "warn", text: `Ingest is paused: ${paused.paused}` };
  if (!ingest.running) return { mood: "warn", text: "Ingest is starting, or stands by for another process" };
  if (data.sources.length === 0) return { mood: "warn", text: "No source is configured" };
  if (connected.length === 0) return { mood: "bad", text: "No source is connected" };
  if (data.lag !== null && data.lag.ageUs > LATE_US) return { mood: "warn", text: `Catching up: ${count(data.lag.entries)} entries behind` };
  const late = Math.max(0, ...connected.map((source) => source.lagUs ?? 0));
  if (late > 6 * LATE_US) return { mood: "warn", text: `Catching up with the network: ${duration(late)} behind` };
  if (connected.length < data.sources.length) return { mood: "warn", text: `${connected.length} of ${data.sources.length} sources are connected` };
  return { mood: "good", text: "Live with the network" };
}

function Headline({ data }: { data: Data }) {
  const { mood, text } = verdict(data);
  return (
    <p className={`headline ${mood}`} role="status">
      <span className="dot" aria-hidden="true" />
      {text}
    </p>
  );
}

function Figures({ data }: { data: Data }) {
  const ingest = data.ingest.status;
  const recent = ingest?.recent ?? [];
  const eventsNow = rateNow(recent.map((sample) => ({ timeUs: sample.timeUs, value: sample.events })), NOW_S);
  const counts = ingest?.counts;
  const commits = (counts?.verified ?? 0) + (counts?.unverified ?? 0);
  const rejected = sum(counts?.rejected ?? {});
  const lag = data.lag;
  return (
    <dl className="figures">
      <Figure name="Events" value={eventsNow === null ? "–" : <>{short(eventsNow)}<small> /s</small></>} more={counts === undefined ? undefined : `${count(counts.events)} since the start`} />
      <Figure
        name="Not shown yet"
        value={lag === null ? "–" : short(lag.entries)}
        more={lag === null ? undefined : lag.entries === 0 ? "entries; nothing waits" : `entries, for ${lag.atLeast ? "more than " : ""}${duration(lag.ageUs)}`}
        mood={lag !== null && lag.ageUs > LATE_US ? "warn" : "plain"}
      />
      <Figure name="Verified" value={commits === 0 ? "–" : share(counts?.verified ?? 0, commits)} more={counts === undefined ? undefined : `of ${count(commits)} commits`} mood={(counts?.unverified ?? 0) > 0 ? "warn" : "plain"} />
      <Figure name="Rejected" value={<A to={href({ page: "rejected", reason: null })}>{short(rejected)}</A>} more={counts === undefined ? undefined : `events, ${share(rejected, counts.events)}`} />
      <Figure name="Parked" value={<A to={href({ page: "parked", id: null })}>{short(data.parked)}</A>} more={data.parked === 0 ? "every entry was applied" : "entries could not be applied"} mood={data.parked > 0 ? "warn" : "plain"} />
    </dl>
  );
}

function Rates({ ingest }: { ingest: IngestStatus }) {
  const of = (pick: "events" | "entries") => rates(ingest.recent.map((sample) => ({ timeUs: sample.timeUs, value: sample[pick] })));
  const events = of("events");
  const entries = of("entries");
  const peak = Math.max(0, ...events.map((point) => point.perSecond));
  return (
    <section aria-labelledby="rate" className="card">
      <div className="card-head">
        <h2 id="rate">Ingest rate</h2>
        <p className="legend">
          <span className="area-key">events read</span> <span className="line-key">entries written</span>
        </p>
      </div>
      {events.length < 2 ? (
        <p className="muted">The first seconds are being measured …</p>
      ) : (
        <Chart
          label={`Events read and entries written a second; at most ${short(peak)} events a second`}
          area={events}
          line={entries}
          fromUs={events[0]?.timeUs ?? 0}
          toUs={ingest.nowUs}
        />
      )}
    </section>
  );
}

function sum(by: Record<string, number>): number {
  return Object.values(by).reduce((sum, n) => sum + n, 0);
}

function Outcomes({ counts }: { counts: Counts }) {
  const rows: { group: string; reason: string; n: number; mood: Mood; to?: string }[] = [
    { group: "Verified", reason: "signature and proof checked", n: counts.verified, mood: "good" },
  ];
  if (counts.unverified > 0) rows.push({ group: "Unverified", reason: "taken unchecked", n: counts.unverified, mood: "warn" });
  const sorted = (by: Record<string, number>) => Object.entries(by).sort((a, b) => b[1] - a[1]);
  for (const [reason, n] of sorted(counts.skipped)) rows.push({ group: "Skipped", reason: words(reason), n, mood: "plain" });
  for (const [reason, n] of sorted(counts.rejected)) {
    rows.push({ group: "Rejected", reason: words(reason), n, mood: "bad", to: href({ page: "rejected", reason }) });
  }
  const whole = rows.reduce((sum, row) => sum + row.n, 0);
  return (
    <section aria-labelledby="outcomes" className="card">
      <h2 id="outcomes">What became of the events</h2>
      <table className="tight">
        <thead>
          <tr>
            <th scope="col">Outcome</th>
            <th scope="col">Reason</th>
            <th scope="col" className="number">
              Events
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.group} ${row.reason}`}>
              <td>
                <Badge mood={row.mood}>{row.group}</Badge>
              </td>
              <td>
                {row.to === undefined ? row.reason : <A to={row.to}>{row.reason}</A>}
                <Bar part={row.n} whole={whole} mood={row.mood} />
              </td>
              <td className="number">{count(row.n)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {counts.invalidRecords > 0 && <p className="muted">{count(counts.invalidRecords)} records of accepted commits do not decode and were left out.</p>}
    </section>
  );
}

const STATES: [string, string, Mood][] = [
  ["complete", "whole", "good"],
  ["partial", "since first seen", "plain"],
  ["in_progress", "being fetched", "plain"],
  ["desynchronized", "something missing", "warn"],
  ["gone", "deleted", "plain"],
];

function Accounts({ ingest }: { ingest: IngestStatus }) {
  const accounts = ingest.accounts;
  const whole = accounts === null ? 0 : sum(accounts.byState);
  return (
    <section aria-labelledby="accounts" className="card">
      <h2 id="accounts">Accounts</h2>
      {accounts === null ? (
        <p className="muted">They are being counted …</p>
      ) : (
        <table className="tight">
          <thead>
            <tr>
              <th scope="col">Here of them</th>
              <th scope="col" className="number">
                Accounts
              </th>
            </tr>
          </thead>
          <tbody>
            {STATES.map(([state, what, mood]) => (
              <tr key={state}>
                <td>
                  {words(state)} <span className="muted">{what}</span>
                  <Bar part={accounts.byState[state] ?? 0} whole={whole} mood={mood} />
                </td>
                <td className="number">{count(accounts.byState[state] ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {accounts !== null && (
        <p className="muted">
          Counted <Time ms={accounts.countedUs / 1_000} />. <A to={href({ page: "hosts" })}>By host</A>
        </p>
      )}
    </section>
  );
}

function Fetching({ counts }: { counts: Counts }) {
  const results = Object.entries(counts.resyncs).sort((a, b) => b[1] - a[1]);
  return (
    <section aria-labelledby="fetching" className="card">
      <h2 id="fetching">Asked meanwhile</h2>
      <Facts
        facts={[
          ["Repositories being fetched", count(counts.resyncsRunning)],
          ...results.map(([result, n]): [string, string] => [`Repositories: ${words(result)}`, count(n)]),
          ["Accounts looked up now", count(counts.lookupsWaiting)],
          ["Events in memory", bytes(counts.inflightBytes)],
          ["… of them held back", bytes(counts.heldBytes)],
        ]}
      />
    </section>
  );
}

function LogAndTables({ data }: { data: Data }) {
  const log = data.ingest.status?.log ?? [];
  const offsets = data.dataplane.status?.offsets ?? [];
  const kept = log.reduce((sum, at) => sum + at.tail - at.oldest, 0);
  return (
    <section aria-labelledby="log" className="card">
      <h2 id="log">Log</h2>
      <Facts
        facts={[
          ["Entries kept", count(kept)],
          ...log.map((at): [string, string] => [log.length === 1 ? "Tail" : `Tail of partition ${at.partition}`, count(at.tail)]),
          ...offsets.map((at): [string, string] => [`${at.projection} applied${offsets.length === 1 ? "" : ` of ${at.partition}`}`, count(at.nextOffset)]),
          ["Written since the start", bytes(data.ingest.status?.counts.entryBytes ?? 0)],
        ]}
      />
    </section>
  );
}

function Process({ data }: { data: Data }) {
  const ingest = data.ingest.status;
  return (
    <section aria-labelledby="process" className="card">
      <h2 id="process">Process</h2>
      <Facts
        facts={[
          ["Version", ingest === null || ingest.version === data.version ? data.version : `${data.version}, ingest ${ingest.version}`],
          ["Up for", duration(data.nowUs - data.startedUs)],
          ["Log engine", ingest?.logEngine ?? "–"],
          ["Store engine", ingest?.storeEngine ?? "–"],
          ["Scope", data.scope === null ? "–" : data.scope.accounts === null ? data.scope.scope : `${data.scope.scope}: ${count(data.scope.accounts)} accounts`],
        ]}
      />
    </section>
  );
}
