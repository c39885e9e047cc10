// A post as it is written: how long it is, what in it is a link, a mention or a tag, and what it is an answer to.
import type { Facet, Post, Ref } from "./types.ts";

/** Letters as people count them. */
export const GRAPHEMES_MAX = 300;
export const PICTURES_MAX = 4;
export const ALT_GRAPHEMES_MAX = 2_000;
export const LANGS_MAX = 3;
const TAG_GRAPHEMES_MAX = 64;
/** Handles looked up of one post. */
const MENTIONS_MAX = 20;

let segmenter: Intl.Segmenter | undefined;

export function graphemes(text: string): number {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}

/** As it is sent: no blanks around it, and no more than one empty line. */
export function tidied(text: string): string {
  return text.replaceAll("\r\n", "\n").trim().replace(/\n{3,}/g, "\n\n");
}

type Found = { from: number; to: number } & ({ link: string } | { handle: string } | { tag: string });

const LINK = /(^|[\s(])(https?:\/\/[^\s]+)/giu;
const MENTION = /(^|[\s(])(@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)/giu;
const TAG = /(^|\s)([##](?!\ufe0f)[^\s\u00ad\u2060\u200a-\u200d\u20e2]+)/gu;

/** What stands in a text, by places in it. */
export function found(text: string): Found[] {
  const all: Found[] = [];
  const each = (pattern: RegExp, read: (word: string) => { length: number; what: { link: string } | { handle: string } | { tag: string } } | null) => {
    for (const match of text.matchAll(pattern)) {
      const from = match.index + (match[1]?.length ?? 0);
      const one = read(match[2] ?? "");
      if (one === null || all.some((other) => from < other.to && from + one.length > other.from)) continue;
      all.push({ from, to: from + one.length, ...one.what });
    }
  };
  each(LINK, (word) => {
    const link = withoutEnd(word);
    return URL.canParse(link) && link.length > "https://".length ? { length: link.length, what: { link } } : null;
  });
  each(MENTION, (word) => ({ length: word.length, what: { handle: word.slice(1).toLowerCase() } }));
  each(TAG, (word) => {
    const tag = word.slice(1).replace(/\p{P}+$/u, "");
    // A number is none.
    if (tag === "" || /^\d+$/.test(tag) || graphemes(tag) > TAG_GRAPHEMES_MAX) return null;
    return { length: tag.length + 1, what: { tag } };
  });
  return all.sort((a, b) => a.from - b.from);
}

/** An address without what ends the sentence around it. */
function withoutEnd(word: string): string {
  const address = word.replace(/[.,;:!?"'»”’]+$/u, "");
  const open = address.split("(").length;
  return address.endsWith(")") && address.split(")").length > open ? withoutEnd(address.slice(0, -1)) : address;
}

/** The same as a record has it. A handle that leads to nobody stays text. */
export async function facets(text: string, resolve: (handle: string) => Promise<string | null>): Promise<Facet[]> {
  const all = found(text);
  const handles = [...new Set(all.flatMap((one) => ("handle" in one ? [one.handle] : [])))].slice(0, MENTIONS_MAX);
  const dids = new Map(await Promise.all(handles.map(async (handle) => [handle, await resolve(handle)] as const)));
  const bytes = (part: string) => new TextEncoder().encode(part).length;
  return all.flatMap((one): Facet[] => {
    const index = { byteStart: bytes(text.slice(0, one.from)), byteEnd: bytes(text.slice(0, one.to)) };
    if ("link" in one) return [{ index, features: [{ $type: "app.bsky.richtext.facet#link", uri: one.link }] }];
    if ("tag" in one) return [{ index, features: [{ $type: "app.bsky.richtext.facet#tag", tag: one.tag }] }];
    const did = dids.get(one.handle);
    return did === undefined || did === null ? [] : [{ index, features: [{ $type: "app.bsky.richtext.facet#mention", did }] }];
  });
}

export function refOf(post: Post): Ref {
  return { uri: post.uri, cid: post.cid };
}

/** What an answer to a post says of its thread: where that begins, and what it answers. */
export function replyTo(post: Post): { root: Ref; parent: Ref } {
  const root = post.record.reply?.root;
  const parent = refOf(post);
  const isRef = typeof root?.uri === "string" && typeof root.cid === "string";
  return { root: isRef ? { uri: root.uri, cid: root.cid } : parent, parent };
}
