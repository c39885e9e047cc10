// What an operator names to be fetched whole.
import { named, resolved, understood } from "./subjects.ts";

export type BackfillKind = "dids" | "list" | "interest" | "network";

/** As `POST backfills/begin` takes it. */
export interface Begin {
  kind: BackfillKind;
  dids?: string[];
  list?: string;
  again: boolean;
}

/** Collections of records that have members. */
const LISTS = ["app.bsky.graph.list", "app.bsky.graph.starterpack"];

/** Accounts by DID; otherwise an error that says what is wrong. */
export async function accounts(text: string): Promise<string[]> {
  if (text.trim() === "") throw new Error("Name an account first.");
  const uris = await understood(text);
  const records = uris.filter((uri) => uri.startsWith("at://"));
  if (records[0] !== undefined) throw new Error(`A record, and not an account: ${records[0]}`);
  return uris;
}

/** The URI of a list or starter pack, by its author's DID; otherwise an error that says what is wrong. */
export async function listOf(text: string): Promise<string> {
  const word = text.trim();
  if (word === "") throw new Error("Name a list or a starter pack first.");
  const subject = named(word);
  if (subject?.path == null || !LISTS.some((collection) => subject.path?.startsWith(`${collection}/`))) {
    throw new Error(`Not a list or a starter pack: ${word.slice(0, 100)}`);
  }
  const { uris } = await resolved([subject]);
  if (uris[0] === undefined) throw new Error(`No account here has the handle ${subject.actor}. Name the DID instead.`);
  return uris[0];
}
