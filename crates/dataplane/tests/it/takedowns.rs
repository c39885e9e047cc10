//! Takedowns: what stands and why, which of an answer's subjects are hidden, and that others are not.

use millrace_atproto::syntax::{AtIdentifier, CidString};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::actors::GetActors;
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::notifications::GetUnreadCount;
use millrace_dataplane::query::posts::GetPosts;
use millrace_dataplane::query::profiles::GetProfiles;
use millrace_dataplane::query::record::GetRecord;
use millrace_dataplane::query::takedown::{
    GetTakedown, LiftTakedown, ListTakedowns, REASON_BYTES_MAX, TakeDown, Takedown, TakedownSubject,
};
use serde_json::json;

use crate::entries::{START_US, did, uri};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at};

on_every_engine!(
    the_latest_word_stands_until_it_is_lifted,
    pages_of_equal_times_lose_nothing,
    an_answer_says_what_of_it_is_down,
    accounts_and_posts_are_not_told_of,
    what_is_down_is_not_counted_as_unread,
);

const POST: &str = "app.bsky.feed.post";
const PROFILE: &str = "app.bsky.actor.profile";
const CID: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

fn account(who: &str) -> TakedownSubject {
    TakedownSubject::Account { did: did(who) }
}

fn record(uri: &str) -> TakedownSubject {
    TakedownSubject::Record { uri: at(uri) }
}

fn blob(who: &str) -> TakedownSubject {
    TakedownSubject::Blob { did: did(who), cid: CidString::parse(CID).unwrap() }
}

fn taken(subject: TakedownSubject, reason: &str) -> TakeDown {
    let (reference, by) = ("ref".to_owned(), "operator".to_owned());
    TakeDown { subject, reference, reason: reason.to_owned(), by }
}

async fn take(client: &Client, subject: TakedownSubject) {
    client.command(taken(subject, "")).await.unwrap();
}

async fn lift(client: &Client, subject: TakedownSubject) {
    client.command(LiftTakedown { subject }).await.unwrap();
}

async fn found(client: &Client, subject: TakedownSubject) -> Option<Takedown> {
    client.ask(GetTakedown { subject }).await.unwrap().takedown
}

async fn the_latest_word_stands_until_it_is_lifted(harness: Harness) {
    let client = &harness.client;
    // None of it is known here.
    let post = uri(&did("bob"), POST, "3jzfcijpj2z2a");
    for subject in [account("bob"), record(&post), blob("bob")] {
        assert_eq!(found(client, subject.clone()).await, None);
        for reason in ["first", "second"] {
            client.command(taken(subject.clone(), reason)).await.unwrap();
        }
        let expected = Takedown {
            subject: subject.clone(),
            reference: "ref".to_owned(),
            reason: "second".to_owned(),
            by: "operator".to_owned(),
            at_us: START_US,
        };
        assert_eq!(found(client, subject.clone()).await, Some(expected));
    }
    lift(client, account("bob")).await;
    lift(client, account("bob")).await;
    assert_eq!(found(client, account("bob")).await, None);
    assert!(
        found(client, record(&post)).await.is_some() && found(client, blob("bob")).await.is_some()
    );
    let long = taken(account("bob"), &"x".repeat(REASON_BYTES_MAX + 1));
    let by_handle = taken(record("at://bob.test/app.bsky.feed.post/a"), "");
    for refused in [long, by_handle] {
        let answer = client.command(refused).await;
        assert!(matches!(answer, Err(DataplaneError::InvalidRequest(_))));
    }
}

async fn pages_of_equal_times_lose_nothing(harness: Harness) {
    let client = &harness.client;
    for who in ["ann", "ben"] {
        for subject in [account(who), blob(who), record(&uri(&did(who), POST, "a"))] {
            take(client, subject).await;
        }
    }
    let page = async |whose: Option<&str>, limit: u32, cursor: Option<String>| {
        client.ask(ListTakedowns { did: whose.map(did), limit, cursor }).await.unwrap()
    };
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let found = page(None, 4, cursor).await;
        all.extend(found.takedowns.into_iter().map(|takedown| takedown.subject));
        cursor = found.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let of = |who: &str| [account(who), record(&uri(&did(who), POST, "a")), blob(who)];
    assert_eq!(all, [of("ann"), of("ben")].concat());
    assert_eq!(page(Some("ben"), 100, None).await.takedowns.len(), 3);
    for (limit, cursor) in [(0, None), (101, None), (9, Some("nonsense".to_owned()))] {
        let refused = client.ask(ListTakedowns { did: None, limit, cursor }).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))));
    }
}

async fn an_answer_says_what_of_it_is_down(harness: Harness) {
    let town = Town::new(harness);
    let client = &town.harness.client;
    let (mine, theirs) = (town.post("alice").await, town.post("bob").await);
    town.put("bob", PROFILE, "self", json!({ "displayName": "Bob" })).await;
    let named = town.put("bob", POST, "by-name", json!({ "text": "n" })).await;
    let quote = town.quote("carol", &theirs).await;
    let repost = town
        .write(
            "dan",
            "app.bsky.feed.repost",
            json!({
                "subject": crate::hydration::strong(&mine),
            }),
        )
        .await;
    let down = async || {
        let asked = Hydrate {
            viewer: Some(did("alice")),
            posts: [&mine, &named, &quote].map(|uri| at(uri)).to_vec(),
            actors: vec![did("dan")],
            reposts: vec![at(&repost)],
            ..Hydrate::default()
        };
        town.hydrate(asked).await.taken_down
    };
    assert!(down().await.subjects.is_empty());
    let profile = uri(&did("bob"), PROFILE, "self");
    let subjects =
        [account("bob"), record(&theirs), record(&named), record(&profile), record(&repost)];
    for subject in &subjects {
        take(client, subject.clone()).await;
    }
    take(client, blob("bob")).await;
    // Nothing of this is in the answer.
    take(client, account("erin")).await;
    take(client, blob("erin")).await;
    let mut expected =
        vec![did("bob").to_string(), theirs.clone(), named.clone(), profile, repost.clone()];
    expected.sort();
    let found = down().await;
    assert_eq!(found.subjects, expected);
    let blobs: Vec<(String, String)> =
        found.blobs.into_iter().map(|blob| (blob.did.to_string(), blob.cid)).collect();
    assert_eq!(blobs, [(did("bob").to_string(), CID.to_owned())]);
    for subject in subjects {
        lift(client, subject).await;
    }
    lift(client, blob("bob")).await;
    let found = down().await;
    assert!(found.subjects.is_empty() && found.blobs.is_empty());
}

async fn accounts_and_posts_are_not_told_of(harness: Harness) {
    let town = Town::new(harness);
    let client = &town.harness.client;
    for who in ["alice", "bob"] {
        town.account(who, true).await;
    }
    let (mine, theirs) = (town.post("alice").await, town.post("bob").await);
    let told = async || {
        let names = ["alice", "bob"].map(|who| AtIdentifier::Did(did(who))).to_vec();
        let profiles = client.ask(GetProfiles { actors: names.clone() }).await.unwrap().profiles;
        let standings = client.ask(GetActors { actors: names }).await.unwrap().actors;
        let posts = GetPosts { uris: vec![at(&mine), at(&theirs)] };
        let posts = client.ask(posts).await.unwrap().posts;
        let record = client.ask(GetRecord { uri: at(&mine) }).await.unwrap();
        let shown = standings.iter().filter(|standing| standing.is_shown()).count();
        (profiles.len(), shown, posts.len(), record.taken_down)
    };
    assert_eq!(told().await, (2, 2, 2, false));
    take(client, record(&mine)).await;
    assert_eq!(told().await, (2, 2, 1, true));
    take(client, account("bob")).await;
    assert_eq!(told().await, (1, 1, 0, true));
    lift(client, record(&mine)).await;
    lift(client, account("bob")).await;
    assert_eq!(told().await, (2, 2, 2, false));
}

async fn what_is_down_is_not_counted_as_unread(harness: Harness) {
    let town = Town::new(harness);
    let client = &town.harness.client;
    let post = town.post("alice").await;
    let reply = town.reply("bob", &post, &post).await;
    town.reply("bob", &post, &post).await;
    town.edge("carol", "app.bsky.graph.follow", "alice").await;
    let unread = async || {
        let asked = GetUnreadCount { actor: did("alice"), priority: None };
        client.ask(asked).await.unwrap().count
    };
    assert_eq!(unread().await, 3);
    take(client, record(&reply)).await;
    assert_eq!(unread().await, 2);
    take(client, account("carol")).await;
    assert_eq!(unread().await, 1);
    take(client, account("bob")).await;
    assert_eq!(unread().await, 0);
    lift(client, account("bob")).await;
    assert_eq!(unread().await, 1);
}
