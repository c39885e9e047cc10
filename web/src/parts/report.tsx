// Reporting an account or a post: why, and to whom.
import { useState } from "react";
import { useAct } from "../act.ts";
import { xrpc } from "../api.ts";
import { useOwn } from "../context.ts";
import { askable, type Labeler, takes } from "../labelers.ts";
import { useLoad } from "../load.ts";
import { report, type ReportSubject } from "../write.ts";
import { Dialog } from "./dialog.tsx";
import { Who } from "./labels.tsx";
import { Said } from "./said.tsx";

const REASONS: [type: string, says: string][] = [
  ["reasonSpam", "Spam: unwanted, again and again"],
  ["reasonViolation", "Against the law or the rules"],
  ["reasonMisleading", "Misleading: pretends to be somebody or something"],
  ["reasonSexual", "Unwanted sexual content"],
  ["reasonRude", "Rude: harassment, hatred, threats"],
  ["reasonOther", "Something else"],
];
const DEFS = "com.atproto.moderation.defs";
/** Letters of what is said with it: fewer than the protocol's graphemes can be. */
const LETTERS_MAX = 2_000;

interface Preferences {
  preferences: { $type?: string; labelers?: { did?: unknown }[] }[];
}

/** The labelers that somebody subscribes to, as their own server has it. */
function useSubscribed(): string[] {
  const loaded = useLoad("labelers", (signal) => xrpc<Preferences>("app.bsky.actor.getPreferences", {}, signal));
  const found = loaded.data?.preferences?.find((one) => one.$type === "app.bsky.actor.defs#labelersPref");
  return (found?.labelers ?? []).map(({ did }) => did).filter((did): did is string => typeof did === "string" && did.startsWith("did:"));
}

/** As many as one question may name. */
const LABELERS_MAX = 20;

/** Who may be asked beside whom one's own server chooses, with what is known of them here. */
function useLabelers(): { did: string; isHere: boolean; known: Labeler | undefined }[] {
  const moderator = useOwn().service?.moderator;
  const dids = askable(moderator, useSubscribed()).slice(0, LABELERS_MAX);
  const loaded = useLoad(`labelers ${dids.join(" ")}`, async (signal) =>
    dids.length === 0 ? [] : (await xrpc<{ views: Labeler[] }>("app.bsky.labeler.getServices", { dids, detailed: "true" }, signal)).views,
  );
  return dids.map((did) => ({ did, isHere: did === moderator, known: loaded.data?.find(({ creator }) => creator.did === did) }));
}

export function Report({ subject, what, close }: { subject: ReportSubject; what: string; close: () => void }) {
  const act = useAct();
  const labelers = useLabelers();
  const [reason, setReason] = useState("");
  const [words, setWords] = useState("");
  const [to, setTo] = useState("");
  const [done, setDone] = useState(false);
  const isTaken = (known: Labeler | undefined) => takes(known, subject, reason === "" ? "" : `${DEFS}#${reason}`);
  const go = () =>
    act.run("report", async () => {
      if (reason === "") throw new Error("Say why.");
      const chosen = labelers.find(({ did }) => did === to);
      if (chosen !== undefined && !isTaken(chosen.known)) throw new Error("Whom you chose takes no such reports. Choose somebody else, or another reason.");
      await report(subject, `${DEFS}#${reason}`, words.trim(), to === "" ? null : to);
      setDone(true);
      return "The report was taken. Who moderates decides what comes of it.";
    });
  return (
    <Dialog title={`Report ${what}?`} close={close}>
      {!done && (
        <>
          <fieldset>
            <legend>Why</legend>
            {REASONS.map(([type, says]) => (
              <label key={type} className="choice">
                <input type="radio" name="reason" value={type} checked={reason === type} onChange={() => setReason(type)} />
                {says}
              </label>
            ))}
          </fieldset>
          <label>
            In your words <span className="muted">(if you like)</span>
            <textarea className="plain" rows={3} maxLength={LETTERS_MAX} value={words} onChange={(event) => setWords(event.target.value)} />
          </label>
          {labelers.length > 0 && (
            <fieldset>
              <legend>To</legend>
              <label className="choice">
                <input type="radio" name="to" checked={to === ""} onChange={() => setTo("")} />
                whom your server chooses
              </label>
              {labelers.map(({ did, isHere, known }) => (
                <label key={did} className="choice">
                  <input type="radio" name="to" checked={to === did} disabled={!isTaken(known)} onChange={() => setTo(did)} />
                  <span className="break">
                    {isHere && "who moderates here: "}
                    <Who did={did} author="" />
                    {!isTaken(known) && <span className="muted"> (takes no such reports)</span>}
                  </span>
                </label>
              ))}
            </fieldset>
          )}
          <p className="muted">Your server passes it on, with your name.</p>
        </>
      )}
      <Said of={act} />
      <div className="actions">
        <button type="button" data-first onClick={close}>
          {done ? "Close" : "Leave it"}
        </button>
        {!done && (
          <button type="button" className="danger" disabled={act.pending !== null} onClick={go}>
            {act.pending === null ? "Report" : "Reporting …"}
          </button>
        )}
      </div>
    </Dialog>
  );
}
