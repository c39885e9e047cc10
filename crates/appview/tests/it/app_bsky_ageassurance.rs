//! Having one's age verified, on a server without the service it takes: no region is said to ask for it.

use serde_json::json;

use crate::world::{World, near_and_far};

near_and_far!(nobody_is_asked, nobody_is_verified);

async fn nobody_is_asked(world: World) {
    let config = world.get("app.bsky.ageassurance.getConfig", &[]).await.ok();
    assert_eq!(config, json!({ "regions": [] }));
    let alice = world.actor("alice");
    alice.has_profile(json!({ "displayName": "Alice", "createdAt": "2025-01-02T03:04:05.678Z" }));
    let state = "app.bsky.ageassurance.getState";
    let unknown = json!({ "status": "unknown", "access": "unknown" });
    let answer = world.get_as("alice", state, &[("countryCode", "NO")]).await.ok();
    let since = json!({ "accountCreatedAt": "2025-01-02T03:04:05.678Z" });
    assert_eq!(answer, json!({ "state": unknown, "metadata": since }));
    let answer = world.get_as("dora", state, &[("countryCode", "NO")]).await.ok();
    assert_eq!(answer, json!({ "state": unknown, "metadata": {} }), "of one without a profile");
    let answer = world.get_as("alice", state, &[]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"), "without a country");
    let answer = world.get_as("alice", "app.bsky.unspecced.getAgeAssuranceState", &[]).await;
    assert_eq!(answer.ok(), json!({ "status": "unknown" }));
}

async fn nobody_is_verified(world: World) {
    let body = json!({ "email": "a@example.com", "language": "en", "countryCode": "NO" });
    for nsid in ["app.bsky.ageassurance.begin", "app.bsky.unspecced.initAgeAssurance"] {
        let answer = world.post_as("alice", nsid, &body).await;
        assert_eq!(answer.refused(), (501, "MethodNotImplemented"), "{nsid}");
        let answer = world.post_as("alice", nsid, &json!({ "email": 7 })).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid}");
    }
}
