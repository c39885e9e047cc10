//! Profiles, alone and several.

use serde_json::{Value, json};

use crate::people::{PROFILE, blob, blob_cid, did};
use crate::world::{World, near_and_far};

const GET_PROFILE: &str = "app.bsky.actor.getProfile";
const GET_PROFILES: &str = "app.bsky.actor.getProfiles";

near_and_far!(
    a_profile_in_full,
    a_bare_account,
    what_a_viewer_is_to_an_account,
    an_account_that_is_not_active_says_why,
    handles_that_do_not_verify,
    several_profiles,
    parameters,
    the_revision_of_the_viewer,
    moderators_see_hidden_accounts,
);

async fn a_profile_in_full(world: World) {
    let alice = world.actor("alice");
    let pinned = alice.posts("hello");
    alice.has_profile(json!({
        "displayName": "Alice \u{1f338}", "description": "quoted \"text\"", "pronouns": "she/her",
        "website": "https://alice.example", "avatar": blob("face"), "banner": blob("sky"),
        "pinnedPost": pinned.json(), "createdAt": "2020-01-02T03:04:05.678901+01:00",
        "labels": { "$type": "com.atproto.label.defs#selfLabels", "values": [{ "val": "!no-unauthenticated" }] },
    }));
    world.actor("bob").follows("alice");
    let profile = world.get(GET_PROFILE, &[("actor", "alice.test")]).await.ok();
    let alice = did("alice");
    let url = |preset: &str, blob: &str| {
        format!("https://appview.test/img/{preset}/plain/{alice}/{}", blob_cid(blob))
    };
    assert_eq!(
        profile,
        json!({
            "did": alice, "handle": "alice.test", "displayName": "Alice \u{1f338}", "pronouns": "she/her",
            "description": "quoted \"text\"", "website": "https://alice.example",
            "avatar": url("avatar", "face"), "banner": url("banner", "sky"),
            "followersCount": 1, "followsCount": 0, "postsCount": 1,
            "associated": {
                "lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": false,
                "activitySubscription": { "allowSubscriptions": "followers" },
            },
            "createdAt": "2020-01-02T02:04:05.678Z", "indexedAt": "2020-01-02T02:04:05.678Z",
            "pinnedPost": pinned.json(),
            "labels": [{
                "src": alice, "uri": format!("at://{alice}/{PROFILE}/self"), "cid": profile["labels"][0]["cid"],
                "val": "!no-unauthenticated", "cts": "2020-01-02T02:04:05.678Z",
            }],
        })
    );
    let by_did = world.get(GET_PROFILE, &[("actor", alice.as_str())]).await.ok();
    assert_eq!(by_did, profile);
}

async fn a_bare_account(world: World) {
    world.actor("alice");
    let profile = world.get(GET_PROFILE, &[("actor", "Alice.Test")]).await.ok();
    assert_eq!(
        profile,
        json!({
            "did": did("alice"), "handle": "alice.test", "followersCount": 0, "followsCount": 0, "postsCount": 0,
            "associated": {
                "lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": false,
                "activitySubscription": { "allowSubscriptions": "followers" },
            },
            "labels": [],
        })
    );
    let unknown = world.get(GET_PROFILE, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    let unknown = world.get(GET_PROFILE, &[("actor", did("nobody").as_str())]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Profile not found");
}

async fn what_a_viewer_is_to_an_account(world: World) {
    let following = world.actor("alice").follows("bob");
    let followed_by = world.actor("bob").follows("alice");
    world.actor("carol");
    let state = |following: Value, followed_by: Value| {
        let mut state = json!({
            "muted": false, "mutedOnlyReposts": false, "mutedOnlyQuoteposts": false, "blockedBy": false,
        });
        if !following.is_null() {
            state["following"] = following;
        }
        if !followed_by.is_null() {
            state["followedBy"] = followed_by;
        }
        state
    };
    let bob = world.get_as("alice", GET_PROFILE, &[("actor", "bob.test")]).await.ok();
    assert_eq!(bob["viewer"], state(json!(following.uri), json!(followed_by.uri)));
    let carol = world.get_as("alice", GET_PROFILE, &[("actor", "carol.test")]).await.ok();
    assert_eq!(carol["viewer"], state(Value::Null, Value::Null));
    world.actor("alice").follows("alice");
    let mut oneself = world.get_as("alice", GET_PROFILE, &[("actor", "alice.test")]).await.ok();
    let known = oneself["viewer"].as_object_mut().unwrap().remove("knownFollowers").unwrap();
    assert_eq!(known["count"], 2);
    assert_eq!(oneself["viewer"], state(Value::Null, Value::Null), "nobody follows themselves");
    let nobody = world.get(GET_PROFILE, &[("actor", "bob.test")]).await.ok();
    assert_eq!(nobody.get("viewer"), None);
}

async fn an_account_that_is_not_active_says_why(world: World) {
    let alice = world.actor("alice");
    for (status, expected) in [
        (Some("takendown"), "AccountTakedown"),
        (Some("suspended"), "AccountTakedown"),
        (Some("deactivated"), "AccountDeactivated"),
        (None, "AccountDeactivated"),
    ] {
        alice.is(false, status);
        let answer = world.get(GET_PROFILE, &[("actor", did("alice").as_str())]).await;
        assert_eq!(answer.refused(), (400, expected), "{status:?}");
        let several = world.get(GET_PROFILES, &[("actors", did("alice").as_str())]).await.ok();
        assert_eq!(several["profiles"], json!([]));
    }
    alice.is(true, None);
    assert_eq!(
        world.get(GET_PROFILE, &[("actor", "alice.test")]).await.ok()["handle"],
        "alice.test"
    );
    alice.is(false, Some("deleted"));
    let answer = world.get(GET_PROFILE, &[("actor", did("alice").as_str())]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
    assert_eq!(answer.body["message"], "Profile not found");
}

async fn handles_that_do_not_verify(world: World) {
    world.actor("alice").has_handle(None);
    let profile = world.get(GET_PROFILE, &[("actor", did("alice").as_str())]).await.ok();
    assert_eq!(profile["handle"], "handle.invalid");
    assert_eq!(
        world.get(GET_PROFILE, &[("actor", "alice.test")]).await.refused(),
        (400, "InvalidRequest")
    );
}

async fn several_profiles(world: World) {
    for name in ["alice", "bob", "carol"] {
        world.actor(name);
    }
    let bob = did("bob");
    let actors = [
        ("actors", "carol.test"),
        ("actors", "nobody.test"),
        ("actors", bob.as_str()),
        ("actors", "alice.test"),
    ];
    let profiles = world.get_as("alice", GET_PROFILES, &actors).await.ok();
    let handles: Vec<&Value> =
        profiles["profiles"].as_array().unwrap().iter().map(|p| &p["handle"]).collect();
    assert_eq!(handles, ["carol.test", "bob.test", "alice.test"]);
    assert_eq!(profiles["profiles"][0]["viewer"]["muted"], false);
}

async fn parameters(world: World) {
    let many: Vec<(&str, &str)> = vec![("actors", "alice.test"); 26];
    for (nsid, params) in [
        (GET_PROFILE, &[][..]),
        (GET_PROFILE, &[("actor", "")]),
        (GET_PROFILE, &[("actor", "not a handle")]),
        (GET_PROFILE, &[("actor", "did:plc:")]),
        (GET_PROFILE, &[("actor", "a.test"), ("actor", "b.test")]),
        (GET_PROFILES, &[]),
        (GET_PROFILES, &[("actors", "alice")]),
        (GET_PROFILES, &many),
    ] {
        assert_eq!(
            world.get(nsid, params).await.refused(),
            (400, "InvalidRequest"),
            "{nsid} {params:?}"
        );
    }
}

async fn the_revision_of_the_viewer(world: World) {
    world.actor("alice").posts("one");
    let (_, rev) = world.actor("alice").puts(
        PROFILE,
        "self",
        &json!({ "$type": PROFILE, "displayName": "A" }),
    );
    world.actor("bob").posts("later");
    for (nsid, params) in
        [(GET_PROFILE, [("actor", "bob.test")]), (GET_PROFILES, [("actors", "bob.test")])]
    {
        let answer = world.get_as("alice", nsid, &params).await;
        assert_eq!(answer.header("atproto-repo-rev"), Some(rev.to_string().as_str()), "{nsid}");
        let nobody = world.get(nsid, &params).await;
        assert_eq!(nobody.header("atproto-repo-rev"), None, "{nsid}");
    }
}

async fn moderators_see_hidden_accounts(world: World) {
    let alice = world.actor("alice");
    alice.has_profile(json!({ "displayName": "Alice" })).is(false, Some("takendown"));
    let actor = did("alice");
    let params = [("actor", actor.as_str())];
    let by_operator =
        world.query(GET_PROFILE, &params).basic_auth("admin", Some(crate::world::PASSWORD));
    assert_eq!(world.send(by_operator).await.ok()["displayName"], "Alice");
    let by_moderator = world.get_as(crate::world::MODERATION_DID, GET_PROFILE, &params).await.ok();
    assert_eq!(by_moderator["displayName"], "Alice");
    assert_eq!(world.get_as("bob", GET_PROFILE, &params).await.refused(), (400, "AccountTakedown"));
}
