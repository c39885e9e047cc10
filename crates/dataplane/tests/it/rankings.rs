//! What is best known here, on every engine: people, feeds, starter packs, topics.

use millrace_atproto::syntax::Did;
use millrace_dataplane::query::curated::{Curate, CuratedList, Uncurate};
use millrace_dataplane::query::suggested_actors::{GetSuggestedActors, GetSuggestedFollows};
use millrace_dataplane::query::suggestions::{GetSuggestedFeeds, GetSuggestedStarterPacks};
use millrace_dataplane::query::trends::GetTrends;
use serde_json::json;

use crate::entries::{self, did};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, strong};

on_every_engine!(
    nothing_before_the_first_look,
    people_by_their_followers,
    people_through_people,
    feeds_and_starter_packs,
    chosen_before_counted,
    topics_of_the_last_day,
);

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const FOLLOW: &str = "app.bsky.graph.follow";
const GENERATOR: &str = "app.bsky.feed.generator";
const STARTER_PACK: &str = "app.bsky.graph.starterpack";
const PROFILE: &str = "app.bsky.actor.profile";

async fn look(town: &Town) {
    town.harness.rankings.refresh(&town.harness.store).await.unwrap();
}

/// Somebody with a handle that verifies and a profile.
async fn person(town: &Town, who: &str) {
    let handle = format!("{who}.test");
    town.harness.apply(&[entries::identity(&did(who), 0, Some(&handle))]).await;
    town.put(who, PROFILE, "self", json!({ "displayName": who })).await;
}

async fn people(town: &Town, viewer: Option<&str>, limit: u32) -> Vec<Did> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let asked = GetSuggestedActors { viewer: viewer.map(did), limit, cursor };
        let page = town.harness.client.ask(asked).await.unwrap();
        found.extend(page.dids);
        cursor = page.cursor;
        if cursor.is_none() {
            break found;
        }
    }
}

async fn nothing_before_the_first_look(harness: Harness) {
    let town = Town::new(harness);
    person(&town, "alice").await;
    town.edge("bob", FOLLOW, "alice").await;
    assert!(people(&town, None, 10).await.is_empty());
    look(&town).await;
    assert_eq!(people(&town, None, 10).await, [did("alice")]);
    let trends = town.harness.client.ask(GetTrends { limit: 10 }).await.unwrap();
    assert!(trends.trends.is_empty());
}

async fn people_by_their_followers(harness: Harness) {
    let town = Town::new(harness);
    for who in ["alice", "bob", "carol", "gone"] {
        person(&town, who).await;
    }
    let follows = [
        ("x", "alice"),
        ("x", "bob"),
        ("y", "bob"),
        ("x", "carol"),
        ("y", "carol"),
        ("z", "carol"),
        ("x", "gone"),
        ("x", "nameless"),
        ("y", "nameless"),
    ];
    for (who, whom) in follows {
        town.edge(who, FOLLOW, whom).await;
    }
    town.account("gone", false).await;
    look(&town).await;
    let order = [did("carol"), did("bob"), did("alice")];
    assert_eq!(people(&town, None, 10).await, order, "neither who left nor who has no name");
    assert_eq!(people(&town, None, 1).await, order, "page after page");
    assert_eq!(people(&town, Some("nobody"), 10).await, order, "an account that is not known");
    assert_eq!(people(&town, Some("carol"), 10).await, order[1..], "not oneself");
    assert!(people(&town, Some("x"), 10).await.is_empty(), "whom one follows already");
}

async fn people_through_people(harness: Harness) {
    let town = Town::new(harness);
    for who in ["alice", "bob", "carol", "famous"] {
        person(&town, who).await;
    }
    for fan in ["p", "q", "r"] {
        town.edge(fan, FOLLOW, "famous").await;
    }
    for (who, whom) in [("me", "x"), ("me", "y"), ("x", "alice"), ("x", "bob"), ("y", "bob")] {
        town.edge(who, FOLLOW, whom).await;
    }
    look(&town).await;
    let order = [did("bob"), did("alice"), did("famous")];
    assert_eq!(people(&town, Some("me"), 10).await, order);
    assert_eq!(people(&town, Some("me"), 1).await, order, "page after page");
    let besides = |viewer: Option<&str>| {
        let asked = GetSuggestedFollows { actor: did("x").into(), viewer: viewer.map(did) };
        town.harness.client.ask(asked)
    };
    let post = town.post("alice").await;
    town.write("x", LIKE, json!({ "subject": strong(&post) })).await;
    let found = besides(None).await.unwrap();
    assert_eq!(found.dids, [did("alice"), did("bob"), did("famous")]);
    town.edge("me", FOLLOW, "alice").await;
    assert_eq!(besides(Some("me")).await.unwrap().dids, [did("bob"), did("famous")]);
    let asked = GetSuggestedFollows { actor: did("nobody").into(), viewer: None };
    assert!(town.harness.client.ask(asked).await.is_err());
}

async fn feeds_and_starter_packs(harness: Harness) {
    let town = Town::new(harness);
    let feed = |name: &str| json!({ "did": "did:web:feeds.test", "displayName": name });
    let plain = town.write("alice", GENERATOR, feed("Plain")).await;
    let mills = town.write("alice", GENERATOR, feed("Mill News")).await;
    let rivers = town.write("bob", GENERATOR, feed("River News")).await;
    for (who, liked) in [("x", &rivers), ("y", &rivers), ("x", &mills)] {
        town.write(who, LIKE, json!({ "subject": strong(liked) })).await;
    }
    let list = town.list("alice", "referencelist", &["bob"]).await;
    let pack = |name: &str| json!({ "name": name, "list": list });
    let first = town.write("alice", STARTER_PACK, pack("First people")).await;
    let second = town.write("alice", STARTER_PACK, pack("Second people")).await;
    town.put("z", PROFILE, "self", json!({ "joinedViaStarterPack": strong(&first) })).await;
    look(&town).await;
    let feeds = |q: &str, limit: u32, cursor: Option<String>| {
        town.harness.client.ask(GetSuggestedFeeds { q: q.to_owned(), limit, cursor })
    };
    let all = [rivers.clone(), mills.clone(), plain.clone()];
    assert_eq!(feeds("", 10, None).await.unwrap().uris, all);
    assert_eq!(feeds("NEWS", 10, None).await.unwrap().uris, all[..2]);
    let page = feeds("", 2, None).await.unwrap();
    assert_eq!(page.uris, all[..2]);
    let page = feeds("", 2, page.cursor).await.unwrap();
    assert_eq!((page.uris, page.cursor), (all[2..].to_vec(), None));
    assert!(feeds("", 101, None).await.is_err());
    assert!(feeds("", 1, Some("x".to_owned())).await.is_err());
    let packs = |q: &str| {
        let q = q.to_owned();
        town.harness.client.ask(GetSuggestedStarterPacks { q, limit: 10, cursor: None })
    };
    assert_eq!(packs("").await.unwrap().uris, [first, second.clone()]);
    assert_eq!(packs("sec").await.unwrap().uris, [second]);
    town.delete(&rivers).await;
    look(&town).await;
    assert_eq!(feeds("", 10, None).await.unwrap().uris, all[1..]);
}

async fn chosen_before_counted(harness: Harness) {
    let town = Town::new(harness);
    let client = &town.harness.client;
    for who in ["alice", "bob", "carol"] {
        person(&town, who).await;
    }
    for (who, whom) in [("x", "alice"), ("x", "bob"), ("y", "bob"), ("z", "x")] {
        town.edge(who, FOLLOW, whom).await;
    }
    let mut feeds = Vec::new();
    for rkey in ["own-name", "3kznmn7xqxl22", "3kznmn7xqxl23"] {
        let feed = json!({ "did": "did:web:feeds.test", "displayName": rkey });
        town.put("alice", GENERATOR, rkey, feed).await;
        feeds.push(format!("at://{}/{GENERATOR}/{rkey}", did("alice")));
    }
    town.write("x", LIKE, json!({ "subject": strong(&feeds[2]) })).await;
    look(&town).await;
    let choose = async |list: CuratedList, subjects: &[&str]| {
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        client.command(Curate { list, subjects, note: String::new() }).await.unwrap();
    };
    let [alice, carol, never] = ["alice", "carol", "never"].map(did);
    choose(CuratedList::People, &[carol.as_str(), never.as_str(), alice.as_str()]).await;
    let order = [carol.clone(), alice.clone(), did("bob")];
    assert_eq!(people(&town, None, 10).await, order);
    assert_eq!(people(&town, None, 1).await, order, "page after page");
    assert_eq!(people(&town, Some("z"), 1).await, order, "also before who is near");
    assert_eq!(people(&town, Some("x"), 1).await, order[..1], "not whom one follows");
    choose(CuratedList::People, &[carol.as_str()]).await;
    assert_eq!(people(&town, None, 1).await, [alice.clone(), carol.clone(), did("bob")]);
    let subjects = vec![carol.to_string()];
    client.command(Uncurate { list: CuratedList::People, subjects }).await.unwrap();
    assert_eq!(people(&town, None, 1).await, [alice, did("bob")]);
    choose(CuratedList::Feeds, &[&feeds[1], &feeds[0]]).await;
    let found = async |q: &str, limit: u32| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = client.ask(GetSuggestedFeeds { q: q.to_owned(), limit, cursor }).await;
            let page = page.unwrap();
            found.extend(page.uris);
            cursor = page.cursor;
            if cursor.is_none() {
                break found;
            }
        }
    };
    let order = [feeds[1].clone(), feeds[0].clone(), feeds[2].clone()];
    assert_eq!(found("", 10).await, order);
    assert_eq!(found("", 1).await, order, "page after page");
    assert_eq!(found("own", 1).await, feeds[..1], "who searches has chosen");
}

async fn topics_of_the_last_day(harness: Harness) {
    let town = Town::new(harness);
    let old = "2025-12-30T00:00:00.000Z";
    for (who, tag, at) in [
        ("alice", "Mill", "2025-12-31T23:00:00.000Z"),
        ("bob", "mill", "2025-12-31T23:30:00.000Z"),
        ("bob", "alone", "2025-12-31T23:30:00.000Z"),
        ("alice", "old", old),
        ("bob", "old", old),
    ] {
        town.write(who, POST, json!({ "text": "x", "tags": [tag], "createdAt": at })).await;
    }
    for who in ["alice", "bob"] {
        let labels =
            json!({ "$type": "com.atproto.label.defs#selfLabels", "values": [{ "val": "porn" }] });
        town.write(who, POST, json!({ "text": "x", "tags": ["hidden"], "labels": labels })).await;
    }
    look(&town).await;
    let found = town.harness.client.ask(GetTrends { limit: 10 }).await.unwrap().trends;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].tag.as_str(), found[0].posts), ("mill", 2));
    assert_eq!(found[0].authors, [did("bob"), did("alice")]);
    assert!(town.harness.client.ask(GetTrends { limit: 26 }).await.is_err());
}
