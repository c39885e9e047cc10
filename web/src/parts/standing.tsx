// What is said of an account, by itself and by others: verifications, what it does now, its labels.
import { counted } from "../figures.ts";
import { judge } from "../labels.ts";
import { webAddress } from "../richtext.ts";
import { href } from "../router.ts";
import type { Profile } from "../types.ts";
import { EmbedView } from "./embeds.tsx";
import { Badge } from "./figure.tsx";
import { Labels } from "./labels.tsx";
import { A } from "./link.tsx";
import { RecordLink } from "./named.tsx";
import { isLive } from "./people.tsx";
import { Time } from "./time.tsx";

/** Verifications told of one account. */
const VERIFICATIONS_MAX = 10;

export function Standing({ profile }: { profile: Profile }) {
  const website = webAddress(profile.website);
  const { starterPacks, feedgens, lists, labeler } = profile.associated ?? {};
  const made = [counted(lists, "list", "lists"), counted(feedgens, "feed", "feeds"), counted(starterPacks, "starter pack", "starter packs")];
  const has = made.filter((one) => !one.startsWith("0 "));
  const via = profile.joinedViaStarterPack;
  return (
    <>
      {website !== null && (
        <p className="break">
          <a href={website} target="_blank" rel="noopener noreferrer nofollow">
            {website}
          </a>
        </p>
      )}
      <Verifications profile={profile} />
      <Live profile={profile} />
      {labeler === true && (
        <p>
          <Badge mood="plain">labeler</Badge>
        </p>
      )}
      {has.length > 0 && <p className="muted">Has made {has.join(", ")}</p>}
      {via !== undefined && (
        <p className="muted">
          Came by the starter pack <RecordLink uri={via.uri}>{starterPackName(via.record)}</RecordLink>
        </p>
      )}
      <Labels labels={profile.labels} author={profile.did} of="the account" />
    </>
  );
}

function starterPackName(record: unknown): string {
  const { name } = (record ?? {}) as { name?: unknown };
  return typeof name === "string" && name !== "" ? `“${name}”` : "of somebody";
}

function Verifications({ profile }: { profile: Profile }) {
  const { verifiedStatus, trustedVerifierStatus, verifications } = profile.verification ?? {};
  const told = verifications?.slice(0, VERIFICATIONS_MAX) ?? [];
  const verifies = trustedVerifierStatus === "valid";
  if (!verifies && told.length === 0) return null;
  return (
    <ul className="labels muted" aria-label="Verifications">
      {verifies && (
        <li>
          <Badge mood="good">trusted verifier</Badge> its word on who others are is shown
        </li>
      )}
      {told.map((one) => (
        <li key={`${one.issuer} ${one.createdAt}`}>
          <Badge mood={one.isValid && verifiedStatus === "valid" ? "good" : "warn"}>{one.isValid ? "verified" : "no longer verified"}</Badge> by{" "}
          <A className="break" to={href({ page: "profile", actor: one.issuer, tab: "posts" })}>
            {one.issuerHandle === undefined ? one.issuer : `@${one.issuerHandle}`}
          </A>{" "}
          <Time ms={Date.parse(one.createdAt)} />
        </li>
      ))}
    </ul>
  );
}

function Live({ profile }: { profile: Profile }) {
  const { status } = profile;
  if (status === undefined) return null;
  if (!isLive(profile)) {
    if (status.isDisabled) return <p className="muted">What it says to be doing was taken down here.</p>;
    return status.expiresAt === undefined ? null : (
      <p className="muted">
        Was live; that ended <Time ms={Date.parse(status.expiresAt)} />
      </p>
    );
  }
  const judged = judge(status.labels);
  return (
    <div className="now">
      <p>
        <span className="live">live</span>
        {status.expiresAt !== undefined && (
          <span className="muted">
            {" "}
            ends <Time ms={Date.parse(status.expiresAt)} />
          </span>
        )}
      </p>
      {status.embed !== undefined && <EmbedView embed={status.embed} judged={judged} author={profile.did} />}
    </div>
  );
}
