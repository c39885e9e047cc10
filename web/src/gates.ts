// Who may reply to a thread and who may quote a post, in words. Gates are records that strangers wrote: a rule
// nobody knows is said to be one.
import type { Named, Threadgate } from "./types.ts";

/** Rules looked at of one gate. */
const RULES_MAX = 10;

export interface Replies {
  /** `null`: everybody; none: nobody. */
  rules: { text: string; list?: Named }[] | null;
  /** Replies that the author has hidden. */
  hidden: string[];
}

/** What a threadgate says; `null` where there is none to speak of. */
export function replies(gate: Threadgate | undefined): Replies | null {
  const record = gate?.record;
  if (record === undefined || record === null) return null;
  const hidden = texts(record.hiddenReplies);
  if (!Array.isArray(record.allow)) return hidden.length > 0 ? { rules: null, hidden } : null;
  return { rules: record.allow.slice(0, RULES_MAX).map((rule) => inWords(rule, gate?.lists ?? [])), hidden };
}

function inWords(rule: unknown, lists: Named[]): { text: string; list?: Named } {
  const { $type, list: uri } = (rule ?? {}) as { $type?: unknown; list?: unknown };
  switch (typeof $type === "string" ? $type.split("#")[1] : undefined) {
    case "mentionRule":
      return { text: "who is mentioned" };
    case "followerRule":
      return { text: "who follows the author" };
    case "followingRule":
      return { text: "whom the author follows" };
    case "listRule": {
      const list = lists.find((list) => list.uri === uri);
      return list === undefined ? { text: "who is on a list that is not here" } : { text: "who is on", list };
    }
  }
  return { text: "whom a rule names that is not known here" };
}

export interface Quotes {
  /** Nobody may quote it. */
  refused: boolean;
  /** Posts that quote it, from which the author has detached it. */
  detached: string[];
}

/** What a postgate's record says. */
export function quotes(record: unknown): Quotes {
  const { embeddingRules, detachedEmbeddingUris } = (record ?? {}) as { embeddingRules?: unknown; detachedEmbeddingUris?: unknown };
  const rules = Array.isArray(embeddingRules) ? embeddingRules : [];
  const refused = rules.some((rule) => (rule as { $type?: unknown } | null)?.$type === "app.bsky.feed.postgate#disableRule");
  return { refused, detached: texts(detachedEmbeddingUris) };
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : [];
}
