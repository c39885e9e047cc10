// What happened to who is signed in. What was unread when the page was opened stays marked until it is left.
import { useEffect, useRef } from "react";
import { procedure, xrpc } from "../api.ts";
import { useLive } from "../context.ts";
import { grouped, type Group, says } from "../groups.ts";
import { useLoad, usePages } from "../load.ts";
import { A } from "../parts/link.tsx";
import { Avatar, Name, Person as PersonRow } from "../parts/people.tsx";
import { PostView } from "../parts/post.tsx";
import { Listed } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import type { Person } from "../person.ts";
import type { Notification, Post } from "../types.ts";
import { pageOf } from "../uri.ts";

/** Posts asked for at once. */
const POSTS_MAX = 25;
/** Faces shown of one group. */
const FACES_MAX = 6;

export function Notifications({ person }: { person: Person }) {
  const live = useLive();
  const unread = useRef(live.unread);
  unread.current = live.unread;
  const pages = usePages<Notification>(`notifications ${person.did}`, async (cursor, signal) => {
    const params = { limit: 50, cursor };
    const page = await xrpc<{ notifications: Notification[]; cursor?: string; seenAt?: string }>("app.bsky.notification.listNotifications", params, signal);
    const [first] = page.notifications;
    // Who has never looked is told that only the newest one is unread; the count is right even then.
    const never = cursor === undefined && first !== undefined && page.seenAt === first.indexedAt;
    const most = never ? (unread.current ?? 0) : 0;
    const items = page.notifications.map((one, at) => (at < most ? { ...one, isRead: false } : one));
    return { items, cursor: page.cursor };
  });
  const newest = pages.items[0]?.indexedAt;
  const { read } = live;
  useEffect(() => {
    if (newest === undefined) return;
    // As of just after the newest one that is shown: what comes meanwhile stays unread.
    const seenAt = new Date((Date.parse(newest) || Date.now()) + 1).toISOString();
    procedure("app.bsky.notification.updateSeen", { seenAt }).then(read, () => undefined);
  }, [newest, read]);
  const groups = grouped(pages.items);
  const posts = usePosts(groups);
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
        {() => (
          <ul className="feed">
            {groups.map((group) => (
              <li key={group.key} data-item className={group.isRead ? undefined : "unread"}>
                <One group={group} post={group.subject === null ? undefined : posts.get(group.subject)} />
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}

/** The posts that the groups are about, as far as there are some. */
function usePosts(groups: Group[]): Map<string, Post> {
  const uris = [...new Set(groups.flatMap(({ subject }) => (subject?.includes("/app.bsky.feed.post/") ? [subject] : [])))];
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

function One({ group, post }: { group: Group; post: Post | undefined }) {
  const { people, notifications } = group;
  const [first, ...others] = people;
  if (first === undefined) return null;
  const isWritten = group.subject !== null && notifications[0]?.uri === group.subject;
  const page = pageOf(group.subject);
  return (
    <>
      {!group.isRead && <span className="hidden">Unread: </span>}
      {isWritten && post !== undefined ? (
        <>
          <p className="muted above">{says(group.reason)}</p>
          <PostView post={post} />
        </>
      ) : (
        <div className="happened">
          <div className="faces">
            {people.slice(0, FACES_MAX).map((actor) => (
              <Avatar key={actor.did} actor={actor} size="small" />
            ))}
          </div>
          <p>
            <Name actor={first} />
            {others.length === 1 && others[0] !== undefined && (
              <>
                {" and "}
                <Name actor={others[0]} />
              </>
            )}
            {others.length > 1 && ` and ${others.length} others`} {says(group.reason)} ·{" "}
            {page === null ? (
              <Time ms={Date.parse(group.indexedAt)} />
            ) : (
              <A className="muted when" data-open to={page}>
                <Time ms={Date.parse(group.indexedAt)} />
              </A>
            )}
          </p>
          {post !== undefined && <p className="muted clamp">{typeof post.record.text === "string" ? post.record.text : ""}</p>}
          {others.length > 1 && <Everybody group={group} />}
        </div>
      )}
    </>
  );
}

function Everybody({ group: { people } }: { group: Group }) {
  return (
    <details>
      <summary>All {people.length}</summary>
      <ul className="people">
        {people.map((actor) => (
          <PersonRow key={actor.did} actor={actor} />
        ))}
      </ul>
    </details>
  );
}
