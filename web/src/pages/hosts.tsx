// The hosts accounts live on, and how well their repositories can be fetched there.
import { admin } from "../api.ts";
import { count, duration } from "../figures.ts";
import { useLoad } from "../load.ts";
import { Backfills } from "../parts/backfills.tsx";
import { Badge, type Mood } from "../parts/figure.tsx";
import { Empty, Loading, Shown } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import type { Operator } from "../session.ts";
import type { Host, HostList } from "../types.ts";

export function Hosts({ operator }: { operator: Operator }) {
  const loaded = useLoad("hosts", (signal) => admin<HostList>(operator, "hosts", signal), 4_000);
  return (
    <>
      <h1>Hosts</h1>
      <p className="muted">Where the accounts live, as their DID documents say, those with most accounts first.</p>
      <Shown of={loaded} what="the hosts">
        {(list) => (list.countedUs === null ? <Loading what="the hosts: accounts are being counted" /> : <Table list={list} countedUs={list.countedUs} />)}
      </Shown>
      <Backfills operator={operator} />
    </>
  );
}

function health(host: Host): [Mood, string] {
  if (host.pausedMs !== null) return ["warn", `asked for a pause: ${duration(host.pausedMs * 1_000)} left`];
  if (host.failing > 0) return [host.failing >= host.accounts ? "bad" : "warn", "failing"];
  if (host.waiting > 0) return ["plain", "being fetched"];
  return ["good", "fine"];
}

function Table({ list, countedUs }: { list: HostList; countedUs: number }) {
  if (list.hosts.length === 0) return <Empty>No account's host is known yet.</Empty>;
  return (
    <>
      <table className="stacking">
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col">Health</th>
            <th scope="col" className="number">
              Accounts
            </th>
            <th scope="col" className="number">
              Incomplete
            </th>
            <th scope="col" className="number">
              Waiting
            </th>
            <th scope="col" className="number">
              Failing
            </th>
            <th scope="col">Next try</th>
          </tr>
        </thead>
        <tbody>
          {list.hosts.map((host) => (
            <tr key={host.host}>
              <th scope="row" className="break">
                {host.host}
                {host.error !== null && <p className="error">{host.error}</p>}
              </th>
              <td data-name="Health">
                <Badge mood={health(host)[0]}>{health(host)[1]}</Badge>
              </td>
              <td data-name="Accounts" className="number">
                {count(host.accounts)}
              </td>
              <td data-name="Incomplete" className="number">
                {count(host.desynchronized)}
              </td>
              <td data-name="Waiting" className="number">
                {count(host.waiting)}
              </td>
              <td data-name="Failing" className="number">
                {count(host.failing)}
                {host.attempts > 0 && <span className="muted"> ≤ {host.attempts} tries</span>}
              </td>
              <td data-name="Next try">{host.nextTryUs === null ? "–" : <Time ms={host.nextTryUs / 1_000} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">
        Counted <Time ms={countedUs / 1_000} />.{list.more > 0 && ` ${count(list.more)} smaller hosts are not listed.`}
        {list.unknownAccounts > 0 && ` Of ${count(list.unknownAccounts)} accounts the host is not known yet.`}
      </p>
    </>
  );
}
