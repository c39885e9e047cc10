//! Author feeds and timelines: order, filters, and pages that lose and repeat nothing.

use std::collections::BTreeSet;

use millrace_atproto::entry::Entry;
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_dataplane::query::author_feed::{AuthorFilter, FeedPage, GetAuthorFeed};
use millrace_dataplane::query::timeline::GetTimeline;
use millrace_sim::records::{self, Ref, Reply};

use crate::entries::{self, FOLLOW, POST, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    pages_of_equal_times_lose_nothing,
    a_timeline_reaches_as_far_back_as_it_must,
    a_timeline_follows_follows,
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
