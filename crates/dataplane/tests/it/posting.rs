//! Posts written here: wishes that one at a time goes on with, said twice and once; posts with a limit, and who may see
//! them; media that wait to be named.

use std::time::Duration;

use millrace_atproto::RecordKey;
use millrace_atproto::syntax::AtUri;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::limited_post::{
    DeleteLimitedPost, GetLimitedPosts, Limit, PutLimitedPost, Withdraw,
};
use millrace_dataplane::query::media::{GetMedia, KEPT_US, KeepMedia, MEDIA_MAX, Media};
use millrace_dataplane::query::post_intent::{
    GetPostIntent, IntendPost, Intended, IntentState, LeasePostIntents, Outcome, PENDING_MAX,
    PostIntent, SettlePostIntent,
};
use millrace_sim::records;

use crate::entries::{FOLLOW, commit, did, put, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    a_wish_is_one_however_often_it_is_said,
    who_falls_silent_loses_a_wish,
    a_wish_that_changed_meanwhile_stays,
    who_may_see_a_post_with_a_limit,
    a_post_becomes_another_at_once,
    media_wait_for_an_hour,
);

const LEASE_US: i64 = 20_000_000;

fn key(n: i64) -> RecordKey {
    RecordKey::from(tid(n))
}

fn wish(n: i64, text: Option<&str>, idempotency_key: Option<&str>) -> IntendPost {
    IntendPost {
        actor: did("alice"),
        rkey: key(n),
        record: text.map(|text| serde_json::json!({ "text": text }).to_string()),
        grant_id: "grant".to_owned(),
        idempotency_key: idempotency_key.map(str::to_owned),
        lease_us: LEASE_US,
        replaces: None,
    }
}

impl Harness {
    async fn intend(&self, wish: IntendPost) -> Intended {
        self.client.command(wish).await.unwrap()
    }

    async fn leased(&self) -> Vec<PostIntent> {
        let lease = LeasePostIntents { limit: 10, lease_us: LEASE_US };
        self.client.command(lease).await.unwrap().intents
    }

    async fn settle_post(&self, of: &PostIntent, outcome: Outcome) {
        let (actor, rkey) = (of.actor.clone(), of.rkey.clone());
        let settle = SettlePostIntent { actor, rkey, version: of.version, outcome };
        self.client.command(settle).await.unwrap();
    }

    async fn wished(&self, n: i64) -> PostIntent {
        let asked = GetPostIntent { actor: did("alice"), rkey: key(n) };
        self.client.ask(asked).await.unwrap().intent.unwrap()
    }

    async fn put_limited(&self, n: i64, visibility: Limit, withdraws: Option<Withdraw>) -> AtUri {
        let put = PutLimitedPost {
            actor: did("alice"),
            rkey: key(n),
            visibility,
            content: format!("text {n}"),
            langs: vec!["en".to_owned()],
            idempotency_key: None,
            withdraws,
        };
        self.client.command(put).await.unwrap().post.uri()
    }

    async fn sees(&self, who: &str, uri: &AtUri) -> bool {
        let asked = GetLimitedPosts { viewer: did(who), uris: vec![uri.clone()] };
        self.client.ask(asked).await.unwrap().posts.len() == 1
    }
}

async fn a_wish_is_one_however_often_it_is_said(it: Harness) {
    let first = it.intend(wish(1, Some("a"), Some("once"))).await;
    assert!(first.is_new);
    // Under whatever key it comes again.
    let again = it.intend(wish(2, Some("a"), Some("once"))).await;
    assert_eq!((again.intent, again.is_new), (first.intent, false));
    let other = it.intend(wish(3, Some("a"), None)).await;
    assert!(other.is_new);
    for n in 0..PENDING_MAX {
        let wish = wish(10 + n, Some("a"), None);
        let is_new = it.intend(wish).await.is_new;
        assert_eq!(is_new, n < PENDING_MAX - 2, "{n}");
    }
    let large = wish(900, Some(&"x".repeat(64 << 10)), None);
    let refused = it.client.command(large).await.unwrap_err();
    assert!(matches!(refused, DataplaneError::InvalidRequest(_)), "{refused}");
}

async fn who_falls_silent_loses_a_wish(it: Harness) {
    it.intend(wish(1, Some("a"), None)).await;
    // Whoever said it is at it.
    assert_eq!(it.leased().await, []);
    it.time.advance(Duration::from_secs(21));
    let taken = it.leased().await;
    assert_eq!(taken.len(), 1);
    assert_eq!(it.leased().await, []);
    let again = Outcome::Again { error: "away".to_owned(), after_us: 5_000_000 };
    it.settle_post(&taken[0], again).await;
    assert_eq!(it.leased().await, []);
    it.time.advance(Duration::from_secs(6));
    let taken = it.leased().await;
    assert_eq!((taken[0].attempts, taken[0].error.as_deref()), (1, Some("away")));
    it.settle_post(&taken[0], Outcome::Done { cid: Some("cid".to_owned()) }).await;
    let done = it.wished(1).await;
    assert_eq!((done.state, done.cid.as_deref()), (IntentState::Done, Some("cid")));
    // For a week it is told what became of it.
    it.time.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(it.leased().await, []);
    let asked = GetPostIntent { actor: did("alice"), rkey: key(1) };
    assert_eq!(it.client.ask(asked).await.unwrap().intent, None);
}

async fn a_wish_that_changed_meanwhile_stays(it: Harness) {
    let first = it.intend(wish(1, Some("a"), None)).await.intent.unwrap();
    let second = it.intend(wish(1, Some("b"), None)).await.intent.unwrap();
    assert!(second.version > first.version);
    it.settle_post(&first, Outcome::Done { cid: Some("of a".to_owned()) }).await;
    let now = it.wished(1).await;
    assert_eq!((now.state, now.cid), (IntentState::Pending, None));
    it.settle_post(&second, Outcome::Failed { error: "refused".to_owned() }).await;
    let now = it.wished(1).await;
    assert_eq!((now.state, now.error.as_deref()), (IntentState::Failed, Some("refused")));
}

async fn who_may_see_a_post_with_a_limit(it: Harness) {
    let follow = |n| put(FOLLOW, &tid(n).to_string(), records::follow(&did("alice"), 0));
    it.apply(&[commit(&did("bob"), 1, vec![follow(1)]), commit(&did("dan"), 2, vec![follow(2)])])
        .await;
    let block = records::block(&did("dan"), "2024-01-01T00:00:00.000Z");
    let block = put("app.bsky.graph.block", &tid(3).to_string(), block);
    it.apply(&[commit(&did("alice"), 3, vec![block])]).await;
    let followers = it.put_limited(1, Limit::Followers, None).await;
    let private = it.put_limited(2, Limit::Private, None).await;
    for (who, of_followers, of_private) in [
        ("alice", true, true),
        ("bob", true, false),
        ("carol", false, false),
        ("dan", false, false),
    ] {
        assert_eq!(it.sees(who, &followers).await, of_followers, "{who}");
        assert_eq!(it.sees(who, &private).await, of_private, "{who}");
    }
    let gone = DeleteLimitedPost { actor: did("bob"), rkey: key(1) };
    it.client.command(gone).await.unwrap();
    assert!(it.sees("bob", &followers).await, "nobody deletes another's");
    let gone = DeleteLimitedPost { actor: did("alice"), rkey: key(1) };
    it.client.command(gone).await.unwrap();
    assert!(!it.sees("bob", &followers).await);
}

async fn a_post_becomes_another_at_once(it: Harness) {
    // For everybody: the row goes in the transaction of the wish.
    let limited = it.put_limited(1, Limit::Private, None).await;
    it.intend(IntendPost { replaces: Some(key(1)), ..wish(2, Some("a"), None) }).await;
    assert!(!it.sees("alice", &limited).await);
    // And back: the wish that it go comes with the row.
    let withdraws = Some(Withdraw { rkey: key(2), grant_id: "grant".to_owned() });
    let limited = it.put_limited(3, Limit::Followers, withdraws).await;
    assert!(it.sees("alice", &limited).await);
    let going = it.wished(2).await;
    assert_eq!((going.record, going.state), (None, IntentState::Pending));
    assert_eq!(it.leased().await.len(), 1, "nobody waits before it goes");
}

async fn media_wait_for_an_hour(it: Harness) {
    let media = |n: i64| Media {
        cid: format!("cid {n}"),
        mime_type: "image/png".to_owned(),
        bytes: 10,
        width: 2,
        height: 3,
        alt: String::new(),
    };
    let keep = |n| KeepMedia { actor: did("alice"), media: media(n) };
    it.client.command(keep(1)).await.unwrap();
    let now_us = it.clock.now_us();
    let ask = |who, after_us| GetMedia {
        actor: did(who),
        cids: vec!["cid 1".to_owned(), "cid 2".to_owned()],
        after_us,
    };
    let found = it.client.ask(ask("alice", now_us - KEPT_US)).await.unwrap().media;
    assert_eq!(found, [media(1)]);
    assert_eq!(it.client.ask(ask("bob", 0)).await.unwrap().media, []);
    it.time.advance(Duration::from_secs(3_601));
    let now_us = it.clock.now_us();
    assert_eq!(it.client.ask(ask("alice", now_us - KEPT_US)).await.unwrap().media, []);
    for n in 0..MEDIA_MAX {
        it.client.command(keep(10 + n)).await.unwrap();
    }
    let refused = it.client.command(keep(999)).await.unwrap_err();
    assert!(matches!(refused, DataplaneError::InvalidRequest(_)), "{refused}");
    assert_eq!(it.client.ask(ask("alice", 0)).await.unwrap().media, [], "the oldest are gone");
}
