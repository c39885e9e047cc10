// What the people that somebody follows write. Nothing moves by itself: news are told of, and shown when asked for.
import { useEffect, useRef, useState } from "react";
import { revisionOf, xrpc } from "../api.ts";
import { useLive } from "../context.ts";
import { newsSaid } from "../live.ts";
import { usePages } from "../load.ts";
import { Composer } from "../parts/composer.tsx";
import { HomeTabs } from "../parts/home_tabs.tsx";
import { A } from "../parts/link.tsx";
import { TimelinePost } from "../parts/post.tsx";
import { Sent, useSent } from "../parts/sent.tsx";
import { Listed } from "../parts/states.tsx";
import type { Person } from "../person.ts";
import { href } from "../router.ts";
import type { FeedItem } from "../types.ts";
import { type Newness, wishes } from "../wishes.ts";

export function Home({ person }: { person: Person }) {
  const live = useLive();
  const [newness, setNewness] = useState<Newness>({ rev: null, mark: 0 });
  const pages = usePages<FeedItem>(`timeline ${person.did}`, async (cursor, signal) => {
    const mark = wishes.mark();
    const page = await xrpc<{ feed: FeedItem[]; cursor?: string }>("app.bsky.feed.getTimeline", { limit: 30, cursor }, signal);
    if (cursor === undefined) setNewness({ mark, rev: revisionOf(page) });
    return { items: page.feed, cursor: page.cursor };
  });
  const there = new Set(pages.items.map(({ post }) => post.uri));
  const sent = useSent((_, wish) => wish.phase === "refused" || (!there.has(wish.key.slice("post ".length)) && wishes.isBehind(wish.key, newness)));
  const known = new Set([...pages.items.map(placeOf), ...sent.map(([, wish]) => `${wish.key.slice("post ".length)} `)]);
  const newest = useNewest(live.newsAtMs);
  const hasNews = newest !== null && !known.has(newest) && pages.items.length > 0 && !pages.loading;
  const top = useRef<HTMLDivElement>(null);
  const show = () => {
    live.shown();
    pages.again();
    window.scrollTo(0, 0);
  };
  // A post of one's own may be far above of where one reads.
  const count = sent.length;
  const before = useRef(count);
  useEffect(() => {
    if (count > before.current) top.current?.scrollIntoView({ block: "nearest" });
    before.current = count;
  }, [count]);
  return (
    <>
      <h1>Home</h1>
      <HomeTabs at="home" />
      <div ref={top} className="card">
        <Composer person={person} what={{}} done={() => undefined} />
      </div>
      <div role="status" className="news">
        {hasNews && (
          <button type="button" className="primary" onClick={show}>
            {newsSaid(live.news)}
          </button>
        )}
      </div>
      {live.state === "refused" && <p className="muted hint">The server does not tell of new posts by itself now. Load the page again to see them.</p>}
      {sent.length > 0 && (
        <ul className="feed" aria-label="Written just now">
          {sent.map(([draft, wish]) => (
            <li key={wish.key} data-item>
              <Sent draft={draft} wish={wish} person={person} />
            </li>
          ))}
        </ul>
      )}
      <Listed of={pages} what="your timeline" empty={<Nothing />}>
        {(items) => (
          <ul className="feed">
            {items.map((item, at) => (
              <TimelinePost key={`${placeOf(item)} ${at}`} item={item} />
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}

/** A post in a timeline, or a repost of it. */
function placeOf({ post, reason }: FeedItem): string {
  return `${post.uri} ${reason?.by?.did ?? ""}`;
}

/** What is on top of the timeline now: asked for when news are told, and when somebody looks at the page again. */
function useNewest(toldAtMs: number | null): string | null {
  const [newest, setNewest] = useState<string | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    const ask = () => {
      if (document.hidden) return;
      xrpc<{ feed: FeedItem[] }>("app.bsky.feed.getTimeline", { limit: 1 }, gone.signal).then(
        ({ feed: [item] }) => item !== undefined && setNewest(placeOf(item)),
        () => undefined, // The page itself says what is wrong.
      );
    };
    if (toldAtMs !== null) ask();
    document.addEventListener("visibilitychange", ask);
    return () => {
      gone.abort();
      document.removeEventListener("visibilitychange", ask);
    };
  }, [toldAtMs]);
  return newest;
}

function Nothing() {
  return (
    <>
      <p>Nothing here yet: it is what those write whom you follow, as far as it has come to this place.</p>
      <p>
        <A to={href({ page: "explore", q: "" })}>Find somebody to follow</A>
      </p>
    </>
  );
}
