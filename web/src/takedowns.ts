// Takedowns by name: what they are of, in words and as a key.
import type { TakedownSubject } from "./types.ts";

/** What a DID or the URI of a record names. */
export function takedownOf(uri: string): TakedownSubject {
  return uri.startsWith("at://") ? { kind: "record", uri } : { kind: "account", did: uri };
}

export function keyOf(subject: TakedownSubject): string {
  if (subject.kind === "blob") return `${subject.did} ${subject.cid}`;
  return subject.kind === "account" ? subject.did : subject.uri;
}

/** The DID or URI by which it is looked up. */
export function subjectUri(subject: TakedownSubject): string {
  return subject.kind === "record" ? subject.uri : subject.did;
}

/** What follows from it for who reads. */
export const FOLLOWS: Record<TakedownSubject["kind"], string> = {
  account: "The account and all it made is shown to nobody, and its handle finds nothing.",
  record: "The record is not found, also where others quote or name it.",
  blob: "The picture or video is left out wherever the account's records have it.",
};
