// What somebody who is signed in does with a post: answer, repost, quote, like, keep it, and the rest behind "More".
import { useState } from "react";
import { useCompose } from "../context.ts";
import { short } from "../figures.ts";
import type { Person } from "../person.ts";
import { href } from "../router.ts";
import type { Post } from "../types.ts";
import { uriParts } from "../uri.ts";
import { keys, wishes } from "../wishes.ts";
import { blockOf, bookmarkOf, likeOf, muteOf, postOf, repostOf } from "../write.ts";
import { Confirm } from "./confirm.tsx";
import { Dialog } from "./dialog.tsx";
import { A } from "./link.tsx";
import { Report } from "./report.tsx";
import { CountToggle, Icon, Refused, turn, useWish } from "./wish.tsx";

export function PostActions({ post, person }: { post: Post; person: Person }) {
  const compose = useCompose();
  const [open, setOpen] = useState<"more" | "report" | "delete" | null>(null);
  const { uri, viewer } = post;
  const mine = post.author.did === person.did;
  return (
    <>
      <div className="acts" role="group" aria-label={`Of the post of ${post.author.handle}`}>
        <button
          type="button"
          className="act"
          disabled={viewer?.replyDisabled}
          title={viewer?.replyDisabled ? "Its author does not let you reply" : "Reply"}
          onClick={() => compose({ reply: post })}
        >
          <Icon of="reply" />
          <span className="hidden">{viewer?.replyDisabled ? "Reply: its author does not let you" : "Reply"}</span>
          <span className="number">{short(post.replyCount ?? 0)}</span>
        </button>
        <CountToggle toggle={repostOf(person.did, post)} icon="repost" name="Repost" count={post.repostCount ?? 0} />
        <button
          type="button"
          className="act"
          disabled={viewer?.embeddingDisabled}
          title={viewer?.embeddingDisabled ? "Its author does not let it be quoted" : "Quote"}
          onClick={() => compose({ quote: post })}
        >
          <Icon of="quote" />
          <span className="hidden">{viewer?.embeddingDisabled ? "Quote: its author does not let it be quoted" : "Quote"}</span>
          <span className="number">{short(post.quoteCount ?? 0)}</span>
        </button>
        <CountToggle toggle={likeOf(person.did, post)} icon="like" name="Like" count={post.likeCount ?? 0} />
        <CountToggle toggle={bookmarkOf(post)} icon="bookmark" name="Bookmark" />
        <button type="button" className="act more" title="More" onClick={() => setOpen("more")}>
          <Icon of="more" />
          <span className="hidden">More</span>
        </button>
      </div>
      <Refused
        of={[
          [keys.like(uri), "The like was taken back."],
          [keys.repost(uri), "The repost was taken back."],
          [keys.bookmark(uri), "The bookmark was taken back."],
          [keys.post(uri), "It was not deleted."],
        ]}
      />
      {open === "more" && (
        <More post={post} mine={mine} person={person} close={() => setOpen(null)} go={setOpen} />
      )}
      {open === "report" && <Report subject={{ uri, cid: post.cid }} what={`the post of @${post.author.handle}`} close={() => setOpen(null)} />}
      {open === "delete" && (
        <Confirm
          title="Delete this post?"
          yes="Delete"
          no="Keep it"
          onNo={() => setOpen(null)}
          onYes={() => {
            setOpen(null);
            turn(postOf(post), false);
          }}
        >
          <p className="break clamp">{typeof post.record.text === "string" ? post.record.text : ""}</p>
          <p>Your server deletes it for good. Who has a copy may keep it.</p>
        </Confirm>
      )}
    </>
  );
}

interface MoreProps {
  post: Post;
  mine: boolean;
  person: Person;
  close: () => void;
  go: (to: "report" | "delete") => void;
}

function More({ post, mine, person, close, go }: MoreProps) {
  const { author } = post;
  const mute = muteOf(author);
  const block = blockOf(person.did, author);
  const muted = useWish(mute.key)?.on ?? mute.from.on;
  const blocked = useWish(block.key)?.on ?? block.from.on;
  const parts = uriParts(post.uri);
  const then = (act: () => void) => () => {
    close();
    act();
  };
  return (
    <Dialog title={`The post of @${author.handle}`} close={close}>
      <ul className="menu">
        {parts !== null && (
          <li>
            <A to={href({ page: "record", ...parts })} onClick={close}>
              Its record
            </A>
          </li>
        )}
        {mine ? (
          <li>
            <button type="button" className="danger" onClick={() => go("delete")}>
              Delete …
            </button>
          </li>
        ) : (
          <>
            <li>
              <button type="button" onClick={then(() => turn(mute, !muted))}>
                {muted ? "No longer mute" : "Mute"} @{author.handle}
              </button>
            </li>
            <li>
              <button type="button" onClick={then(() => turn(block, !blocked))}>
                {blocked ? "No longer block" : "Block"} @{author.handle}
              </button>
            </li>
            <li>
              <button type="button" className="danger" onClick={() => go("report")}>
                Report …
              </button>
            </li>
          </>
        )}
      </ul>
      <div className="actions">
        <button type="button" data-first onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

/** What stands in the place of a post that one has just deleted. */
export function useDeleted(post: Post): string | null {
  const wish = useWish(keys.post(post.uri));
  if (wish === undefined || wish.on || wish.phase === "refused") return null;
  return wish.phase === "asked" ? "Being deleted …" : "You deleted this post.";
}

/** The same in a timeline, where one has just muted or blocked the author. */
export function useUnwanted({ author }: Post): { says: string; undo: () => void } | null {
  const mute = useWish(keys.mute(author.did));
  const block = useWish(keys.block(author.did));
  if (block?.on === true) return { says: `You have blocked @${author.handle}.`, undo: () => wishes.turnBack(block.key) };
  if (mute?.on === true) return { says: `You have muted @${author.handle}.`, undo: () => wishes.turnBack(mute.key) };
  return null;
}
