// Writing: records into the repository of who is signed in, by way of this service, and what only this place has. How
// each thing is turned on and off, for `wishes`.
import { procedure } from "./api.ts";
import { refOf } from "./compose.ts";
import type { Actor, Post, Ref } from "./types.ts";
import { uriParts } from "./uri.ts";
import { type Done, keys, type Standing } from "./wishes.ts";

/** Later than every revision: of a PDS that tells none, answers never say by it that they are new. */
export const NO_REV = "~";

export interface Written {
  uri: string;
  cid: string;
  commit?: { rev?: string };
}

async function create(did: string, collection: string, record: object): Promise<Done> {
  const input = { repo: did, collection, record: { $type: collection, ...record, createdAt: new Date().toISOString() } };
  const made = await procedure<Written>("com.atproto.repo.createRecord", input);
  return { uri: made.uri, rev: made.commit?.rev ?? NO_REV };
}

export async function remove(uri: string | null): Promise<Done> {
  const parts = uriParts(uri);
  if (parts === null) throw new Error("It is not known by which record. Load the page again.");
  const input = { repo: parts.actor, collection: parts.collection, rkey: parts.rkey };
  const made = await procedure<{ commit?: { rev?: string } }>("com.atproto.repo.deleteRecord", input);
  return { rev: made.commit?.rev ?? NO_REV };
}

/** A record that says something of a subject: there, or not. */
function byRecord(did: string, collection: string, record: object) {
  return (on: boolean, sure: Standing): Promise<Done> => (on ? create(did, collection, record) : remove(sure.uri));
}

/** What this place alone has: done by one method, and undone by another. */
function byMethod(does: string, undoes: string, doing: object, undoing: object) {
  return async (on: boolean): Promise<Done> => {
    await procedure(on ? does : undoes, on ? doing : undoing);
    return {};
  };
}

/** A button that turns something on and off. */
export interface Toggle {
  key: string;
  from: Standing;
  act: (on: boolean, sure: Standing) => Promise<Done>;
}

const standing = (uri: string | undefined): Standing => ({ on: uri !== undefined, uri: uri ?? null });

export function likeOf(did: string, post: Post): Toggle {
  return { key: keys.like(post.uri), from: standing(post.viewer?.like), act: byRecord(did, "app.bsky.feed.like", { subject: refOf(post) }) };
}

export function repostOf(did: string, post: Post): Toggle {
  return { key: keys.repost(post.uri), from: standing(post.viewer?.repost), act: byRecord(did, "app.bsky.feed.repost", { subject: refOf(post) }) };
}

export function bookmarkOf(post: Post): Toggle {
  const act = byMethod("app.bsky.bookmark.createBookmark", "app.bsky.bookmark.deleteBookmark", refOf(post), { uri: post.uri });
  return { key: keys.bookmark(post.uri), from: { on: post.viewer?.bookmarked === true, uri: null }, act };
}

export function followOf(did: string, actor: Actor): Toggle {
  return { key: keys.follow(actor.did), from: standing(actor.viewer?.following), act: byRecord(did, "app.bsky.graph.follow", { subject: actor.did }) };
}

export function blockOf(did: string, actor: Actor): Toggle {
  return { key: keys.block(actor.did), from: standing(actor.viewer?.blocking), act: byRecord(did, "app.bsky.graph.block", { subject: actor.did }) };
}

export function muteOf(actor: Actor): Toggle {
  const who = { actor: actor.did };
  const act = byMethod("app.bsky.graph.muteActor", "app.bsky.graph.unmuteActor", who, who);
  return { key: keys.mute(actor.did), from: { on: actor.viewer?.muted === true, uri: null }, act };
}

/** Whether an account is on a list, by the record that puts it there. */
export function memberOf(did: string, list: string, subject: string, item: string | undefined): Toggle {
  return { key: keys.member(list, subject), from: standing(item), act: byRecord(did, "app.bsky.graph.listitem", { list, subject }) };
}

export async function makeList(did: string, name: string, purpose: "curatelist" | "modlist", description: string): Promise<string> {
  const about = description === "" ? {} : { description };
  const done = await create(did, "app.bsky.graph.list", { name, purpose: `app.bsky.graph.defs#${purpose}`, ...about });
  return done.uri ?? "";
}

export async function deleteList(uri: string) {
  await remove(uri);
}

/** A post of one's own: there, or deleted. */
export function postOf(post: Post): Toggle {
  return { key: keys.post(post.uri), from: { on: true, uri: post.uri }, act: (_, sure) => remove(sure.uri) };
}

export type ReportSubject = { did: string } | Ref;

/** Passed on by the person's PDS, to its own moderation service or to the labeler that is named. */
export async function report(subject: ReportSubject, reasonType: string, reason: string, labeler: string | null) {
  const of = "did" in subject ? { $type: "com.atproto.admin.defs#repoRef", did: subject.did } : { $type: "com.atproto.repo.strongRef", ...subject };
  const input = { reasonType, subject: of, ...(reason === "" ? {} : { reason }) };
  await procedure("com.atproto.moderation.createReport", input, labeler === null ? {} : { "atproto-proxy": `${labeler}#atproto_labeler` });
}
