// The home ranked: what somebody may care for most comes first, with why it stands there; what was looked at is
// said to have been seen.
import { useCallback, useEffect, useRef } from "react";
import { own } from "../api.ts";
import { usePages } from "../load.ts";
import { Bar } from "../parts/figure.tsx";
import { HomeTabs } from "../parts/home_tabs.tsx";
import { A } from "../parts/link.tsx";
import { TimelinePost } from "../parts/post.tsx";
import { Listed } from "../parts/states.tsx";
import type { Person } from "../person.ts";
import { percent, type RankedPage, type RankedPost, whyHere } from "../ranked.ts";
import { href } from "../router.ts";

/** How long a post must be in view, and how long what was seen is gathered before it is told. */
const SEEN_AFTER_MS = 1_500;
const TELL_AFTER_MS = 3_000;

export function Ranked({ person }: { person: Person }) {
  const pages = usePages<RankedPost>(`ranked ${person.did}`, async (cursor, signal) => {
    const page = await own<RankedPage>("/api/v1/posts", { mode: "ranked", limit: 30, cursor }, signal);
    return { items: page.posts, cursor: page.cursor };
  });
  const saw = useSeen();
  return (
    <>
      <h1>Home</h1>
      <HomeTabs at="ranked" />
      <Listed of={pages} what="your home" empty={<Nothing />}>
        {(posts) => (
          <ul className="feed">
            {posts.map((post, at) => (
              <Line key={`${post.item} ${at}`} post={post} saw={saw} />
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}

function Line({ post, saw }: { post: RankedPost; saw: (post: RankedPost) => void }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const shown = place.current;
    if (shown === null || post.isRead) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = new IntersectionObserver(([entry]) => {
      clearTimeout(timer);
      if (entry?.isIntersecting) timer = setTimeout(() => saw(post), SEEN_AFTER_MS);
    });
    look.observe(shown);
    return () => {
      clearTimeout(timer);
      look.disconnect();
    };
  }, [post, saw]);
  return (
    <TimelinePost item={post.view}>
      <div ref={place} className="why-here" data-unread={!post.isRead || undefined}>
        <details>
          <summary>
            {post.reason === "discover" ? "Many care for it" : "Why is this here?"}
            {!post.isRead && " · new to you"}
          </summary>
          <Reasons post={post} />
        </details>
      </div>
    </TimelinePost>
  );
}

function Reasons({ post }: { post: RankedPost }) {
  const { brought, parts, rest } = whyHere(post);
  return (
    <div className="muted">
      <p>{brought}</p>
      {parts.length > 0 && (
        <dl>
          {parts.map(({ name, share }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {percent(share)}
                <Bar part={share} whole={1} mood="plain" />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p>{rest}</p>
    </div>
  );
}

/** Tells the server now and then what was seen. What cannot be told is told with the next. */
function useSeen(): (post: RankedPost) => void {
  const seen = useRef(new Map<string, number>());
  const told = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const tell = useCallback(() => {
    timer.current = undefined;
    const uris = [...seen.current.keys()];
    if (uris.length === 0) return;
    const positions = [...seen.current.values()];
    seen.current.clear();
    own("/api/v1/feed/seen", {}, undefined, { uris, positions }).catch(() => {
      uris.forEach((uri, at) => seen.current.set(uri, positions[at] ?? 0));
    });
  }, []);
  useEffect(() => {
    const leave = () => {
      clearTimeout(timer.current);
      tell();
    };
    document.addEventListener("visibilitychange", leave);
    return () => {
      document.removeEventListener("visibilitychange", leave);
      leave();
    };
  }, [tell]);
  return useCallback(
    (post) => {
      if (told.current.has(post.item)) return;
      told.current.add(post.item);
      seen.current.set(post.item, post.rankPosition ?? 0);
      timer.current ??= setTimeout(tell, TELL_AFTER_MS);
    },
    [tell],
  );
}

function Nothing() {
  return (
    <>
      <p>Nothing here yet: neither of whom you follow, nor of what many care for.</p>
      <p>
        <A to={href({ page: "explore", q: "" })}>Find somebody to follow</A>
      </p>
    </>
  );
}
