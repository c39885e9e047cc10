// What is taken down here, of everybody or of one account; and taking down.
import { type FormEvent, useState } from "react";
import { useAct } from "../act.ts";
import { admin, query } from "../api.ts";
import { usePages } from "../load.ts";
import { Badge } from "../parts/figure.tsx";
import { A } from "../parts/link.tsx";
import { Said } from "../parts/said.tsx";
import { Listed } from "../parts/states.tsx";
import { SubjectLink } from "../parts/subject.tsx";
import { SubjectsField } from "../parts/subjects_field.tsx";
import { Lift, TakeDown } from "../parts/take_down.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import { understood } from "../subjects.ts";
import { keyOf, subjectUri, takedownOf } from "../takedowns.ts";
import type { Takedown, TakedownPage, TakedownSubject } from "../types.ts";

export function Takedowns({ operator, did }: { operator: Operator; did: string | null }) {
  const act = useAct();
  const [lifting, setLifting] = useState<TakedownSubject | null>(null);
  const pages = usePages<Takedown>(`takedowns ${did ?? ""}`, async (cursor, signal) => {
    const page = await admin<TakedownPage>(operator, `takedowns${query({ did: did ?? undefined, limit: 50, cursor })}`, signal);
    return { items: page.takedowns, cursor: page.cursor };
  });
  const done = (said: string) => {
    act.say(said);
    setLifting(null);
    pages.again();
  };
  return (
    <>
      <p className="muted">What is taken down is shown to nobody but who moderates, whatever labels a request accepts.</p>
      <Form operator={operator} done={done} />
      <Said of={act} />
      {did !== null && (
        <p className="chips">
          <A to={href({ page: "moderation", tab: "takedowns", subject: null })} aria-current="true">
            only of {did} ✕
          </A>
        </p>
      )}
      <Listed of={pages} what="the takedowns" empty={did === null ? "Nothing is taken down here." : "Nothing of this account is taken down here."}>
        {(takedowns) => <TakedownTable takedowns={takedowns} lift={setLifting} />}
      </Listed>
      {lifting !== null && <Lift operator={operator} subjects={[lifting]} close={() => setLifting(null)} done={done} />}
    </>
  );
}

export function TakedownTable({ takedowns, lift }: { takedowns: Takedown[]; lift: (subject: TakedownSubject) => void }) {
  return (
    <table className="stacking">
      <thead>
        <tr>
          <th scope="col">Subject</th>
          <th scope="col">Kind</th>
          <th scope="col">Reason</th>
          <th scope="col">By</th>
          <th scope="col">Since</th>
          <th scope="col">
            <span className="hidden">Lift</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {takedowns.map((takedown) => (
          <tr key={keyOf(takedown.subject)} data-item>
            <th scope="row" className="break">
              <SubjectLink uri={subjectUri(takedown.subject)} />
              {takedown.subject.kind === "blob" && <code>{takedown.subject.cid}</code>}
            </th>
            <td data-name="Kind">
              <Badge mood="bad">{takedown.subject.kind}</Badge>
            </td>
            <td data-name="Reason" className="break">
              {takedown.reason || "–"}
              {takedown.reference !== "" && <p className="muted">{takedown.reference}</p>}
            </td>
            <td data-name="By" className="break">
              {takedown.by}
            </td>
            <td data-name="Since">
              <Time ms={takedown.atUs / 1_000} />
            </td>
            <td className="end">
              <button type="button" onClick={() => lift(takedown.subject)}>
                Lift …
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Form({ operator, done }: { operator: Operator; done: (said: string) => void }) {
  const act = useAct();
  const [text, setText] = useState("");
  const [cid, setCid] = useState("");
  const [asking, setAsking] = useState<TakedownSubject[] | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act.run("look up", async () => {
      const uris = await understood(text);
      setAsking(uris.map((uri) => ofOne(uri, cid.trim())));
      return "";
    });
  };
  return (
    <>
      <form className="card form" onSubmit={submit}>
        <h2>Take something down</h2>
        <SubjectsField
          label="Accounts or records"
          hint="DIDs, handles, at:// URIs or addresses on bsky.app, one after the other. They need not be known here yet."
          value={text}
          set={setText}
        />
        <label>
          Blob <span className="muted">(the CID of a picture or video; leave empty for the account itself)</span>
          <input value={cid} maxLength={200} spellCheck={false} onChange={(event) => setCid(event.target.value)} />
        </label>
        <Said of={act} />
        <button type="submit" className="danger" disabled={act.pending !== null}>
          {act.pending === null ? "Take down …" : "Looking up …"}
        </button>
      </form>
      {asking !== null && (
        <TakeDown
          operator={operator}
          subjects={asking}
          close={() => setAsking(null)}
          done={(said) => {
            setAsking(null);
            setText("");
            setCid("");
            done(said);
          }}
        />
      )}
    </>
  );
}

function ofOne(uri: string, cid: string): TakedownSubject {
  if (cid === "") return takedownOf(uri);
  if (uri.startsWith("at://")) throw new Error("A blob is taken down in all records of its account: name the account alone.");
  return { kind: "blob", did: uri, cid };
}
