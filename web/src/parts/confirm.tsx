// Asked before what cannot be taken for granted: what will happen, and yes or no.
import type { ReactNode } from "react";
import { Dialog } from "./dialog.tsx";

interface Props {
  title: ReactNode;
  children: ReactNode;
  yes: string;
  no: string;
  onYes: () => void;
  onNo: () => void;
}

export function Confirm({ title, children, yes, no, onYes, onNo }: Props) {
  return (
    <Dialog title={title} close={onNo}>
      {children}
      <div className="actions">
        <button type="button" data-first onClick={onNo}>
          {no}
        </button>
        <button type="button" className="danger" onClick={onYes}>
          {yes}
        </button>
      </div>
    </Dialog>
  );
}
