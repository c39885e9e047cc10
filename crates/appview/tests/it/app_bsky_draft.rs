//! Drafts.

use std::collections::BTreeSet;

use millrace_dataplane::query::draft::{CreateDraft, DRAFTS_MAX};
use serde_json::{Value, json};

use crate::people::did;
use crate::world::{Reach, World, near_and_far};

const CREATE: &str = "app.bsky.draft.createDraft";
const UPDATE: &str = "app.bsky.draft.updateDraft";
const DELETE: &str = "app.bsky.draft.deleteDraft";
const LIST: &str = "app.bsky.draft.getDrafts";

near_and_far!(kept_and_given_back, changed, given_up, pages, what_is_no_draft);

fn draft(text: &str) -> Value {
    json!({ "posts": [{ "text": text }], "deviceName": "phone", "newer": { "field": [1, null] } })
}

async fn create(world: &World, who: &str, draft: &Value) -> String {
    let answer = world.post_as(who, CREATE, &json!({ "draft": draft })).await.ok();
    answer["id"].as_str().unwrap().to_owned()
}

async fn drafts(world: &World, who: &str) -> Vec<Value> {
    world.get_as(who, LIST, &[]).await.ok()["drafts"].as_array().unwrap().clone()
}

async fn kept_and_given_back(world: World) {
    assert_eq!(world.get_as("alice", LIST, &[]).await.ok(), json!({ "drafts": [] }));
    let first = create(&world, "alice", &draft("first")).await;
    let second = create(&world, "alice", &draft("second \u{0} \"quoted\"")).await;
    create(&world, "bob", &draft("of bob")).await;
    let found = drafts(&world, "alice").await;
    let ids: Vec<&str> = found.iter().map(|kept| kept["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [second, first]);
    assert_eq!(found[0]["draft"], draft("second \u{0} \"quoted\""));
    assert_eq!(found[1]["draft"], draft("first"));
    assert_eq!(found[0]["createdAt"], found[0]["updatedAt"]);
    assert!(found[0]["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(drafts(&world, "bob").await.len(), 1);
}

async fn changed(world: World) {
    let first = create(&world, "alice", &draft("first")).await;
    create(&world, "alice", &draft("second")).await;
    let change = async |who: &str, id: &str| {
        let body = json!({ "draft": { "id": id, "draft": draft("changed") } });
        let answer = world.post_as(who, UPDATE, &body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    };
    change("alice", "3jzfcijpj2z2a").await;
    change("bob", &first).await;
    assert_eq!(drafts(&world, "alice").await[0]["draft"], draft("second"));
    assert!(drafts(&world, "bob").await.is_empty());
    change("alice", &first).await;
    let found = drafts(&world, "alice").await;
    assert_eq!((found.len(), &found[0]["id"]), (2, &json!(first)), "the last changed first");
    assert_eq!(found[0]["draft"], draft("changed"));
    assert!(found[0]["updatedAt"].as_str() > found[0]["createdAt"].as_str());
}

async fn given_up(world: World) {
    let id = create(&world, "alice", &draft("first")).await;
    create(&world, "alice", &draft("second")).await;
    for (who, left) in [("bob", 2), ("alice", 1), ("alice", 1)] {
        let answer = world.post_as(who, DELETE, &json!({ "id": id })).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        assert_eq!(drafts(&world, "alice").await.len(), left);
    }
}

async fn pages(world: World) {
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.push(create(&world, "alice", &draft(&n.to_string())).await);
    }
    expected.reverse();
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get_as("alice", LIST, &[("limit", "2"), ("cursor", &cursor)]).await.ok();
        let items = page["drafts"].as_array().unwrap();
        found.extend(items.iter().map(|kept| kept["id"].as_str().unwrap().to_owned()));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, expected);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 5);
    for params in [[("limit", "0")], [("limit", "101")], [("cursor", "nonsense")]] {
        let answer = world.get_as("alice", LIST, &params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{params:?}");
    }
}

/// In one process: as many drafts as this take their time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_as_may_be() {
    let world = World::open(Reach::Local).await;
    for _ in 0..DRAFTS_MAX {
        let command = CreateDraft { actor: did("alice"), draft: draft("x").to_string() };
        world.dataplane.command(command).await.unwrap();
    }
    let answer = world.post_as("alice", CREATE, &json!({ "draft": draft("more") })).await;
    assert_eq!(answer.refused(), (400, "DraftLimitReached"));
    create(&world, "bob", &draft("x")).await;
}

async fn what_is_no_draft(world: World) {
    let id = create(&world, "alice", &draft("x")).await;
    for wrong in [
        json!({}),
        json!({ "posts": [] }),
        json!({ "posts": [{}] }),
        json!({ "posts": [{ "text": "x".repeat(1_001) }] }),
        json!({ "posts": [{ "text": "x", "embedExternals": [{ "uri": "no" }] }] }),
        json!({ "posts": [{ "text": "x" }], "langs": ["en", "de", "fr", "nb"] }),
        json!({ "posts": [{ "text": "x" }], "float": 1.5 }),
        json!("x"),
        json!(null),
    ] {
        let answer = world.post_as("alice", CREATE, &json!({ "draft": wrong })).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{wrong}");
        let body = json!({ "draft": { "id": id, "draft": wrong } });
        assert_eq!(world.post_as("alice", UPDATE, &body).await.refused(), (400, "InvalidRequest"));
    }
    for (nsid, body) in [
        (CREATE, json!({})),
        (UPDATE, json!({ "draft": { "id": "x", "draft": draft("x") } })),
        (UPDATE, json!({ "draft": { "draft": draft("x") } })),
        (DELETE, json!({ "id": "no tid" })),
        (DELETE, json!({})),
    ] {
        let answer = world.post_as("alice", nsid, &body).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {body}");
    }
    assert_eq!(drafts(&world, "alice").await[0]["draft"], draft("x"));
}
