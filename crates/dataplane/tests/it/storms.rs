//! What hostile accounts write must not blow up what others read, nor be told twice.

use std::collections::BTreeSet;

use millrace_atproto::cbor::{Value, encode};
use millrace_atproto::syntax::{AtIdentifier, AtUri, Did};
use millrace_dataplane::query::follows::{FollowPage, GetFollowers, GetFollows};
use millrace_dataplane::query::likes::GetLikes;
use millrace_dataplane::query::relationships::GetRelationships;
use millrace_sim::records::{self, Ref};

use crate::entries::{self, FOLLOW, LIKE, POST, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    an_account_is_listed_once_however_often_it_says_so,
    the_last_of_many_records_ends_the_pair,
    a_post_mentions_few,
);

fn reference(uri: &str) -> Ref {
    Ref { uri: uri.to_owned(), cid: millrace_atproto::cid::Cid::of_dag_cbor(uri.as_bytes()) }
}

fn by_did(did: &Did) -> AtIdentifier {
    AtIdentifier::Did(did.clone())
}

fn listed(page: &FollowPage) -> Vec<String> {
    page.follows.iter().map(|edge| edge.uri.clone()).collect()
}

async fn an_account_is_listed_once_however_often_it_says_so(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    let post = entries::uri(&bob, POST, &tid(1).to_string());
    let written = records::post("x", START_US, None, None, None);
    let mut history =
        vec![entries::commit(&bob, 1, vec![entries::put(POST, &tid(1).to_string(), written)])];
    // Alice says it three times, the later records with the later times; carol once, between them.
    for (step, author) in (2..).zip([&alice, &alice, &carol, &alice]) {
        let (rkey, at_us) = (tid(step).to_string(), START_US + step * 1_000);
        let like = records::like(&reference(&post), at_us);
        let follow = records::follow(&bob, at_us);
        let ops = vec![entries::put(LIKE, &rkey, like), entries::put(FOLLOW, &rkey, follow)];
        history.push(entries::commit(author, step, ops));
    }
    harness.apply(&history).await;

    let asked = AtUri::parse(&post).unwrap();
    let mut likers = Vec::new();
    let mut cursor = None;
    loop {
        let page = GetLikes { uri: asked.clone(), limit: 1, cursor };
        let page = harness.client.ask(page).await.unwrap();
        likers.extend(page.likes.into_iter().map(|like| like.uri));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let uri = |author: &Did, collection: &str, n: i64| {
        entries::uri(author, collection, &tid(n).to_string())
    };
    assert_eq!(likers, [uri(&carol, LIKE, 4), uri(&alice, LIKE, 2)]);

    let followers = GetFollowers { actor: by_did(&bob), limit: 100, cursor: None };
    let followers = harness.client.ask(followers).await.unwrap();
    assert_eq!(listed(&followers), [uri(&carol, FOLLOW, 4), uri(&alice, FOLLOW, 2)]);
    let follows = GetFollows { actor: by_did(&alice), limit: 100, cursor: None };
    let follows = harness.client.ask(follows).await.unwrap();
    assert_eq!(listed(&follows), [uri(&alice, FOLLOW, 2)]);
    let relationships = GetRelationships { actor: bob, others: vec![alice.clone()] };
    let relationships = harness.client.ask(relationships).await.unwrap().relationships;
    assert_eq!(relationships[0].followed_by, Some(uri(&alice, FOLLOW, 2)));
    assert_eq!(relationships[0].following, None);
}

async fn the_last_of_many_records_ends_the_pair(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let follow = |n: i64| {
        entries::put(FOLLOW, &tid(n).to_string(), records::follow(&bob, START_US + n * 1_000))
    };
    let unfollow = |n: i64| entries::delete(FOLLOW, &tid(n).to_string());
    let count = async || {
        let dump = harness.dump().await;
        let counts: BTreeSet<String> =
            dump.into_iter().filter(|row| row.starts_with("actor_count")).collect();
        counts
            .into_iter()
            .map(|row| row.split_once('|').unwrap().1.split_once('|').unwrap().1.to_owned())
            .collect::<Vec<_>>()
    };
    harness.apply(&[entries::commit(&alice, 1, (1..=5).map(follow).collect())]).await;
    let mut once = count().await;
    once.sort();
    assert_eq!(once, ["0|1|0|0|0|0|0|0|0|0", "1|0|0|0|0|0|0|0|0|0"]);
    // Each commit a run of its own, then the rest in one.
    harness.apply(&[entries::commit(&alice, 2, vec![unfollow(1)])]).await;
    harness.apply(&[entries::commit(&alice, 3, vec![unfollow(3), unfollow(2)])]).await;
    let mut left = count().await;
    left.sort();
    assert_eq!(left, once);
    harness.apply(&[entries::commit(&alice, 4, vec![unfollow(4), unfollow(5)])]).await;
    assert_eq!(count().await, ["0|0|0|0|0|0|0|0|0|0", "0|0|0|0|0|0|0|0|0|0"]);
}

async fn a_post_mentions_few(harness: Harness) {
    let feature = |n: usize| {
        Value::map([
            ("$type", Value::text("app.bsky.richtext.facet#mention")),
            ("did", Value::text(format!("did:web:victim{n}.test"))),
        ])
    };
    let index = Value::map([("byteStart", Value::Int(0)), ("byteEnd", Value::Int(1))]);
    let facet =
        Value::map([("index", index), ("features", Value::Array((0..600).map(feature).collect()))]);
    let post = encode(&Value::map([
        ("$type", Value::text("app.bsky.feed.post")),
        ("text", Value::text("@")),
        ("createdAt", Value::text("2026-01-01T00:00:00.000Z")),
        ("facets", Value::Array(vec![facet])),
    ]));
    let ops = vec![entries::put(POST, &tid(1).to_string(), post)];
    harness.apply(&[entries::commit(&did("mallory"), 1, ops)]).await;
    let told =
        harness.dump().await.into_iter().filter(|row| row.starts_with("notification|")).count();
    assert!((1..=60).contains(&told), "{told}");
}
