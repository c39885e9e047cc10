// What happened to who is signed in, in groups as the server makes them, and what is said of each.
import type { Actor } from "./types.ts";

export interface Notice {
  /** The record it begins with. */
  id: string;
  type: string;
  /** What it is about: what was liked, or what was written. */
  subject: string | null;
  /** The first of them. */
  people: Actor[];
  /** How many they are. */
  count: number;
  isRead: boolean;
  /** More of it may come with the next page. */
  isCut: boolean;
  createdAt: string;
}

const SAYS: Record<string, string> = {
  LIKE: "liked your post",
  REPOST: "reposted your post",
  FOLLOW: "followed you",
  MENTION: "mentioned you",
  REPLY: "replied to you",
  QUOTE: "quoted you",
  STARTERPACK_JOINED: "came by your starter pack",
  VERIFIED: "verified you",
  UNVERIFIED: "no longer verifies you",
  LIKE_VIA_REPOST: "liked what you reposted",
  REPOST_VIA_REPOST: "reposted what you reposted",
  NEW_POST: "wrote a post",
};

export function says(type: string): string {
  return (Object.hasOwn(SAYS, type) ? SAYS[type] : undefined) ?? `did something of a kind that is not known here (${type.slice(0, 60)})`;
}

/** What stands behind the first of the people. */
export function others(notice: Notice): number {
  return Math.max(0, notice.count - 1);
}

/** How many there are; where they are many, at least so many. */
export function counted(count: number, isCut: boolean): string {
  return isCut ? `${count} or more` : String(count);
}
