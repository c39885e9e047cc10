//! Searches with alternatives, exclusions and what rows say: what is found, page after page.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::{AtIdentifier, AtUri};
use millrace_dataplane::query::search_posts::Sort;
use millrace_dataplane::query::search_posts_v2::{Marked, Rows, SearchPostsV2};
use serde_json::{Value, json};

use crate::entries::did;
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};

on_every_engine!(
    any_of_these_and_none_of_those,
    what_rows_say,
    pages_of_what_is_filtered,
    searches_that_cannot_be,
);

const POST: &str = "app.bsky.feed.post";
const FOLLOW: &str = "app.bsky.graph.follow";
const LIKE: &str = "app.bsky.feed.like";

/// Writes a post at a second of the day, which is its text too.
async fn write(town: &Town, who: &str, second: usize, mut more: Value) -> String {
    more["createdAt"] = json!(format!("2025-12-01T00:00:{second:02}.000Z"));
    more["text"] = json!(format!("mill {second}"));
    town.write(who, POST, more).await
}

/// The seconds at which what is found was written.
async fn found(town: &Town, asked: SearchPostsV2, posts: &[String]) -> Vec<usize> {
    let page = town.harness.client.ask(asked).await.unwrap();
    let second = |uri: &String| posts.iter().position(|post| post == uri).unwrap();
    page.uris.iter().map(second).collect()
}

fn typed(q: &str) -> SearchPostsV2 {
    SearchPostsV2 { q: q.to_owned(), ..SearchPostsV2::default() }
}

fn names(names: &[&str]) -> Vec<AtIdentifier> {
    names.iter().map(|name| did(name).into()).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn any_of_these_and_none_of_those(harness: Harness) {
    let town = Town::new(harness);
    let mut posts = Vec::new();
    for (who, more) in [
        ("alice", json!({ "tags": ["a"] })),
        ("alice", json!({ "tags": ["b"], "langs": ["de"] })),
        ("bob", json!({ "tags": ["a", "b"] })),
        ("bob", json!({})),
        ("carol", json!({ "tags": ["b"] })),
    ] {
        posts.push(write(&town, who, posts.len(), more).await);
    }
    let any = |any: Marked| SearchPostsV2 { any, ..typed("mill") };
    let none = |none: Marked| SearchPostsV2 { none, ..SearchPostsV2::default() };
    let by = |authors: &[&str]| Marked { authors: names(authors), ..Marked::default() };
    let tagged = |tags: &[&str]| Marked { tags: texts(tags), ..Marked::default() };
    let german = || Marked { languages: texts(&["de"]), ..Marked::default() };
    let both = Marked { tags: texts(&["a", "b"]), ..by(&["alice", "bob"]) };
    for (asked, expected) in [
        (any(by(&["alice", "carol"])), &[4, 1, 0][..]),
        (any(by(&["bob", "nobody"])), &[3, 2]),
        (any(by(&["nobody"])), &[]),
        (any(tagged(&["a", "B"])), &[4, 2, 1, 0]),
        (any(both.clone()), &[2, 1, 0]),
        (any(german()), &[1]),
        (SearchPostsV2 { none: tagged(&["b"]), ..any(by(&["alice", "bob"])) }, &[3, 0]),
        (SearchPostsV2 { any: both, ..SearchPostsV2::default() }, &[2, 1, 0]),
        (none(by(&["bob", "nobody"])), &[4, 1, 0]),
        (none(tagged(&["a", "b"])), &[3]),
        (SearchPostsV2 { since: Some("2025-12-01T00:00:03Z".to_owned()), ..typed("") }, &[4, 3]),
    ] {
        assert_eq!(found(&town, asked.clone(), &posts).await, expected, "{asked:?}");
    }
    for who in ["x", "y"] {
        town.write(who, LIKE, json!({ "subject": strong(&posts[1]) })).await;
    }
    town.write("x", LIKE, json!({ "subject": strong(&posts[0]) })).await;
    let top = SearchPostsV2 { sort: Sort::Top, ..any(by(&["alice", "carol"])) };
    assert_eq!(found(&town, top, &posts).await, [1, 0, 4]);
}

async fn what_rows_say(harness: Harness) {
    let town = Town::new(harness);
    let image = json!({ "$type": "blob", "ref": { "$link": Cid::of_raw(b"image").to_string() }, "mimeType": "image/jpeg", "size": 1 });
    let images =
        json!({ "$type": "app.bsky.embed.images", "images": [{ "alt": "", "image": image }] });
    let mut posts = vec![write(&town, "alice", 0, json!({})).await];
    let root = posts[0].clone();
    let reply =
        |parent: &str| json!({ "reply": { "root": strong(&root), "parent": strong(parent) } });
    posts.push(write(&town, "bob", 1, reply(&root)).await);
    let nested = reply(&posts[1]);
    posts.push(write(&town, "carol", 2, nested).await);
    let quote = json!({ "embed": { "$type": "app.bsky.embed.record", "record": strong(&root) } });
    posts.push(write(&town, "bob", 3, quote).await);
    posts.push(write(&town, "alice", 4, json!({ "embed": images })).await);
    town.edge("me", FOLLOW, "bob").await;
    let question_of = |only: Rows| SearchPostsV2 { only, viewer: Some(did("me")), ..typed("mill") };
    let rows = Rows::default;
    let uris = |uris: &[&str]| -> Vec<AtUri> { uris.iter().map(|uri| at(uri)).collect() };
    for (asked, expected) in [
        (question_of(Rows { media: true, ..rows() }), &[4][..]),
        (question_of(Rows { video: true, ..rows() }), &[]),
        (question_of(Rows { replies: Some(true), ..rows() }), &[2, 1]),
        (question_of(Rows { replies: Some(false), ..rows() }), &[4, 3, 0]),
        (question_of(Rows { parent: Some(at(&root)), ..rows() }), &[1]),
        (question_of(Rows { root: Some(at(&root)), ..rows() }), &[2, 1]),
        (question_of(Rows { quotes: uris(&[&root, &posts[1]]), ..rows() }), &[3]),
        (question_of(Rows { not_quotes: uris(&[&root]), ..rows() }), &[4, 2, 1, 0]),
        (question_of(Rows { following: true, ..rows() }), &[3, 1]),
        (question_of(Rows { following: true, replies: Some(true), ..rows() }), &[1]),
        (
            SearchPostsV2 {
                q: String::new(),
                ..question_of(Rows { root: Some(at(&root)), ..rows() })
            },
            &[2, 1],
        ),
        (
            SearchPostsV2 { sort: Sort::Top, ..question_of(Rows { following: true, ..rows() }) },
            &[1, 3],
        ),
        (SearchPostsV2 { viewer: None, ..question_of(Rows { following: true, ..rows() }) }, &[]),
        (
            question_of(Rows {
                parent: Some(at("at://did:web:x.test/app.bsky.feed.post/3jzfcijpj2z2a")),
                ..rows()
            }),
            &[],
        ),
    ] {
        assert_eq!(found(&town, asked.clone(), &posts).await, expected, "{asked:?}");
    }
}

async fn pages_of_what_is_filtered(harness: Harness) {
    let town = Town::new(harness);
    let mut posts = Vec::new();
    for n in 0..12 {
        let more = if n % 3 == 0 { json!({ "tags": ["third"] }) } else { json!({}) };
        posts.push(write(&town, if n % 2 == 0 { "alice" } else { "bob" }, n, more).await);
    }
    town.edge("me", FOLLOW, "alice").await;
    let following = Rows { following: true, ..Rows::default() };
    let without = Marked { tags: texts(&["third"]), ..Marked::default() };
    for (asked, expected) in [
        (
            SearchPostsV2 { only: following, viewer: Some(did("me")), ..typed("mill") },
            &[10, 8, 6, 4, 2, 0][..],
        ),
        (SearchPostsV2 { none: without, ..typed("") }, &[11, 10, 8, 7, 5, 4, 2, 1]),
    ] {
        for sort in [Sort::Latest, Sort::Top] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let asked = SearchPostsV2 { sort, limit: Some(2), cursor, ..asked.clone() };
                let page = town.harness.client.ask(asked).await.unwrap();
                let second = |uri: &String| posts.iter().position(|post| post == uri).unwrap();
                seen.extend(page.uris.iter().map(second));
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{sort:?} {asked:?}");
        }
    }
}

async fn searches_that_cannot_be(harness: Harness) {
    let refused = async |asked: SearchPostsV2| {
        assert!(harness.client.ask(asked.clone()).await.is_err(), "{asked:?}");
    };
    refused(typed("  ")).await;
    refused(SearchPostsV2 { limit: Some(101), ..typed("x") }).await;
    refused(SearchPostsV2 { cursor: Some("x".to_owned()), ..typed("x") }).await;
    refused(SearchPostsV2 { until: Some("tomorrow".to_owned()), ..typed("x") }).await;
    let list = |size: usize| -> Vec<String> { (0..size).map(|n| format!("t{n}")).collect() };
    let any = |size| Marked { tags: list(size), domains: list(size), ..Marked::default() };
    refused(SearchPostsV2 { any: any(11), ..typed("x") }).await;
    refused(SearchPostsV2 { any: any(9), ..typed("x") }).await;
    let page = harness.client.ask(SearchPostsV2 { any: any(8), ..typed("x") }).await.unwrap();
    assert!(page.uris.is_empty());
}
