//! Labelers by account.

use serde_json::{Value, json};

use crate::people::did;
use crate::world::{World, near_and_far};

const GET_SERVICES: &str = "app.bsky.labeler.getServices";

near_and_far!(labelers_are_shown_in_short_and_in_detail, parameters_of_labelers);

async fn labelers_are_shown_in_short_and_in_detail(world: World) {
    let (labeler, carol) = (world.actor("labeler"), world.actor("carol"));
    let policies = json!({"labelValues": ["spam"], "labelValueDefinitions": []});
    let record = json!({
        "$type": "app.bsky.labeler.service", "policies": policies,
        "subjectTypes": ["account"], "createdAt": "2025-12-01T00:00:00.000Z",
    });
    let (service, _) = labeler.puts("app.bsky.labeler.service", "self", &record);
    let like = carol.likes(&service);
    let dids = [("dids", did("labeler").to_string()), ("dids", did("carol").to_string())];
    let asked = |detailed: &'static str| {
        let mut params: Vec<(&str, &str)> =
            dids.iter().map(|(name, did)| (*name, did.as_str())).collect();
        params.push(("detailed", detailed));
        params
    };
    let short = world.get_as("carol", GET_SERVICES, &asked("false")).await.ok();
    // Carol is no labeler.
    assert_eq!(short["views"].as_array().unwrap().len(), 1);
    let view = &short["views"][0];
    assert_eq!(view["$type"], "app.bsky.labeler.defs#labelerView");
    assert_eq!(view["uri"], service.uri);
    assert_eq!(view["creator"]["did"], did("labeler").as_str());
    assert_eq!(view["creator"]["associated"]["labeler"], true);
    assert_eq!(view["likeCount"], 1);
    assert_eq!(view["viewer"]["like"], like.uri);
    assert_eq!(view["policies"], Value::Null);
    let detailed = world.get(GET_SERVICES, &asked("true")).await.ok();
    let view = &detailed["views"][0];
    assert_eq!(view["$type"], "app.bsky.labeler.defs#labelerViewDetailed");
    assert_eq!(view["policies"], policies);
    assert_eq!(view["subjectTypes"], json!(["account"]));
    assert_eq!(view["reasonTypes"], Value::Null);
    assert_eq!(view["viewer"], Value::Null);
}

async fn parameters_of_labelers(world: World) {
    for params in
        [&[][..], &[("dids", "alice.test")], &[("dids", "did:web:a.test"), ("detailed", "1")]]
    {
        let refused = world.get(GET_SERVICES, params).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"), "{params:?}");
    }
    let nobody = world.get(GET_SERVICES, &[("dids", "did:web:nobody.test")]).await.ok();
    assert_eq!(nobody, json!({"views": []}));
}
