//! What consumers outside are told of posts: once each, from any source, whoever reads here.

use std::time::Duration;

use millrace_feeds::config::FeedsConfig;
use millrace_feeds::events::{PostEvent, PostEvents};
use millrace_sim::entries::{POST, put, tid};
use millrace_sim::records;

use crate::harness::{Harness, actor, on_every_engine, ref_to};

on_every_engine!(
    a_post_is_told_of_once_with_what_is_known,
    a_replaced_record_is_an_update,
    what_is_gone_before_its_turn_is_not_told_of,
    whose_posts_are_told_of_is_a_setting,
    what_is_old_is_not_told_of,
    what_was_told_is_remembered_for_a_time,
);

/// Type, topic, key, id, event.
type Told = (String, String, String, String, PostEvent);

async fn told(it: &Harness) -> Vec<Told> {
    let sql = "SELECT type, topic, key, event_id, payload, aggregatetype, aggregateid FROM outbox ORDER BY id";
    it.query(sql, |row| {
        let event: PostEvent = serde_json::from_slice(&row.get::<Vec<u8>>(4)?).unwrap();
        assert_eq!((row.text(5)?, row.text(6)?), ("post", event.uri.as_str()));
        let key = String::from_utf8(row.get(2)?).unwrap();
        Ok((row.get(0)?, row.get(1)?, key, row.get(3)?, event))
    })
    .await
}

async fn kinds(it: &Harness) -> Vec<String> {
    told(it).await.into_iter().map(|one| one.0).collect()
}

async fn a_post_is_told_of_once_with_what_is_known(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let first = it.post("bob", 10).await;
    let reply = it.reply("bob", 20, &ref_to("bob", &first)).await;
    it.repost("bob", &ref_to("bob", &first), 30).await;
    let facts = it.untold();
    it.tell(facts.clone()).await;
    it.tell(facts).await;
    let told = told(&it).await;
    let uri = |rkey: &str| ref_to("bob", rkey).uri.to_string();
    assert_eq!(told.len(), 2, "each post once, and no repost: {told:?}");
    for ((kind, topic, key, id, event), rkey) in told.iter().zip([&first, &reply]) {
        assert_eq!((kind.as_str(), topic.as_str()), ("POST_CREATED", "post.created.v1"));
        assert_eq!((key.as_str(), event.uri.clone()), (actor("bob").as_str(), uri(rkey)));
        assert_eq!((id.len(), &id[14..15]), (36, "7"));
        assert_eq!((event.text.as_str(), event.author.as_str()), ("words", key.as_str()));
        assert!(event.cid.starts_with("bafy") && event.created_at.is_some(), "{event:?}");
    }
    assert_eq!(told[0].4.reply_parent, None);
    assert_eq!(told[1].4.reply_parent, Some(uri(&first)));
    assert_eq!(told[1].4.reply_root, Some(uri(&first)));
    assert!(told[0].3 != told[1].3);
}

async fn a_replaced_record_is_an_update(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    it.settle().await;
    for words in ["other words", "more words"] {
        let record = records::post(words, it.at_us(10), None, None, None);
        it.write("bob", vec![put(POST, &rkey, record)]).await;
        it.settle().await;
    }
    let told = told(&it).await;
    let said: Vec<(&str, &str, &str)> =
        told.iter().map(|one| (one.0.as_str(), one.1.as_str(), one.4.text.as_str())).collect();
    let (created, updated) =
        (("POST_CREATED", "post.created.v1"), ("POST_UPDATED", "post.updated.v1"));
    assert_eq!(
        said,
        [
            (created.0, created.1, "words"),
            (updated.0, updated.1, "other words"),
            (updated.0, updated.1, "more words"),
        ]
    );
    assert!(told[1].3 != told[2].3);
}

async fn what_is_gone_before_its_turn_is_not_told_of(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    let facts = it.untold();
    it.gone("bob", POST, &rkey).await;
    it.tell(facts).await;
    it.settle().await;
    assert_eq!(kinds(&it).await, <[&str; 0]>::default());
    // The same URI again, after it was told of once.
    let rkey = it.post("bob", 20).await;
    it.settle().await;
    it.gone("bob", POST, &rkey).await;
    it.settle().await;
    it.post("bob", 20).await;
    it.settle().await;
    assert_eq!(kinds(&it).await, ["POST_CREATED"]);
}

async fn whose_posts_are_told_of_is_a_setting(it: Harness) {
    // Bob is followed by who reads here, Alice reads here, Carol is neither.
    let check = async |post_events: PostEvents, with_reader: bool, expected: &[&str]| {
        let config = FeedsConfig { post_events, ..FeedsConfig::default() };
        let it = Harness::open(it.engine, config).await.unwrap();
        it.follow("alice", "bob", 1).await;
        if with_reader {
            it.reads("alice").await;
        }
        for (who, n) in [("alice", 10), ("bob", 20), ("carol", 30)] {
            it.post(who, n).await;
        }
        it.settle().await;
        let authors: Vec<String> = told(&it).await.into_iter().map(|one| one.2).collect();
        let expected: Vec<String> = expected.iter().map(|who| actor(who).to_string()).collect();
        assert_eq!(authors, expected, "{post_events:?}, a reader: {with_reader}");
    };
    check(PostEvents::Followed, true, &["alice", "bob"]).await;
    check(PostEvents::Followed, false, &[]).await;
    check(PostEvents::All, true, &["alice", "bob", "carol"]).await;
    check(PostEvents::All, false, &["alice", "bob", "carol"]).await;
    check(PostEvents::Off, true, &[]).await;
}

async fn what_is_old_is_not_told_of(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.clock.advance(Duration::from_hours(80));
    it.post("bob", 10).await;
    it.settle().await;
    let rkey = tid(79 * 3_600_000).to_string();
    let record = records::post("words", it.at_us(79 * 3_600_000), None, None, None);
    it.write("bob", vec![put(POST, &rkey, record)]).await;
    it.settle().await;
    let told = told(&it).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].4.uri.ends_with(&rkey));
}

async fn what_was_told_is_remembered_for_a_time(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.post("bob", 10).await;
    it.settle().await;
    it.clock.advance(Duration::from_hours(200));
    let now = 200 * 3_600_000;
    let rkey = tid(now).to_string();
    let record = records::post("words", it.at_us(now), None, None, None);
    it.write("bob", vec![put(POST, &rkey, record)]).await;
    it.settle().await;
    assert_eq!(kinds(&it).await.len(), 2);
    assert_eq!(it.count("announced").await, 1);
}
