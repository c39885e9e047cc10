// What happened to who is signed in. What was unread when the page was opened stays marked until it is left.
import { useEffect, useRef } from "react";
import { own, procedure, xrpc } from "../api.ts";
import { useLive } from "../context.ts";
import { useLoad, usePages } from "../load.ts";
import { counted, type Notice, others, says } from "../notices.ts";
import { A } from "../parts/link.tsx";
import { Avatar, Name, Person as PersonRow } from "../parts/people.tsx";
import { PostView } from "../parts/post.tsx";
import { Listed } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import type { Person } from "../person.ts";
import type { Post } from "../types.ts";
import { pageOf } from "../uri.ts";

/** Posts asked for at once. */
const POSTS_MAX = 25;
/** Faces shown of one group. */
const FACES_MAX = 6;

export function Notifications({ person }: { person: Person }) {
  const live = useLive();
  const pages = usePages<Notice>(`notifications ${person.did}`, async (cursor, signal) => {
    const page = await own<{ notifications: Notice[]; cursor?: string }>("/api/v1/notifications", { limit: 30, cursor }, signal);
    return { items: page.notifications, cursor: page.cursor };
  });
  const newest = pages.items[0]?.createdAt;
  const { read } = live;
  useEffect(() => {
    if (newest === undefined) return;
    // As of just after the newest one that is shown: what comes meanwhile stays unread.
    const seenAt = new Date((Date.parse(newest) || Date.now()) + 1).toISOString();
    procedure("app.bsky.notification.updateSeen", { seenAt }).then(read, () => undefined);
  }, [newest, read]);
  const posts = usePosts(pages.items);
  const isNew = live.unread !== null && live.unread > 0 && pages.items.length > 0 && !pages.loading;
  return (
    <>
      <h1>Notifications</h1>
      <div role="status" className="news">
        {isNew && (
          <button type="button" className="primary" onClick={pages.again}>
            Show what is new
          </button>
        )}
      </div>
      <Listed of={pages} what="your notifications" empty="Nothing has happened yet.">
        {(notices) => (
          <ul className="feed">
            {notices.map((notice) => (
              <li key={notice.id} data-item className={notice.isRead ? undefined : "unread"}>
                <One notice={notice} post={notice.subject === null ? undefined : posts.get(notice.subject)} />
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}

/** The posts that they are about, as far as there are some. */
function usePosts(notices: Notice[]): Map<string, Post> {
  const uris = [...new Set(notices.flatMap(({ subject }) => (subject?.includes("/app.bsky.feed.post/") ? [subject] : [])))];
  const loaded = useLoad(`posts ${uris.join(" ")}`, async (signal) => {
    const found = new Map<string, Post>();
    for (let at = 0; at < uris.length; at += POSTS_MAX) {
      const { posts } = await xrpc<{ posts: Post[] }>("app.bsky.feed.getPosts", { uris: uris.slice(at, at + POSTS_MAX) }, signal);
      for (const post of posts) found.set(post.uri, post);
    }
    return found;
  });
  const last = useRef(new Map<string, Post>());
  if (loaded.data !== null) last.current = loaded.data;
  return last.current;
}

function One({ notice, post }: { notice: Notice; post: Post | undefined }) {
  const [first, second] = notice.people;
  if (first === undefined) return null;
  const behind = others(notice);
  const isWritten = notice.subject === notice.id;
  const page = pageOf(notice.subject);
  return (
    <>
      {!notice.isRead && <span className="hidden">Unread: </span>}
      {isWritten && post !== undefined ? (
        <>
          <p className="muted above">{says(notice.type)}</p>
          <PostView post={post} />
        </>
      ) : (
        <div className="happened">
          <div className="faces">
            {notice.people.slice(0, FACES_MAX).map((actor) => (
              <Avatar key={actor.did} actor={actor} size="small" />
            ))}
          </div>
          <p>
            <Name actor={first} />
            {behind === 1 && second !== undefined && (
              <>
                {" and "}
                <Name actor={second} />
              </>
            )}
            {behind > 1 && ` and ${counted(behind, notice.isCut)} others`} {says(notice.type)} ·{" "}
            {page === null ? (
              <span className="muted when">
                <Time ms={Date.parse(notice.createdAt)} />
              </span>
            ) : (
              <A className="muted when" data-open to={page}>
                <Time ms={Date.parse(notice.createdAt)} />
              </A>
            )}
          </p>
          {post !== undefined && <p className="muted clamp">{typeof post.record.text === "string" ? post.record.text : ""}</p>}
          {behind > 1 && <Some notice={notice} />}
        </div>
      )}
    </>
  );
}

function Some({ notice: { people, count } }: { notice: Notice }) {
  return (
    <details>
      <summary>{people.length < count ? `${people.length} of ${count}` : `All ${count}`}</summary>
      <ul className="people">
        {people.map((actor) => (
          <PersonRow key={actor.did} actor={actor} />
        ))}
      </ul>
    </details>
  );
}
