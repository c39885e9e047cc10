// Accounts as they stand in lists and beside posts. Names are strangers' text: shown as text, kept to themselves.
import { useState } from "react";
import { usePerson } from "../context.ts";
import { judge } from "../labels.ts";
import { href } from "../router.ts";
import type { Actor } from "../types.ts";
import { webAddress } from "../richtext.ts";
import { A } from "./link.tsx";
import { FollowButton, FollowRefused } from "./person_actions.tsx";

export function Avatar({ actor, size }: { actor: Actor; size: "small" | "large" }) {
  const [lost, setLost] = useState<string | null>(null);
  const { all, media } = judge(actor.labels);
  // A picture that a label warns of is not shown beside every name.
  const url = all === null && media === null ? webAddress(actor.avatar) : null;
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
      <bdi>{nameOf(actor)}</bdi>
      <Verified actor={actor} /> <span className="muted">@{actor.handle}</span>
      {isLive(actor) && <span className="live">live</span>}
    </A>
  );
}

/** Says for themselves that they are streaming now, as far as that still holds. */
export function isLive(actor: Actor): boolean {
  const { status } = actor;
  return status?.isActive === true && status.isDisabled !== true && status.status === "app.bsky.actor.status#live";
}

/** A mark behind the name of who is verified, or verifies others. */
export function Verified({ actor }: { actor: Actor }) {
  const verifies = actor.verification?.trustedVerifierStatus === "valid";
  if (!verifies && actor.verification?.verifiedStatus !== "valid") return null;
  return (
    <svg className={verifies ? "verified verifier" : "verified"} viewBox="0 0 24 24" role="img" aria-label={verifies ? "trusted verifier" : "verified"}>
      {verifies ? <path className="ground" d="M12 1.500 15 4l4-.5.5 4 3 4.500-3 4-.5 4-4-.5-3 3-3-3-4 .5-.5-4-3-4 3-4.500.5-4L9 4Z" /> : <circle className="ground" cx="12" cy="12" r="10.500" />}
      <path d="m7 12.500 3.500 3.500 6.500-7.500" />
    </svg>
  );
}

export function Person({ actor }: { actor: Actor }) {
  const person = usePerson();
  return (
    <li className="person" data-item>
      <Avatar actor={actor} size="small" />
      <div>
        <Name actor={actor} />
        {actor.description !== undefined && actor.description !== "" && <p className="muted clamp">{actor.description}</p>}
        {person !== null && <FollowRefused actor={actor} />}
      </div>
      {person !== null && (
        <div className="beside">
          <FollowButton actor={actor} person={person} />
        </div>
      )}
    </li>
  );
}
