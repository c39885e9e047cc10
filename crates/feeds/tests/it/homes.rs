//! What a reader sees: order, pages, sessions, marks.

use std::collections::HashSet;
use std::time::Duration;

use millrace_dataplane::query::feed_seen::{MarkFeedSeen, SeenItem};
use millrace_feeds::FeedsError;
use millrace_feeds::client::Client;
use millrace_feeds::model::Reason;
use millrace_feeds::query::home::{GetHome, Home, Source};
use millrace_feeds::query::order::Mode;
use millrace_feeds::query::seen::ApplySeen;
use millrace_feeds::score::Kind;
use millrace_sim::entries::POST;

use crate::harness::{Harness, actor, on_every_engine, ref_to};

on_every_engine!(
    a_home_that_is_not_made_is_read_by_pull,
    pages_skip_and_repeat_nothing,
    an_order_that_was_forgotten_goes_on,
    who_reads_on_has_everything_once,
    what_was_seen_is_read_for_good,
    what_people_do_with_a_post_moves_it,
    a_small_change_writes_nothing,
    a_reply_counts_less_and_lifts_what_it_answers,
    homes_keep_their_bounds,
    who_reads_no_more_is_forgotten,
    what_is_malformed_is_refused,
);

async fn a_home_that_is_not_made_is_read_by_pull(it: Harness) {
    it.follow("alice", "bob", 1).await;
    let rkey = it.post("bob", 10).await;
    let first = it.page("alice", Mode::Ranked, 10, None).await;
    assert_eq!((first.source, first.items.len()), (Source::Pull, 1));
    assert!(first.items[0].post.ends_with(&rkey));
    it.settle().await;
    let made = it.fresh_page("alice", Mode::Ranked).await;
    assert_eq!((made.source, made.items.len()), (Source::UserFeeds, 1));
    let again = it.page("alice", Mode::Ranked, 10, None).await;
    assert_eq!(again.source, Source::Cache);
    assert_eq!(again.items[0].post, made.items[0].post);
    assert_eq!(again.items[0].reason, Reason::Follow);
}

/// Ten posts each of four authors, in the home of alice.
async fn crowd(it: &Harness) {
    for (n, author) in (1..).zip(["bob", "carol", "dave", "erin"]) {
        it.follow("alice", author, n).await;
    }
    it.reads("alice").await;
    for n in 0..40 {
        let author = ["bob", "carol", "dave", "erin"][n % 4];
        it.post(author, 10 + i64::try_from(n).unwrap()).await;
    }
    it.settle().await;
}

async fn pages_skip_and_repeat_nothing(it: Harness) {
    crowd(&it).await;
    for mode in [Mode::Ranked, Mode::Chronological] {
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let page = it.page("alice", mode, 7, cursor).await;
            for (place, line) in (seen.len()..).zip(&page.items) {
                assert_eq!(line.rank_position, place);
                assert!((0.0..=1.0).contains(&line.relevance_score));
            }
            seen.extend(page.items.into_iter().map(|line| line.post));
            // Whatever comes meanwhile, the order that was served goes on.
            it.post("bob", 100 + i64::try_from(seen.len()).unwrap()).await;
            it.settle().await;
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        let distinct: HashSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len());
        assert!(seen.len() >= 40);
    }
}

async fn an_order_that_was_forgotten_goes_on(it: Harness) {
    crowd(&it).await;
    for author in ["bob", "carol", "dave", "erin"] {
        for n in 0..20 {
            it.post(author, 1_000 + n).await;
        }
    }
    it.settle().await;
    for mode in [Mode::Ranked, Mode::Chronological] {
        let whole = it.fresh_page("alice", mode).await;
        let second = it.page("alice", mode, 100, whole.cursor.clone()).await;
        let all: Vec<String> =
            whole.items.iter().chain(&second.items).map(|line| line.post.clone()).collect();
        assert_eq!(all.len(), 120);
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            it.forget_orders();
            let page = it.page("alice", mode, 30, cursor).await;
            seen.extend(page.items.into_iter().map(|line| line.post));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }
}

/// More than an order is begun with, and while it is read on, posts come and rise.
async fn who_reads_on_has_everything_once(it: Harness) {
    crowd(&it).await;
    let mut there = Vec::new();
    for author in ["bob", "carol", "dave", "erin"] {
        for n in 0..80 {
            let rkey = it.post(author, 1_000 + n).await;
            there.push(format!("at://{}/{POST}/{rkey}", actor(author)));
        }
    }
    it.settle().await;
    for (round, mode) in (1..).zip([Mode::Ranked, Mode::Chronological]) {
        let (mut cursor, mut seen, mut came) = (None, Vec::new(), 0);
        loop {
            let page = it.page("alice", mode, 40, cursor.clone()).await;
            let again = it.page("alice", mode, 40, cursor).await;
            assert_eq!(posts(&page), posts(&again), "after {}", seen.len());
            for (place, line) in (seen.len()..).zip(&page.items) {
                assert_eq!(line.rank_position, place);
            }
            seen.extend(posts(&page));
            came += 1;
            it.post("bob", 10_000 * round + came).await;
            it.settle().await;
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        let distinct: HashSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{mode:?}");
        let is_missing = |post: &&String| !distinct.contains(post);
        let missing: Vec<&String> = there.iter().filter(is_missing).collect();
        assert!(missing.is_empty(), "{mode:?}: {missing:?}");
    }
}

fn posts(page: &Home) -> Vec<String> {
    page.items.iter().map(|line| line.post.clone()).collect()
}

async fn what_was_seen_is_read_for_good(it: Harness) {
    crowd(&it).await;
    let page = it.page("alice", Mode::Ranked, 3, None).await;
    let items = page.items.iter().map(|line| SeenItem {
        uri: line.post.parse().unwrap(),
        position: Some(u32::try_from(line.rank_position).unwrap()),
    });
    let mark = MarkFeedSeen { actor: actor("alice"), items: items.collect(), up_to_us: None };
    it.dataplane.command(mark).await.unwrap();
    // Homes were not told: they find it when they are read.
    let again = it.fresh_page("alice", Mode::Ranked).await;
    let read: Vec<bool> = again.items.iter().map(|line| line.is_read).collect();
    assert_eq!(read.iter().filter(|read| **read).count(), 3);
    let positions = "SELECT rank_position FROM user_feeds WHERE is_read = 1 ORDER BY rank_position";
    assert_eq!(it.query(positions, |row| row.get::<i64>(0)).await, [0, 1, 2]);
    let applied = ApplySeen { actor: actor("alice") };
    let unread = Client::Local(it.home.clone()).ask(applied.clone()).await.unwrap();
    assert_eq!(unread.unread, 37);
    // A home that is built anew has the same marks.
    let again: Result<(), millrace_store::StoreError> = it
        .store
        .write(|tx| {
            tx.execute("DELETE FROM user_feeds", &[])?;
            tx.execute("UPDATE feed_state SET built_at_us = NULL", &[]).map(drop)
        })
        .await;
    again.unwrap();
    it.settle().await;
    it.fresh_page("alice", Mode::Ranked).await;
    assert_eq!(it.query(positions, |row| row.get::<i64>(0)).await, [0, 1, 2]);
    let all = MarkFeedSeen { actor: actor("alice"), items: Vec::new(), up_to_us: Some(i64::MAX) };
    it.dataplane.command(all).await.unwrap();
    let unread = Client::Local(it.home.clone()).ask(applied).await.unwrap();
    assert_eq!(unread.unread, 0);
}

async fn what_people_do_with_a_post_moves_it(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.follow("alice", "carol", 2).await;
    it.reads("alice").await;
    let older = it.post("bob", 10).await;
    let newer = it.post("carol", 11).await;
    it.settle().await;
    let order = async || {
        let page = it.fresh_page("alice", Mode::Ranked).await;
        page.items
            .iter()
            .map(|line| line.post.rsplit('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(order().await, [newer.clone(), older.clone()]);
    for n in 0..20 {
        it.like(&format!("fan{n}"), &ref_to("bob", &older), 20 + n).await;
    }
    it.settle().await;
    assert!(!it.jobs.rescore_step().await.unwrap(), "not yet");
    it.clock.advance(Duration::from_secs(6));
    assert!(it.jobs.rescore_step().await.unwrap());
    assert!(!it.jobs.rescore_step().await.unwrap(), "once for all of them");
    assert_eq!(order().await, [older.clone(), newer.clone()]);
    let stats = "SELECT likes FROM post_stats WHERE likes > 0";
    assert_eq!(it.query(stats, |row| row.get::<i64>(0)).await, [20]);
}

async fn a_small_change_writes_nothing(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    for n in 0..400 {
        it.like(&format!("fan{n}"), &ref_to("bob", &rkey), 20 + n).await;
    }
    it.settle().await;
    it.clock.advance(Duration::from_secs(6));
    it.jobs.rescore_step().await.unwrap();
    let updated = "SELECT score_updated_at_us FROM user_feeds";
    let before = it.query(updated, |row| row.get::<i64>(0)).await;
    it.clock.advance(Duration::from_secs(6));
    it.like("one-more", &ref_to("bob", &rkey), 900).await;
    it.settle().await;
    it.clock.advance(Duration::from_secs(6));
    assert!(it.jobs.rescore_step().await.unwrap());
    assert_eq!(it.query(updated, |row| row.get::<i64>(0)).await, before);
}

async fn a_reply_counts_less_and_lifts_what_it_answers(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.follow("alice", "carol", 2).await;
    it.reads("alice").await;
    let answered = it.post("bob", 10).await;
    it.settle().await;
    let before = it.fresh_page("alice", Mode::Ranked).await.items.remove(0);
    it.reply("carol", 11, &ref_to("bob", &answered)).await;
    it.settle().await;
    it.clock.advance(Duration::from_secs(6));
    it.jobs.rescore_step().await.unwrap();
    let page = it.fresh_page("alice", Mode::Ranked).await;
    let (after, reply) = (&page.items[0], &page.items[1]);
    assert!(after.post.ends_with(&answered) && after.engagement > before.engagement);
    assert_eq!((before.kind, reply.kind), (Kind::Post, Kind::Reply));
    assert!(reply.relevance_score < 0.8 * before.relevance_score);
}

async fn homes_keep_their_bounds(it: Harness) {
    let config = millrace_feeds::config::FeedsConfig {
        rows_per_user_max: 100,
        ..millrace_feeds::config::FeedsConfig::default()
    };
    let it = Harness::open(it.engine, config).await.unwrap();
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    for n in 0..130 {
        it.post("bob", 10 + n).await;
    }
    it.settle().await;
    assert_eq!(it.rows().await.len(), 130);
    it.jobs.trim_step().await.unwrap();
    assert_eq!(it.rows().await.len(), 100);
    let posts = it.fresh_posts("alice").await;
    assert_eq!(posts.first(), Some(&millrace_sim::entries::tid(139).to_string()));
}

async fn who_reads_no_more_is_forgotten(it: Harness) {
    crowd(&it).await;
    it.clock.advance(Duration::from_secs(31 * 86_400));
    it.jobs.trim_step().await.unwrap();
    assert_eq!(it.rows().await, []);
    for table in ["feed_state", "affinity", "author_tier", "hidden", "settle_job"] {
        assert_eq!(it.count(table).await, 0, "{table}");
    }
    // Who comes back has a home again.
    it.forget_orders();
    it.reads("alice").await;
    assert_eq!(it.rows().await.len(), 40);
}

async fn what_is_malformed_is_refused(it: Harness) {
    let client = Client::Local(it.home.clone());
    let ask = |limit, cursor: Option<&str>| {
        let cursor = cursor.map(str::to_owned);
        client.ask(GetHome { actor: actor("alice"), mode: Mode::Ranked, limit, cursor })
    };
    for (limit, cursor) in
        [(0, None), (101, None), (5, Some("r.1")), (5, Some("c.1.2")), (5, Some(""))]
    {
        let refused = ask(limit, cursor).await.unwrap_err();
        assert!(matches!(refused, FeedsError::InvalidRequest(_)), "{refused}");
    }
    let nobodys = MarkFeedSeen {
        actor: actor("alice"),
        items: vec![SeenItem {
            uri: format!("at://did:web:bob.test/{POST}").parse().unwrap(),
            position: None,
        }],
        up_to_us: None,
    };
    it.dataplane.command(nobodys).await.unwrap_err();
}
