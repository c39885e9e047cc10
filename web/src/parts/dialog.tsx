// A sheet above the page; Escape closes it, and then the focus is where it was.
import { useId, useLayoutEffect, useRef, type ReactNode } from "react";

export function Dialog({ title, close, children }: { title: ReactNode; close: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    shown?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} className="sheet" aria-labelledby={titleId} onClose={(event) => !event.currentTarget.open && close()}>
      <h2 id={titleId} className="break">
        {title}
      </h2>
      {children}
    </dialog>
  );
}
