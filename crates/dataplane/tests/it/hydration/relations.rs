//! Follows, blocks and mutes, direct and by list.

use millrace_dataplane::model::ActorViewer;
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::mute::{MuteActor, MuteActorList};
use millrace_dataplane::query::relationships::GetRelationships;
use serde_json::json;

use super::{BLOCK, FOLLOW, LIST, LIST_BLOCK, Town, at};
use crate::entries::did;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    follows_and_blocks_either_way,
    lists_block_while_they_stand_for_moderation,
    whom_the_viewer_mutes,
    lists_mute_while_they_stand_for_moderation,
    nobody_is_anything_to_themselves,
    relationships_have_blocks,
    lists_as_their_viewer_sees_them,
);

fn is_blocked(relation: &ActorViewer) -> bool {
    relation.blocking_by_list.is_some() || relation.blocked_by_list.is_some()
}

async fn follows_and_blocks_either_way(harness: Harness) {
    let town = Town::new(harness);
    for name in ["alice", "bob"] {
        town.post(name).await;
    }
    let follow = town.edge("alice", FOLLOW, "bob").await;
    let block = town.edge("alice", BLOCK, "bob").await;
    town.edge("alice", BLOCK, "bob").await;
    let seen_by_alice = ActorViewer {
        following: Some(follow.clone()),
        blocking: Some(block.clone()),
        ..ActorViewer::default()
    };
    assert_eq!(town.relation("alice", "bob").await, seen_by_alice);
    let seen_by_bob = ActorViewer {
        followed_by: Some(follow),
        blocked_by: Some(block),
        ..ActorViewer::default()
    };
    assert_eq!(town.relation("bob", "alice").await, seen_by_bob);
    assert_eq!(town.relation("stranger", "alice").await, ActorViewer::default());
    let nobody = Hydrate { actors: vec![did("alice")], ..Hydrate::default() };
    assert_eq!(super::actor(&town.hydrate(nobody).await, "alice").viewer, None);
}

async fn lists_block_while_they_stand_for_moderation(harness: Harness) {
    let town = Town::new(harness);
    for name in ["alice", "bob", "owner", "other"] {
        town.post(name).await;
    }
    let curated = town.list("owner", "curatelist", &["bob"]).await;
    town.write("alice", LIST_BLOCK, json!({"subject": curated})).await;
    assert!(!is_blocked(&town.relation("alice", "bob").await), "a list for reading");
    let list = town.list("owner", "modlist", &["bob"]).await;
    let subscription = town.write("alice", LIST_BLOCK, json!({"subject": list})).await;
    let blocking = town.relation("alice", "bob").await;
    assert_eq!(blocking.blocking_by_list.as_ref(), Some(&list));
    let blocked_by = town.relation("bob", "alice").await;
    assert_eq!(blocked_by.blocked_by_list.as_ref(), Some(&list));
    assert!(!is_blocked(&town.relation("alice", "other").await), "is not on it");
    town.account("owner", false).await;
    assert!(!is_blocked(&town.relation("alice", "bob").await), "its owner is gone");
    town.account("owner", true).await;
    assert!(is_blocked(&town.relation("bob", "alice").await));
    let rkey = list.rsplit('/').next().unwrap();
    let curate = json!({"name": "l", "purpose": "app.bsky.graph.defs#curatelist"});
    town.put("owner", LIST, rkey, curate).await;
    assert!(!is_blocked(&town.relation("alice", "bob").await), "it became one for reading");
    let moderate = json!({"name": "l", "purpose": "app.bsky.graph.defs#modlist"});
    town.put("owner", LIST, rkey, moderate).await;
    assert!(is_blocked(&town.relation("alice", "bob").await));
    town.delete(&list).await;
    assert!(!is_blocked(&town.relation("alice", "bob").await), "it was deleted");
    town.delete(&subscription).await;
    assert_eq!(town.relation("alice", "bob").await, ActorViewer::default());
}

async fn whom_the_viewer_mutes(harness: Harness) {
    let town = Town::new(harness);
    town.post("bob").await;
    let flags = |relation: &ActorViewer| {
        (relation.muted, relation.muted_only_reposts, relation.muted_only_quoteposts)
    };
    for (only_reposts, only_quoteposts, expected) in [
        (false, false, (true, false, false)),
        (true, false, (false, true, false)),
        (false, true, (false, false, true)),
        (true, true, (false, true, true)),
    ] {
        // The viewer never wrote anything here.
        let mute =
            MuteActor { actor: did("reader"), subject: did("bob"), only_reposts, only_quoteposts };
        town.harness.client.command(mute).await.unwrap();
        assert_eq!(flags(&town.relation("reader", "bob").await), expected);
    }
    assert_eq!(flags(&town.relation("other", "bob").await), (false, false, false));
}

async fn lists_mute_while_they_stand_for_moderation(harness: Harness) {
    let town = Town::new(harness);
    for name in ["bob", "carol"] {
        town.post(name).await;
    }
    let curated = town.list("owner", "curatelist", &["bob"]).await;
    let list = town.list("owner", "modlist", &["bob"]).await;
    for list in [&curated, &list] {
        let mute = MuteActorList { actor: did("alice"), list: at(list) };
        town.harness.client.command(mute).await.unwrap();
    }
    let muted_by = |relation: ActorViewer| relation.muted_by_list;
    assert_eq!(muted_by(town.relation("alice", "bob").await), Some(list.clone()));
    assert_eq!(muted_by(town.relation("alice", "carol").await), None);
    assert_eq!(muted_by(town.relation("carol", "bob").await), None);
    town.account("owner", false).await;
    assert_eq!(muted_by(town.relation("alice", "bob").await), None);
    town.account("owner", true).await;
    town.delete(&list).await;
    assert_eq!(muted_by(town.relation("alice", "bob").await), None);
}

async fn nobody_is_anything_to_themselves(harness: Harness) {
    let town = Town::new(harness);
    town.edge("alice", FOLLOW, "alice").await;
    town.edge("alice", BLOCK, "alice").await;
    let list = town.list("alice", "modlist", &["alice"]).await;
    town.write("alice", LIST_BLOCK, json!({"subject": list})).await;
    assert_eq!(town.relation("alice", "alice").await, ActorViewer::default());
}

async fn relationships_have_blocks(harness: Harness) {
    let town = Town::new(harness);
    town.post("carol").await;
    let list = town.list("owner", "modlist", &["carol", "nobody"]).await;
    let subscription = json!({"subject": list});
    town.write("alice", LIST_BLOCK, subscription).await;
    town.edge("alice", FOLLOW, "nobody").await;
    let block = town.edge("bob", BLOCK, "alice").await;
    let asked = GetRelationships {
        actor: did("alice"),
        others: ["bob", "carol", "nobody", "bob", "alice"].map(did).to_vec(),
    };
    let found = town.harness.client.ask(asked).await.unwrap().relationships;
    let others: Vec<&str> = found.iter().map(|one| one.did.as_str()).collect();
    assert_eq!(
        others,
        ["bob", "carol", "nobody", "bob", "alice"].map(|name| format!("did:web:{name}.test"))
    );
    assert_eq!(found[0].blocked_by.as_ref(), Some(&block));
    assert_eq!(found[3], found[0]);
    assert_eq!(found[1].blocking_by_list.as_ref(), Some(&list));
    let bare = |n: usize| (&found[n].following, &found[n].blocking, &found[n].blocked_by);
    assert_eq!((bare(2), bare(4)), ((&None, &None, &None), (&None, &None, &None)));
}

async fn lists_as_their_viewer_sees_them(harness: Harness) {
    let town = Town::new(harness);
    let list = town.list("owner", "modlist", &["alice", "bob"]).await;
    let other = town.list("owner", "modlist", &[]).await;
    let block = town.write("alice", LIST_BLOCK, json!({"subject": list})).await;
    let mute = MuteActorList { actor: did("alice"), list: at(&list) };
    town.harness.client.command(mute).await.unwrap();
    let lists = vec![at(&list), at(&other), at("at://did:web:owner.test/app.bsky.graph.list/none")];
    let asked = Hydrate { viewer: Some(did("alice")), lists, ..Hydrate::default() };
    let found = town.hydrate(asked).await;
    assert_eq!(found.lists.len(), 2);
    let seen = |uri: &str| found.lists.iter().find(|list| list.uri == uri).unwrap();
    let viewer = seen(&list).viewer.as_ref().unwrap();
    assert_eq!((viewer.muted, viewer.blocked.as_ref()), (true, Some(&block)));
    assert!(viewer.in_list.as_ref().unwrap().contains("/app.bsky.graph.listitem/"));
    assert_eq!(seen(&list).items_count, 2);
    let viewer = seen(&other).viewer.as_ref().unwrap();
    assert_eq!((viewer.muted, &viewer.blocked, &viewer.in_list), (false, &None, &None));
    assert_eq!(super::actor(&found, "owner").did, did("owner"), "with its creator");
}
