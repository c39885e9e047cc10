//! Handles and single records.

use serde_json::json;

use crate::people::{PROFILE, did};
use crate::world::{World, near_and_far};

const RESOLVE: &str = "com.atproto.identity.resolveHandle";
const GET_RECORD: &str = "com.atproto.repo.getRecord";

near_and_far!(handles, records, parameters, labels_are_asked_for_otherwise);

async fn handles(world: World) {
    world.actor("alice");
    let known = world.get(RESOLVE, &[("handle", "ALICE.test")]).await.ok();
    assert_eq!(known, json!({ "did": did("alice") }));
    world.directory.point("stranger.test", &did("stranger"));
    let asked = world.get(RESOLVE, &[("handle", "stranger.test")]).await.ok();
    assert_eq!(asked, json!({ "did": did("stranger") }));
    let unknown = world.get(RESOLVE, &[("handle", "nobody.test")]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Unable to resolve handle");
}

async fn records(world: World) {
    let alice = world.actor("alice");
    let post = alice.posts("hello");
    let (profile, _) =
        alice.puts(PROFILE, "self", &json!({ "$type": PROFILE, "displayName": "Alice" }));
    let like = world.actor("bob").likes(&post);
    let follow = world.actor("bob").follows("alice");
    for record in [&post, &profile, &like, &follow] {
        let parts: Vec<&str> = record.uri.trim_start_matches("at://").split('/').collect();
        let asked = [("repo", parts[0]), ("collection", parts[1]), ("rkey", parts[2])];
        let answer = world.get(GET_RECORD, &asked).await.ok();
        assert_eq!((&answer["uri"], &answer["cid"]), (&json!(record.uri), &json!(record.cid)));
        assert_eq!(answer["value"]["$type"], parts[1]);
        let this = [&asked[..], &[("cid", record.cid.as_str())]].concat();
        assert_eq!(world.get(GET_RECORD, &this).await.ok(), answer);
        let other =
            [&asked[..], &[("cid", if *record == post { &profile.cid } else { &post.cid })]]
                .concat();
        assert_eq!(world.get(GET_RECORD, &other).await.refused(), (400, "RecordNotFound"));
    }
    let by_handle = [("repo", "alice.test"), ("collection", PROFILE), ("rkey", "self")];
    assert_eq!(world.get(GET_RECORD, &by_handle).await.ok()["value"]["displayName"], "Alice");
    let missing = [("repo", "alice.test"), ("collection", PROFILE), ("rkey", "other")];
    assert_eq!(world.get(GET_RECORD, &missing).await.refused(), (400, "RecordNotFound"));
    world.actor("alice").is(false, Some("takendown"));
    let hidden = world.get(GET_RECORD, &by_handle).await;
    assert_eq!(hidden.refused(), (400, "InvalidRequest"));
    assert_eq!(hidden.body["message"], "Could not find repo: alice.test");
}

async fn parameters(world: World) {
    let record = [("repo", "alice.test"), ("collection", PROFILE), ("rkey", "self")];
    for (nsid, params) in [
        (RESOLVE, vec![]),
        (RESOLVE, vec![("handle", "did:plc:abc")]),
        (GET_RECORD, record[..2].to_vec()),
        (GET_RECORD, vec![record[0], record[1], ("rkey", "..")]),
        (GET_RECORD, vec![record[0], ("collection", "post"), record[2]]),
        (GET_RECORD, vec![("repo", "-"), record[1], record[2]]),
        (GET_RECORD, [&record[..], &[("cid", "x")]].concat()),
    ] {
        assert_eq!(
            world.get(nsid, &params).await.refused(),
            (400, "InvalidRequest"),
            "{nsid} {params:?}"
        );
    }
}

async fn labels_are_asked_for_otherwise(world: World) {
    let answer = world.get("com.atproto.temp.fetchLabels", &[]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
    assert!(answer.text.contains("queryLabels"), "{}", answer.text);
    let answer = world.get("com.atproto.temp.fetchLabels", &[("limit", "251")]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
}
