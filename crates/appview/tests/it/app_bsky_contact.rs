//! Finding people by one's telephone's contacts, on a server without the service it takes.

use serde_json::{Value, json};

use crate::people::did;
use crate::world::{PASSWORD, World, near_and_far};

near_and_far!(every_method_says_that_there_is_no_such_service);

async fn every_method_says_that_there_is_no_such_service(world: World) {
    for name in ["getMatches", "getSyncStatus"] {
        let nsid = format!("app.bsky.contact.{name}");
        let answer = world.get_as("alice", &nsid, &[]).await;
        assert_eq!(answer.refused(), (501, "MethodNotImplemented"), "{name}");
        assert_eq!(world.get(&nsid, &[]).await.refused(), (401, "AuthMissing"), "{name}");
    }
    let bodies = [
        ("dismissMatch", json!({ "subject": did("bob") })),
        ("importContacts", json!({ "token": "t", "contacts": ["+15550100"] })),
        ("removeData", json!({})),
        ("startPhoneVerification", json!({ "phone": "+15550100" })),
        ("verifyPhone", json!({ "phone": "+15550100", "code": "1" })),
    ];
    for (name, body) in &bodies {
        let nsid = format!("app.bsky.contact.{name}");
        let answer = world.post_as("alice", &nsid, body).await;
        assert_eq!(answer.refused(), (501, "MethodNotImplemented"), "{name}");
        assert!(answer.text.contains("contact imports"), "{name}: {}", answer.text);
        let answer = world.post_as("alice", &nsid, &Value::Null).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{name} of nothing");
    }
    let many = json!({ "token": "t", "contacts": vec!["1"; 1_001] });
    for body in [many, json!({ "token": "t", "contacts": [] })] {
        let answer = world.post_as("alice", "app.bsky.contact.importContacts", &body).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"));
    }
    let told = json!({ "from": did("alice"), "to": did("bob") });
    let nsid = "app.bsky.contact.sendNotification";
    let request = || world.request("POST", &format!("/xrpc/{nsid}")).json(&told);
    assert_eq!(world.send(request()).await.refused(), (401, "AuthMissing"));
    let answer = world.send(request().basic_auth("admin", Some(PASSWORD))).await;
    assert_eq!(answer.refused(), (501, "MethodNotImplemented"));
}
