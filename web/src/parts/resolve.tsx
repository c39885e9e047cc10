// Asked before a delivery is resolved: by what means somebody saw to it.
import { useState } from "react";
import { Dialog } from "./dialog.tsx";

/** Bytes that the server takes; a character may need four of them. */
const NOTE_MAX = 1_000;

interface Props {
  what: string;
  onYes: (note: string) => void;
  onNo: () => void;
}

export function Resolve({ what, onYes, onNo }: Props) {
  const [note, setNote] = useState("");
  return (
    <Dialog title={`Resolve ${what}?`} close={onNo}>
      <p>It is not tried again, and stays for thirty days among those that are settled, with your note.</p>
      <label>
        By what means
        <input data-first value={note} maxLength={NOTE_MAX / 4} onChange={(event) => setNote(event.target.value)} />
      </label>
      <div className="actions">
        <button type="button" onClick={onNo}>
          Not yet
        </button>
        <button type="button" className="primary" onClick={() => onYes(note)}>
          Resolve
        </button>
      </div>
    </Dialog>
  );
}
