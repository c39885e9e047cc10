// What came of an act, where who listens hears it.
import type { Act } from "../act.ts";

export function Said({ of }: { of: Act }) {
  return (
    <>
      <p role="status" className="said">
        {of.said}
      </p>
      <p role="alert" className="error break">
        {of.error}
      </p>
    </>
  );
}
