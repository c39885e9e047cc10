// Asking for data: once for each key, or again and again while the page is seen. What was answered before
// stays on the page when a later question fails, together with since when it is old.
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api.ts";

export interface Loaded<A> {
  data: A | null;
  error: unknown;
  /** When the data came, by this machine's clock. */
  atMs: number | null;
  again: () => void;
}

type Ask<A> = (signal: AbortSignal) => Promise<A>;

interface State<A> {
  key: string;
  data: A | null;
  error: unknown;
  atMs: number | null;
}

export function useLoad<A>(key: string, ask: Ask<A>, everyMs?: number): Loaded<A> {
  const [state, setState] = useState<State<A>>({ key, data: null, error: null, atMs: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      if (everyMs !== undefined && !gone.signal.aborted) timer = setTimeout(once, everyMs);
    };
    const once = async () => {
      if (document.hidden && everyMs !== undefined) return later();
      try {
        const data = await latest.current(gone.signal);
        if (!gone.signal.aborted) setState({ key, data, error: null, atMs: Date.now() });
      } catch (error) {
        if (gone.signal.aborted) return;
        setState((old) => {
          const kept = old.key === key && !(error instanceof ApiError && error.status === 401);
          return { key, data: kept ? old.data : null, error, atMs: kept ? old.atMs : null };
        });
      }
      later();
    };
    const seen = () => {
      if (document.hidden || everyMs === undefined) return;
      clearTimeout(timer);
      void once();
    };
    document.addEventListener("visibilitychange", seen);
    void once();
    return () => {
      gone.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [key, turn, everyMs]);
  const again = useCallback(() => setTurn((turn) => turn + 1), []);
  const current = state.key === key;
  return {
    data: current ? state.data : null,
    error: current ? state.error : null,
    atMs: current ? state.atMs : null,
    again,
  };
}

export interface Pages<I> {
  items: I[];
  error: unknown;
  loading: boolean;
  more: (() => void) | null;
  again: () => void;
}

/** Pages of a list, one after the other, each asked for when wanted. */
export function usePages<I>(
  key: string,
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<{ items: I[]; cursor: string | undefined }>,
): Pages<I> {
  const empty = { key, items: [] as I[], cursor: undefined as string | undefined, error: null as unknown, loading: true };
  const [state, setState] = useState(empty);
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  const live = useRef<AbortController | null>(null);
  useEffect(() => {
    latest.current = ask;
  });
  const fetchPage = useCallback(
    async (cursor: string | undefined, signal: AbortSignal) => {
      try {
        const page = await latest.current(cursor, signal);
        if (signal.aborted) return;
        setState((old) => ({
          key,
          items: cursor === undefined || old.key !== key ? page.items : [...old.items, ...page.items],
          cursor: page.items.length > 0 ? page.cursor : undefined,
          error: null,
          loading: false,
        }));
      } catch (error) {
        if (!signal.aborted) setState((old) => ({ ...(old.key === key ? old : { ...old, items: [] }), key, error, loading: false }));
      }
    },
    [key],
  );
  useEffect(() => {
    const gone = new AbortController();
    live.current = gone;
    void fetchPage(undefined, gone.signal);
    return () => gone.abort();
  }, [key, turn, fetchPage]);
  const again = useCallback(() => {
    // Until the first page is there again, another would be put behind one that goes.
    setState((old) => ({ ...old, loading: true }));
    setTurn((turn) => turn + 1);
  }, []);
  const shown = state.key === key ? state : empty;
  const cursor = shown.cursor;
  const more =
    cursor === undefined || shown.loading
      ? null
      : () => {
          setState((old) => ({ ...old, loading: true }));
          if (live.current !== null) void fetchPage(cursor, live.current.signal);
        };
  return { items: shown.items, error: shown.error, loading: shown.loading, more, again };
}

/** The time, moving along so that "12 s ago" stays true. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
