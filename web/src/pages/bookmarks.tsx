// Posts that somebody keeps, for themselves alone.
import { xrpc } from "../api.ts";
import { usePages } from "../load.ts";
import { PostView } from "../parts/post.tsx";
import { Listed } from "../parts/states.tsx";
import type { Person } from "../person.ts";
import type { Bookmark } from "../types.ts";

export function Bookmarks({ person }: { person: Person }) {
  const pages = usePages<Bookmark>(`bookmarks ${person.did}`, async (cursor, signal) => {
    const page = await xrpc<{ bookmarks: Bookmark[]; cursor?: string }>("app.bsky.bookmark.getBookmarks", { limit: 50, cursor }, signal);
    return { items: page.bookmarks, cursor: page.cursor };
  });
  return (
    <>
      <h1>Bookmarks</h1>
      <p className="muted">Kept at this place; nobody else sees them.</p>
      <Listed of={pages} what="your bookmarks" empty="You have kept nothing yet.">
        {(bookmarks) => (
          <ul className="feed">
            {bookmarks.map(({ subject, item }) => (
              <li key={subject.uri} data-item>
                {item.author === undefined ? (
                  <p className="card-in absent muted">
                    {item.blocked ? "A post that is not shown: one of the two blocks the other" : "A post that is not here: it was deleted, or has not been fetched"}
                  </p>
                ) : (
                  <PostView post={item} />
                )}
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}
