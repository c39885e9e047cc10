// A thread: what the post answers, the post, and what was answered to it.
import { revisionOf, xrpc } from "../api.ts";
import { usePerson } from "../context.ts";
import { replies as repliesOf } from "../gates.ts";
import { useLoad } from "../load.ts";
import { PostView } from "../parts/post.tsx";
import { Sent, useSent } from "../parts/sent.tsx";
import { Shown } from "../parts/states.tsx";
import { Covered } from "../parts/warned.tsx";
import type { Person } from "../person.ts";
import type { ThreadNode } from "../types.ts";
import { wishes } from "../wishes.ts";

/** Answers are not indented further than this; they go on below each other. */
const INDENT_MAX = 4;

export function ThreadPage({ actor, rkey }: { actor: string; rkey: string }) {
  const uri = `at://${actor}/app.bsky.feed.post/${rkey}`;
  const person = usePerson();
  const loaded = useLoad(`thread ${uri} ${person?.did ?? ""}`, async (signal) => {
    const mark = wishes.mark();
    const answer = await xrpc<{ thread: ThreadNode }>("app.bsky.feed.getPostThread", { uri, depth: 6, parentHeight: 40 }, signal);
    return { ...answer, newness: { mark, rev: revisionOf(answer) } };
  });
  return (
    <>
      <h1>Thread</h1>
      <Shown of={loaded} what="the thread">
        {({ thread, newness }) => (
          <>
            <ol className="thread">
              {parents(thread).map((node, at) => (
                <li key={node.post?.uri ?? at} data-item>
                  <Node node={node} />
                </li>
              ))}
              <li className="anchor" data-item>
                {thread.post === undefined ? <Missing node={thread} /> : <PostView post={thread.post} isMain />}
              </li>
            </ol>
            {person !== null && <SentHere thread={thread} isBehind={(key) => wishes.isBehind(key, newness)} person={person} />}
            {(thread.replies?.length ?? 0) > 0 && <h2>Replies</h2>}
            <Replies nodes={thread.replies} hidden={hiddenBy(thread)} depth={0} />
          </>
        )}
      </Shown>
    </>
  );
}

/** What one has just answered to a post of this thread. */
function SentHere({ thread, isBehind, person }: { thread: ThreadNode; isBehind: (key: string) => boolean; person: Person }) {
  const posts = new Set(uris(thread));
  const sent = useSent((draft, wish) => {
    if (draft.reply === null || !posts.has(draft.reply.parent.uri)) return false;
    return wish.phase === "refused" || (!posts.has(wish.key.slice("post ".length)) && isBehind(wish.key));
  });
  if (sent.length === 0) return null;
  return (
    <ul className="replies" aria-label="Written just now">
      {sent.map(([draft, wish]) => (
        <li key={wish.key}>
          <div data-item>
            <Sent draft={draft} wish={wish} person={person} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function uris(thread: ThreadNode): string[] {
  const below = (node: ThreadNode): string[] => [...(node.post === undefined ? [] : [node.post.uri]), ...(node.replies ?? []).flatMap(below)];
  return [...parents(thread).flatMap((node) => (node.post === undefined ? [] : [node.post.uri])), ...below(thread)];
}

/** The oldest first. */
function parents(node: ThreadNode): ThreadNode[] {
  const found: ThreadNode[] = [];
  for (let at = node.parent; at !== undefined; at = at.parent) found.unshift(at);
  return found;
}

/** The replies that the thread's author has hidden. */
function hiddenBy(node: ThreadNode): Set<string> {
  const root = parents(node)[0] ?? node;
  return new Set(repliesOf(root.post?.threadgate)?.hidden);
}

function Node({ node }: { node: ThreadNode }) {
  return node.post === undefined ? <Missing node={node} /> : <PostView post={node.post} />;
}

function Missing({ node }: { node: ThreadNode }) {
  return <p className="card-in absent muted">{node.blocked ? "A post that is not shown: one of the two blocks the other" : "A post that is not here: it was deleted, or has not been fetched"}</p>;
}

function Replies({ nodes, hidden, depth }: { nodes: ThreadNode[] | undefined; hidden: Set<string>; depth: number }) {
  if (nodes === undefined || nodes.length === 0) return null;
  return (
    <ul className={depth > 0 && depth <= INDENT_MAX ? "replies indented" : "replies"}>
      {nodes.map((node, at) => (
        <li key={node.post?.uri ?? at}>
          <div data-item>
            {node.post !== undefined && hidden.has(node.post.uri) ? (
              <Covered what={`the reply of ${node.post.author.handle}`} note="A reply that the thread's author has hidden">
                <Node node={node} />
              </Covered>
            ) : (
              <Node node={node} />
            )}
          </div>
          <Replies nodes={node.replies} hidden={hidden} depth={depth + 1} />
        </li>
      ))}
    </ul>
  );
}
