//! Accounts in detail: what they made and declare, who vouches for them, how they came here, and
//! whom the viewer knows among their followers.

use millrace_atproto::syntax::Did;
use millrace_dataplane::model::KnownFollowers;
use millrace_dataplane::query::hydrate::Hydrate;
use serde_json::json;

use super::{BLOCK, FOLLOW, GENERATOR, LABELER, PROFILE, STARTER_PACK, Town, actor, at, strong};
use crate::entries::did;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    what_accounts_made_and_declare,
    who_vouches_for_an_account,
    by_which_starter_pack_an_account_came,
    followers_the_viewer_knows,
);

const VERIFICATION: &str = "app.bsky.graph.verification";

fn detailed(viewer: Option<&str>, whom: &str) -> Hydrate {
    Hydrate { viewer: viewer.map(did), detailed: vec![did(whom)], ..Hydrate::default() }
}

async fn what_accounts_made_and_declare(harness: Harness) {
    let town = Town::new(harness);
    town.post("bob").await;
    let list = town.list("alice", "modlist", &["bob"]).await;
    town.list("alice", "curatelist", &[]).await;
    let feed = json!({"did": "did:web:feeds.test", "displayName": "f"});
    town.write("alice", GENERATOR, feed).await;
    town.write("alice", STARTER_PACK, json!({"name": "s", "list": list})).await;
    let policies = json!({"policies": {"labelValues": ["spam"]}});
    town.put("alice", LABELER, "self", policies).await;
    let status = json!({"status": "app.bsky.actor.status#live"});
    town.put("alice", "app.bsky.actor.status", "self", status).await;
    let chat = json!({"allowIncoming": "none"});
    town.put("alice", "chat.bsky.actor.declaration", "self", chat).await;
    let subscriptions = json!({"allowSubscriptions": "mutuals"});
    town.put("alice", "app.bsky.notification.declaration", "self", subscriptions).await;
    let germ = json!({"version": "1.0.0", "currentKey": {"$bytes": "AAAA"}});
    town.put("alice", "com.germnetwork.declaration", "self", germ).await;
    town.account("bare", true).await;
    let actors = ["alice", "bob", "bare"].map(did).to_vec();
    let found = town.hydrate(Hydrate { actors, ..Hydrate::default() }).await;
    let alice = actor(&found, "alice");
    assert_eq!((alice.lists_count, alice.generators_count, alice.starter_packs_count), (2, 1, 1));
    assert!(alice.is_labeler);
    let json = |record: &millrace_dataplane::model::Record| record.value.get().to_owned();
    assert!(alice.status_record.as_ref().map(json).unwrap().contains("status#live"));
    assert!(alice.germ_declaration.as_ref().map(json).unwrap().contains("currentKey"));
    assert!(alice.chat_declaration.as_ref().unwrap().get().contains("none"));
    assert!(alice.notification_declaration.as_ref().unwrap().get().contains("mutuals"));
    let bare = actor(&found, "bare");
    let made = [bare.followers_count, bare.posts_count, bare.lists_count, bare.generators_count];
    assert_eq!(made, [0; 4], "nothing was ever counted");
    let bob = actor(&found, "bob");
    assert!(!bob.is_labeler && bob.status_record.is_none() && bob.chat_declaration.is_none());
    assert_eq!((bob.lists_count, bob.generators_count, bob.starter_packs_count), (0, 0, 0));
}

async fn who_vouches_for_an_account(harness: Harness) {
    let town = Town::new(harness);
    town.post("alice").await;
    let word = |handle: &str, at: &str| {
        let name = handle.to_uppercase();
        json!({"subject": did("alice"), "handle": handle, "displayName": name, "createdAt": at})
    };
    town.write("first", VERIFICATION, word("a.test", "2025-01-01T00:00:00Z")).await;
    let later = word("b.test", "2025-01-03T00:00:00Z");
    let later = town.write("first", VERIFICATION, later).await;
    let second = word("c.test", "2025-01-02T00:00:00Z");
    let second = town.write("second", VERIFICATION, second).await;
    town.write("stranger", VERIFICATION, word("d.test", "2024-01-01T00:00:00Z")).await;
    let ask = |trusted: &[&str]| Hydrate {
        actors: vec![did("alice")],
        trusted_verifiers: trusted.iter().map(|name| did(name)).collect(),
        ..Hydrate::default()
    };
    assert!(actor(&town.hydrate(ask(&[])).await, "alice").verifications.is_empty());
    let found = town.hydrate(ask(&["second", "first", "alice"])).await;
    let alice = actor(&found, "alice");
    assert!(alice.trusted_verifier);
    let words: Vec<(&str, &Did, &str)> = alice
        .verifications
        .iter()
        .map(|word| (word.uri.as_str(), &word.issuer, word.handle.as_str()))
        .collect();
    let expected =
        [(later.as_str(), &did("first"), "b.test"), (second.as_str(), &did("second"), "c.test")];
    assert_eq!(words, expected, "the latest word of each, in the order of their first");
    assert!(actor(&found, "first").trusted_verifier, "issuers come with it");
}

async fn by_which_starter_pack_an_account_came(harness: Harness) {
    let town = Town::new(harness);
    let list = town.list("host", "referencelist", &[]).await;
    let pack = town.write("host", STARTER_PACK, json!({"name": "s", "list": list})).await;
    for (name, created) in [("alice", "2025-12-31T00:00:00Z"), ("bob", "2025-01-01T00:00:00Z")] {
        let profile = json!({"joinedViaStarterPack": strong(&pack), "createdAt": created});
        town.put(name, PROFILE, "self", profile).await;
    }
    let found = town.hydrate(detailed(None, "alice")).await;
    assert_eq!(actor(&found, "alice").joined_via.as_ref(), Some(&pack));
    let seen = &found.starter_packs[0];
    assert_eq!((seen.joined_all_time_count, seen.joined_week_count), (2, 1));
    actor(&found, "host");
    let actors = vec![did("alice")];
    let found = town.hydrate(Hydrate { actors, ..Hydrate::default() }).await;
    assert_eq!((&actor(&found, "alice").joined_via, found.starter_packs.len()), (&None, 0));
    town.delete(&pack).await;
    assert!(town.hydrate(detailed(None, "alice")).await.starter_packs.is_empty());
    let asked = Hydrate { starter_packs: vec![at(&pack)], ..Hydrate::default() };
    assert!(town.hydrate(asked).await.starter_packs.is_empty());
}

async fn followers_the_viewer_knows(harness: Harness) {
    let town = Town::new(harness);
    let known = |count: i64, names: &[&str]| {
        let followers = names.iter().map(|name| did(name)).collect();
        Some(KnownFollowers { count, followers })
    };
    let ask = async |viewer: &str, whom: &str| {
        let found = town.hydrate(detailed(Some(viewer), whom)).await;
        actor(&found, whom).viewer.as_ref().unwrap().known_followers.clone()
    };
    town.post("star").await;
    assert_eq!(ask("alice", "star").await, None);
    let friends = ["f1", "f2", "f3", "f4", "f5", "f6"];
    for friend in friends {
        town.edge(friend, FOLLOW, "star").await;
        town.edge("alice", FOLLOW, friend).await;
    }
    town.edge("alice", FOLLOW, "f1").await;
    town.edge("alice", FOLLOW, "loner").await;
    town.edge("stranger", FOLLOW, "star").await;
    assert_eq!(ask("alice", "star").await, known(6, &friends[..5]));
    assert_eq!(ask("bob", "star").await, None);
    // One who is blocked by the account is counted and not shown, nor is another in their place.
    town.edge("star", BLOCK, "f2").await;
    town.edge("f4", BLOCK, "star").await;
    assert_eq!(ask("alice", "star").await, known(6, &["f1", "f3", "f5"]));
    let found = town.hydrate(detailed(Some("alice"), "star")).await;
    assert!(actor(&found, "f1").viewer.as_ref().unwrap().following.is_some());
    town.edge("f1", FOLLOW, "alice").await;
    assert_eq!(ask("alice", "alice").await, known(1, &["f1"]), "of oneself too");
    let found = town.hydrate(detailed(None, "star")).await;
    assert!(actor(&found, "star").viewer.is_none());
}
