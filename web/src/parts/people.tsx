// Accounts as they stand in lists and beside posts. Names are strangers' text: shown as text, kept to themselves.
import { useState } from "react";
import { href } from "../router.ts";
import type { Actor } from "../types.ts";
import { webAddress } from "../richtext.ts";
import { A } from "./link.tsx";

export function Avatar({ actor, size }: { actor: Actor; size: "small" | "large" }) {
  const [lost, setLost] = useState<string | null>(null);
  const url = webAddress(actor.avatar);
  const initial = [...(actor.displayName?.trim() || actor.handle)][0]?.toUpperCase() ?? "?";
  return (
    <span className={`avatar ${size}`} aria-hidden="true">
      {initial}
      {url !== null && url !== lost && <img src={url} alt="" loading="lazy" referrerPolicy="no-referrer" onError={() => setLost(url)} />}
    </span>
  );
}

export function nameOf(actor: Actor): string {
  return actor.displayName?.trim() || actor.handle;
}

export function Name({ actor }: { actor: Actor }) {
  return (
    <A className="name" to={href({ page: "profile", actor: actor.did, tab: "posts" })}>
      <bdi>{nameOf(actor)}</bdi> <span className="muted">@{actor.handle}</span>
    </A>
  );
}

export function Person({ actor }: { actor: Actor }) {
  return (
    <li className="person" data-item>
      <Avatar actor={actor} size="small" />
      <div>
        <Name actor={actor} />
        {actor.description !== undefined && actor.description !== "" && <p className="muted clamp">{actor.description}</p>}
      </div>
    </li>
  );
}
