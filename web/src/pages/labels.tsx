// What is said here of accounts and records, as a labeler would.
import { useState } from "react";
import { useAct } from "../act.ts";
import { admin, command, query } from "../api.ts";
import { mood } from "../labels.ts";
import { usePages } from "../load.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Badge } from "../parts/figure.tsx";
import { LabelForm } from "../parts/label_form.tsx";
import { Said } from "../parts/said.tsx";
import { Listed } from "../parts/states.tsx";
import { SubjectLink } from "../parts/subject.tsx";
import { Time } from "../parts/time.tsx";
import type { Operator } from "../session.ts";
import type { IssuedLabel, IssuedLabelPage } from "../types.ts";

const keyOf = (label: IssuedLabel) => `${label.uri} ${label.val}`;

export function Issued({ operator }: { operator: Operator }) {
  const act = useAct();
  const [asking, setAsking] = useState<IssuedLabel | null>(null);
  const pages = usePages<IssuedLabel>("labels", async (cursor, signal) => {
    const page = await admin<IssuedLabelPage>(operator, `labels${query({ limit: 50, cursor })}`, signal);
    return { items: page.labels, cursor: page.cursor };
  });
  const takeBack = (label: IssuedLabel) => {
    setAsking(null);
    void act.run(keyOf(label), async () => {
      await command(operator, "labels/issue", { labels: [{ uri: label.uri, val: label.val, neg: true }] });
      pages.again();
      return `“${label.val}” is taken back.`;
    });
  };
  return (
    <>
      <p className="muted">Labels are signed with the service's key. Whoever accepts it as a labeler sees them; what they mean is for the apps to say.</p>
      <section className="card" aria-labelledby="label-form">
        <h2 id="label-form">Label accounts or records</h2>
        <LabelForm operator={operator} done={pages.again} />
      </section>
      <Said of={act} />
      <Listed of={pages} what="the labels" empty="Nothing was said here of anybody.">
        {(labels) => (
          <table className="stacking">
            <thead>
              <tr>
                <th scope="col">Subject</th>
                <th scope="col">Label</th>
                <th scope="col">Reason</th>
                <th scope="col">Ends</th>
                <th scope="col">Said</th>
                <th scope="col">
                  <span className="hidden">Take back</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {labels.map((label) => (
                <tr key={keyOf(label)} data-item>
                  <th scope="row" className="break">
                    <SubjectLink uri={label.uri} />
                  </th>
                  <td data-name="Label">
                    <Badge mood={label.neg ? "plain" : mood(label.val)}>{label.val}</Badge>
                    {label.neg && <span className="muted"> taken back</span>}
                  </td>
                  <td data-name="Reason" className="break">
                    {label.reason || "–"}
                  </td>
                  <td data-name="Ends">{label.exp === undefined || label.neg ? "–" : <Time ms={Date.parse(label.exp)} />}</td>
                  <td data-name="Said">
                    <Time ms={label.issuedAtUs / 1_000} />
                  </td>
                  <td className="end">
                    {!label.neg && (
                      <button type="button" disabled={act.pending !== null} onClick={() => setAsking(label)}>
                        {act.pending === keyOf(label) ? "Taking back …" : "Take back …"}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listed>
      {asking !== null && (
        <Confirm title={`Take back “${asking.val}”?`} yes="Take back" no="Leave it" onYes={() => takeBack(asking)} onNo={() => setAsking(null)}>
          <p className="break">
            Of <code>{asking.uri}</code>. It no longer counts for anybody, from now on.
          </p>
        </Confirm>
      )}
    </>
  );
}
