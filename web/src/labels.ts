// What labels ask for: a warning before the whole, a warning before pictures, or nothing but to be named.
// The dashboard hides nothing for good: whoever looks can open what a label warns of.
import type { Label } from "./types.ts";

/** Labels looked at of one subject. */
const LABELS_MAX = 50;

/** Values that are about pictures and videos, in words. */
const MEDIA: Record<string, string> = {
  porn: "Adult content",
  sexual: "Sexually suggestive",
  nudity: "Nudity",
  "graphic-media": "Graphic media",
  gore: "Graphic media",
};

/** Values that are about everything, in words. */
const ALL: Record<string, string> = {
  "!hide": "Should be hidden",
  "!warn": "Needs a warning",
  "!takedown": "Should be taken down",
  "!suspend": "Should be suspended",
};

/** Shown to nobody who has not signed in with an account, as its author asks. */
const MEMBERS_ONLY = "!no-unauthenticated";

export interface Warning {
  /** What is said of it, in words. */
  says: string;
  /** Who says so: the DID of a labeler, or of the author. */
  by: string;
}

export interface Judged {
  /** Why everything stands behind a warning. */
  all: Warning | null;
  /** Why pictures and videos do. */
  media: Warning | null;
}

/** The labels that count: each value once for each who says so, none that is malformed. */
export function named(labels: unknown): Label[] {
  if (!Array.isArray(labels)) return [];
  const found = new Map<string, Label>();
  for (const label of labels.slice(0, LABELS_MAX) as Partial<Label>[]) {
    if (typeof label?.val !== "string" || label.val === "" || typeof label.src !== "string") continue;
    const key = `${label.src} ${label.val}`;
    if (!found.has(key)) found.set(key, label as Label);
  }
  return [...found.values()];
}

/**
 * Of an account's labels those that count for what it writes: not those of its profile alone, except the wish of the
 * account, which stands there.
 */
export function ofAccount(labels: unknown): Label[] {
  return named(labels).filter((label) => label.val === MEMBERS_ONLY || !isOfProfile(label));
}

/** Said of the profile's record, not of the account. */
export function isOfProfile(label: Label): boolean {
  return typeof label.uri === "string" && label.uri.endsWith("/app.bsky.actor.profile/self");
}

/** What the labels of a thing and of its author ask for together. */
export function judge(...lists: unknown[]): Judged {
  const judged: Judged = { all: null, media: null };
  for (const label of lists.flatMap(named)) {
    const all = Object.hasOwn(ALL, label.val) ? ALL[label.val] : undefined;
    const media = Object.hasOwn(MEDIA, label.val) ? MEDIA[label.val] : undefined;
    if (all !== undefined) judged.all ??= { says: all, by: label.src };
    else if (label.val === MEMBERS_ONLY) judged.all ??= { says: "Only for who has signed in", by: label.src };
    else if (media !== undefined) judged.media ??= { says: media, by: label.src };
  }
  return judged;
}

/** How much a label weighs where it is named. */
export function mood(val: string): "bad" | "warn" | "plain" {
  if (Object.hasOwn(ALL, val)) return "bad";
  return Object.hasOwn(MEDIA, val) ? "warn" : "plain";
}
