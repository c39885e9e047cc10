//! Bookmarks: pages, counts beside a model, bounds, and what hydration says of them.

use std::collections::BTreeSet;

use millrace_atproto::cid::Cid;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::bookmark::{BOOKMARKS_MAX, CreateBookmark, DeleteBookmark};
use millrace_dataplane::query::bookmarks::{Bookmark, GetBookmarks};
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::posts::GetPost;
use millrace_runtime::rng::Rng;
use millrace_store::{Param, StoreError};
use serde_json::json;

use crate::entries::{START_US, did, tid, uri};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at};

on_every_engine!(
    kept_once_and_given_up_once,
    pages_of_equal_times_lose_nothing,
    counts_follow_what_was_kept,
    bookmarks_are_bounded,
    posts_say_who_keeps_them,
);

const POST: &str = "app.bsky.feed.post";

fn cid(text: &str) -> Cid {
    Cid::of_dag_cbor(text.as_bytes())
}

fn kept(who: &str, post: &str) -> CreateBookmark {
    CreateBookmark { actor: did(who), post: at(post), cid: cid(post) }
}

fn given_up(who: &str, post: &str) -> DeleteBookmark {
    DeleteBookmark { actor: did(who), post: at(post) }
}

async fn page(
    client: &Client,
    who: &str,
    limit: u32,
    cursor: Option<String>,
) -> (Vec<Bookmark>, Option<String>) {
    let asked = GetBookmarks { actor: did(who), limit, cursor };
    let page = client.ask(asked).await.unwrap();
    (page.bookmarks, page.cursor)
}

async fn uris(client: &Client, who: &str) -> Vec<String> {
    page(client, who, 100, None).await.0.into_iter().map(|kept| kept.uri).collect()
}

async fn kept_once_and_given_up_once(harness: Harness) {
    let client = &harness.client;
    let post = uri(&did("bob"), POST, "by-name");
    client.command(kept("alice", &post)).await.unwrap();
    // The version that was seen first stays.
    let again = CreateBookmark { cid: cid("another"), ..kept("alice", &post) };
    client.command(again).await.unwrap();
    let (found, cursor) = page(client, "alice", 50, None).await;
    let expected = Bookmark { uri: post.clone(), cid: cid(&post), created_at_us: START_US };
    assert_eq!((found, cursor), (vec![expected], None));
    assert!(uris(client, "bob").await.is_empty(), "bookmarks are one's own");
    for _ in 0..2 {
        client.command(given_up("alice", &post)).await.unwrap();
        assert!(uris(client, "alice").await.is_empty());
    }
    for other in
        ["at://did:web:bob.test/app.bsky.feed.like/a", "at://bob.test/app.bsky.feed.post/a"]
    {
        let refused = client.command(kept("alice", other)).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))), "{other}");
        let refused = client.command(given_up("alice", other)).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))), "{other}");
    }
}

async fn pages_of_equal_times_lose_nothing(harness: Harness) {
    let client = &harness.client;
    let mut all = BTreeSet::new();
    for n in 0..7 {
        // The clock of these tests stands.
        let post = uri(&did(if n % 2 == 0 { "bob" } else { "carol" }), POST, &tid(n).to_string());
        client.command(kept("alice", &post)).await.unwrap();
        all.insert(post);
    }
    client.command(kept("dan", all.first().unwrap())).await.unwrap();
    let (mut found, mut cursor) = page(client, "alice", 2, None).await;
    while let Some(at) = cursor {
        assert_eq!(found.len() % 2, 0);
        let (more, next) = page(client, "alice", 2, Some(at)).await;
        found.extend(more);
        cursor = next;
    }
    let found: Vec<String> = found.into_iter().map(|kept| kept.uri).collect();
    let expected: Vec<String> = all.into_iter().rev().collect();
    assert_eq!(found, expected);
    for (limit, cursor) in [(0, None), (101, None), (50, Some("nonsense".to_owned()))] {
        let asked = GetBookmarks { actor: did("alice"), limit, cursor };
        let refused = client.ask(asked).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))));
    }
}

/// The counts as the table has them.
async fn counts(harness: &Harness) -> Vec<(String, i64)> {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let read = |tx: &mut millrace_store::Tx| -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT subject_rkey, bookmarks FROM bookmark_count ORDER BY subject_rkey";
        tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    local.own.read(read).await.unwrap()
}

async fn counts_follow_what_was_kept(harness: Harness) {
    let client = &harness.client;
    let rng = Rng::seeded(11);
    let mut model = BTreeSet::new();
    for _ in 0..120 {
        let who = ["ann", "ben", "cat", "don"][rng.below(4) as usize];
        let rkey = ["a", "b", "c"][rng.below(3) as usize];
        let post = uri(&did("bob"), POST, rkey);
        if rng.below(2) == 0 {
            client.command(kept(who, &post)).await.unwrap();
            model.insert((rkey, who));
        } else {
            client.command(given_up(who, &post)).await.unwrap();
            model.remove(&(rkey, who));
        }
    }
    let counted = ["a", "b", "c"].map(|rkey| {
        let count = model.iter().filter(|(kept, _)| *kept == rkey).count();
        (rkey.to_owned(), count as i64)
    });
    let expected: Vec<(String, i64)> = counted.into_iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(counts(&harness).await, expected);
    for (rkey, who) in model {
        client.command(given_up(who, &uri(&did("bob"), POST, rkey))).await.unwrap();
    }
    assert!(counts(&harness).await.is_empty(), "where nobody keeps a post nothing is counted");
}

async fn bookmarks_are_bounded(harness: Harness) {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let fill = |tx: &mut millrace_store::Tx| -> Result<u64, StoreError> {
        let names: Vec<String> = (0..BOOKMARKS_MAX - 1).map(|n| format!("did:plc:{n}")).collect();
        let alice = did("alice");
        tx.execute_many(
            "INSERT INTO bookmark (did, subject_did, subject_rkey, cid, created_at_us)
             SELECT r.a, r.b, 'a', 'c', 1 FROM {rows:a TEXT, b TEXT} AS r",
            names.iter().map(|name| [Param::from(&alice), Param::Text(name)]),
        )
    };
    local.own.write(fill).await.unwrap();
    let client = &harness.client;
    let [last, more] = ["last", "more"].map(|rkey| uri(&did("bob"), POST, rkey));
    client.command(kept("alice", &last)).await.unwrap();
    match client.command(kept("alice", &more)).await {
        Err(DataplaneError::InvalidRequest(message)) => {
            assert!(message.contains(&BOOKMARKS_MAX.to_string()), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // What is kept can be kept again, and what is given up makes room.
    client.command(kept("alice", &last)).await.unwrap();
    client.command(given_up("alice", &last)).await.unwrap();
    client.command(kept("alice", &more)).await.unwrap();
    assert_eq!(counts(&harness).await, [("more".to_owned(), 1)]);
    client.command(kept("bob", &last)).await.unwrap();
}

async fn posts_say_who_keeps_them(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("bob").await;
    let named = town.put("bob", POST, "by-name", json!({ "text": "n" })).await;
    let quote = town.quote("carol", &post).await;
    let said = async |viewer: Option<&str>, uri: &str| {
        let asked = Hydrate { viewer: viewer.map(did), posts: vec![at(uri)], ..Hydrate::default() };
        let found = town.hydrate(asked).await;
        let post = found.posts.into_iter().find(|post| post.uri == uri).unwrap();
        (post.bookmark_count, post.viewer.map(|viewer| viewer.bookmarked))
    };
    assert_eq!(said(Some("alice"), &post).await, (0, Some(false)));
    let client = &town.harness.client;
    for who in ["alice", "dan"] {
        client.command(kept(who, &post)).await.unwrap();
    }
    client.command(kept("dan", &named)).await.unwrap();
    assert_eq!(said(Some("alice"), &post).await, (2, Some(true)));
    assert_eq!(said(Some("erin"), &post).await, (2, Some(false)));
    assert_eq!(said(None, &post).await, (2, None));
    assert_eq!(said(Some("dan"), &named).await, (1, Some(true)));
    assert_eq!(said(Some("alice"), &named).await, (1, Some(false)));
    assert_eq!(said(Some("alice"), &quote).await, (0, Some(false)));
    let alone = client.ask(GetPost { uri: at(&post) }).await.unwrap();
    assert_eq!(alone.bookmark_count, 2);
}
