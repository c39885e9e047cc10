// The lists of who is signed in, and making one.
import { type FormEvent, useState } from "react";
import { useAct } from "../act.ts";
import { xrpc } from "../api.ts";
import { usePages } from "../load.ts";
import { navigate } from "../navigate.ts";
import { NamedRecord } from "../parts/named.tsx";
import { Said } from "../parts/said.tsx";
import { Listed } from "../parts/states.tsx";
import type { Person } from "../person.ts";
import type { Named } from "../types.ts";
import { pageOf } from "../uri.ts";
import { makeList } from "../write.ts";

/** Letters that a list's record takes. */
const NAME_MAX = 64;
const DESCRIPTION_MAX = 300;

export function MyLists({ person }: { person: Person }) {
  const pages = usePages<Named>(`lists ${person.did}`, async (cursor, signal) => {
    const page = await xrpc<{ lists: Named[]; cursor?: string }>("app.bsky.graph.getLists", { actor: person.did, limit: 50, cursor }, signal);
    return { items: page.lists, cursor: page.cursor };
  });
  return (
    <>
      <h1>Your lists</h1>
      <Make person={person} />
      <Listed of={pages} what="your lists" empty="You have no lists.">
        {(lists) => (
          <ul className="chosen">
            {lists.map((list) => (
              <li key={list.uri} data-item>
                <div className="what">
                  <NamedRecord of={list} />
                </div>
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </>
  );
}

function Make({ person }: { person: Person }) {
  const act = useAct();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [purpose, setPurpose] = useState<"curatelist" | "modlist">("curatelist");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act.run("make", async () => {
      if (name.trim() === "") throw new Error("Give it a name.");
      const page = pageOf(await makeList(person.did, name.trim(), purpose, description.trim()));
      if (page !== null) navigate(page);
      return "The list is made.";
    });
  };
  return (
    <details className="card form">
      <summary>Make a list</summary>
      <form className="form" onSubmit={submit}>
        <label>
          Name
          <input value={name} maxLength={NAME_MAX} onChange={(event) => setName(event.target.value)} />
        </label>
        <label>
          Description <span className="muted">(if you like; everybody can read it)</span>
          <input value={description} maxLength={DESCRIPTION_MAX} onChange={(event) => setDescription(event.target.value)} />
        </label>
        <fieldset>
          <legend>For</legend>
          <label className="choice">
            <input type="radio" name="purpose" checked={purpose === "curatelist"} onChange={() => setPurpose("curatelist")} />
            reading: who is on it can have a feed of their own
          </label>
          <label className="choice">
            <input type="radio" name="purpose" checked={purpose === "modlist"} onChange={() => setPurpose("modlist")} />
            moderation: who is on it can be muted or blocked together
          </label>
        </fieldset>
        <Said of={act} />
        <button type="submit" className="primary" disabled={act.pending !== null}>
          {act.pending === null ? "Make it" : "Making …"}
        </button>
      </form>
    </details>
  );
}
