// What the server says of a line of somebody's home: why it stands where it stands.
import type { FeedItem } from "./types.ts";

export interface RankedPost {
  postId: string;
  /** What brought it: its own URI, or that of a repost. */
  item: string;
  reason: "own" | "follow" | "repost" | "discover";
  view: FeedItem;
  isRead: boolean;
  /** Where the home is ranked; one that is looked up is not. */
  relevanceScore?: number;
  rankPosition?: number;
  why?: { affinity: number; engagement: number; content: number; kind: "post" | "reply" | "repost"; ageSeconds: number };
}

export interface RankedPage {
  posts: RankedPost[];
  cursor?: string;
}

const REASONS: Record<RankedPost["reason"], string> = {
  own: "you wrote it",
  follow: "you follow who wrote it",
  repost: "somebody you follow reposted it",
  discover: "many care for it",
};

export interface Why {
  brought: string;
  /** What its place is made of, the strongest first. */
  parts: { name: string; share: number }[];
  rest: string;
}

/** What brought a post here, and why it stands where it stands. */
export function whyHere(post: RankedPost): Why {
  const { why, relevanceScore } = post;
  const brought = `It is here because ${REASONS[post.reason]}.`;
  if (why === undefined || relevanceScore === undefined) return { brought, parts: [], rest: "It stands where its time puts it." };
  const parts = [
    { name: "How close you are to who brought it", share: why.affinity },
    { name: "What others did with it", share: why.engagement },
    { name: "How it suits you", share: why.content },
  ];
  parts.sort((left, right) => right.share - left.share);
  const less = LESS[why.kind];
  return { brought, parts, rest: `${less}It is ${age(why.ageSeconds)} old, which leaves a relevance of ${percent(relevanceScore)}.` };
}

/** Replies and reposts count for less. */
const LESS = { post: "", reply: "It counts for less because it is a reply. ", repost: "It counts for less because it is a repost. " };

export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "below 1 %";
  return `${Math.round(share * 100)} %`;
}

function age(seconds: number): string {
  if (seconds < 60) return "less than a minute";
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
