// Having accounts fetched whole: which, and from where they are known.
import { type FormEvent, useId, useState } from "react";
import { useAct } from "../act.ts";
import { command } from "../api.ts";
import { accounts, type BackfillKind, type Begin, listOf } from "../backfills.ts";
import { count } from "../figures.ts";
import type { Operator } from "../session.ts";
import type { Backfill } from "../types.ts";
import { Confirm } from "./confirm.tsx";
import { SubjectsField } from "./subjects_field.tsx";

const KINDS: [BackfillKind, string, string][] = [
  ["dids", "These accounts", "What is missing of them is fetched and checked, whether or not they are followed here."],
  ["list", "The members of a list", "Read from its author's repository; nothing of it has to be here before."],
  ["interest", "Who reads here, and whom they follow", "As the configuration's terms of interest say it (ingest.interest)."],
  ["network", "Everybody whom the sources list", "Every account of the relays and hosts that are followed: this may take long and much room."],
];

export function BeginBackfill({ operator, done }: { operator: Operator; done: () => void }) {
  const act = useAct();
  const id = useId();
  const [kind, setKind] = useState<BackfillKind>("dids");
  const [text, setText] = useState("");
  const [list, setList] = useState("");
  const [again, setAgain] = useState(false);
  const [asking, setAsking] = useState(false);
  const begin = () => {
    setAsking(false);
    void act.run("begin", async () => {
      const wanted: Begin = { kind, again };
      if (kind === "dids") wanted.dids = await accounts(text);
      if (kind === "list") wanted.list = await listOf(list);
      const job = await command<Backfill>(operator, "backfills/begin", wanted);
      setText("");
      setList("");
      done();
      return `Backfill ${job.id} has begun${job.listing ? "" : `, of ${count(job.found)}`}.`;
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (kind === "network") setAsking(true);
    else begin();
  };
  const choose = (kind: BackfillKind) => {
    setKind(kind);
    act.clear();
  };
  const hint = KINDS.find(([one]) => one === kind)?.[2];
  return (
    <form className="form begin" onSubmit={submit} aria-label="Begin a backfill">
      <label>
        Fetch
        <select value={kind} aria-describedby={`${id}-hint`} onChange={(event) => choose(event.target.value as BackfillKind)}>
          {KINDS.map(([one, name]) => (
            <option key={one} value={one}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <p id={`${id}-hint`} className="muted hint">
        {hint}
      </p>
      {kind === "dids" && (
        <SubjectsField
          label="Accounts"
          hint="Up to 1,000: DIDs, handles or addresses on bsky.app, parted by blanks, commas or lines. More at once takes millrace backfill dids."
          value={text}
          set={setText}
          error={act.error}
        />
      )}
      {kind === "list" && (
        <>
          <label>
            List or starter pack
            <input
              value={list}
              maxLength={1_000}
              spellCheck={false}
              autoCapitalize="off"
              placeholder="at://… or an address on bsky.app"
              aria-invalid={act.error !== null}
              aria-describedby={`${id}-error`}
              onChange={(event) => setList(event.target.value)}
            />
          </label>
          <p id={`${id}-error`} role="alert" className="error hint break">
            {act.error}
          </p>
        </>
      )}
      <label className="choice">
        <input type="checkbox" checked={again} onChange={(event) => setAgain(event.target.checked)} />
        Fetch also what is complete
      </label>
      {kind !== "dids" && kind !== "list" && (
        <p role="alert" className="error break">
          {act.error}
        </p>
      )}
      <div className="actions">
        <button type="submit" className="primary" disabled={act.pending !== null}>
          {act.pending !== null ? "Beginning …" : kind === "network" ? "Begin …" : "Begin"}
        </button>
      </div>
      <p role="status" className="said">
        {act.said}
      </p>
      {asking && (
        <Confirm title="Fetch every account that is listed?" yes="Begin" no="Leave it" onYes={begin} onNo={() => setAsking(false)}>
          <p>The hosts that are followed are read from end to end. It can be paused and cancelled; what was fetched stays.</p>
        </Confirm>
      )}
    </form>
  );
}
