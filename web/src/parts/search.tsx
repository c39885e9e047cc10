// The search above every page: what names something is gone to, words are looked up while they are typed.
import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { xrpc } from "../api.ts";
import { target } from "../find.ts";
import { navigate } from "../navigate.ts";
import { href } from "../router.ts";
import type { Actor } from "../types.ts";
import { Avatar, nameOf } from "./people.tsx";

const SUGGESTED = 8;
const WAIT_MS = 120;

export function Search() {
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<Actor[]>([]);
  const [at, setAt] = useState(-1);
  const [open, setOpen] = useState(false);
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  const q = typed.trim();
  useEffect(() => {
    if (q === "" || q.includes("/")) {
      setFound([]);
      return undefined;
    }
    const gone = new AbortController();
    const timer = setTimeout(() => {
      xrpc<{ actors: Actor[] }>("app.bsky.actor.searchActorsTypeahead", { q, limit: SUGGESTED }, gone.signal).then(
        (answer) => {
          setFound(answer.actors);
          setAt(-1);
        },
        () => undefined, // Suggestions are a help; the search itself tells what is wrong.
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [q]);
  const go = (address: string) => {
    setOpen(false);
    setTyped("");
    input.current?.blur();
    navigate(address);
  };
  const chosen = found[at];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen !== undefined) return go(href({ page: "profile", actor: chosen.did, tab: "posts" }));
    if (q !== "") go(target(q) ?? href({ page: "explore", q }));
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      if (open && found.length > 0) setOpen(false);
      else input.current?.blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (found.length === 0) return;
      setOpen(true);
      const next = at + (event.key === "ArrowDown" ? 1 : -1);
      setAt(next < -1 ? found.length - 1 : next >= found.length ? -1 : next);
    } else return;
    event.preventDefault();
  };
  const shown = open && found.length > 0;
  return (
    <form role="search" className="search" onSubmit={submit} onBlur={(event) => {
      if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
    }}>
      <input
        ref={input}
        id="search"
        type="text"
        inputMode="search"
        enterKeyHint="search"
        role="combobox"
        aria-label="Search for an account, or paste a DID, an at:// URI or a bsky.app address"
        aria-expanded={shown}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={shown && at >= 0 ? `${listId}-${at}` : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        maxLength={2_000}
        placeholder="Account, DID, at:// or bsky.app address"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={pressed}
      />
      <kbd className="wide-only" aria-hidden="true">
        /
      </kbd>
      <ul id={listId} role="listbox" aria-label="Accounts" hidden={!shown}>
        {found.map((actor, index) => (
          <li
            key={actor.did}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => go(href({ page: "profile", actor: actor.did, tab: "posts" }))}
          >
            <Avatar actor={actor} size="small" />
            <span>
              <bdi>{nameOf(actor)}</bdi> <span className="muted">@{actor.handle}</span>
            </span>
          </li>
        ))}
      </ul>
    </form>
  );
}
