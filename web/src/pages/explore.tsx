// Where exploring begins: accounts found by words.
import { xrpc } from "../api.ts";
import { target } from "../find.ts";
import { usePages } from "../load.ts";
import { A } from "../parts/link.tsx";
import { Person } from "../parts/people.tsx";
import { Empty, Failed, Loading } from "../parts/states.tsx";
import type { Actor } from "../types.ts";

export function Explore({ q }: { q: string }) {
  return (
    <>
      <h1>{q === "" ? "Explore the network" : <>Accounts for “<bdi>{q}</bdi>”</>}</h1>
      {q === "" ? <Hints /> : <Found q={q} />}
    </>
  );
}

function Hints() {
  return (
    <div className="state">
      <p>
        Search above for an account, or press <kbd>/</kbd>. These are understood:
      </p>
      <ul className="plain-list">
        <li>words of a name or handle</li>
        <li>
          a handle, with or without <code>@</code>
        </li>
        <li>
          a DID: <code>did:plc:…</code>
        </li>
        <li>
          an <code>at://</code> URI of an account, a post or any record
        </li>
        <li>
          the address of a profile or post on <code>bsky.app</code>
        </li>
      </ul>
    </div>
  );
}

function Found({ q }: { q: string }) {
  const named = target(q);
  const pages = usePages<Actor>(`actors ${q}`, async (cursor, signal) => {
    const page = await xrpc<{ actors: Actor[]; cursor?: string }>("app.bsky.actor.searchActors", { q, limit: 25, cursor }, signal);
    return { items: page.actors, cursor: page.cursor };
  });
  return (
    <>
      {named !== null && (
        <p>
          <A to={named}>Go to {q}</A>
        </p>
      )}
      {pages.error !== null && <Failed error={pages.error} again={pages.again} />}
      {pages.loading && pages.items.length === 0 && <Loading what="accounts" />}
      {!pages.loading && pages.error === null && pages.items.length === 0 && <Empty>No account here has that in its name or handle.</Empty>}
      <ul className="people">
        {pages.items.map((actor) => (
          <Person key={actor.did} actor={actor} />
        ))}
      </ul>
      {pages.more !== null && (
        <button type="button" className="more-button" onClick={pages.more}>
          More
        </button>
      )}
    </>
  );
}
