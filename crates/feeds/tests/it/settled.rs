//! Follows, blocks, mutes and their ends: what a home shows of somebody is right whatever was said before.

use std::time::Duration;

use millrace_atproto::syntax::RecordKey;
use millrace_dataplane::query::limited_post::{DeleteLimitedPost, Limit, PutLimitedPost};
use millrace_dataplane::query::mute::{MuteActor, UnmuteActor};
use millrace_feeds::query::order::Mode;
use millrace_sim::entries::{FOLLOW, tid};

use crate::harness::{BLOCK, Harness, actor, on_every_engine, ref_to};

on_every_engine!(
    who_is_followed_no_more_is_gone,
    a_block_hides_both_from_each_other,
    what_others_bring_of_somebody_blocked_is_not_written,
    a_mute_hides_and_its_end_shows_again,
    who_deletes_their_account_is_gone,
    posts_with_a_limit_are_in_the_homes_of_who_may_see_them,
);

async fn who_is_followed_no_more_is_gone(it: Harness) {
    let follow = it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let rkey = it.post("bob", 10).await;
    it.settle().await;
    assert_eq!(it.posts("alice").await, [rkey]);
    it.gone("alice", FOLLOW, &follow).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
    it.post("bob", 11).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
}

async fn a_block_hides_both_from_each_other(it: Harness) {
    for (who, whom) in [("alice", "bob"), ("bob", "alice")] {
        it.follow(who, whom, 1).await;
        it.reads(who).await;
    }
    let (of_alice, of_bob) = (it.post("alice", 10).await, it.post("bob", 11).await);
    it.settle().await;
    assert_eq!(it.fresh_posts("alice").await, [of_bob.clone(), of_alice.clone()]);
    let block = it.block("alice", "bob", 12).await;
    it.settle().await;
    assert_eq!(it.fresh_posts("alice").await, std::slice::from_ref(&of_alice));
    assert_eq!(it.fresh_posts("bob").await, std::slice::from_ref(&of_bob));
    it.gone("alice", BLOCK, &block).await;
    it.settle().await;
    assert_eq!(it.fresh_posts("alice").await, [of_bob.clone(), of_alice.clone()]);
    assert_eq!(it.fresh_posts("bob").await, [of_bob, of_alice]);
}

async fn what_others_bring_of_somebody_blocked_is_not_written(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.block("alice", "mallory", 2).await;
    it.reads("alice").await;
    let rkey = it.post("mallory", 5).await;
    it.repost("bob", &ref_to("mallory", &rkey), 10).await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
}

async fn a_mute_hides_and_its_end_shows_again(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.follow("alice", "carol", 2).await;
    it.reads("alice").await;
    let of_bob = it.post("bob", 10).await;
    it.repost("carol", &ref_to("bob", &of_bob), 11).await;
    it.settle().await;
    assert_eq!(it.rows().await.len(), 2);
    let (who, whom) = (actor("alice"), actor("bob"));
    let mute = MuteActor {
        actor: who.clone(),
        subject: whom.clone(),
        only_reposts: false,
        only_quoteposts: false,
    };
    it.dataplane.command(mute).await.unwrap();
    it.own_changed().await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
    it.dataplane.command(UnmuteActor { actor: who, subject: whom }).await.unwrap();
    it.own_changed().await;
    it.settle().await;
    assert_eq!(it.rows().await.len(), 2, "what others brought is there again too");
}

async fn who_deletes_their_account_is_gone(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.post("bob", 10).await;
    it.settle().await;
    assert_eq!(it.rows().await.len(), 1);
    it.deleted("bob").await;
    it.settle().await;
    assert_eq!(it.rows().await, []);
}

async fn posts_with_a_limit_are_in_the_homes_of_who_may_see_them(it: Harness) {
    it.follow("alice", "bob", 1).await;
    for who in ["alice", "bob", "carol"] {
        it.reads(who).await;
    }
    let put = async |n: i64, visibility| {
        let put = PutLimitedPost {
            actor: actor("bob"),
            rkey: RecordKey::from(tid(n)),
            visibility,
            content: "text".to_owned(),
            langs: Vec::new(),
            idempotency_key: None,
            withdraws: None,
        };
        it.clock.advance(Duration::from_secs(1));
        it.dataplane.command(put).await.unwrap();
        it.own_changed().await;
        it.settle().await;
        tid(n).to_string()
    };
    let followers = put(10, Limit::Followers).await;
    let private = put(11, Limit::Private).await;
    assert_eq!(it.fresh_posts("alice").await, std::slice::from_ref(&followers));
    assert_eq!(it.fresh_posts("bob").await, [private.clone(), followers.clone()]);
    assert_eq!(it.fresh_posts("carol").await, Vec::<String>::new());
    let page = it.fresh_page("alice", Mode::Ranked).await;
    assert!(page.items[0].post.contains("/millrace.v1.post/"), "{page:?}");
    // A home that is made later, or settled, has them too.
    it.follow("carol", "bob", 20).await;
    it.settle().await;
    assert_eq!(it.fresh_posts("carol").await, std::slice::from_ref(&followers));
    it.follow("dan", "bob", 21).await;
    it.reads("dan").await;
    assert_eq!(it.fresh_posts("dan").await, std::slice::from_ref(&followers));
    // Nobody else's any more; then gone.
    put(10, Limit::Private).await;
    assert_eq!(it.fresh_posts("alice").await, Vec::<String>::new());
    let gone = DeleteLimitedPost { actor: actor("bob"), rkey: RecordKey::from(tid(10)) };
    it.dataplane.command(gone).await.unwrap();
    it.own_changed().await;
    it.settle().await;
    assert_eq!(it.fresh_posts("bob").await, [private]);
}
