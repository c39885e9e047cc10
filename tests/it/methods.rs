//! Every method of the app's lexicons that Millrace serves, asked for by the official client through a real PDS. The
//! client checks each answer against its lexicon; that none is missing here is checked against the table of routes.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::millrace::{Engine, Split};
use crate::people::People;
use crate::world::World;

const ROUTES: &str = include_str!("../../docs/reference/routes.md");

/// What one method is asked, and what must come of it.
struct Case {
    nsid: &'static str,
    ask: Ask,
    expected: Expected,
}

enum Ask {
    Query(Value),
    Procedure(Value),
}

enum Expected {
    /// An answer with something at this JSON pointer.
    Answer(&'static str),
    /// The error of this name.
    Refusal(&'static str),
}

fn query(nsid: &'static str, params: Value, part: &'static str) -> Case {
    Case { nsid, ask: Ask::Query(params), expected: Expected::Answer(part) }
}

fn procedure(nsid: &'static str, input: Value) -> Case {
    Case { nsid, ask: Ask::Procedure(input), expected: Expected::Answer("") }
}

/// What takes a service beside Millrace.
fn without_service(nsid: &'static str, ask: Ask) -> Case {
    Case { nsid, ask, expected: Expected::Refusal("MethodNotImplemented") }
}

#[tokio::test]
async fn every_method_of_the_app_is_answered_through_a_pds() -> Result<()> {
    let mut world = World::start(&Engine::Sqlite, Split::Remote).await?;
    let feeds = TcpListener::bind(("127.0.0.1", 0)).await?;
    let feed_url = format!("http://localhost:{}", feeds.local_addr()?.port());
    let people = People::settle_in(&mut world, &feed_url).await?;
    let post = people.post.uri.clone();
    let serving = serve_feed(feeds, json!({"feed": [{"post": post}]}).to_string());
    let asked = tokio::select! {
        served = serving => served.map(|()| BTreeSet::new()),
        asked = ask_everything(&mut world, &people) => asked,
    }?;
    let served = served();
    ensure!(served.len() > 80, "the table of routes was not understood: {served:?}");
    let missing: Vec<_> = served.iter().filter(|nsid| !asked.contains(nsid.as_str())).collect();
    ensure!(missing.is_empty(), "not asked for: {missing:?}");
    world.end().await
}

/// The column of the table of routes that tells whether a PDS's user is let in.
const USER: usize = 3;

/// The app's methods in that table.
fn served() -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    // What an account's own PDS answers, whoever asks, never comes through it to here.
    let is_for_users =
        |line: &&str| line.split('|').nth(USER).is_some_and(|cell| cell.trim() == "yes");
    let lines = ROUTES.lines().filter(is_for_users);
    let words = lines.flat_map(|line| line.split(|c: char| !is_part(c)));
    words.filter(|word| word.starts_with("app.bsky.")).map(str::to_owned).collect()
}

/// A feed generator with one feed, which is always the same.
async fn serve_feed(listener: TcpListener, feed: String) -> Result<()> {
    let length = feed.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{feed}"
    );
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut request = vec![0; 16 << 10];
        let read = stream.read(&mut request).await?;
        ensure!(read > 0, "a request");
        stream.write_all(answer.as_bytes()).await?;
    }
}

async fn ask_everything(world: &mut World, people: &People) -> Result<BTreeSet<String>> {
    let mut asked = BTreeSet::new();
    let appview_did = world.network.appview_did.clone();
    for Case { nsid, ask, expected } in cases(people, &appview_did) {
        let answer = match ask {
            Ask::Query(params) => world.client.try_query(&people.alice, nsid, params).await?,
            Ask::Procedure(input) => world.client.try_procedure(&people.alice, nsid, input).await?,
        };
        match (expected, answer) {
            (Expected::Answer(part), Ok(answer)) => {
                ensure!(answer.pointer(part).is_some(), "{nsid}: no {part} in {answer}");
            }
            (Expected::Refusal(name), Err(refused)) => {
                ensure!(refused.error == name, "{nsid}: {refused}, not {name}");
            }
            (Expected::Answer(_), Err(refused)) => bail!("{nsid}: {refused}"),
            (Expected::Refusal(name), Ok(answer)) => bail!("{nsid}: {answer}, not {name}"),
        }
        asked.insert(nsid.to_owned());
    }
    draft_methods(world, people).await.context("drafts")?;
    asked.extend(DRAFTS.map(str::to_owned));
    Ok(asked)
}

const DRAFTS: [&str; 4] = [
    "app.bsky.draft.createDraft",
    "app.bsky.draft.updateDraft",
    "app.bsky.draft.getDrafts",
    "app.bsky.draft.deleteDraft",
];

/// A draft has a name only once it is made.
async fn draft_methods(world: &mut World, people: &People) -> Result<()> {
    let [create, update, list, delete] = DRAFTS;
    let (client, alice) = (&mut world.client, &people.alice);
    let draft = |text: &str| json!({"posts": [{"text": text}]});
    let made = client.procedure(alice, create, json!({"draft": draft("begun")})).await?;
    let id = made["id"].as_str().context("a draft's id")?;
    let changed = json!({"draft": {"id": id, "draft": draft("changed")}});
    client.procedure(alice, update, changed).await?;
    let kept = client.query(alice, list, json!({})).await?.data;
    ensure!(kept["drafts"][0]["draft"]["posts"][0]["text"] == json!("changed"), "kept: {kept}");
    client.procedure(alice, delete, json!({"id": id})).await?;
    let kept = client.query(alice, list, json!({})).await?.data;
    ensure!(kept["drafts"] == json!([]), "deleted: {kept}");
    Ok(())
}

fn cases(people: &People, appview_did: &str) -> Vec<Case> {
    let People { alice, bob, post, list, pack, feed, .. } = people;
    let (alice, bob, uri) = (&alice.did, &bob.did, &post.uri);
    let none = || json!({});
    let mut cases = vec![
        query("app.bsky.actor.getProfile", json!({"actor": bob}), "/displayName"),
        query("app.bsky.actor.getProfiles", json!({"actors": [bob]}), "/profiles/0/did"),
        query("app.bsky.actor.getSuggestions", none(), "/actors"),
        query("app.bsky.actor.searchActors", json!({"q": "bob"}), "/actors/0/did"),
        query("app.bsky.actor.searchActorsTypeahead", json!({"q": "bo"}), "/actors/0/did"),
        query("app.bsky.ageassurance.getConfig", none(), "/regions"),
        query("app.bsky.ageassurance.getState", json!({"countryCode": "NO"}), "/state/status"),
        query(
            "app.bsky.embed.getEmbedExternalView",
            json!({"url": "https://news.example/", "uris": [uri]}),
            "",
        ),
        query("app.bsky.feed.getActorFeeds", json!({"actor": bob}), "/feeds/0/uri"),
        query("app.bsky.feed.getActorLikes", json!({"actor": alice}), "/feed/0/post/uri"),
        query("app.bsky.feed.getAuthorFeed", json!({"actor": bob}), "/feed/0/post/uri"),
        query("app.bsky.feed.getFeed", json!({"feed": feed}), "/feed/0/post/uri"),
        query("app.bsky.feed.getFeedGenerator", json!({"feed": feed}), "/view/uri"),
        query("app.bsky.feed.getFeedGenerators", json!({"feeds": [feed]}), "/feeds/0/uri"),
        query("app.bsky.feed.getLikes", json!({"uri": uri}), "/likes/0/actor/did"),
        query("app.bsky.feed.getListFeed", json!({"list": list}), "/feed"),
        query("app.bsky.feed.getPostThread", json!({"uri": uri}), "/thread/post/uri"),
        query("app.bsky.feed.getPosts", json!({"uris": [uri]}), "/posts/0/uri"),
        query("app.bsky.feed.getQuotes", json!({"uri": uri}), "/posts"),
        query("app.bsky.feed.getRepostedBy", json!({"uri": uri}), "/repostedBy"),
        query("app.bsky.feed.getSuggestedFeeds", none(), "/feeds"),
        query("app.bsky.feed.getTimeline", none(), "/feed/0/post/uri"),
        query("app.bsky.feed.searchPosts", json!({"q": "bothers"}), "/posts/0/uri"),
        query("app.bsky.feed.searchPostsV2", json!({"query": "bothers"}), "/posts/0/uri"),
        query("app.bsky.graph.getActorStarterPacks", json!({"actor": bob}), "/starterPacks/0/uri"),
        query("app.bsky.graph.getBlocks", none(), "/blocks"),
        query("app.bsky.graph.getFollowers", json!({"actor": bob}), "/followers/0/did"),
        query("app.bsky.graph.getFollows", json!({"actor": alice}), "/follows/0/did"),
        query("app.bsky.graph.getKnownFollowers", json!({"actor": bob}), "/followers"),
        query("app.bsky.graph.getList", json!({"list": list}), "/list/uri"),
        query("app.bsky.graph.getListBlocks", none(), "/lists"),
        query("app.bsky.graph.getLists", json!({"actor": bob}), "/lists"),
        query(
            "app.bsky.graph.getListsWithMembership",
            json!({"actor": bob}),
            "/listsWithMembership",
        ),
        query(
            "app.bsky.graph.getRelationships",
            json!({"actor": alice, "others": [bob]}),
            "/relationships/0/did",
        ),
        query("app.bsky.graph.getStarterPack", json!({"starterPack": pack}), "/starterPack/uri"),
        query("app.bsky.graph.getStarterPacks", json!({"uris": [pack]}), "/starterPacks/0/uri"),
        query(
            "app.bsky.graph.getStarterPacksWithMembership",
            json!({"actor": bob}),
            "/starterPacksWithMembership",
        ),
        query("app.bsky.graph.getSuggestedFollowsByActor", json!({"actor": bob}), "/suggestions"),
        query("app.bsky.graph.searchStarterPacks", json!({"q": "pack"}), "/starterPacks"),
        query("app.bsky.graph.searchStarterPacksV2", json!({"q": "pack"}), "/starterPacks"),
        query("app.bsky.labeler.getServices", json!({"dids": [bob]}), "/views"),
    ];
    cases.extend(changes(people));
    cases.extend(unspecced(people));
    cases.extend(vendors(people, appview_did));
    cases
}

/// Procedures, each with the query that tells what came of it.
fn changes(people: &People) -> Vec<Case> {
    let People { bob, post, list, .. } = people;
    let (bob, uri) = (&bob.did, &post.uri);
    let none = || json!({});
    let preference = json!({"include": "all", "list": true, "push": false});
    let subscription =
        json!({"subject": bob, "activitySubscription": {"post": true, "reply": false}});
    vec![
        procedure("app.bsky.bookmark.createBookmark", json!({"uri": uri, "cid": post.cid})),
        query("app.bsky.bookmark.getBookmarks", none(), "/bookmarks/0/item/uri"),
        procedure("app.bsky.bookmark.deleteBookmark", json!({"uri": uri})),
        procedure("app.bsky.graph.muteActor", json!({"actor": bob})),
        query("app.bsky.graph.getMutes", none(), "/mutes/0/did"),
        procedure("app.bsky.graph.unmuteActor", json!({"actor": bob})),
        procedure("app.bsky.graph.muteActorList", json!({"list": list})),
        query("app.bsky.graph.getListMutes", none(), "/lists"),
        procedure("app.bsky.graph.unmuteActorList", json!({"list": list})),
        procedure("app.bsky.graph.muteThread", json!({"root": uri})),
        procedure("app.bsky.graph.unmuteThread", json!({"root": uri})),
        procedure("app.bsky.notification.putPreferences", json!({"priority": true})),
        procedure("app.bsky.notification.putPreferencesV2", json!({"like": preference})),
        query("app.bsky.notification.getPreferences", none(), "/preferences/like/include"),
        procedure("app.bsky.notification.putActivitySubscription", subscription),
        query("app.bsky.notification.listActivitySubscriptions", none(), "/subscriptions"),
        query("app.bsky.notification.listNotifications", none(), "/notifications"),
        query("app.bsky.notification.getUnreadCount", none(), "/count"),
        procedure(
            "app.bsky.notification.updateSeen",
            json!({"seenAt": "2026-01-01T00:00:00.000Z"}),
        ),
    ]
}

fn unspecced(people: &People) -> Vec<Case> {
    let anchor = json!({"anchor": people.post.uri});
    let none = || json!({});
    vec![
        query("app.bsky.unspecced.getAgeAssuranceState", none(), "/status"),
        query("app.bsky.unspecced.getConfig", none(), ""),
        query("app.bsky.unspecced.getOnboardingSuggestedStarterPacks", none(), "/starterPacks"),
        query("app.bsky.unspecced.getPopularFeedGenerators", none(), "/feeds"),
        query("app.bsky.unspecced.getPostThreadOtherV2", anchor.clone(), "/thread"),
        query("app.bsky.unspecced.getPostThreadV2", anchor, "/thread/0/uri"),
        query("app.bsky.unspecced.getSuggestedFeeds", none(), "/feeds"),
        query("app.bsky.unspecced.getSuggestedOnboardingUsers", none(), "/actors"),
        query("app.bsky.unspecced.getSuggestedStarterPacks", none(), "/starterPacks"),
        query("app.bsky.unspecced.getSuggestedUsers", none(), "/actors"),
        query("app.bsky.unspecced.getSuggestedUsersForDiscover", none(), "/actors"),
        query("app.bsky.unspecced.getSuggestedUsersForExplore", none(), "/actors"),
        query("app.bsky.unspecced.getSuggestedUsersForSeeMore", none(), "/actors"),
        query("app.bsky.unspecced.getTaggedSuggestions", none(), "/suggestions"),
        query("app.bsky.unspecced.getTrendingTopics", none(), "/topics"),
        query("app.bsky.unspecced.getTrends", none(), "/trends"),
    ]
}

/// What takes a vendor's service, which this server does not have, or is not switched on.
fn vendors(people: &People, appview_did: &str) -> Vec<Case> {
    let (alice, bob) = (&people.alice.did, &people.bob.did);
    let procedure = |nsid, input| without_service(nsid, Ask::Procedure(input));
    let query_of = |nsid, params| without_service(nsid, Ask::Query(params));
    let query = |nsid| query_of(nsid, json!({}));
    let person = json!({"email": "a@example.com", "language": "en", "countryCode": "NO"});
    let device =
        json!({"serviceDid": appview_did, "token": "t", "platform": "web", "appId": "app"});
    let refused = |nsid, input, name| Case {
        nsid,
        ask: Ask::Procedure(input),
        expected: Expected::Refusal(name),
    };
    vec![
        procedure("app.bsky.ageassurance.begin", person.clone()),
        procedure("app.bsky.unspecced.initAgeAssurance", person),
        query("app.bsky.contact.getMatches"),
        query("app.bsky.contact.getSyncStatus"),
        procedure("app.bsky.contact.dismissMatch", json!({"subject": bob})),
        procedure(
            "app.bsky.contact.importContacts",
            json!({"token": "t", "contacts": ["+15550100"]}),
        ),
        query("app.bsky.feed.describeFeedGenerator"),
        query_of("app.bsky.feed.getFeedSkeleton", json!({"feed": people.feed})),
        procedure("app.bsky.contact.removeData", json!({})),
        procedure("app.bsky.contact.startPhoneVerification", json!({"phone": "+15550100"})),
        procedure("app.bsky.contact.verifyPhone", json!({"phone": "+15550100", "code": "1"})),
        // For services only: a user's token does not do.
        refused(
            "app.bsky.contact.sendNotification",
            json!({"from": alice, "to": bob}),
            "AuthenticationRequired",
        ),
        procedure("app.bsky.notification.registerPush", device.clone()),
        // Nothing is what is left to forget.
        Case {
            nsid: "app.bsky.notification.unregisterPush",
            ask: Ask::Procedure(device),
            expected: Expected::Answer(""),
        },
    ]
}
