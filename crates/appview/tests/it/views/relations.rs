//! What a viewer is to an account: blocks and mutes, of it and of lists it is on.

use serde_json::{Value, json};

use super::{GET_PROFILES, profile};
use crate::people::did;
use crate::world::{World, near_and_far};

near_and_far!(
    a_block_hides_follows,
    a_block_by_list,
    mutes_whole_and_in_part,
    a_mute_by_list,
    several_profiles_with_blocks,
    a_moderator_is_not_kept_out,
);

const MUTE_ACTOR: &str = "app.bsky.graph.muteActor";
const MUTE_LIST: &str = "app.bsky.graph.muteActorList";

async fn a_block_hides_follows(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    alice.follows("bob");
    bob.follows("alice");
    let block = alice.blocks("bob");
    let state = |fields: Value| {
        let mut state = json!({
            "muted": false, "mutedOnlyReposts": false, "mutedOnlyQuoteposts": false, "blockedBy": false,
        });
        state.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        state
    };
    let seen = profile(&world, Some("alice"), "bob").await;
    assert_eq!(seen["viewer"], state(json!({ "blocking": block.uri })));
    let seen = profile(&world, Some("bob"), "alice").await;
    assert_eq!(seen["viewer"], state(json!({ "blockedBy": true })), "and not by which record");
    assert_eq!(seen["did"], json!(did("alice")), "a profile is shown all the same");
    alice.deletes(&block);
    let seen = profile(&world, Some("bob"), "alice").await;
    assert!(seen["viewer"]["following"].is_string() && seen["viewer"]["followedBy"].is_string());
}

async fn a_block_by_list(world: World) {
    let owner = world.actor("owner");
    let list = owner.makes_list("modlist", "rude");
    owner.adds(&list, "bob");
    let subscription = world.actor("alice").blocks_list(&list);
    let seen = profile(&world, Some("alice"), "bob").await;
    let viewer = &seen["viewer"];
    assert_eq!(viewer["blocking"], list.uri.as_str());
    assert_eq!(
        viewer["blockingByList"],
        json!({
            "uri": list.uri, "cid": list.cid, "name": "rude", "purpose": "app.bsky.graph.defs#modlist",
            "listItemCount": 1, "labels": [], "indexedAt": viewer["blockingByList"]["indexedAt"],
            "viewer": { "muted": false, "blocked": subscription.uri },
        })
    );
    let seen = profile(&world, Some("bob"), "alice").await;
    assert_eq!(seen["viewer"]["blockedBy"], true);
    assert_eq!(
        (&seen["viewer"]["blocking"], &seen["viewer"]["blockingByList"]),
        (&Value::Null, &Value::Null)
    );
    owner.deletes(&list);
    let seen = profile(&world, Some("alice"), "bob").await;
    assert_eq!(
        (&seen["viewer"]["blocking"], &seen["viewer"]["blockedBy"]),
        (&Value::Null, &json!(false))
    );
}

async fn mutes_whole_and_in_part(world: World) {
    world.actor("alice");
    world.actor("bob");
    // Request, and what is said of the account: muted, its reposts, its quotes.
    for (scope, expected) in [
        (json!({}), [true, false, false]),
        (json!({ "onlyReposts": true }), [false, true, false]),
        (json!({ "onlyQuoteposts": true }), [false, false, true]),
        (json!({ "onlyReposts": true, "onlyQuoteposts": true }), [false, true, true]),
    ] {
        let mut body = scope;
        body["actor"] = json!(did("bob"));
        world.post_as("alice", MUTE_ACTOR, &body).await.ok();
        let seen = profile(&world, Some("alice"), "bob").await;
        let said = ["muted", "mutedOnlyReposts", "mutedOnlyQuoteposts"]
            .map(|field| seen["viewer"][field] == true);
        assert_eq!(said, expected, "{body}");
    }
    let seen = profile(&world, Some("bob"), "alice").await;
    assert_eq!(seen["viewer"]["muted"], false, "the other does not learn of it");
}

async fn a_mute_by_list(world: World) {
    let owner = world.actor("owner");
    let list = owner.makes_list("modlist", "loud");
    owner.adds(&list, "bob");
    world.post_as("alice", MUTE_LIST, &json!({ "list": list.uri })).await.ok();
    let partly = json!({ "actor": did("bob"), "onlyReposts": true });
    world.post_as("alice", MUTE_ACTOR, &partly).await.ok();
    let seen = profile(&world, Some("alice"), "bob").await;
    let viewer = &seen["viewer"];
    assert_eq!((&viewer["muted"], &viewer["mutedOnlyReposts"]), (&json!(true), &json!(false)));
    assert_eq!(viewer["mutedByList"]["uri"], list.uri.as_str());
    assert_eq!(viewer["mutedByList"]["viewer"], json!({ "muted": true }));
    owner.is(false, Some("suspended"));
    let seen = profile(&world, Some("alice"), "bob").await;
    let viewer = &seen["viewer"];
    assert_eq!((&viewer["muted"], &viewer["mutedOnlyReposts"]), (&json!(false), &json!(true)));
    assert_eq!(viewer["mutedByList"], Value::Null);
}

async fn several_profiles_with_blocks(world: World) {
    world.actor("alice").blocks("bob");
    world.actor("carol").blocks("alice");
    let dids = ["bob", "carol", "alice"].map(did);
    let params: Vec<(&str, &str)> = dids.iter().map(|did| ("actors", did.as_str())).collect();
    let seen = world.get_as("alice", GET_PROFILES, &params).await.ok();
    let blocks: Vec<(bool, bool)> = seen["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["viewer"]["blocking"].is_string(), one["viewer"]["blockedBy"] == true))
        .collect();
    assert_eq!(blocks, [(true, false), (false, true), (false, false)]);
}

async fn a_moderator_is_not_kept_out(world: World) {
    let alice = world.actor("alice");
    let hello = alice.posts("hello");
    let moderator = millrace_atproto::Did::parse(crate::world::MODERATION_DID).unwrap();
    alice.creates(crate::people::BLOCK, json!({ "subject": moderator }));
    let seen = super::post(&world, Some(crate::world::MODERATION_DID), &hello).await;
    assert_eq!(seen["uri"], hello.uri.as_str());
    alice.blocks("bob");
    assert_eq!(super::post(&world, Some("bob"), &hello).await, Value::Null);
}
