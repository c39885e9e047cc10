//! Posts: what the viewer did to them, what they show, and blocks between their authors.

use millrace_dataplane::query::hydrate::{HYDRATE_MAX, Hydrate};
use millrace_dataplane::query::mute::MuteThread;
use serde_json::json;

use super::{
    BLOCK, GENERATOR, LABELER, LIKE, LIST_BLOCK, REPOST, STARTER_PACK, Town, actor, at, post,
    strong,
};
use crate::entries::did;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    what_the_viewer_did_to_a_post,
    muted_threads,
    blocks_between_authors,
    a_block_by_list_between_authors,
    records_that_posts_show,
    what_is_shown_two_levels_deep,
    questions_are_bounded,
);

async fn what_the_viewer_did_to_a_post(harness: Harness) {
    let town = Town::new(harness);
    let hello = town.post("alice").await;
    let like = town.write("bob", LIKE, json!({"subject": strong(&hello)})).await;
    let repost = town.write("bob", REPOST, json!({"subject": strong(&hello)})).await;
    let found = town.posts(Some("bob"), &[&hello]).await;
    let viewer = post(&found, &hello).viewer.as_ref().unwrap();
    assert_eq!((viewer.like.as_ref(), viewer.repost.as_ref()), (Some(&like), Some(&repost)));
    assert_eq!((viewer.thread_muted, viewer.reply_disabled), (false, None));
    let found = town.posts(Some("carol"), &[&hello]).await;
    let viewer = post(&found, &hello).viewer.as_ref().unwrap();
    assert_eq!((&viewer.like, &viewer.repost), (&None, &None));
    let found = town.posts(None, &[&hello]).await;
    assert!(post(&found, &hello).viewer.is_none());
    assert_eq!((post(&found, &hello).like_count, post(&found, &hello).repost_count), (1, 1));
}

async fn muted_threads(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let reply = town.reply("bob", &root, &root).await;
    let other = town.post("alice").await;
    // A key that is no TID.
    let odd = town.put("alice", super::POST, "hello", json!({"text": "odd"})).await;
    for root in [&root, &odd] {
        let mute = MuteThread { actor: did("reader"), root: at(root) };
        town.harness.client.command(mute).await.unwrap();
    }
    let uris = [&root, &reply, &other, &odd].map(String::as_str);
    let found = town.posts(Some("reader"), &uris).await;
    let muted = uris.map(|uri| post(&found, uri).viewer.as_ref().unwrap().thread_muted);
    assert_eq!(muted, [true, true, false, true]);
    let found = town.posts(Some("bob"), &[&reply]).await;
    assert!(!post(&found, &reply).viewer.as_ref().unwrap().thread_muted);
}

async fn blocks_between_authors(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let parent = town.reply("bob", &root, &root).await;
    let reply = town.reply("carol", &root, &parent).await;
    let quote = town.quote("carol", &root).await;
    // By author: root, parent and quote are blocked.
    let check = async |who: &str, by: &str, expected: [bool; 3]| {
        let block = town.edge(by, BLOCK, who).await;
        for viewer in [None, Some("dan")] {
            let found = town.posts(viewer, &[&reply, &quote]).await;
            let reply = post(&found, &reply);
            let seen =
                [reply.root_blocked, reply.parent_blocked, post(&found, &quote).quote_blocked];
            assert_eq!(seen, expected, "{by} blocks {who}, seen by {viewer:?}");
        }
        town.delete(&block).await;
    };
    check("carol", "alice", [true, false, true]).await;
    check("alice", "carol", [true, false, true]).await;
    check("bob", "carol", [false, true, false]).await;
    check("carol", "bob", [false, true, false]).await;
    check("alice", "bob", [false, false, false]).await;
    check("carol", "carol", [false, false, false]).await;
}

async fn a_block_by_list_between_authors(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let reply = town.reply("bob", &root, &root).await;
    let list = town.list("owner", "modlist", &["alice"]).await;
    let is_blocked = async || {
        let found = town.posts(None, &[&reply]).await;
        (post(&found, &reply).parent_blocked, post(&found, &reply).root_blocked)
    };
    assert_eq!(is_blocked().await, (false, false));
    town.write("bob", LIST_BLOCK, json!({"subject": list})).await;
    assert_eq!(is_blocked().await, (true, true));
    town.delete(&list).await;
    assert_eq!(is_blocked().await, (false, false));
}

async fn records_that_posts_show(harness: Harness) {
    let town = Town::new(harness);
    let list = town.list("lister", "curatelist", &["alice"]).await;
    let feed = json!({"did": "did:web:feeds.test", "displayName": "f"});
    let feed = town.write("feeder", GENERATOR, feed).await;
    let pack = json!({"name": "s", "list": list, "feeds": [{"uri": feed}]});
    let pack = town.write("packer", STARTER_PACK, pack).await;
    let policies = json!({"policies": {"labelValues": ["spam"]}});
    let labeler = town.put("labeler", LABELER, "self", policies).await;
    let like = town.write("bob", LIKE, json!({"subject": strong(&feed)})).await;
    let mut posts = Vec::new();
    for shown in [&list, &feed, &pack, &labeler] {
        posts.push(town.quote("alice", shown).await);
    }
    let media = json!({"$type": "app.bsky.embed.external", "external": {"uri": "https://a.test", "title": "", "description": ""}});
    let both = json!({"$type": "app.bsky.embed.recordWithMedia", "record": {"record": strong(&feed)}, "media": media});
    let both = town.write("alice", super::POST, json!({"text": "", "embed": both})).await;
    let one = |n: usize| vec![posts[n].as_str()];
    let found = town.posts(Some("bob"), &one(0)).await;
    assert_eq!(found.lists[0].uri, list);
    assert_eq!((found.lists[0].items_count, &actor(&found, "lister").did), (1, &did("lister")));
    for by in [posts[1].as_str(), both.as_str()] {
        let found = town.posts(Some("bob"), &[by]).await;
        assert_eq!((&found.generators[0].uri, found.generators[0].like_count), (&feed, 1));
        assert_eq!(found.generators[0].viewer_like.as_ref(), Some(&like));
        actor(&found, "feeder");
    }
    let found = town.posts(None, &one(2)).await;
    assert_eq!(found.starter_packs[0].uri, pack);
    assert!(found.lists.is_empty() && found.generators.is_empty(), "shown in short");
    actor(&found, "packer");
    let found = town.posts(None, &one(3)).await;
    assert_eq!((&found.labelers[0].uri, actor(&found, "labeler").is_labeler), (&labeler, true));
    // A starter pack that is named brings what it names.
    let asked = Hydrate { starter_packs: vec![at(&pack)], ..Hydrate::default() };
    let found = town.hydrate(asked).await;
    assert_eq!((&found.lists[0].uri, &found.generators[0].uri), (&list, &feed));
    // A block hides what is shown, of whatever kind.
    town.edge("feeder", BLOCK, "alice").await;
    let found = town.posts(None, &[&posts[0], &posts[1]]).await;
    assert!(!post(&found, &posts[0]).quote_blocked && post(&found, &posts[1]).quote_blocked);
}

async fn what_is_shown_two_levels_deep(harness: Harness) {
    let town = Town::new(harness);
    let lists = [town.list("a", "curatelist", &[]).await, town.list("b", "curatelist", &[]).await];
    let deepest = town.quote("alice", &lists[0]).await;
    let third = town.quote("bob", &deepest).await;
    let second = town.quote("carol", &third).await;
    let first = town.quote("dan", &second).await;
    let found = town.posts(None, &[&first]).await;
    let mut uris: Vec<&str> = found.posts.iter().map(|post| post.uri.as_str()).collect();
    uris.sort_unstable();
    let mut expected = [first.as_str(), &second, &third];
    expected.sort_unstable();
    assert_eq!(uris, expected);
    assert!(found.lists.is_empty(), "the third level shows nothing");
    let found = town.posts(None, &[&third]).await;
    assert_eq!(found.lists[0].uri, lists[0]);
    let missing = town.quote("dan", "at://did:web:eve.test/app.bsky.feed.post/none").await;
    assert_eq!(town.posts(None, &[&missing]).await.posts.len(), 1);
}

async fn questions_are_bounded(harness: Harness) {
    let town = Town::new(harness);
    let refused = async |asked: Hydrate| town.harness.client.ask(asked).await.is_err();
    let post = at(&town.post("alice").await);
    let many = vec![post; HYDRATE_MAX / 2 + 1];
    assert!(!refused(Hydrate { posts: many.clone(), ..Hydrate::default() }).await);
    let lists = many.clone();
    assert!(refused(Hydrate { posts: many, lists, ..Hydrate::default() }).await);
    let actors = vec![did("alice"); HYDRATE_MAX + 1];
    assert!(refused(Hydrate { actors, ..Hydrate::default() }).await);
    let trusted_verifiers = vec![did("alice"); 1_001];
    assert!(refused(Hydrate { trusted_verifiers, ..Hydrate::default() }).await);
    let by_handle = vec![at("at://alice.test/app.bsky.feed.post/a")];
    assert!(refused(Hydrate { posts: by_handle, ..Hydrate::default() }).await);
}
