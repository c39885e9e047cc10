// Where exploring begins: accounts found by words.
import { xrpc } from "../api.ts";
import { usePerson } from "../context.ts";
import { target } from "../find.ts";
import { usePages } from "../load.ts";
import { A } from "../parts/link.tsx";
import { Person } from "../parts/people.tsx";
import { Listed } from "../parts/states.tsx";
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
  const viewer = usePerson()?.did ?? "";
  const pages = usePages<Actor>(`actors ${q} ${viewer}`, async (cursor, signal) => {
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
      <Listed of={pages} what="accounts" empty="No account here has that in its name or handle.">
        {(actors) => (
          <ul className="people">
            {actors.map((actor) => (
              <Person key={actor.did} actor={actor} />
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}
