// How homes are made and read: where their pages came from and how long it took, how items find their way into them, and
// how large they are. Asked for every five seconds.
import { admin } from "../api.ts";
import { count, counted, duration, share, short } from "../figures.ts";
import { cached, FAN_OUT_US, growth, lagMood, more, PAGE_US, pageRates, pagesIn, rate, rungs, took, verdict, ways, type Rung } from "../homes.ts";
import { useLoad } from "../load.ts";
import { Chart } from "../parts/chart.tsx";
import { Badge, Bar, Facts, Figure } from "../parts/figure.tsx";
import { A } from "../parts/link.tsx";
import { Shown } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { FEEDS_MINUTES, href, type FeedsMinutes } from "../router.ts";
import type { Operator } from "../session.ts";
import type { Feeds, HomesStanding, Sizes } from "../types.ts";

const EVERY_MS = 5_000;
const HOUR_US = 3_600e6;

export function FeedsPage({ operator, minutes }: { operator: Operator; minutes: FeedsMinutes }) {
  const loaded = useLoad(`feeds ${minutes}`, (signal) => admin<Feeds>(operator, `feeds?seconds=${60 * minutes}`, signal), EVERY_MS);
  return (
    <>
      <div className="page-head">
        <h1>Feeds</h1>
        <ul className="chips" aria-label="Times of the last">
          {FEEDS_MINUTES.map((one) => (
            <li key={one}>
              <A to={href({ page: "feeds", minutes: one })} aria-current={one === minutes ? "true" : undefined}>
                {span(60 * one)}
              </A>
            </li>
          ))}
        </ul>
      </div>
      <p className="muted">The homes of who reads here: how they are read, and how posts find their way into them.</p>
      <Shown of={loaded} what="how homes do">
        {(feeds) => <Whole feeds={feeds} />}
      </Shown>
    </>
  );
}

function span(seconds: number): string {
  return duration(seconds * 1e6);
}

function Whole({ feeds }: { feeds: Feeds }) {
  const { mood, text } = verdict(feeds);
  const homes = feeds.homes.status;
  const ladder = rungs(feeds);
  return (
    <>
      <p className={`headline ${mood}`} role="status">
        <span className="dot" aria-hidden="true" />
        {text}
      </p>
      {feeds.homes.error !== null && (
        <p className="state bad" role="alert">
          <strong>Homes do not answer.</strong> {feeds.homes.error}
        </p>
      )}
      {!feeds.enabled && (
        <p className="state">
          With <code>feeds.enabled = true</code> they are written beforehand and can be ranked. Until then this page has only the times of looking them up.
        </p>
      )}
      <Figures feeds={feeds} homes={homes} ladder={ladder} />
      <Rates feeds={feeds} />
      <div className="columns two">
        <Ladder ladder={ladder} seconds={feeds.seconds} />
        <div>
          {homes !== null && <Ways homes={homes} />}
          {homes !== null && <Waiting homes={homes} />}
        </div>
      </div>
      {homes !== null && <HowLarge sizes={homes.sizes} nowUs={homes.nowUs} />}
      <Since feeds={feeds} homes={homes} />
    </>
  );
}

function Figures({ feeds, homes, ladder }: { feeds: Feeds; homes: HomesStanding | null; ladder: Rung[] }) {
  const pages = pagesIn(ladder);
  const often = rate(pages / feeds.seconds);
  const { part, whole, mood } = cached(ladder);
  const lines = homes?.sizes.at(-1);
  const grown = homes === null ? null : growth(homes.sizes, (size) => size.lines, HOUR_US);
  return (
    <dl className="figures">
      <Figure name="Pages read" value={<>{often.value}<small> {often.unit}</small></>} more={`${count(pages)} in ${span(feeds.seconds)}`} />
      {feeds.enabled && <Figure name="From the cache" value={share(part, whole)} more="of pages; more than 70 % is good" mood={mood} />}
      {homes !== null && (
        <>
          <Figure
            name="Behind"
            value={homes.lagEntries === 0 ? "0" : duration(homes.lagUs)}
            more={homes.lagEntries === 0 ? "every fact is in homes" : `${count(homes.lagEntries)} facts; by pull after ${duration(homes.lagUsMax)}`}
            mood={lagMood(homes)}
          />
          <Figure
            name="On their way"
            value={short(homes.waiting)}
            more={homes.parked === 0 ? "posts into homes; none given up" : <>posts into homes; <A to={href({ page: "parked", id: null })}>{count(homes.parked)} given up</A></>}
            mood={homes.parked > 0 ? "warn" : "plain"}
          />
          <Figure name="Lines of homes" value={lines === undefined ? "–" : short(lines.lines)} more={lines === undefined ? "being counted …" : grown === null ? `of ${counted(lines.readers, "reader", "readers")}` : `${more(grown)} in the last hour`} />
        </>
      )}
    </dl>
  );
}

function Rates({ feeds }: { feeds: Feeds }) {
  const points = pageRates(feeds);
  const peak = Math.max(0, ...points.map((point) => point.perSecond));
  // What is rare would be nothing by the second.
  const [unit, times] = peak < 1 ? ["minute", 60] as const : ["second", 1] as const;
  const shown = points.map(({ timeUs, perSecond }) => ({ timeUs, perSecond: times * perSecond }));
  return (
    <section aria-labelledby="pages" className="card">
      <h2 id="pages">Pages a {unit}</h2>
      {peak === 0 ? (
        <p className="muted">Nobody has read a home in the last {span(feeds.seconds)}.</p>
      ) : (
        <Chart label={`Pages of homes a ${unit}; at most ${short(times * peak)}`} area={shown} fromUs={points[0]?.timeUs ?? 0} toUs={feeds.nowUs} />
      )}
    </section>
  );
}

/** The head of a table of what was counted, with how long it took. */
function TimesHead({ first, counted }: { first: string; counted: string }) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {[counted, "Half in", "99 % in"].map((name) => (
          <th key={name} scope="col" className="number">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** The cells of how long it took. */
function Times({ timing }: { timing: Rung["timing"] }) {
  const cell = (us: number | undefined) => <td className="number">{us === undefined ? "–" : took(us)}</td>;
  const told = timing === null || timing.count === 0 ? undefined : timing;
  return (
    <>
      {cell(told?.p50Us)}
      {cell(told?.p99Us)}
    </>
  );
}

function Ladder({ ladder, seconds }: { ladder: Rung[]; seconds: number }) {
  const whole = pagesIn(ladder);
  return (
    <section aria-labelledby="ladder" className="card">
      <h2 id="ladder">Where pages came from</h2>
      <table className="tight">
        <TimesHead first="Source, the best first" counted="Pages" />
        <tbody>
          {ladder.map(({ key, name, what, timing, mood }) => (
            <tr key={key}>
              <td>
                <Badge mood={mood}>{name}</Badge> <span className="muted">{what}</span>
                <Bar part={timing?.count ?? 0} whole={whole} mood={mood} />
              </td>
              <td className="number">
                {count(timing?.count ?? 0)}
                {timing !== null && timing.count > 0 && <div className="muted">{Object.values(rate(timing.count / seconds)).join(" ")}</div>}
              </td>
              <Times timing={timing} />
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">Where one source cannot answer the next one does. 99 of 100 pages within {duration(PAGE_US)} is good.</p>
    </section>
  );
}

function Ways({ homes }: { homes: HomesStanding }) {
  return (
    <section aria-labelledby="ways" className="card">
      <h2 id="ways">Posts into homes</h2>
      <table className="tight">
        <TimesHead first="Homes" counted="Posts" />
        <tbody>
          {ways(homes).map(({ name, timing, mood }) => (
            <tr key={timing.name}>
              <td>
                <Badge mood={mood}>{name}</Badge>
              </td>
              <td className="number">{count(timing.count)}</td>
              <Times timing={timing} />
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">From when a post was to be written to when it is in the last home. Below 1,000 homes, {duration(FAN_OUT_US)} is good.</p>
    </section>
  );
}

function Waiting({ homes }: { homes: HomesStanding }) {
  return (
    <section aria-labelledby="waiting" className="card">
      <h2 id="waiting">What waits</h2>
      <Facts
        facts={[
          ["Posts on their way into homes", count(homes.waiting)],
          ["… given up", homes.parked === 0 ? "none" : <A to={href({ page: "parked", id: null })}>{count(homes.parked)}</A>],
          ["Homes to be made", count(homes.unbuilt)],
          ["Follows, blocks and mutes to be followed up", count(homes.unsettled)],
        ]}
      />
    </section>
  );
}

const TABLES: [string, string, (size: Sizes) => number][] = [
  ["Lines of homes", "user_feeds", (size) => size.lines],
  ["Readers", "feed_state", (size) => size.readers],
  ["Posts on their way", "fanout_job", (size) => size.jobs],
  ["Posts that others were told of", "announced", (size) => size.announced],
];

function HowLarge({ sizes, nowUs }: { sizes: Sizes[]; nowUs: number }) {
  const last = sizes.at(-1);
  const points = sizes.map((size) => ({ timeUs: size.atUs, perSecond: size.lines }));
  return (
    <section aria-labelledby="large" className="card">
      <h2 id="large">How large it is</h2>
      {last === undefined ? (
        <p className="muted">It is being counted; the first figures come within minutes.</p>
      ) : (
        <>
          {points.length > 1 && <Chart label={`Lines of homes over the last day; now ${short(last.lines)}`} area={points} fromUs={points[0]?.timeUs ?? 0} toUs={nowUs} />}
          <table className="tight">
            <thead>
              <tr>
                <th scope="col">Rows</th>
                <th scope="col" className="number">
                  Now
                </th>
                <th scope="col" className="number">
                  In an hour
                </th>
                <th scope="col" className="number">
                  In a day
                </th>
              </tr>
            </thead>
            <tbody>
              {TABLES.map(([name, table, of]) => (
                <tr key={table}>
                  <td>
                    {name} <code className="muted">{table}</code>
                  </td>
                  <td className="number">{count(of(last))}</td>
                  <td className="number">{more(growth(sizes, of, HOUR_US))}</td>
                  <td className="number">{more(growth(sizes, of, 24 * HOUR_US))}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="muted">
            Counted <Time ms={last.atUs / 1_000} />, once a minute. A home has 1,000 lines at most unless configured otherwise: growth is new readers, until their homes are full.
          </p>
        </>
      )}
    </section>
  );
}

/** Counters begin anew with their process. */
function Since({ feeds, homes }: { feeds: Feeds; homes: HomesStanding | null }) {
  const startedUs = Math.max(feeds.startedUs, homes?.startedUs ?? 0);
  if (feeds.nowUs - startedUs >= feeds.seconds * 1e6) return null;
  return (
    <p className="muted">
      Times are counted since the program started, <Time ms={startedUs / 1_000} />.
    </p>
  );
}
