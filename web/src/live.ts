// What the server tells by itself while a page is looked at: how much is unread, and how much is new at home. A
// page that nobody sees does not listen. Where the server refuses, nothing is lost: pages say so, and are loaded again.
import { useCallback, useEffect, useRef, useState } from "react";
import { xrpc } from "./api.ts";

export interface Live {
  /** `waiting`: tries again by itself; `refused`: several times in a row, so that it is seldom tried. */
  state: "off" | "on" | "waiting" | "refused";
  unread: number | null;
  /** When something new was told of the timeline, by this machine's clock. */
  newsAtMs: number | null;
  /** Posts at home that came since it was shown. */
  news: number;
  /** All is read as of now. */
  read: () => void;
  /** Home is shown as of now. */
  shown: () => void;
}

const PATH = "/api/v1/session/live";
const FIRST_MS = 2_000;
const LAST_MS = 300_000;
/** Tries in a row after which it counts as refused. */
const TRIES = 3;

/** How long to wait before a try; `chance` is between 0 and 1. */
export function waitMs(tries: number, chance: number): number {
  const most = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(tries, 20));
  return Math.round(most * (0.5 + chance / 2));
}

/** New posts that the server counts: so many, or more. */
const NEWS_MAX = 30;

/** What a button says that shows them. */
export function newsSaid(count: number): string {
  if (count <= 0) return "New posts";
  if (count === 1) return "1 new post";
  return `${count}${count >= NEWS_MAX ? " or more" : ""} new posts`;
}

/** The count that an event tells; `null` if it tells none. */
export function countIn(data: unknown): number | null {
  if (typeof data !== "string") return null;
  try {
    const { count } = (JSON.parse(data) ?? {}) as { count?: unknown };
    return typeof count === "number" && Number.isInteger(count) && count >= 0 ? count : null;
  } catch {
    return null;
  }
}

/** Listens while `did` is signed in. */
export function useLiveOf(did: string | null): Live {
  const [state, setState] = useState<Live["state"]>("off");
  const [unread, setUnread] = useState<number | null>(null);
  const [newsAtMs, setNewsAt] = useState<number | null>(null);
  const [news, setNews] = useState(0);
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    setUnread(null);
    setNewsAt(null);
    setNews(0);
    setState("off");
    if (did === null) return undefined;
    const gone = new AbortController();
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let tries = 0;
    const ask = () => {
      xrpc<{ count: number }>("app.bsky.notification.getUnreadCount", {}, gone.signal).then(
        ({ count }) => setUnread(count),
        () => undefined, // The page of notifications says what is wrong.
      );
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = null;
    };
    const listen = () => {
      close();
      if (document.hidden) return;
      const opened = new EventSource(PATH);
      source = opened;
      opened.onopen = () => {
        tries = 0;
        setState("on");
      };
      opened.addEventListener("unread", (event) => {
        const count = countIn(event.data);
        if (count !== null) setUnread(count);
      });
      opened.addEventListener("timeline", (event) => {
        setNewsAt(Date.now());
        setNews(countIn(event.data) ?? 0);
      });
      opened.onerror = () => {
        // The browser's own way to try again knows no patience.
        close();
        tries += 1;
        setState(tries >= TRIES ? "refused" : "waiting");
        timer = setTimeout(listen, waitMs(tries - 1, Math.random()));
      };
    };
    const seen = () => {
      if (document.hidden) return close();
      tries = 0;
      ask();
      listen();
    };
    document.addEventListener("visibilitychange", seen);
    // What is counted is counted from when one begins to listen.
    again.current = () => {
      setNews(0);
      if (source !== null) listen();
    };
    seen();
    return () => {
      gone.abort();
      close();
      again.current = () => undefined;
      document.removeEventListener("visibilitychange", seen);
    };
  }, [did]);
  const read = useCallback(() => setUnread(0), []);
  const shown = useCallback(() => again.current(), []);
  return { state, unread, newsAtMs, news, read, shown };
}
