// What a label warns of: not there until it is asked for, so that nothing of it is even fetched.
import { useState, type ReactNode } from "react";
import type { Warning } from "../labels.ts";
import { Who } from "./labels.tsx";

/** Behind a warning, where there is one. `what` stands behind it: a post, pictures. */
export function Warned({ warning, what, author, children }: { warning: Warning | null; what: string; author: string; children: ReactNode }) {
  if (warning === null) return <>{children}</>;
  const note = (
    <>
      {warning.says}, says <Who did={warning.by} author={author} />
    </>
  );
  return (
    <Covered what={what} note={note}>
      {children}
    </Covered>
  );
}

export function Covered({ what, note, children }: { what: string; note: ReactNode; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <div className="warned">
      <div className="cover">
        <p>{note}</p>
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide" : "Show"}
          <span className="hidden"> {what}</span>
        </button>
      </div>
      {open && <div className="behind">{children}</div>}
    </div>
  );
}
