// The lists of what the operator has chosen: verifiers, and what is suggested here. They change without a restart.
import { type FormEvent, useState } from "react";
import { useAct } from "../act.ts";
import { admin, command, xrpc } from "../api.ts";
import { counted } from "../figures.ts";
import { useLoad } from "../load.ts";
import { commands, moved } from "../order.ts";
import { Confirm } from "../parts/confirm.tsx";
import { A } from "../parts/link.tsx";
import { NamedRecord } from "../parts/named.tsx";
import { Said } from "../parts/said.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { SubjectLink } from "../parts/subject.tsx";
import { SubjectsField } from "../parts/subjects_field.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import { parts, understood } from "../subjects.ts";
import type { CuratedItem, Named } from "../types.ts";

const LISTS = {
  verifiers: { name: "Verifiers", says: "Accounts whose word on who others are is shown, beside those in the configuration.", of: "Accounts" },
  feeds: { name: "Feeds", says: "Feeds that are suggested, in this order.", of: "Feeds" },
  people: { name: "People", says: "Accounts that are suggested, in this order.", of: "Accounts" },
  starterPacks: { name: "Starter packs", says: "Starter packs that are suggested, in this order.", of: "Starter packs" },
};
type ListName = keyof typeof LISTS;
const NAMES = Object.keys(LISTS) as ListName[];

/** Records whose names are asked for at once. */
const NAMED_MAX = 25;

export function Lists({ operator, name }: { operator: Operator; name: string | null }) {
  const list = NAMES.find((one) => one === (name ?? "verifiers"));
  return (
    <>
      <ul className="chips" aria-label="Lists">
        {NAMES.map((one) => (
          <li key={one}>
            <A to={href({ page: "moderation", tab: "lists", subject: one })} aria-current={one === list ? "true" : undefined}>
              {LISTS[one].name}
            </A>
          </li>
        ))}
      </ul>
      {list === undefined ? <Empty>There is no list of that name.</Empty> : <List key={list} operator={operator} list={list} />}
    </>
  );
}

function List({ operator, list }: { operator: Operator; list: ListName }) {
  const act = useAct();
  const [going, setGoing] = useState<CuratedItem | null>(null);
  // What the list is on its way to be, until the server has said how it is.
  const [wanted, setWanted] = useState<CuratedItem[] | null>(null);
  const loaded = useLoad(`list ${list}`, (signal) => admin<{ items: CuratedItem[] }>(operator, `curated/${list}`, signal));
  const change = (name: string, next: CuratedItem[] | null, said: string, todo: () => Promise<unknown>) => {
    setWanted(next);
    void act
      .run(name, async () => {
        await todo();
        return said;
      })
      .finally(() => loaded.again());
  };
  const remove = (items: CuratedItem[], item: CuratedItem) => {
    setGoing(null);
    const left = items.filter((one) => one !== item);
    change("remove", left, "It is off the list.", () => command(operator, `curated/${list}/remove`, { subjects: [item.subject] }));
  };
  const move = (items: CuratedItem[], from: number, to: number) => {
    const next = moved(items, from, to);
    change("move", next, `Moved to place ${to + 1}.`, async () => {
      for (const one of commands(items, next)) await command(operator, `curated/${list}/add`, one);
    });
  };
  return (
    <>
      <p className="muted">{LISTS[list].says}</p>
      <Add operator={operator} list={list} done={loaded.again} />
      <Said of={act} />
      <Shown of={loaded} what="the list">
        {(answer) => {
          const items = act.pending !== null && wanted !== null ? wanted : answer.items;
          if (items.length === 0) return <Empty>Nothing is on this list.</Empty>;
          return (
            <>
              <p className="muted">{counted(items.length, "item", "items")}</p>
              <Items list={list} items={items} busy={act.pending !== null} move={(from, to) => move(items, from, to)} remove={setGoing} />
              {going !== null && (
                <Confirm title="Take it off the list?" yes="Take off" no="Leave it" onYes={() => remove(items, going)} onNo={() => setGoing(null)}>
                  <p className="break">
                    <code>{going.subject}</code>
                  </p>
                  {list === "verifiers" && <p>Who it has verified no longer is, unless another verifier says so, too.</p>}
                </Confirm>
              )}
            </>
          );
        }}
      </Shown>
    </>
  );
}

interface ItemsProps {
  list: ListName;
  items: CuratedItem[];
  busy: boolean;
  move: (from: number, to: number) => void;
  remove: (item: CuratedItem) => void;
}

function Items({ list, items, busy, move, remove }: ItemsProps) {
  const records = useRecords(list, items);
  return (
    <ol className={busy ? "chosen pending" : "chosen"} aria-label={LISTS[list].name} aria-busy={busy}>
      {items.map((item, at) => {
        const record = records.get(item.subject);
        return (
          <li key={item.subject} data-item>
            <span className="place muted">{at + 1}</span>
            <div className="what">
              {record === undefined ? <SubjectLink uri={item.subject} /> : <NamedRecord of={record} />}
              <p className="muted">
                {item.note !== "" && `${item.note} · `}added <Time ms={item.addedAtUs / 1_000} />
              </p>
            </div>
            <div className="actions">
              <button type="button" disabled={busy || at === 0} aria-label={`Move number ${at + 1} up`} onClick={() => move(at, at - 1)}>
                ↑
              </button>
              <button type="button" disabled={busy || at === items.length - 1} aria-label={`Move number ${at + 1} down`} onClick={() => move(at, at + 1)}>
                ↓
              </button>
              <button type="button" disabled={busy} onClick={() => remove(item)}>
                Take off …<span className="hidden"> number {at + 1}</span>
              </button>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** Feeds and starter packs by name, as far as they are here. */
function useRecords(list: ListName, items: CuratedItem[]): Map<string, Named> {
  const uris = items.map((item) => item.subject);
  const loaded = useLoad(`named ${list} ${[...uris].sort().join(" ")}`, async (signal) => {
    const found: Named[] = [];
    if (list !== "feeds" && list !== "starterPacks") return found;
    for (const some of parts(uris, NAMED_MAX)) {
      if (list === "feeds") {
        const { feeds } = await xrpc<{ feeds: Named[] }>("app.bsky.feed.getFeedGenerators", { feeds: some }, signal);
        found.push(...feeds.map((feed) => ({ ...feed, $type: "app.bsky.feed.defs#generatorView" })));
      } else {
        const { starterPacks } = await xrpc<{ starterPacks: Named[] }>("app.bsky.graph.getStarterPacks", { uris: some }, signal);
        found.push(...starterPacks.map((pack) => ({ ...pack, $type: "app.bsky.graph.defs#starterPackViewBasic" })));
      }
    }
    return found;
  });
  return new Map((loaded.data ?? []).map((record) => [record.uri ?? "", record]));
}

function Add({ operator, list, done }: { operator: Operator; list: ListName; done: () => void }) {
  const act = useAct();
  const [text, setText] = useState("");
  const [note, setNote] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act.run("add", async () => {
      const subjects = await understood(text);
      await command(operator, `curated/${list}/add`, { subjects, note: note.trim() });
      setText("");
      setNote("");
      done();
      return `${counted(subjects.length, "item is", "items are")} at the end of the list.`;
    });
  };
  const isPeople = list === "people" || list === "verifiers";
  return (
    <form className="card form" onSubmit={submit}>
      <h2>Add to the list</h2>
      <SubjectsField
        label={LISTS[list].of}
        hint={isPeople ? "DIDs or handles, one after the other." : "at:// URIs or addresses on bsky.app, one after the other."}
        value={text}
        set={setText}
        rows={2}
      />
      <label>
        Note <span className="muted">(for yourself)</span>
        <input value={note} maxLength={120} onChange={(event) => setNote(event.target.value)} />
      </label>
      <Said of={act} />
      <button type="submit" className="primary" disabled={act.pending !== null}>
        {act.pending === null ? "Add" : "Adding …"}
      </button>
    </form>
  );
}
