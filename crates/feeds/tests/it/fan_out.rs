//! Items find their way into homes, once, whatever comes in between.

use std::time::Duration;

use millrace_feeds::config::FeedsConfig;
use millrace_sim::entries::POST;

use crate::harness::{Harness, REPOST, on_every_engine, ref_to};

on_every_engine!(
    a_post_is_in_the_homes_of_its_followers,
    a_repost_brings_a_post_and_takes_it_away,
    facts_that_come_twice_change_nothing,
    a_follow_and_a_post_in_either_order,
    who_has_too_many_readers_is_looked_up,
    what_is_deleted_on_its_way_arrives_nowhere,
    a_hundred_thousand_followers,
    what_is_written_anew_keeps_its_place,
    many_followers_are_reached_step_by_step,
);

fn row(user: &str, author: &str, rkey: &str) -> (String, String, String) {
    (user.to_owned(), author.to_owned(), rkey.to_owned())
}

async fn a_post_is_in_the_homes_of_its_followers(it: Harness) {
    for who in ["alice", "carol"] {
        it.follow(who, "bob", 1).await;
        it.reads(who).await;
    }
    // Follows, and does not read here.
    it.follow("dave", "bob", 2).await;
    let rkey = it.post("bob", 10).await;
    it.settle().await;
    assert_eq!(it.rows().await, [row("alice", "bob", &rkey), row("carol", "bob", &rkey)]);
    it.gone("bob", POST, &rkey).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
    assert_eq!(it.count("fanout_job").await, 0);
}

async fn a_repost_brings_a_post_and_takes_it_away(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("carol", 5).await;
    let repost = it.repost("bob", &ref_to("carol", &rkey), 10).await;
    it.settle().await;
    let brought = [row("alice", "carol", &format!("{rkey} reposted"))];
    assert_eq!(it.rows().await, brought);
    it.gone("bob", REPOST, &repost).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
    // Of a post that is gone nothing stays, whoever brought it.
    it.repost("bob", &ref_to("carol", &rkey), 11).await;
    it.settle().await;
    assert_eq!(it.rows().await, brought);
    it.gone("carol", POST, &rkey).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
}

async fn facts_that_come_twice_change_nothing(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    let facts = it.untold();
    it.tell(facts.clone()).await;
    it.settle().await;
    it.tell(facts.clone()).await;
    it.tell(facts).await;
    it.settle().await;
    assert_eq!(it.rows().await, [row("alice", "bob", &rkey)]);
}

async fn a_follow_and_a_post_in_either_order(it: Harness) {
    it.reads("alice").await;
    it.follow("alice", "bob", 1).await;
    let follow = it.untold();
    let rkey = it.post("bob", 10).await;
    let post = it.untold();
    // The post is told of before the follow, though it came after it.
    it.tell(post).await;
    it.settle().await;
    it.tell(follow).await;
    it.settle().await;
    assert_eq!(it.rows().await, [row("alice", "bob", &rkey)]);
    // And the other way round: what was there before a follow comes with it.
    let old = it.post("carol", 20).await;
    it.settle().await;
    it.follow("alice", "carol", 21).await;
    it.settle().await;
    assert_eq!(it.rows().await, [row("alice", "bob", &rkey), row("alice", "carol", &old)]);
}

async fn who_has_too_many_readers_is_looked_up(it: Harness) {
    let config = FeedsConfig { push_followers_max: 3, ..FeedsConfig::default() };
    let it = Harness::open(it.engine, config).await.unwrap();
    let readers = ["a", "c", "d", "e"];
    for who in readers {
        it.follow(who, "bob", 1).await;
        it.reads(who).await;
    }
    // Four are more than three and less than a fifth.
    let rkey = it.post("bob", 10).await;
    it.settle().await;
    assert_eq!(it.rows().await.len(), 4 - usize::from(it.tier("bob").await == 1) * 4);
    for who in readers {
        assert_eq!(it.posts(who).await, std::slice::from_ref(&rkey));
    }
    it.follow("f", "bob", 2).await;
    it.reads("f").await;
    assert_eq!(it.tier("bob").await, 1);
    let before = it.rows().await.len();
    let second = it.post("bob", 20).await;
    it.settle().await;
    assert_eq!(it.rows().await.len(), before, "nothing is written into homes");
    it.clock.advance(Duration::from_secs(60));
    for who in ["a", "f"] {
        let fresh = it.fresh_posts(who).await;
        assert_eq!(fresh, [second.clone(), rkey.clone()]);
    }
    // Who reads here no more leaves the others' homes as they are: four are not few enough.
    it.clock.advance(Duration::from_secs(29 * 86_400));
    for who in readers {
        it.reads(who).await;
    }
    it.clock.advance(Duration::from_secs(2 * 86_400));
    it.jobs.trim_step().await.unwrap();
    assert_eq!((it.count("feed_state").await, it.count("settle_job").await), (4, 0));
    assert_eq!(it.tier("bob").await, 1);
}

async fn what_is_deleted_on_its_way_arrives_nowhere(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    let facts = it.untold();
    it.gone("bob", POST, &rkey).await;
    let gone = it.untold();
    it.tell(facts).await;
    it.tell(gone).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
}

async fn what_is_written_anew_keeps_its_place(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    it.settle().await;
    let created = "SELECT created_at_us FROM user_feeds";
    let before = it.query(created, |row| row.get::<i64>(0)).await;
    it.clock.advance(Duration::from_secs(60));
    let record = millrace_sim::records::post("other words", it.at_us(10), None, None, None);
    it.write("bob", vec![millrace_sim::entries::put(POST, &rkey, record)]).await;
    it.settle().await;
    assert_eq!(it.query(created, |row| row.get::<i64>(0)).await, before);
}

async fn many_followers_are_reached_step_by_step(it: Harness) {
    // More than a page, without the detour over 2,500 accounts' own records.
    it.reads("reader").await;
    it.follow("reader", "bob", 1).await;
    it.settle().await;
    it.add_readers("bob", 2_500).await;
    let rkey = it.post("bob", 10).await;
    it.tell(it.untold()).await;
    assert!(it.jobs.fan_out_step().await.unwrap());
    let reached = "SELECT done FROM fanout_job";
    assert_eq!(it.query(reached, |row| row.get::<i64>(0)).await, [1_000]);
    while it.jobs.fan_out_step().await.unwrap() {}
    let rows = it.query("SELECT user_id FROM user_feeds", |row| row.get::<i64>(0)).await;
    assert_eq!(rows.len(), 2_501);
    assert!(it.posts("reader").await.contains(&rkey));
}

async fn a_hundred_thousand_followers(it: Harness) {
    const READERS: i64 = 100_000;
    let config = FeedsConfig { push_followers_max: 1_000_000, ..FeedsConfig::default() };
    let it = Harness::open(it.engine, config).await.unwrap();
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.add_readers("bob", READERS).await;
    it.post("bob", 10).await;
    it.tell(it.untold()).await;
    // Page by page, each of which is a transaction: half of them, then from where that ended.
    let mut steps = 0;
    while it.count("user_feeds").await <= READERS / 2 {
        assert!(it.jobs.fan_out_step().await.unwrap());
        steps += 1;
    }
    assert!(steps > 10 && it.count("user_feeds").await < READERS, "{steps}");
    assert_eq!(it.count("fanout_job").await, 1);
    it.settle().await;
    assert_eq!(it.count("user_feeds").await, READERS + 1);
    assert_eq!(it.count("fanout_job").await, 0);
    // With the usual bound they are too many: looked up when a home is read.
    let config = FeedsConfig::default();
    let it = Harness::open(it.engine, config).await.unwrap();
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.add_readers("bob", READERS).await;
    it.follow("carol", "bob", 2).await;
    it.reads("carol").await;
    assert_eq!(it.tier("bob").await, 1);
    let rkey = it.post("bob", 10).await;
    it.settle().await;
    assert_eq!((it.count("user_feeds").await, it.count("fanout_job").await), (0, 0));
    assert_eq!(it.fresh_posts("alice").await, [rkey]);
}
