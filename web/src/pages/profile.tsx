// An account: who it is, how much of it is here, and what it wrote.
import { useCallback, useEffect, useState } from "react";
import { xrpc } from "../api.ts";
import { exact, type Known, next } from "../completeness.ts";
import { usePerson, useSession } from "../context.ts";
import { count } from "../figures.ts";
import { judge } from "../labels.ts";
import { useLoad, usePages } from "../load.ts";
import { Completeness } from "../parts/completeness.tsx";
import { A } from "../parts/link.tsx";
import { RecordLink } from "../parts/named.tsx";
import { Avatar, nameOf, Person, Verified } from "../parts/people.tsx";
import { PersonActions } from "../parts/person_actions.tsx";
import { FeedPost } from "../parts/post.tsx";
import { Standing } from "../parts/standing.tsx";
import { Listed, Shown } from "../parts/states.tsx";
import { Text } from "../parts/text.tsx";
import { Warned } from "../parts/warned.tsx";
import { href, PROFILE_TABS, type ProfileTab } from "../router.ts";
import type { AccountState, Actor, FeedItem, Profile } from "../types.ts";

const FILTERS: Partial<Record<ProfileTab, string>> = {
  posts: "posts_no_replies",
  replies: "posts_with_replies",
  media: "posts_with_media",
};

export function ProfilePage({ actor, tab }: { actor: string; tab: ProfileTab }) {
  const { operator } = useSession();
  const viewer = usePerson()?.did ?? "";
  const loaded = useLoad(`profile ${actor} ${viewer}`, (signal) => xrpc<Profile>("app.bsky.actor.getProfile", { actor }, signal));
  const [known, setKnown] = useState<Known | null>(null);
  const tell = useCallback((state: AccountState | null) => setKnown((before) => next(before, state, Date.now())), []);
  const { again } = loaded;
  const turn = known?.turn ?? 0;
  // More of it is here than when this page was opened.
  useEffect(() => {
    if (turn > 0) again();
  }, [turn, again]);
  const isHere = loaded.data !== null;
  const did = loaded.data?.did ?? (actor.startsWith("did:") ? actor : null);
  return (
    <>
      <Shown of={loaded} what="the account">
        {(profile) => <Head profile={profile} exact={exact(known?.state.did === profile.did ? known : null, loaded.atMs)} />}
      </Shown>
      {operator !== null && did !== null && <Completeness key={did} operator={operator} did={did} tell={tell} />}
      {isHere && (
        <>
          <nav aria-label="Of this account" className="tabs">
            {PROFILE_TABS.map((one) => (
              <A key={one} to={href({ page: "profile", actor, tab: one })} aria-current={one === tab ? "page" : undefined}>
                {one}
              </A>
            ))}
          </nav>
          {tab === "followers" || tab === "follows" ? <Relations actor={actor} tab={tab} /> : <Feed key={turn} actor={actor} tab={tab} />}
        </>
      )}
    </>
  );
}

/** How much of it is here is known to the operator; `undefined` where nobody has said. */
function Head({ profile, exact }: { profile: Profile; exact: AccountState["countsExact"] }) {
  const person = usePerson();
  return (
    <section className="card profile">
      <Avatar actor={profile} size="large" />
      <div>
        <h1>
          <bdi>{nameOf(profile)}</bdi>
          <Verified actor={profile} />
        </h1>
        <p className="muted break">
          @{profile.handle}
          {profile.pronouns !== undefined && profile.pronouns !== "" && (
            <>
              {" · "}
              <bdi>{profile.pronouns}</bdi>
            </>
          )}
          {" · "}
          <code>{profile.did}</code>
        </p>
        <Warned warning={judge(profile.labels).all} what="the description" author={profile.did}>
          <Text text={profile.description} facets={undefined} />
        </Warned>
        <Standing profile={profile} />
        <p className="counts">
          <span>
            <Counted n={profile.postsCount} exact={exact?.own} /> {profile.postsCount === 1 ? "post" : "posts"}
          </span>
          <A to={href({ page: "profile", actor: profile.did, tab: "followers" })}>
            <Counted n={profile.followersCount} exact={exact?.byOthers} /> {profile.followersCount === 1 ? "follower" : "followers"}
          </A>
          <A to={href({ page: "profile", actor: profile.did, tab: "follows" })}>
            <Counted n={profile.followsCount} exact={exact?.own} /> follows
          </A>
          {profile.pinnedPost !== undefined && <RecordLink uri={profile.pinnedPost.uri}>Pinned post</RecordLink>}
          <A to={href({ page: "record", actor: profile.did, collection: "app.bsky.actor.profile", rkey: "self" })}>Profile record</A>
        </p>
        {person !== null && <PersonActions actor={profile} person={person} />}
      </div>
    </section>
  );
}

function Counted({ n, exact }: { n: number | undefined; exact: boolean | undefined }) {
  return (
    <>
      {exact === false && <span className="muted">at least </span>}
      <strong>{count(n ?? 0)}</strong>
    </>
  );
}

function Feed({ actor, tab }: { actor: string; tab: ProfileTab }) {
  const viewer = usePerson()?.did ?? "";
  const pages = usePages<FeedItem>(`feed ${actor} ${tab} ${viewer}`, async (cursor, signal) => {
    const params = { actor, filter: FILTERS[tab], limit: 30, cursor };
    const page = await xrpc<{ feed: FeedItem[]; cursor?: string }>("app.bsky.feed.getAuthorFeed", params, signal);
    return { items: page.feed, cursor: page.cursor };
  });
  return (
    <Listed of={pages} what="posts" empty="There are no posts here.">
      {(items) => (
        <ul className="feed">
          {items.map((item, at) => (
            <FeedPost key={`${item.post.uri} ${at}`} item={item} />
          ))}
        </ul>
      )}
    </Listed>
  );
}

function Relations({ actor, tab }: { actor: string; tab: "followers" | "follows" }) {
  const viewer = usePerson()?.did ?? "";
  const pages = usePages<Actor>(`${tab} ${actor} ${viewer}`, async (cursor, signal) => {
    const nsid = tab === "followers" ? "app.bsky.graph.getFollowers" : "app.bsky.graph.getFollows";
    const page = await xrpc<{ followers?: Actor[]; follows?: Actor[]; cursor?: string }>(nsid, { actor, limit: 50, cursor }, signal);
    return { items: page.followers ?? page.follows ?? [], cursor: page.cursor };
  });
  const what = tab === "followers" ? "followers" : "accounts it follows";
  return (
    <Listed of={pages} what={what} empty={`There are no ${what} here.`}>
      {(actors) => (
        <ul className="people">
          {actors.map((actor) => (
            <Person key={actor.did} actor={actor} />
          ))}
        </ul>
      )}
    </Listed>
  );
}
