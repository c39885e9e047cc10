// A record as its repository holds it.
import { useState } from "react";
import { xrpc } from "../api.ts";
import { useLoad } from "../load.ts";
import { A } from "../parts/link.tsx";
import { Shown } from "../parts/states.tsx";
import { href } from "../router.ts";

interface RecordAnswer {
  uri: string;
  cid?: string;
  value: unknown;
}

export function RecordPage({ actor, collection, rkey }: { actor: string; collection: string; rkey: string }) {
  const [said, setSaid] = useState("");
  const params = { repo: actor, collection, rkey };
  const loaded = useLoad(`record ${actor} ${collection} ${rkey}`, (signal) => xrpc<RecordAnswer>("com.atproto.repo.getRecord", params, signal));
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied.");
    } catch {
      setSaid("The browser does not allow it: mark the text and copy it.");
    }
  };
  return (
    <>
      <h1>Record</h1>
      <p className="muted break">
        <code>
          at://{actor}/{collection}/{rkey}
        </code>
      </p>
      <p>
        <A to={href({ page: "profile", actor, tab: "posts" })}>The account</A>
      </p>
      <Shown of={loaded} what="the record">
        {(record) => {
          const text = JSON.stringify(record.value, null, 2);
          return (
            <section className="card">
              <div className="card-head">
                <p className="muted break">
                  CID <code>{record.cid ?? "–"}</code>
                </p>
                <button type="button" onClick={() => copy(text)}>
                  Copy
                </button>
              </div>
              <p role="status" className="said">
                {said}
              </p>
              <pre tabIndex={0} aria-label="The record as JSON">
                {text}
              </pre>
            </section>
          );
        }}
      </Shown>
    </>
  );
}
