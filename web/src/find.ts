// What somebody types or pastes into the search: a DID, a handle, an at:// URI, a bsky.app address, or words.
import { href } from "./router.ts";

const DID = /^did:[a-z]+:[A-Za-z0-9._:%-]+$/;
const HANDLE = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const POST = "app.bsky.feed.post";

/** The address of what the text names for certain; null for words to search by. */
export function target(typed: string): string | null {
  const text = typed.trim().replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
  const name = text.replace(/^@/, "");
  if (isActor(name)) return profile(name);
  if (text.startsWith("at://")) return ofUri(text.slice("at://".length).split("/"));
  return ofWebAddress(text);
}

export function isActor(name: string): boolean {
  return DID.test(name) || HANDLE.test(name);
}

function profile(actor: string): string {
  return href({ page: "profile", actor: actor.startsWith("did:") ? actor : actor.toLowerCase(), tab: "posts" });
}

function ofUri([actor, collection, rkey, ...rest]: string[]): string | null {
  if (actor === undefined || !isActor(actor) || rest.length > 0) return null;
  if (collection === undefined || collection === "") return profile(actor);
  if (rkey === undefined || rkey === "") return profile(actor);
  if (collection === POST) return href({ page: "thread", actor, rkey });
  return href({ page: "record", actor, collection, rkey });
}

function ofWebAddress(text: string): string | null {
  const hasScheme = /^https?:\/\//i.test(text);
  if (!hasScheme && !text.startsWith("bsky.app/")) return null;
  let url: URL;
  try {
    url = new URL(hasScheme ? text : `https://${text}`);
  } catch {
    return null;
  }
  let parts: string[];
  try {
    parts = url.pathname.split("/").filter((part) => part !== "").map(decodeURIComponent);
  } catch {
    return null;
  }
  const [kind, actor, what, rkey] = parts;
  if (kind !== "profile" || actor === undefined || !isActor(actor)) return null;
  if (what === "post" && rkey !== undefined) return href({ page: "thread", actor, rkey });
  return profile(actor);
}
