// What an operator names to act upon: typed or pasted, one or many. Handles are looked up, so that what is asked of
// the server is a DID or the URI of a record by DID.
import { xrpc } from "./api.ts";
import { isActor } from "./find.ts";

/** Subjects of one paste. */
export const SUBJECTS_MAX = 1_000;
/** Handles looked up at the same time. */
const LOOKUPS = 8;

/** An account, or with a path a record of it: `collection/rkey`. */
export interface Subject {
  actor: string;
  path: string | null;
}

const KINDS: Record<string, string> = {
  post: "app.bsky.feed.post",
  feed: "app.bsky.feed.generator",
  lists: "app.bsky.graph.list",
};

/** Cuts a paste at blanks and commas. What names nothing is among `wrong`; what is there twice is one. */
export function pasted(text: string): { subjects: Subject[]; wrong: string[] } {
  const subjects = new Map<string, Subject>();
  const wrong: string[] = [];
  for (const word of text.split(/[\s,;]+/)) {
    const clean = word.replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff<>"']/g, "");
    if (clean === "") continue;
    const subject = named(clean);
    if (subject === null) wrong.push(clean);
    else subjects.set(uriOf(subject), subject);
  }
  return { subjects: [...subjects.values()], wrong };
}

/** What one word names. */
export function named(word: string): Subject | null {
  const name = word.replace(/^@/, "");
  if (isActor(name)) return { actor: ofActor(name), path: null };
  if (word.startsWith("at://")) return record(word.slice("at://".length).split("/"));
  const web = /^(?:https?:\/\/)?bsky\.app\/(.+)$/i.exec(word);
  return web?.[1] === undefined ? null : onTheWeb(web[1].replace(/[?#].*$/, "").split("/"));
}

function ofActor(name: string): string {
  return name.startsWith("did:") ? name : name.toLowerCase();
}

function record([actor, collection, rkey, ...rest]: string[]): Subject | null {
  if (actor === undefined || !isActor(actor) || rest.length > 0) return null;
  if (collection === undefined || collection === "") return { actor: ofActor(actor), path: null };
  return rkey === undefined || rkey === "" ? null : { actor: ofActor(actor), path: `${collection}/${rkey}` };
}

function onTheWeb(parts: string[]): Subject | null {
  const [place, actor, kind, rkey, ...rest] = parts.filter((part) => part !== "");
  if (actor === undefined || !isActor(actor) || rest.length > 0) return null;
  if (place === "starter-pack" && kind !== undefined) return { actor: ofActor(actor), path: `app.bsky.graph.starterpack/${kind}` };
  if (place !== "profile") return null;
  if (kind === undefined) return { actor: ofActor(actor), path: null };
  const collection = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  return collection === undefined || rkey === undefined ? null : { actor: ofActor(actor), path: `${collection}/${rkey}` };
}

/** A DID or handle, or the URI of a record. */
export function uriOf({ actor, path }: Subject): string {
  return path === null ? actor : `at://${actor}/${path}`;
}

/** The same by DID, in the same order; whose handle nobody knows is among `unknown`. */
export async function resolved(subjects: Subject[]): Promise<{ uris: string[]; unknown: string[] }> {
  const handles = [...new Set(subjects.map(({ actor }) => actor).filter((actor) => !actor.startsWith("did:")))];
  const dids = new Map<string, string>();
  for (let at = 0; at < handles.length; at += LOOKUPS) {
    await Promise.all(
      handles.slice(at, at + LOOKUPS).map(async (handle) => {
        try {
          const { did } = await xrpc<{ did: string }>("com.atproto.identity.resolveHandle", { handle });
          dids.set(handle, did);
        } catch {
          // It is told with the others that are unknown.
        }
      }),
    );
  }
  const uris: string[] = [];
  const unknown: string[] = [];
  for (const { actor, path } of subjects) {
    const did = actor.startsWith("did:") ? actor : dids.get(actor);
    if (did === undefined) unknown.push(uriOf({ actor, path }));
    else uris.push(uriOf({ actor: did, path }));
  }
  return { uris: [...new Set(uris)], unknown };
}

/** In parts of at most so many. */
export function parts<I>(items: I[], most: number): I[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, at) => items.slice(at * most, (at + 1) * most));
}

/** What a paste names, by DID; otherwise an error that says what is wrong with it. */
export async function understood(text: string): Promise<string[]> {
  const { subjects, wrong } = pasted(text);
  if (wrong.length > 0) throw new Error(`Not an account or a record: ${some(wrong)}`);
  if (subjects.length === 0) throw new Error("Name an account or a record first.");
  if (subjects.length > SUBJECTS_MAX) throw new Error(`These are ${subjects.length}; at most ${SUBJECTS_MAX} go at once.`);
  const { uris, unknown } = await resolved(subjects);
  if (unknown.length > 0) throw new Error(`No account here has the handle ${some(unknown)}. Name the DID instead.`);
  return uris;
}

function some(words: string[]): string {
  const shown = words.slice(0, 5).map((word) => word.slice(0, 100));
  return shown.join(", ") + (words.length > shown.length ? ` and ${words.length - shown.length} more` : "");
}
