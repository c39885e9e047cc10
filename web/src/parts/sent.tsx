// One's own posts between the press of the button and the AppView's first word of them, and those that were refused:
// what was written is there until it is sent or thrown away.
import { useSyncExternalStore } from "react";
import { useCompose } from "../context.ts";
import { type Draft, forget } from "../drafts.ts";
import type { Person } from "../person.ts";
import { type Wish, wishes } from "../wishes.ts";
import { Avatar, Name } from "./people.tsx";
import { Text } from "./text.tsx";
import { Refusal, Unsure } from "./wish.tsx";

/** Those that no answer tells of yet, the newest first. */
export function useSent(isWanted: (draft: Draft, wish: Wish) => boolean): [Draft, Wish][] {
  const all = useSyncExternalStore(wishes.subscribe, wishes.all);
  const found: [Draft, Wish][] = [];
  for (const wish of all) {
    const draft = wish.about as Draft | null;
    if (draft === null || typeof draft !== "object" || (!wish.on && wish.phase !== "refused")) continue;
    if (isWanted(draft, wish)) found.unshift([draft, wish]);
  }
  return found;
}

export function Sent({ draft, wish, person }: { draft: Draft; wish: Wish; person: Person }) {
  const compose = useCompose();
  const actor = person.profile ?? { did: person.did, handle: person.did };
  const away = () => {
    wishes.forget(wish.key);
    forget(localStorage, draft.rkey);
  };
  return (
    <article className={wish.phase === "refused" ? "post" : "post pending"} aria-busy={wish.phase === "asked"}>
      <Avatar actor={actor} size="small" />
      <div className="post-body">
        <header>
          <Name actor={actor} />
          <span className="muted" role="status">
            {wish.phase === "asked" && (
              <>
                <Unsure wish={wish} /> Sending …
              </>
            )}
            {wish.phase === "taken" && "Sent; shown to others in a moment"}
            {wish.phase === "refused" && "Not sent"}
          </span>
        </header>
        <Text text={draft.text} facets={undefined} />
        {draft.quote !== null && <p className="card-in muted">Quotes another post</p>}
        {draft.pictures.length > 0 && (
          <ul className="pictures">
            {draft.pictures.map((picture, at) => (
              <li key={at}>
                <img src={picture.shown} alt={picture.alt === "" ? "picture without description" : picture.alt} />
              </li>
            ))}
          </ul>
        )}
        {wish.phase === "refused" && (
          <div role="alert">
            <Refusal why={wish.why} what="It was not posted.">
              <button type="button" onClick={() => wishes.again(wish.key)}>
                Try again
              </button>
              <button type="button" onClick={() => compose({ draft })}>
                Edit
              </button>
              <button type="button" className="quiet" onClick={away}>
                Throw away
              </button>
            </Refusal>
          </div>
        )}
      </div>
    </article>
  );
}
