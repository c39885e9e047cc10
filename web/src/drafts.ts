// Posts on their way: sent at once, kept until a PDS has them, never there twice.
import { ApiError, procedure, upload, xrpc } from "./api.ts";
import { facets, PICTURES_MAX, refOf, replyTo } from "./compose.ts";
import { isActor } from "./find.ts";
import { newTid } from "./tid.ts";
import type { Post, Ref } from "./types.ts";
import { type Done, keys, type Standing, wishes } from "./wishes.ts";
import { NO_REV, remove, type Written } from "./write.ts";

export interface Picked {
  blob: Blob;
  type: string;
  /** As it is shown here: a data: address. */
  shown: string;
  alt: string;
  width: number;
  height: number;
}

/** What somebody wrote, as they wrote it. */
export interface Draft {
  did: string;
  rkey: string;
  text: string;
  langs: string[];
  createdAt: string;
  reply: { root: Ref; parent: Ref } | null;
  quote: Ref | null;
  pictures: Picked[];
}

const POST = "app.bsky.feed.post";

export function uriOf(draft: Draft): string {
  return `at://${draft.did}/${POST}/${draft.rkey}`;
}

export function newDraft(did: string, text: string, langs: string[], to: { reply: Post | null; quote: Post | null; pictures: Picked[] }): Draft {
  const reply = to.reply === null ? null : replyTo(to.reply);
  const quote = to.quote === null ? null : refOf(to.quote);
  return { did, rkey: newTid(), text, langs, createdAt: new Date().toISOString(), reply, quote, pictures: to.pictures.slice(0, PICTURES_MAX) };
}

/** Sends it. Its key is its own, so that what is tried again is never there twice. */
export function send(draft: Draft, storage: Storage) {
  keep(storage, draft);
  wishes.wish(keys.post(uriOf(draft)), { on: false, uri: null }, true, sending(draft, storage), draft);
}

function sending(draft: Draft, storage: Storage) {
  let tried = false;
  let record: object | null = null;
  return async (on: boolean, sure: Standing): Promise<Done> => {
    if (!on) return remove(sure.uri);
    record ??= await recordOf(draft);
    const input = { repo: draft.did, collection: POST, rkey: draft.rkey, record };
    // Whether an earlier try arrived may be unknown: the same record at the same key changes nothing.
    const method = tried ? "com.atproto.repo.putRecord" : "com.atproto.repo.createRecord";
    tried = true;
    const made = await procedure<Written>(method, input);
    forget(storage, draft.rkey);
    return { uri: made.uri, rev: made.commit?.rev ?? NO_REV };
  };
}

async function recordOf(draft: Draft): Promise<object> {
  const found = await facets(draft.text, resolve);
  const embed = await embedOf(draft);
  return {
    $type: POST,
    text: draft.text,
    createdAt: draft.createdAt,
    ...(found.length > 0 ? { facets: found } : {}),
    ...(draft.langs.length > 0 ? { langs: draft.langs } : {}),
    ...(draft.reply === null ? {} : { reply: draft.reply }),
    ...(embed === null ? {} : { embed }),
  };
}

async function embedOf({ pictures, quote }: Draft): Promise<object | null> {
  const record = quote === null ? null : { $type: "app.bsky.embed.record", record: quote };
  if (pictures.length === 0) return record;
  const images = [];
  for (const { blob, type, alt, width, height } of pictures) {
    const { blob: image } = await upload<{ blob: unknown }>(blob, type);
    images.push({ image, alt, aspectRatio: { width, height } });
  }
  const media = { $type: "app.bsky.embed.images", images };
  return record === null ? media : { $type: "app.bsky.embed.recordWithMedia", record, media };
}

async function resolve(handle: string): Promise<string | null> {
  if (!isActor(handle)) return null;
  try {
    return (await xrpc<{ did: string }>("com.atproto.identity.resolveHandle", { handle })).did;
  } catch (error) {
    // Nobody has it: it stays text. A server that does not answer says nothing of it.
    if (error instanceof ApiError && error.status === 400) return null;
    throw error;
  }
}

const UNSENT = "millrace.unsent";
/** Texts kept until a PDS has them. */
const UNSENT_MAX = 20;

/** What is on its way is kept beyond the page's end, without its pictures. */
function unsent(storage: Storage): Draft[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(UNSENT) ?? "[]");
    return Array.isArray(kept) ? (kept as Draft[]).filter((one) => typeof one?.text === "string" && typeof one.rkey === "string" && typeof one.did === "string") : [];
  } catch {
    return [];
  }
}

function keep(storage: Storage, draft: Draft) {
  const others = unsent(storage).filter(({ rkey }) => rkey !== draft.rkey);
  const kept = [...others, { ...draft, pictures: [] }].slice(-UNSENT_MAX);
  try {
    storage.setItem(UNSENT, JSON.stringify(kept));
  } catch {
    // There is no room: the page itself still has it.
  }
}

export function forget(storage: Storage, rkey: string) {
  storage.setItem(UNSENT, JSON.stringify(unsent(storage).filter((one) => one.rkey !== rkey)));
}

/** Brings back what was on its way when the page was closed. */
export function recall(did: string, storage: Storage) {
  for (const draft of unsent(storage)) {
    if (draft.did !== did) continue;
    const why = "The page was closed before it was known whether your server took it. Its pictures, if any, are not here any more.";
    const whole: Draft = { ...draft, pictures: [], langs: Array.isArray(draft.langs) ? draft.langs : [], reply: draft.reply ?? null, quote: draft.quote ?? null };
    wishes.recall(keys.post(uriOf(whole)), sendingAgain(whole, storage), whole, why);
  }
}

/** As after a try. */
function sendingAgain(draft: Draft, storage: Storage) {
  const send = sending(draft, storage);
  return async (on: boolean, sure: Standing): Promise<Done> => {
    if (!on) return remove(sure.uri);
    const { uri } = await alreadyThere(draft);
    if (uri === null) return send(on, sure);
    forget(storage, draft.rkey);
    return { uri, rev: NO_REV };
  };
}

async function alreadyThere(draft: Draft): Promise<{ uri: string | null }> {
  try {
    const { uri } = await xrpc<{ uri: string }>("com.atproto.repo.getRecord", { repo: draft.did, collection: POST, rkey: draft.rkey });
    return { uri };
  } catch {
    return { uri: null };
  }
}
