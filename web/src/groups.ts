// Notifications as they are read: likes and reposts of one post, and new followers, stand together; what somebody wrote
// stands alone.
import type { Actor, Notification } from "./types.ts";

export interface Group {
  key: string;
  reason: string;
  /** The post it is about: what was liked, or what was written. */
  subject: string | null;
  people: Actor[];
  /** The newest first. */
  notifications: Notification[];
  isRead: boolean;
  /** When the newest of them came. */
  indexedAt: string;
}

/** What happens often, and says the same each time. */
const TOGETHER = new Set(["like", "repost", "follow", "like-via-repost", "repost-via-repost", "starterpack-joined"]);
/** What of one subject is further apart stands apart. */
const APART_MS = 2 * 86_400_000;

/** In the order in which they came, each group where its newest one is. What is unread does not stand with what is read. */
export function grouped(notifications: Notification[]): Group[] {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  for (const one of notifications) {
    const isTogether = TOGETHER.has(one.reason);
    const about = isTogether ? (one.reasonSubject ?? "") : one.uri;
    const kind = `${one.reason} ${about} ${one.isRead}`;
    const group = open.get(kind);
    if (isTogether && group !== undefined && Date.parse(group.indexedAt) - Date.parse(one.indexedAt) < APART_MS) {
      group.notifications.push(one);
      if (!group.people.some(({ did }) => did === one.author.did)) group.people.push(one.author);
      continue;
    }
    const subject = one.reason === "follow" ? null : isTogether ? (one.reasonSubject ?? null) : one.uri;
    const made = { key: `${kind} ${one.uri}`, reason: one.reason, subject, people: [one.author], notifications: [one], isRead: one.isRead, indexedAt: one.indexedAt };
    groups.push(made);
    open.set(kind, made);
  }
  return groups;
}

const SAYS: Record<string, string> = {
  like: "liked your post",
  repost: "reposted your post",
  follow: "followed you",
  mention: "mentioned you",
  reply: "replied to you",
  quote: "quoted you",
  "starterpack-joined": "came by your starter pack",
  verified: "verified you",
  unverified: "no longer verifies you",
  "like-via-repost": "liked what you reposted",
  "repost-via-repost": "reposted what you reposted",
  "subscribed-post": "wrote a post",
};

export function says(reason: string): string {
  return (Object.hasOwn(SAYS, reason) ? SAYS[reason] : undefined) ?? `did something of a kind that is not known here (${reason.slice(0, 60)})`;
}
