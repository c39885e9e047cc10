// What somebody who is signed in does with an account.
import { useState } from "react";
import type { Person } from "../person.ts";
import type { Actor } from "../types.ts";
import { keys } from "../wishes.ts";
import { blockOf, followOf, muteOf } from "../write.ts";
import { Badge } from "./figure.tsx";
import { Membership } from "./membership.tsx";
import { RecordLink } from "./named.tsx";
import { Report } from "./report.tsx";
import { Refused, WordToggle } from "./wish.tsx";

export function FollowButton({ actor, person }: { actor: Actor; person: Person }) {
  if (actor.did === person.did || actor.viewer?.blocking !== undefined || actor.viewer?.blockedBy === true) return null;
  return <WordToggle toggle={followOf(person.did, actor)} off={actor.viewer?.followedBy === undefined ? "Follow" : "Follow back"} on="Following" />;
}

export function FollowRefused({ actor }: { actor: Actor }) {
  return <Refused of={[[keys.follow(actor.did), "Following was taken back."]]} />;
}

export function PersonActions({ actor, person }: { actor: Actor; person: Person }) {
  const [open, setOpen] = useState<"report" | "lists" | null>(null);
  const { viewer } = actor;
  if (actor.did === person.did) return <p className="muted">This is you.</p>;
  return (
    <>
      <p className="labels">
        {viewer?.followedBy !== undefined && <Badge mood="plain">follows you</Badge>}
        {viewer?.blockedBy === true && <Badge mood="bad">blocks you</Badge>}
        {viewer?.blockingByList !== undefined && (
          <Badge mood="warn">
            blocked by your list <RecordLink uri={viewer.blockingByList.uri}>{viewer.blockingByList.name || "without a name"}</RecordLink>
          </Badge>
        )}
        {viewer?.mutedByList !== undefined && (
          <Badge mood="warn">
            muted by your list <RecordLink uri={viewer.mutedByList.uri}>{viewer.mutedByList.name || "without a name"}</RecordLink>
          </Badge>
        )}
      </p>
      <div className="actions">
        <FollowButton actor={actor} person={person} />
        <WordToggle toggle={muteOf(actor)} off="Mute" on="Muted" plain />
        <WordToggle toggle={blockOf(person.did, actor)} off="Block" on="Blocked" danger />
        <button type="button" onClick={() => setOpen("lists")}>
          Lists …
        </button>
        <button type="button" className="quiet" onClick={() => setOpen("report")}>
          Report …
        </button>
      </div>
      <Refused
        of={[
          [keys.follow(actor.did), "Following was taken back."],
          [keys.mute(actor.did), "Muting was taken back."],
          [keys.block(actor.did), "Blocking was taken back."],
        ]}
      />
      {open === "report" && <Report subject={{ did: actor.did }} what={`@${actor.handle}`} close={() => setOpen(null)} />}
      {open === "lists" && <Membership actor={actor} person={person} close={() => setOpen(null)} />}
    </>
  );
}
