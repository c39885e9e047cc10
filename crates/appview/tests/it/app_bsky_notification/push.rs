//! Devices for push notifications.

use millrace_appview::AppviewConfig;
use serde_json::{Value, json};

use crate::people::did;
use crate::world::{Reach, SERVICE_DID, World, near_and_far};

const REGISTER: &str = "app.bsky.notification.registerPush";
const UNREGISTER: &str = "app.bsky.notification.unregisterPush";

near_and_far!(nobody_may_unless_it_is_configured);

fn device() -> Value {
    json!({ "serviceDid": SERVICE_DID, "token": "t", "platform": "web", "appId": "app" })
}

async fn nobody_may_unless_it_is_configured(world: World) {
    let answer = world.post_as("alice", REGISTER, &device()).await;
    assert_eq!(answer.refused(), (501, "MethodNotImplemented"));
    let answer = world.post_as("alice", UNREGISTER, &device()).await;
    assert_eq!(answer.status, 200, "what was registered once can be taken back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registered_and_taken_back() {
    for reach in [Reach::Local, Reach::Remote] {
        let config = AppviewConfig { push_devices: 2, ..AppviewConfig::default() };
        let world = World::open_with(reach, config).await;
        for platform in ["web", "ios", "android"] {
            let mut device = device();
            device["platform"] = json!(platform);
            device["ageRestricted"] = json!(true);
            for nsid in [REGISTER, REGISTER, UNREGISTER, UNREGISTER] {
                let answer = world.post_as("alice", nsid, &device).await;
                assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
            }
        }
        for (field, wrong) in [
            ("platform", json!("pager")),
            ("serviceDid", json!(did("other"))),
            ("serviceDid", json!("x")),
            ("token", json!("")),
            ("token", json!("x".repeat(5_000))),
            ("appId", json!(7)),
        ] {
            let mut device = device();
            device[field] = wrong;
            for nsid in [REGISTER, UNREGISTER] {
                let answer = world.post_as("alice", nsid, &device).await;
                assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {field}");
            }
        }
    }
}
