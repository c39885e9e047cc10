// On which of somebody's own lists an account stands.
import { xrpc } from "../api.ts";
import { usePages } from "../load.ts";
import type { Person } from "../person.ts";
import { href } from "../router.ts";
import type { Actor, ListItem, Named } from "../types.ts";
import { memberOf } from "../write.ts";
import { Dialog } from "./dialog.tsx";
import { A } from "./link.tsx";
import { RecordLink } from "./named.tsx";
import { Listed } from "./states.tsx";
import { Refused, WordToggle } from "./wish.tsx";

interface WithMembership {
  list: Named;
  listItem?: ListItem;
}

export function Membership({ actor, person, close }: { actor: Actor; person: Person; close: () => void }) {
  const pages = usePages<WithMembership>(`membership ${actor.did}`, async (cursor, signal) => {
    const params = { actor: actor.did, limit: 50, cursor };
    const page = await xrpc<{ listsWithMembership: WithMembership[]; cursor?: string }>("app.bsky.graph.getListsWithMembership", params, signal);
    return { items: page.listsWithMembership, cursor: page.cursor };
  });
  return (
    <Dialog title={`@${actor.handle} on your lists`} close={close}>
      <Listed
        of={pages}
        what="your lists"
        empty={
          <p>
            You have no lists. <A to={href({ page: "lists" })}>Make one</A>
          </p>
        }
      >
        {(found) => (
          <ul className="chosen">
            {found.map(({ list, listItem }) => {
              const toggle = memberOf(person.did, list.uri ?? "", actor.did, listItem?.uri);
              return (
                <li key={list.uri}>
                  <span className="what break">
                    <RecordLink uri={list.uri}>{list.name || "without a name"}</RecordLink>
                  </span>
                  <WordToggle toggle={toggle} off="Put on it" on="On it" plain />
                  <Refused of={[[toggle.key, "It was taken back."]]} />
                </li>
              );
            })}
          </ul>
        )}
      </Listed>
      <div className="actions">
        <button type="button" data-first onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
