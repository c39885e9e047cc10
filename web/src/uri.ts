// The URIs of records, as far as pages are made of them.
import { href } from "./router.ts";

const POST = "app.bsky.feed.post";
const LIST = "app.bsky.graph.list";

/** The parts of a record's URI. */
export function uriParts(uri: unknown): { actor: string; collection: string; rkey: string } | null {
  if (typeof uri !== "string" || !uri.startsWith("at://")) return null;
  const [actor, collection, rkey, ...rest] = uri.slice("at://".length).split("/");
  return actor && collection && rkey && rest.length === 0 ? { actor, collection, rkey } : null;
}

/** The address of the page about a record: a post's thread, a list's accounts, of others the record itself. */
export function pageOf(uri: unknown): string | null {
  const parts = uriParts(uri);
  if (parts === null) return null;
  const { actor, collection, rkey } = parts;
  if (collection === POST) return href({ page: "thread", actor, rkey });
  return collection === LIST ? href({ page: "list", actor, rkey }) : href({ page: "record", ...parts });
}
