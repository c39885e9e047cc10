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

/** In a sentence: what brought a post here, and what its place is made of, the strongest first. */
export function whyHere(post: RankedPost): string {
  const { why, relevanceScore } = post;
  const brought = `It is here because ${REASONS[post.reason]}.`;
  if (why === undefined || relevanceScore === undefined) return `${brought} It stands where its time puts it.`;
  const parts: [string, number][] = [
    ["how close you are to who brought it", why.affinity],
    ["what others did with it", why.engagement],
    ["how it suits you", why.content],
  ];
  parts.sort(([, left], [, right]) => right - left);
  const said = parts.map(([name, value]) => `${name} ${percent(value)}`).join(", ");
  return `${brought} Its place: ${said}; ${age(why.ageSeconds)} old. Relevance ${percent(relevanceScore)}.`;
}

function percent(share: number): string {
  if (share > 0 && share < 0.005) return "below 1 %";
  return `${Math.round(share * 100)} %`;
}

function age(seconds: number): string {
  if (seconds < 60) return "less than a minute";
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
