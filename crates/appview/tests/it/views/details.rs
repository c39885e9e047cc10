//! Profiles in detail: what accounts made and declare, status, verification, known followers, and
//! how they came here.

use std::time::Duration;

use serde_json::{Value, json};

use super::{GET_PROFILES, profile};
use crate::people::{PROFILE, did};
use crate::world::{World, near_and_far};

near_and_far!(
    what_an_account_made_and_declares,
    a_status_and_its_end,
    a_status_without_an_end,
    verified_accounts,
    followers_the_viewer_knows,
    by_which_starter_pack_an_account_came,
);

const STATUS: &str = "app.bsky.actor.status";
const VERIFICATION: &str = "app.bsky.graph.verification";

async fn what_an_account_made_and_declares(world: World) {
    let alice = world.actor("alice");
    let list = alice.makes_list("curatelist", "l");
    alice.makes_list("modlist", "m");
    alice.offers_feed(&did("cats"), "Cats");
    alice.makes_starter_pack("s", &list, &[]);
    let mut expected = json!({
        "lists": 2, "feedgens": 1, "starterPacks": 1, "labeler": false,
        "activitySubscription": { "allowSubscriptions": "followers" },
    });
    assert_eq!(profile(&world, None, "alice").await["associated"], expected);
    let puts = |kind: &str, mut record: Value| {
        record["$type"] = json!(kind);
        alice.puts(kind, "self", &record);
    };
    puts("chat.bsky.actor.declaration", json!({ "allowIncoming": "following" }));
    puts("app.bsky.notification.declaration", json!({ "allowSubscriptions": "none" }));
    let message = json!({ "showButtonTo": "everyone", "messageMeUrl": "https://germ.test/a" });
    puts(
        "com.germnetwork.declaration",
        json!({
            "version": "1.0.0", "currentKey": { "$bytes": "AAAA" }, "messageMe": message,
        }),
    );
    puts(
        "app.bsky.labeler.service",
        json!({
            "policies": { "labelValues": [] }, "createdAt": "2026-01-01T00:00:00Z",
        }),
    );
    expected["chat"] = json!({ "allowIncoming": "following" });
    expected["activitySubscription"] = json!({ "allowSubscriptions": "none" });
    expected["germ"] = message;
    expected["labeler"] = json!(true);
    assert_eq!(profile(&world, None, "alice").await["associated"], expected);
    // Beside a post stand no counts.
    let post = alice.posts("hello");
    let mut author = super::post(&world, None, &post).await["author"].take();
    for count in ["lists", "feedgens", "starterPacks"] {
        expected.as_object_mut().unwrap().remove(count);
    }
    assert_eq!(author["associated"].take(), expected);
}

async fn a_status_and_its_end(world: World) {
    let alice = world.actor("alice");
    let link = json!({ "uri": "https://live.test", "title": "Live", "description": "now" });
    let record = json!({
        "$type": STATUS, "status": "app.bsky.actor.status#live", "durationMinutes": 10,
        "createdAt": "2026-01-01T00:00:00Z", "embed": { "$type": "app.bsky.embed.external", "external": link },
    });
    let (status, _) = alice.puts(STATUS, "self", &record);
    let mut expected = json!({
        "uri": status.uri, "cid": status.cid, "status": "app.bsky.actor.status#live", "record": record,
        "embed": { "$type": "app.bsky.embed.external#view", "external": link }, "labels": [],
        "expiresAt": "2026-01-01T00:10:00.000Z", "isActive": true,
    });
    assert_eq!(profile(&world, Some("bob"), "alice").await["status"], expected);
    expected["isDisabled"] = json!(false);
    assert_eq!(profile(&world, Some("alice"), "alice").await["status"], expected, "to itself");
    world.clock.advance(Duration::from_secs(600));
    let seen = profile(&world, None, "alice").await["status"].take();
    assert_eq!((&seen["isActive"], &seen["expiresAt"]), (&json!(false), &expected["expiresAt"]));
    // However long or short it says it is.
    for (minutes, expires_at) in
        [(1, "2026-01-01T00:05:00.000Z"), (100_000, "2026-01-01T04:00:00.000Z")]
    {
        let mut record = record.clone();
        record["durationMinutes"] = json!(minutes);
        alice.puts(STATUS, "self", &record);
        assert_eq!(profile(&world, None, "alice").await["status"]["expiresAt"], expires_at);
    }
}

async fn a_status_without_an_end(world: World) {
    let alice = world.actor("alice");
    let record = json!({
        "$type": STATUS, "status": "app.bsky.actor.status#live", "createdAt": "2026-01-01T00:00:00Z",
    });
    let (status, _) = alice.puts(STATUS, "self", &record);
    let seen = profile(&world, None, "alice").await["status"].take();
    let expected = json!({
        "uri": status.uri, "cid": status.cid, "status": "app.bsky.actor.status#live", "record": record,
        "labels": [],
    });
    assert_eq!(seen, expected);
    alice.deletes(&status);
    assert_eq!(profile(&world, None, "alice").await.get("status"), None);
}

async fn verified_accounts(world: World) {
    let alice = world.actor("alice");
    alice.has_profile(json!({ "displayName": "Alice" }));
    let verifier = world.actor("verifier");
    verifier.has_profile(json!({ "displayName": "Verifier" }));
    let word = |name: &str| json!({ "subject": did("alice"), "handle": "alice.test", "displayName": name });
    world.actor("stranger").creates(VERIFICATION, word("Alice"));
    assert_eq!(profile(&world, None, "alice").await.get("verification"), None);
    let said = verifier.creates(VERIFICATION, word("Alice"));
    let seen = profile(&world, None, "alice").await["verification"].take();
    let mut expected = json!({
        "verifications": [{
            "issuer": did("verifier"), "issuerHandle": "verifier.test", "issuerDisplayName": "Verifier",
            "uri": said.uri, "isValid": true, "createdAt": seen["verifications"][0]["createdAt"],
        }],
        "verifiedStatus": "valid", "trustedVerifierStatus": "none",
    });
    assert_eq!(seen, expected);
    // It holds for the name it was given to.
    alice.has_profile(json!({ "displayName": "Alicia" }));
    expected["verifications"][0]["isValid"] = json!(false);
    expected["verifiedStatus"] = json!("invalid");
    assert_eq!(profile(&world, None, "alice").await["verification"], expected);
    alice.has_handle(None);
    assert_eq!(profile(&world, None, "alice").await.get("verification"), None);
    assert_eq!(
        profile(&world, None, "verifier").await["verification"],
        json!({ "verifications": [], "verifiedStatus": "none", "trustedVerifierStatus": "valid" })
    );
}

async fn followers_the_viewer_knows(world: World) {
    world.actor("star");
    for friend in ["ann", "ben", "cleo"] {
        world.actor(friend).follows("star");
        world.actor("viewer").follows(friend);
    }
    let known = async || {
        let seen = profile(&world, Some("viewer"), "star").await["viewer"]["knownFollowers"].take();
        let handles = seen["followers"].as_array().unwrap().iter().map(|one| one["handle"].clone());
        (seen["count"].clone(), handles.collect::<Vec<_>>())
    };
    assert_eq!(
        known().await,
        (json!(3), ["ann.test", "ben.test", "cleo.test"].map(Value::from).to_vec())
    );
    world.actor("ann").blocks("viewer");
    world.actor("ben").is(false, Some("deactivated"));
    assert_eq!(known().await, (json!(3), vec![json!("cleo.test")]), "counted, not shown");
    let stranger = profile(&world, Some("stranger"), "star").await;
    assert_eq!(stranger["viewer"].get("knownFollowers"), None);
    let star = did("star");
    let several = [("actors", star.as_str())];
    let several = world.get_as("viewer", GET_PROFILES, &several).await.ok();
    assert_eq!(several["profiles"][0]["viewer"]["knownFollowers"]["count"], 3);
}

async fn by_which_starter_pack_an_account_came(world: World) {
    let host = world.actor("host");
    let list = host.makes_list("referencelist", "l");
    let pack = host.makes_starter_pack("welcome", &list, &[]);
    let joined = json!({
        "$type": PROFILE, "joinedViaStarterPack": pack.json(), "createdAt": "2025-12-31T00:00:00Z",
    });
    world.actor("alice").puts(PROFILE, "self", &joined);
    let mut old = joined.clone();
    old["createdAt"] = json!("2025-12-01T00:00:00Z");
    world.actor("bob").puts(PROFILE, "self", &old);
    let seen = profile(&world, None, "alice").await["joinedViaStarterPack"].take();
    assert_eq!((&seen["uri"], &seen["cid"]), (&json!(pack.uri), &json!(pack.cid)));
    assert_eq!(
        (&seen["record"]["name"], &seen["creator"]["did"]),
        (&json!("welcome"), &json!(did("host")))
    );
    assert_eq!((&seen["joinedAllTimeCount"], &seen["joinedWeekCount"]), (&json!(2), &json!(1)));
    assert_eq!(seen.get("listItemsSample"), None);
    host.deletes(&pack);
    assert_eq!(profile(&world, None, "alice").await.get("joinedViaStarterPack"), None);
}
