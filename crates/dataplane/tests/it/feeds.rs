//! Author feeds and timelines: order, filters, and pages that lose and repeat nothing.

use std::collections::BTreeSet;

use millrace_atproto::entry::Entry;
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_dataplane::query::author_feed::{AuthorFilter, FeedPage, GetAuthorFeed};
use millrace_dataplane::query::timeline::GetTimeline;
use millrace_sim::records::{self, Ref, Reply};
use millrace_store::StoreError;

use crate::entries::{self, FOLLOW, POST, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::{ACTORS, history};

on_every_engine!(
    pages_of_equal_times_lose_nothing,
    a_timeline_reaches_as_far_back_as_it_must,
    a_timeline_follows_follows,
    a_timeline_without_its_newest_items_goes_on_with_the_next,
    a_timeline_of_many_followed_twice_is_whole,
    pages_of_a_timeline_are_its_items_in_order,
    filters_tell_replies_apart,
    a_future_time_counts_as_now,
);

fn post(author: &Did, rev: i64, created_us: i64) -> Entry {
    let record = records::post(&format!("post {rev}"), created_us, None, None, None);
    entries::commit(author, rev, vec![entries::put(POST, &tid(rev).to_string(), record)])
}

fn follow(author: &Did, rev: i64, whom: &Did) -> Entry {
    let record = records::follow(whom, START_US);
    entries::commit(author, rev, vec![entries::put(FOLLOW, &tid(rev).to_string(), record)])
}

async fn author_page(
    harness: &Harness,
    author: &Did,
    filter: AuthorFilter,
    limit: u32,
    cursor: Option<String>,
) -> FeedPage {
    let actor = AtIdentifier::Did(author.clone());
    harness.client.ask(GetAuthorFeed { actor, filter, limit, cursor }).await.unwrap()
}

/// Reads a timeline page by page; checks that it descends and ends.
async fn whole_timeline(harness: &Harness, actor: &Did, limit: u32) -> Vec<String> {
    let (mut uris, mut cursor, mut last_us) = (Vec::new(), None, i64::MAX);
    loop {
        let page =
            harness.client.ask(GetTimeline { actor: actor.clone(), limit, cursor }).await.unwrap();
        for item in page.items {
            assert!(item.sort_at_us <= last_us, "newest first");
            last_us = item.sort_at_us;
            uris.push(item.uri);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return uris;
        }
    }
}

async fn pages_of_equal_times_lose_nothing(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    let mut history = vec![follow(&carol, 1, &alice), follow(&carol, 2, &bob)];
    for rev in 1..8 {
        // The same time, and by two authors the same record key.
        history.extend([post(&alice, rev, START_US), post(&bob, rev, START_US)]);
    }
    harness.apply(&history).await;
    for limit in [1, 2, 3, 50] {
        let uris = whole_timeline(&harness, &carol, limit).await;
        assert_eq!(uris.len(), 14, "limit {limit}");
        assert_eq!(uris.iter().collect::<BTreeSet<_>>().len(), 14, "limit {limit}");
    }
    let (mut seen, mut cursor) = (0, None);
    loop {
        let page = author_page(&harness, &alice, AuthorFilter::default(), 2, cursor).await;
        seen += page.items.len();
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, 7);
}

async fn a_timeline_reaches_as_far_back_as_it_must(harness: Harness) {
    const HOUR_US: i64 = 3_600_000_000;
    let (alice, bob) = (did("alice"), did("bob"));
    let ages = [0, 1, 7, 24, 24 * 30, 24 * 365, 24 * 365 * 40];
    let mut history = vec![follow(&bob, 1, &alice)];
    history
        .extend((1..).zip(ages).map(|(rev, hours)| post(&alice, rev, START_US - hours * HOUR_US)));
    // Before the epoch, and without a time of its own.
    history.push(post(&alice, 20, -HOUR_US));
    harness.apply(&history).await;
    assert_eq!(whole_timeline(&harness, &bob, 2).await.len(), ages.len() + 1);
    assert_eq!(whole_timeline(&harness, &bob, 100).await.len(), ages.len() + 1);
}

async fn a_timeline_follows_follows(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    harness
        .apply(&[post(&alice, 1, START_US), post(&carol, 2, START_US), post(&bob, 3, START_US)])
        .await;
    assert_eq!(whole_timeline(&harness, &bob, 10).await.len(), 1, "one's own posts are there");
    harness.apply(&[follow(&bob, 4, &alice)]).await;
    assert_eq!(whole_timeline(&harness, &bob, 10).await.len(), 2);
    harness
        .apply(&[entries::commit(&bob, 5, vec![entries::delete(FOLLOW, &tid(4).to_string())])])
        .await;
    assert_eq!(whole_timeline(&harness, &bob, 10).await.len(), 1);
    assert_eq!(whole_timeline(&harness, &did("stranger"), 10).await, Vec::<String>::new());
}

async fn a_timeline_of_many_followed_twice_is_whole(harness: Harness) {
    let reader = did("reader");
    let authors: Vec<Did> = (0..24).map(|at| did(&format!("author{at}"))).collect();
    let mut history = Vec::new();
    for (at, author) in (0..).zip(&authors) {
        history.extend([follow(&reader, 2 * at + 1, author), follow(&reader, 2 * at + 2, author)]);
        // Six of them at a time.
        history.push(post(author, 1, START_US + at / 6 * 1_000));
    }
    harness.apply(&history).await;
    let whole = whole_timeline(&harness, &reader, 100).await;
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), authors.len());
    assert_eq!(whole.len(), authors.len());
    for limit in 1..=13 {
        assert_eq!(whole_timeline(&harness, &reader, limit).await, whole, "limit {limit}");
    }
}

fn unpost(author: &Did, rev: i64, posts: impl IntoIterator<Item = i64>) -> Entry {
    let ops = posts.into_iter().map(|post| entries::delete(POST, &tid(post).to_string()));
    entries::commit(author, rev, ops.collect())
}

async fn a_timeline_without_its_newest_items_goes_on_with_the_next(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    let uri = |author: &Did, rev: i64| entries::uri(author, POST, &tid(rev).to_string());
    let mut history = vec![follow(&carol, 1, &alice), follow(&carol, 2, &bob)];
    // Alice's oldest is older than all of bob's, her newest newer.
    history.extend([1, 8, 9].map(|rev| post(&alice, rev, START_US + rev * 1_000)));
    history.extend([3, 4, 5].map(|rev| post(&bob, rev, START_US + rev * 1_000)));
    harness.apply(&history).await;
    let all = [(&alice, 9), (&alice, 8), (&bob, 5), (&bob, 4), (&bob, 3), (&alice, 1)];
    let uris = |these: &[(&Did, i64)]| -> Vec<String> {
        these.iter().map(|(author, rev)| uri(author, *rev)).collect()
    };
    for limit in [1, 2, 50] {
        assert_eq!(whole_timeline(&harness, &carol, limit).await, uris(&all), "limit {limit}");
    }
    harness.apply(&[unpost(&alice, 20, [9])]).await;
    for limit in [1, 2, 50] {
        assert_eq!(whole_timeline(&harness, &carol, limit).await, uris(&all[1..]), "limit {limit}");
    }
    // A head that stayed would say that a page need not reach below it.
    harness.apply(&[unpost(&alice, 21, [8])]).await;
    for limit in [1, 2, 50] {
        assert_eq!(whole_timeline(&harness, &carol, limit).await, uris(&all[2..]), "limit {limit}");
    }
    harness.apply(&[unpost(&bob, 22, [3, 4, 5]), unpost(&alice, 23, [1])]).await;
    assert_eq!(whole_timeline(&harness, &carol, 1).await, Vec::<String>::new());
    // What comes and goes within a batch is no head.
    let at = |ms: i64| START_US + ms * 1_000;
    let batch = [post(&alice, 30, at(2)), post(&alice, 31, at(1)), unpost(&alice, 32, [30])];
    harness.apply(&batch).await;
    harness.apply(&[post(&bob, 33, at(4)), post(&bob, 34, at(3))]).await;
    let left = uris(&[(&bob, 33), (&bob, 34), (&alice, 31)]);
    assert_eq!(whole_timeline(&harness, &carol, 1).await, left);
}

/// Whatever was done before: a page's cursor may stand above, among and below an account's items.
async fn pages_of_a_timeline_are_its_items_in_order(harness: Harness) {
    let reader = did("reader");
    for seed in 0..4 {
        let harness = harness.fresh().await;
        let follows = (1..).zip(ACTORS).map(|(rev, name)| follow(&reader, rev, &did(name)));
        harness.apply(&follows.collect::<Vec<_>>()).await;
        for batch in history(seed + 300, 150).chunks(17) {
            harness.apply(batch).await;
        }
        let items: Result<i64, StoreError> = harness
            .store
            .read(|tx| tx.query_one("SELECT count(*) FROM feed_item", &[], |row| row.get(0)))
            .await;
        let whole = whole_timeline(&harness, &reader, 100).await;
        assert!(whole.len() > 10 && whole.len() as i64 == items.unwrap(), "seed {seed}");
        for limit in [1, 2, 3, 7] {
            assert_eq!(
                whole_timeline(&harness, &reader, limit).await,
                whole,
                "seed {seed}, {limit}"
            );
        }
    }
}

async fn filters_tell_replies_apart(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let reference = |author: &Did, rev: i64| {
        let uri = entries::uri(author, POST, &tid(rev).to_string());
        Ref { cid: millrace_atproto::cid::Cid::of_dag_cbor(uri.as_bytes()), uri }
    };
    let reply = |rev: i64, to: Ref| {
        let reply = Reply { root: to.clone(), parent: to };
        let record = records::post("reply", START_US + rev * 1_000, Some(&reply), None, None);
        entries::commit(&alice, rev, vec![entries::put(POST, &tid(rev).to_string(), record)])
    };
    harness
        .apply(&[
            post(&alice, 1, START_US),
            post(&bob, 2, START_US),
            reply(3, reference(&alice, 1)),
            reply(4, reference(&bob, 2)),
        ])
        .await;
    for (filter, expected) in [
        (AuthorFilter::PostsWithReplies, vec![4, 3, 1]),
        (AuthorFilter::PostsNoReplies, vec![1]),
        (AuthorFilter::PostsAndAuthorThreads, vec![3, 1]),
        (AuthorFilter::PostsWithMedia, vec![]),
        (AuthorFilter::PostsWithVideo, vec![]),
    ] {
        let page = author_page(&harness, &alice, filter, 100, None).await;
        let uris: Vec<String> = page.items.into_iter().map(|item| item.uri).collect();
        let expected: Vec<String> =
            expected.into_iter().map(|rev| reference(&alice, rev).uri).collect();
        assert_eq!(uris, expected, "{filter:?}");
    }
}

async fn a_future_time_counts_as_now(harness: Harness) {
    let alice = did("alice");
    harness.apply(&[post(&alice, 1, START_US + 86_400_000_000), post(&alice, 2, START_US)]).await;
    let page = author_page(&harness, &alice, AuthorFilter::default(), 10, None).await;
    assert_eq!(page.items[0].sort_at_us, START_US + 1_000, "the time it was indexed at");
}
