// A field for many subjects at once, however they are written.
import { useId } from "react";

interface Props {
  label: string;
  hint: string;
  value: string;
  rows?: number;
  set: (value: string) => void;
  /** What is wrong with it. */
  error?: string | null;
}

/** Letters of one paste: a thousand URIs. */
const LETTERS_MAX = 200_000;

export function SubjectsField({ label, hint, value, rows = 3, set, error = null }: Props) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        value={value}
        maxLength={LETTERS_MAX}
        spellCheck={false}
        autoCapitalize="off"
        aria-invalid={error !== null}
        aria-describedby={`${id}-error ${id}-hint`}
        onChange={(event) => set(event.target.value)}
      />
      <p id={`${id}-error`} role="alert" className="error hint break">
        {error}
      </p>
      <p id={`${id}-hint`} className="muted hint">
        {hint}
      </p>
    </div>
  );
}
