// Taking down and lifting: the dialogs that say what will follow, and do it.
import { useState } from "react";
import { useAct } from "../act.ts";
import { command } from "../api.ts";
import { counted } from "../figures.ts";
import type { Operator } from "../session.ts";
import { FOLLOWS, keyOf } from "../takedowns.ts";
import type { TakedownSubject } from "../types.ts";
import { Dialog } from "./dialog.tsx";
import { Said } from "./said.tsx";

/** Bytes that the server takes. */
const REASON_MAX = 2_000;
const REFERENCE_MAX = 512;

interface Props {
  operator: Operator;
  subjects: TakedownSubject[];
  close: () => void;
  done: (said: string) => void;
}

export function TakeDown({ operator, subjects, close, done }: Props) {
  const act = useAct();
  const [left, setLeft] = useState(subjects);
  const [reason, setReason] = useState("");
  const [reference, setReference] = useState("");
  const go = () =>
    act.run("take down", async () => {
      // Each is done when its answer comes; what fails stays, to be tried again.
      for (const [at, subject] of left.entries()) {
        setLeft(left.slice(at));
        await command(operator, "takedowns/apply", { subject, reason: reason.trim(), reference: reference.trim() });
      }
      const said = `${counted(subjects.length, "subject is", "subjects are")} down.`;
      done(said);
      return said;
    });
  return (
    <Dialog title={subjects.length === 1 ? "Take this down?" : `Take ${subjects.length} subjects down?`} close={close}>
      <Subjects subjects={left} />
      {[...new Set(subjects.map(({ kind }) => kind))].map((kind) => (
        <p key={kind}>{FOLLOWS[kind]}</p>
      ))}
      <p className="muted">It holds at once for everybody, and can be lifted.</p>
      <label>
        Reason <span className="muted">(kept here, for who moderates)</span>
        <input data-first value={reason} maxLength={REASON_MAX / 4} onChange={(event) => setReason(event.target.value)} />
      </label>
      <label>
        Reference <span className="muted">(such as a ticket)</span>
        <input value={reference} maxLength={REFERENCE_MAX / 4} onChange={(event) => setReference(event.target.value)} />
      </label>
      <Said of={act} />
      <div className="actions">
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="button" className="danger" disabled={act.pending !== null} onClick={go}>
          {act.pending === null ? "Take down" : left.length > 1 ? `Taking down, ${left.length} left …` : "Taking down …"}
        </button>
      </div>
    </Dialog>
  );
}

export function Lift({ operator, subjects: [subject], close, done }: Props) {
  const act = useAct();
  if (subject === undefined) return null;
  const go = () =>
    act.run("lift", async () => {
      await command(operator, "takedowns/lift", { subject });
      done("The takedown is lifted.");
      return "";
    });
  return (
    <Dialog title="Lift the takedown?" close={close}>
      <Subjects subjects={[subject]} />
      <p>It is shown again at once, as far as the network has it.</p>
      <Said of={act} />
      <div className="actions">
        <button type="button" data-first onClick={close}>
          Leave it
        </button>
        <button type="button" className="primary" disabled={act.pending !== null} onClick={go}>
          {act.pending === null ? "Lift" : "Lifting …"}
        </button>
      </div>
    </Dialog>
  );
}

function Subjects({ subjects }: { subjects: TakedownSubject[] }) {
  return (
    <ul className="pasted" tabIndex={0} aria-label="What it is about">
      {subjects.map((subject) => (
        <li key={keyOf(subject)} className="break">
          {subject.kind}: <code>{subject.kind === "blob" ? `${subject.cid} of ${subject.did}` : keyOf(subject)}</code>
        </li>
      ))}
    </ul>
  );
}
