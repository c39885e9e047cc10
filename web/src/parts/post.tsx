// A post: whose, its text as text, what it carries, how it is labeled, who may answer, and its counts, or to who is
// signed in what can be done with it.
import type { ReactNode } from "react";
import { usePerson, useSession } from "../context.ts";
import { counted } from "../figures.ts";
import { judge, ofAccount } from "../labels.ts";
import { href } from "../router.ts";
import type { FeedItem, Post } from "../types.ts";
import { pageOf, uriParts } from "../uri.ts";
import { EmbedView } from "./embeds.tsx";
import { QuoteGate, ReplyGate } from "./gates.tsx";
import { Labels } from "./labels.tsx";
import { A } from "./link.tsx";
import { Avatar, Name, nameOf } from "./people.tsx";
import { PostActions, useDeleted, useUnwanted } from "./post_actions.tsx";
import { Text } from "./text.tsx";
import { Time } from "./time.tsx";
import { Warned } from "./warned.tsx";

/** `children` is what stands below it. */
export function FeedPost({ item, children }: { item: FeedItem; children?: ReactNode }) {
  const by = item.reason?.$type?.endsWith("reasonRepost") ? item.reason.by : undefined;
  return (
    <li data-item>
      {by !== undefined && <p className="muted above">Reposted by {nameOf(by)}</p>}
      {item.reason?.$type.endsWith("reasonPin") && <p className="muted above">Pinned</p>}
      {item.reply?.parent?.author !== undefined && <p className="muted above">In reply to @{item.reply.parent.author.handle}</p>}
      <PostView post={item.post} />
      {children}
    </li>
  );
}

/** In one's timeline. */
export function TimelinePost({ item, children }: { item: FeedItem; children?: ReactNode }) {
  const unwanted = useUnwanted(item.post);
  if (unwanted === null) return <FeedPost item={item}>{children}</FeedPost>;
  return (
    <li>
      <p className="card-in absent muted">
        {unwanted.says}{" "}
        <button type="button" onClick={unwanted.undo}>
          Undo
        </button>
      </p>
    </li>
  );
}

export function PostView({ post, isMain = false }: { post: Post; isMain?: boolean }) {
  const { author } = post;
  const { operator } = useSession();
  const person = usePerson();
  const deleted = useDeleted(post);
  const thread = pageOf(post.uri);
  const parts = uriParts(post.uri);
  const judged = judge(post.labels, ofAccount(author.labels));
  if (deleted !== null) return <p className="card-in absent muted">{deleted}</p>;
  return (
    <article className={isMain ? "post main" : "post"}>
      <Avatar actor={author} size="small" />
      <div className="post-body">
        <header>
          <Name actor={author} />
          {thread !== null && (
            <A className="muted when" data-open to={thread}>
              <Time ms={Date.parse(post.indexedAt)} />
            </A>
          )}
        </header>
        <Warned warning={judged.all} what={`the post of ${author.handle}`} author={author.did}>
          <Text text={post.record.text} facets={post.record.facets} />
          {post.embed !== undefined && <EmbedView embed={post.embed} judged={judged} author={author.did} />}
        </Warned>
        <Labels labels={post.labels} author={author.did} of="the post" />
        <Labels labels={isMain ? author.labels : undefined} author={author.did} of="its author" />
        <ReplyGate gate={post.threadgate} />
        {isMain && <QuoteGate uri={post.uri} />}
        {person !== null && <PostActions post={post} person={person} />}
        {(person === null || isMain) && (
          <footer className="muted">
            {person === null && (
              <>
                <span>{counted(post.replyCount, "reply", "replies")}</span>
                <span>{counted(post.repostCount, "repost", "reposts")}</span>
                <span>{counted(post.likeCount, "like", "likes")}</span>
                {(post.quoteCount ?? 0) > 0 && <span>{counted(post.quoteCount, "quote", "quotes")}</span>}
              </>
            )}
            {isMain && parts !== null && <A to={href({ page: "record", ...parts })}>Record</A>}
            {isMain && operator !== null && <A to={href({ page: "moderation", tab: "accounts", subject: post.uri })}>Moderate</A>}
          </footer>
        )}
      </div>
    </article>
  );
}
