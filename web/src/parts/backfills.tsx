// Accounts that were asked for to be fetched whole, and how far that is.
import { useState } from "react";
import { useAct } from "../act.ts";
import { admin, command } from "../api.ts";
import { bytes, count, duration, short, words } from "../figures.ts";
import { useLoad } from "../load.ts";
import type { Operator } from "../session.ts";
import type { Backfill } from "../types.ts";
import { BeginBackfill } from "./begin_backfill.tsx";
import { Confirm } from "./confirm.tsx";
import { Badge, Bar, Facts, type Mood } from "./figure.tsx";
import { Shown } from "./states.tsx";
import { Time } from "./time.tsx";

/** Of those that have ended. */
const ENDED_SHOWN = 3;
const MOODS: Record<string, Mood> = { running: "good", paused: "warn", failed: "bad" };

export function Backfills({ operator }: { operator: Operator }) {
  const loaded = useLoad("backfills", (signal) => admin<{ backfills: Backfill[] }>(operator, "backfills", signal), 2_000);
  const act = useAct();
  const [cancelling, setCancelling] = useState<number | null>(null);
  const change = (id: number, what: "pause" | "resume" | "cancel") => {
    setCancelling(null);
    void act.run(`${what} ${id}`, async () => {
      const job = await command<Backfill>(operator, `backfills/${id}/${what}`);
      loaded.again();
      return `Backfill ${id} is ${job.state}.`;
    });
  };
  return (
    <section aria-labelledby="backfills">
      <h2 id="backfills">Backfills</h2>
      <p className="muted">
        Accounts that are fetched whole because somebody asked for them, here or with <code>millrace backfill</code>.
      </p>
      <BeginBackfill operator={operator} done={loaded.again} />
      <p role="status" className="said">
        {act.error ?? act.said}
      </p>
      <Shown of={loaded} what="the backfills">
        {({ backfills }) =>
          backfills.length === 0 ? (
            <p className="muted">There are none.</p>
          ) : (
            shown(backfills).map((job) => (
              <One key={job.id} job={job} pending={act.pending !== null} change={(what) => (what === "cancel" ? setCancelling(job.id) : change(job.id, what))} />
            ))
          )
        }
      </Shown>
      {cancelling !== null && (
        <Confirm title={`Cancel backfill ${cancelling}?`} yes="Cancel it" no="Let it go on" onYes={() => change(cancelling, "cancel")} onNo={() => setCancelling(null)}>
          <p>No more accounts are fetched for it. What was fetched stays.</p>
        </Confirm>
      )}
    </section>
  );
}

/** Those under way, and the last of the others. */
function shown(backfills: Backfill[]): Backfill[] {
  const ended = backfills.filter((job) => job.endedUs !== null).slice(0, ENDED_SHOWN);
  return backfills.filter((job) => job.endedUs === null || ended.includes(job));
}

function One({ job, pending, change }: { job: Backfill; pending: boolean; change: (what: "pause" | "resume" | "cancel") => void }) {
  const failed = Object.values(job.failed).reduce((sum, accounts) => sum + accounts, 0);
  const settled = job.passed + job.fetched + failed;
  const pace = job.accountsPerSecond === null || job.recordsPerSecond === null ? null : `${short(job.accountsPerSecond)} accounts/s, ${short(job.recordsPerSecond)} records/s`;
  const reasons = Object.entries(job.failed).map(([reason, accounts]) => `${words(reason)} ${count(accounts)}`);
  return (
    <section className="card" aria-labelledby={`backfill-${job.id}`}>
      <div className="card-head">
        <h3 id={`backfill-${job.id}`} className="break">
          {job.id}: {job.kind} {job.asked} <Badge mood={MOODS[job.state] ?? "plain"}>{job.state}</Badge>
        </h3>
        {job.endedUs === null && (
          <div className="actions">
            <button type="button" disabled={pending} onClick={() => change(job.state === "paused" ? "resume" : "pause")}>
              {job.state === "paused" ? "Resume" : "Pause"}
            </button>
            <button type="button" className="danger" disabled={pending} onClick={() => change("cancel")}>
              Cancel …
            </button>
          </div>
        )}
      </div>
      <Bar part={settled} whole={job.found} mood={failed > 0 ? "warn" : "good"} />
      <Facts
        wide
        facts={[
          ["Accounts", `${count(job.found)}${job.listing ? " so far" : ""}`],
          ["Fetched", count(job.fetched)],
          ["Passed over", count(job.passed)],
          ["Failed", failed === 0 ? "none" : reasons.join(", ")],
          ["To go", count(Math.max(0, job.found - settled))],
          ["Records", `${count(job.records)} in ${bytes(job.bytes)}`],
          ...(pace === null ? [] : [["Pace", pace] as [string, string]]),
          ...(job.leftUs === null ? [] : [["Left", duration(job.leftUs)] as [string, string]]),
          ["Begun", <Time key="b" ms={job.begunUs / 1_000} />],
          ...(job.error === null ? [] : [["Look at", job.error] as [string, string]]),
        ]}
      />
    </section>
  );
}
