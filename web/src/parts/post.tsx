// A post: whose, its text as text, what it carries, and its counts.
import { useState } from "react";
import { counted } from "../figures.ts";
import { segments, webAddress } from "../richtext.ts";
import { href } from "../router.ts";
import type { Actor, Embed, FeedItem, Post } from "../types.ts";
import { Labels } from "./labels.tsx";
import { A } from "./link.tsx";
import { Avatar, Name, nameOf } from "./people.tsx";
import { Time } from "./time.tsx";

/** The parts of a record's URI. */
export function uriParts(uri: string): { actor: string; collection: string; rkey: string } | null {
  const [actor, collection, rkey] = uri.replace(/^at:\/\//, "").split("/");
  return actor && collection && rkey ? { actor, collection, rkey } : null;
}

function threadOf(uri: string): string | null {
  const parts = uriParts(uri);
  return parts === null ? null : href({ page: "thread", actor: parts.actor, rkey: parts.rkey });
}

export function FeedPost({ item }: { item: FeedItem }) {
  const by = item.reason?.$type.endsWith("reasonRepost") ? item.reason.by : undefined;
  return (
    <li data-item>
      {by !== undefined && <p className="muted above">Reposted by {nameOf(by)}</p>}
      {item.reply?.parent?.author !== undefined && <p className="muted above">In reply to @{item.reply.parent.author.handle}</p>}
      <PostView post={item.post} />
    </li>
  );
}

export function PostView({ post, isMain = false }: { post: Post; isMain?: boolean }) {
  const thread = threadOf(post.uri);
  const parts = uriParts(post.uri);
  return (
    <article className={isMain ? "post main" : "post"}>
      <Avatar actor={post.author} size="small" />
      <div className="post-body">
        <header>
          <Name actor={post.author} />
          {thread !== null && (
            <A className="muted when" data-open to={thread}>
              <Time ms={Date.parse(post.indexedAt)} />
            </A>
          )}
        </header>
        <Labels labels={post.labels} author={post.author.did} />
        <Text text={post.record.text} facets={post.record.facets} />
        {post.embed !== undefined && <EmbedView embed={post.embed} />}
        <footer className="muted">
          <span>{counted(post.replyCount, "reply", "replies")}</span>
          <span>{counted(post.repostCount, "repost", "reposts")}</span>
          <span>{counted(post.likeCount, "like", "likes")}</span>
          {(post.quoteCount ?? 0) > 0 && <span>{counted(post.quoteCount, "quote", "quotes")}</span>}
          {isMain && parts !== null && <A to={href({ page: "record", ...parts })}>Record</A>}
        </footer>
      </div>
    </article>
  );
}

export function Text({ text, facets }: { text: unknown; facets: unknown }) {
  if (typeof text !== "string" || text === "") return null;
  return (
    <p className="text" dir="auto">
      {segments(text, facets).map((segment, at) => {
        if (segment.kind === "link") {
          return (
            <a key={at} href={segment.url} target="_blank" rel="noopener noreferrer nofollow">
              {segment.text}
            </a>
          );
        }
        if (segment.kind === "mention") {
          return (
            <A key={at} to={href({ page: "profile", actor: segment.did, tab: "posts" })}>
              {segment.text}
            </A>
          );
        }
        return <span key={at}>{segment.text}</span>;
      })}
    </p>
  );
}

function EmbedView({ embed }: { embed: Embed }) {
  const link = webAddress(embed.external?.uri);
  return (
    <>
      {embed.media !== undefined && <EmbedView embed={embed.media} />}
      {Array.isArray(embed.images) && (
        <ul className="pictures">
          {embed.images.map((image, at) => (
            <li key={at}>
              <Picture url={image.thumb} alt={image.alt} />
            </li>
          ))}
        </ul>
      )}
      {embed.$type.includes("video") && <p className="card-in muted">Video{embed.alt ? `: ${embed.alt}` : ""}</p>}
      {embed.external !== undefined && (
        <div className="card-in">
          {link === null ? (
            <span>{embed.external.title}</span>
          ) : (
            <a href={link} target="_blank" rel="noopener noreferrer nofollow">
              {embed.external.title || link}
            </a>
          )}
          <p className="muted clamp">{embed.external.description}</p>
        </div>
      )}
      {embed.record !== undefined && <Quoted record={embed.record} />}
    </>
  );
}

function Picture({ url, alt }: { url: string; alt: string }) {
  const [lost, setLost] = useState(false);
  const address = webAddress(url);
  const words = alt === "" ? "picture without description" : alt;
  if (address === null || lost) return <p className="card-in muted">Picture: {words}</p>;
  return <img src={address} alt={words} loading="lazy" referrerPolicy="no-referrer" onError={() => setLost(true)} />;
}

/** A record within a post; with media it lies one level deeper. */
function Quoted({ record }: { record: Record<string, unknown> }) {
  const inner = (typeof record["record"] === "object" && record["record"] !== null ? record["record"] : record) as Record<string, unknown>;
  const author = inner["author"] as Actor | undefined;
  const value = inner["value"] as { text?: unknown; facets?: unknown } | undefined;
  const uri = inner["uri"];
  const thread = typeof uri === "string" && uri.includes("/app.bsky.feed.post/") ? threadOf(uri) : null;
  if (author === undefined || value === undefined) {
    const name = inner["displayName"] ?? inner["name"] ?? (typeof uri === "string" ? uri : "a record that is not shown");
    return <p className="card-in muted">{String(name)}</p>;
  }
  return (
    <div className="card-in">
      <Name actor={author} />
      <Text text={value.text} facets={value.facets} />
      {thread !== null && (
        <A className="muted" to={thread}>
          Quoted post
        </A>
      )}
    </div>
  );
}
