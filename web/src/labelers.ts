// To whom a report may go, and what of those take it: labelers say so in their own records.
import type { ReportSubject } from "./write.ts";
import { uriParts } from "./uri.ts";

/** As `app.bsky.labeler.getServices` has it in detail; what is absent is not restricted. */
export interface Labeler {
  creator: { did: string; handle: string; displayName?: string };
  reasonTypes?: string[];
  subjectTypes?: string[];
  subjectCollections?: string[];
}

/** Everybody once: who moderates here before whom somebody subscribes to. */
export function askable(moderator: string | undefined, subscribed: string[]): string[] {
  return [...new Set([...(moderator === undefined ? [] : [moderator]), ...subscribed])];
}

/** Whether a labeler takes such a report; of one that is not known here it is tried. */
export function takes(labeler: Labeler | undefined, subject: ReportSubject, reason: string): boolean {
  if (labeler === undefined) return true;
  const { reasonTypes, subjectTypes, subjectCollections } = labeler;
  const isAccount = "did" in subject;
  if (subjectTypes !== undefined && !subjectTypes.includes(isAccount ? "account" : "record")) return false;
  const collection = isAccount ? undefined : uriParts(subject.uri)?.collection;
  if (collection !== undefined && subjectCollections !== undefined && !subjectCollections.includes(collection)) return false;
  return reason === "" || reasonTypes === undefined || reasonTypes.includes(reason);
}
