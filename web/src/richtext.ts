// A post's text cut at its facets. Offsets count UTF-8 bytes and come from strangers: what does not fit is
// left as plain text, and only http(s) addresses become links.
import type { Facet } from "./types.ts";

export type Segment =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; url: string }
  | { kind: "mention"; text: string; did: string }
  | { kind: "tag"; text: string; tag: string };

/** Facets looked at of one post. */
const FACETS_MAX = 200;

export function segments(text: string, facets: unknown): Segment[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const found: Segment[] = [];
  let at = 0;
  const plain = (end: number) => {
    const part = decoder.decode(bytes.subarray(at, end));
    if (part !== "") found.push({ kind: "text", text: part });
  };
  for (const { start, end, feature } of usable(facets, bytes.length)) {
    if (start < at) continue;
    let part: string;
    try {
      part = decoder.decode(bytes.subarray(start, end));
      plain(start);
    } catch {
      continue;
    }
    found.push({ ...feature, text: part });
    at = end;
  }
  plain(bytes.length);
  return found;
}

interface Usable {
  start: number;
  end: number;
  feature: { kind: "link"; url: string } | { kind: "mention"; did: string } | { kind: "tag"; tag: string };
}

function usable(facets: unknown, length: number): Usable[] {
  if (!Array.isArray(facets)) return [];
  const found: Usable[] = [];
  for (const facet of facets.slice(0, FACETS_MAX) as Partial<Facet>[]) {
    const start = facet?.index?.byteStart;
    const end = facet?.index?.byteEnd;
    if (!Number.isInteger(start) || !Number.isInteger(end)) continue;
    if (start === undefined || end === undefined || start < 0 || end <= start || end > length) continue;
    if (!Array.isArray(facet.features)) continue;
    for (const feature of facet.features) {
      const url = webAddress(feature?.uri);
      if (url !== null) {
        found.push({ start, end, feature: { kind: "link", url } });
        break;
      }
      if (typeof feature?.did === "string" && feature.did.startsWith("did:")) {
        found.push({ start, end, feature: { kind: "mention", did: feature.did } });
        break;
      }
      if (typeof feature?.tag === "string" && feature.tag !== "") {
        found.push({ start, end, feature: { kind: "tag", tag: feature.tag } });
        break;
      }
    }
  }
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** An address that may be linked to; null for every other scheme. */
export function webAddress(address: unknown): string | null {
  if (typeof address !== "string" || !/^https?:\/\//i.test(address)) return null;
  try {
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
