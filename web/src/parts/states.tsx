// What a page shows while it has nothing yet, has nothing at all, cannot get it, or shows what is old.
import { useEffect, type ReactNode } from "react";
import { ApiError, told } from "../api.ts";
import { useSession } from "../context.ts";
import { ago } from "../figures.ts";
import { type Loaded, type Pages, useNow } from "../load.ts";

export function Loading({ what }: { what: string }) {
  return (
    <p className="state" role="status">
      <span className="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="state">{children}</div>;
}

export function Failed({ error, again }: { error: unknown; again: () => void }) {
  const { signOut } = useSession();
  // Whether a person is still signed in is asked wherever it is doubted (own.ts).
  const refused = error instanceof ApiError && error.status === 401 && error.asker === "operator";
  useEffect(() => {
    if (refused) signOut(true);
  }, [refused, signOut]);
  if (refused) return null;
  return (
    <div className="state bad" role="alert">
      <p>{told(error)}</p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

/** Says so while what is shown is older than it should be. */
export function Stale({ of }: { of: Loaded<unknown> }) {
  const now = useNow(1_000);
  if (of.error === null || of.atMs === null) return null;
  return (
    <p className="stale" role="status">
      <strong>Not up to date.</strong> {told(of.error)} What is shown is from {ago(of.atMs, now)}; it is tried again by itself.
    </p>
  );
}

/** A page's content: what was loaded, or why it is not there. */
export function Shown<A>({ of, what, children }: { of: Loaded<A>; what: string; children: (data: A) => ReactNode }) {
  if (of.data !== null) {
    return (
      <div className={of.error === null ? undefined : "is-stale"}>
        <Stale of={of} />
        {children(of.data)}
      </div>
    );
  }
  return of.error === null ? <Loading what={what} /> : <Failed error={of.error} again={of.again} />;
}

/** The pages of a list as far as they were asked for, or why there are none; `empty` if there is nothing on it. */
export function Listed<I>({ of, what, empty, children }: { of: Pages<I>; what: string; empty: ReactNode; children: (items: I[]) => ReactNode }) {
  const none = of.items.length === 0;
  return (
    <>
      {of.error !== null && <Failed error={of.error} again={of.again} />}
      {of.loading && none && <Loading what={what} />}
      {!of.loading && of.error === null && none && <Empty>{empty}</Empty>}
      {!none && children(of.items)}
      {of.more !== null && (
        <button type="button" className="more-button" onClick={of.more}>
          More
        </button>
      )}
    </>
  );
}
