// Saying something of accounts and records, or taking it back: of many in one go.
import { type FormEvent, useId, useState } from "react";
import { useAct } from "../act.ts";
import { command } from "../api.ts";
import { count, counted } from "../figures.ts";
import type { Operator } from "../session.ts";
import { parts, understood } from "../subjects.ts";
import { Confirm } from "./confirm.tsx";
import { Said } from "./said.tsx";
import { SubjectsField } from "./subjects_field.tsx";

/** Labels of one request. */
const LABELS_MAX = 100;
const DAY_MS = 86_400_000;
const KNOWN = ["!hide", "!warn", "!takedown", "porn", "sexual", "nudity", "graphic-media", "spam", "impersonation", "needs-review"];
const ENDS: [string, number][] = [
  ["never", 0],
  ["in a day", DAY_MS],
  ["in a week", 7 * DAY_MS],
  ["in 30 days", 30 * DAY_MS],
];

interface Wanted {
  uris: string[];
  neg: boolean;
}

/** `subject`: the one it is about; otherwise they are asked for. */
export function LabelForm({ operator, subject, done }: { operator: Operator; subject?: string; done: () => void }) {
  const act = useAct();
  const id = useId();
  const [text, setText] = useState("");
  const [val, setVal] = useState("");
  const [reason, setReason] = useState("");
  const [ends, setEnds] = useState(0);
  const [asking, setAsking] = useState<Wanted | null>(null);
  const look = (neg: boolean) =>
    act.run(neg ? "look up back" : "look up", async () => {
      if (val.trim() === "") throw new Error("Say which label.");
      setAsking({ uris: subject === undefined ? await understood(text) : [subject], neg });
      return "";
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void look(false);
  };
  const say = ({ uris, neg }: Wanted) => {
    setAsking(null);
    void act.run("say", async () => {
      const exp = ends > 0 && !neg ? new Date(Date.now() + ends).toISOString() : undefined;
      let said = 0;
      for (const some of parts(uris, LABELS_MAX)) {
        try {
          const labels = some.map((uri) => ({ uri, val: val.trim(), neg, exp }));
          await command(operator, "labels/issue", { labels, reason: reason.trim() });
        } catch (error) {
          // What was said stays said: only the rest is to be tried again.
          if (subject === undefined) setText(uris.slice(said).join("\n"));
          if (said > 0) done();
          throw said === 0 ? error : new Error(`${count(said)} of ${count(uris.length)} are done; then: ${error instanceof Error ? error.message : String(error)}`);
        }
        said += some.length;
      }
      setText("");
      done();
      return neg ? `“${val.trim()}” is taken back of ${counted(said, "subject", "subjects")}.` : `“${val.trim()}” is said of ${counted(said, "subject", "subjects")}.`;
    });
  };
  return (
    <>
      <form className="form" onSubmit={submit}>
        {subject === undefined && (
          <SubjectsField
            label="Accounts or records"
            hint="As many as you like, up to 1,000: DIDs, handles, at:// URIs or addresses on bsky.app, parted by blanks, commas or lines."
            value={text}
            set={setText}
            rows={4}
          />
        )}
        <div className="fields">
          <label>
            Label
            <input list={`${id}-known`} value={val} maxLength={128} spellCheck={false} autoCapitalize="off" onChange={(event) => setVal(event.target.value)} />
          </label>
          <datalist id={`${id}-known`}>
            {KNOWN.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <label>
            Ends
            <select value={ends} onChange={(event) => setEnds(Number(event.target.value))}>
              {ENDS.map(([name, ms]) => (
                <option key={name} value={ms}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label className="wide">
            Reason <span className="muted">(kept here)</span>
            <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
          </label>
        </div>
        <Said of={act} />
        <div className="actions">
          <button type="submit" className="primary" disabled={act.pending !== null}>
            {act.pending === "say" ? "Signing …" : act.pending === "look up" ? "Looking up …" : "Label …"}
          </button>
          <button type="button" disabled={act.pending !== null} onClick={() => look(true)}>
            {act.pending === "look up back" ? "Looking up …" : "Take back …"}
          </button>
        </div>
      </form>
      {asking !== null && (
        <Confirm
          title={`${asking.neg ? "Take back" : "Say"} “${val.trim()}” of ${counted(asking.uris.length, "subject", "subjects")}?`}
          yes={asking.neg ? "Take back" : "Label"}
          no="Leave it"
          onYes={() => say(asking)}
          onNo={() => setAsking(null)}
        >
          <ul className="pasted" tabIndex={0} aria-label="What it is about">
            {asking.uris.map((uri) => (
              <li key={uri}>
                <code>{uri}</code>
              </li>
            ))}
          </ul>
          <p>Whoever accepts this service as a labeler sees it. It is signed, and others may keep what was said.</p>
        </Confirm>
      )}
    </>
  );
}
