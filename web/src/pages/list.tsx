// A list: what it is, and who is on it; its owner changes it.
import { type FormEvent, useState } from "react";
import { useAct } from "../act.ts";
import { xrpc } from "../api.ts";
import { usePerson } from "../context.ts";
import { useLoad, usePages } from "../load.ts";
import { navigate } from "../navigate.ts";
import { Confirm } from "../parts/confirm.tsx";
import { NamedRecord } from "../parts/named.tsx";
import { Avatar, Name, Person as PersonRow } from "../parts/people.tsx";
import { Said } from "../parts/said.tsx";
import { Listed, Shown } from "../parts/states.tsx";
import { Refused, turn, useWish, WordToggle } from "../parts/wish.tsx";
import type { Person } from "../person.ts";
import { href } from "../router.ts";
import { understood } from "../subjects.ts";
import type { Actor, ListItem, Named } from "../types.ts";
import { deleteList, memberOf } from "../write.ts";

interface Answer {
  list: Named;
  items: ListItem[];
  cursor?: string;
}

export function ListPage({ actor, rkey }: { actor: string; rkey: string }) {
  const person = usePerson();
  const uri = `at://${actor}/app.bsky.graph.list/${rkey}`;
  const viewer = person?.did ?? "";
  const loaded = useLoad(`list ${uri} ${viewer}`, (signal) => xrpc<Answer>("app.bsky.graph.getList", { list: uri, limit: 1 }, signal));
  const pages = usePages<ListItem>(`items ${uri} ${viewer}`, async (cursor, signal) => {
    const page = await xrpc<Answer>("app.bsky.graph.getList", { list: uri, limit: 50, cursor }, signal);
    return { items: page.items, cursor: page.cursor };
  });
  return (
    <>
      <h1>List</h1>
      <Shown of={loaded} what="the list">
        {({ list }) => {
          const mine = person !== null && list.creator?.did === person.did;
          return (
            <>
              <div className="card">
                <NamedRecord of={list} />
                {mine && <Delete uri={list.uri ?? uri} />}
              </div>
              {mine && <Add person={person} list={list.uri ?? uri} />}
              <Listed of={pages} what="who is on it" empty="Nobody is on it.">
                {(items) => (
                  <ul className="people">
                    {items.map((item) =>
                      mine ? <Member key={item.uri} actor={item.subject} uri={item.uri} person={person} list={list.uri ?? uri} /> : <PersonRow key={item.uri} actor={item.subject} />,
                    )}
                  </ul>
                )}
              </Listed>
            </>
          );
        }}
      </Shown>
    </>
  );
}

function Member({ actor, uri, person, list }: { actor: Actor; uri: string | undefined; person: Person; list: string }) {
  const toggle = memberOf(person.did, list, actor.did, uri);
  const wish = useWish(toggle.key);
  return (
    <li className={wish?.on === false ? "person pending" : "person"} data-item>
      <Avatar actor={actor} size="small" />
      <div>
        <Name actor={actor} />
        <Refused of={[[toggle.key, "It was taken back."]]} />
      </div>
      <div className="beside">
        <WordToggle toggle={toggle} off="Put back" on="Take off" plain />
      </div>
    </li>
  );
}

function Add({ person, list }: { person: Person; list: string }) {
  const act = useAct();
  const [who, setWho] = useState("");
  const [added, setAdded] = useState<Actor[]>([]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act.run("add", async () => {
      const [did] = await understood(who);
      if (did === undefined || did.startsWith("at://")) throw new Error("Name an account.");
      const actor = await xrpc<Actor>("app.bsky.actor.getProfile", { actor: did });
      turn(memberOf(person.did, list, did, undefined), true);
      setAdded((old) => [actor, ...old.filter((one) => one.did !== did)]);
      setWho("");
      return "";
    });
  };
  return (
    <form className="card form" onSubmit={submit}>
      <label htmlFor="list-add">Put somebody on it</label>
      <div className="together">
        <input id="list-add" placeholder="handle or DID" autoCapitalize="off" spellCheck={false} maxLength={500} value={who} onChange={(event) => setWho(event.target.value)} />
        <button type="submit" disabled={act.pending !== null}>
          Add
        </button>
      </div>
      <Said of={act} />
      {added.length > 0 && (
        <ul aria-label="Added just now">
          {added.map((actor) => (
            <Member key={actor.did} actor={actor} uri={undefined} person={person} list={list} />
          ))}
        </ul>
      )}
    </form>
  );
}

function Delete({ uri }: { uri: string }) {
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const go = () => {
    setAsking(false);
    void act.run("delete", async () => {
      await deleteList(uri);
      navigate(href({ page: "lists" }));
      return "The list is deleted.";
    });
  };
  return (
    <>
      <Said of={act} />
      <div className="actions">
        <button type="button" className="danger" disabled={act.pending !== null} onClick={() => setAsking(true)}>
          Delete the list …
        </button>
      </div>
      {asking && (
        <Confirm title="Delete the list?" yes="Delete" no="Keep it" onYes={go} onNo={() => setAsking(false)}>
          <p>Your server deletes it for good; whoever reads, mutes or blocks by it does so no more.</p>
        </Confirm>
      )}
    </>
  );
}
