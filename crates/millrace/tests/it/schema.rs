//! `millrace schema`, without a server and beside one.

use serde_json::Value;

use crate::program::{Output, Place};

fn pending(output: Output) -> usize {
    let schema = output.fine().json();
    let migrations = schema["migrations"].as_array().unwrap();
    migrations.iter().filter(|migration| migration["appliedAt"] == Value::Null).count()
}

#[test]
fn what_is_pending_is_planned_then_applied_once() {
    let place = Place::new();
    let all = pending(place.run(&["schema", "status", "--json"]));
    assert!(all >= 8, "four domains with two parts each: {all}");
    assert_eq!(pending(place.run(&["schema", "plan", "--json"])), all);
    assert!(!place.data().exists(), "looking makes nothing");

    place.run(&["schema", "apply"]).refused(2, "MR-BIN-008");
    place.run(&["schema", "apply", "--dry-run"]).fine();
    assert_eq!(pending(place.run(&["schema", "status", "--json"])), all);

    let applied = place.run(&["schema", "apply", "--yes"]).fine().stdout;
    assert_eq!(applied.lines().count(), all + 1, "{applied}");
    assert_eq!(pending(place.run(&["schema", "status", "--json"])), 0);
    let again = place.run(&["schema", "apply", "--yes"]).fine();
    assert!(again.stderr.contains("nothing is pending"));
}

#[tokio::test]
async fn beside_a_server_it_is_asked() {
    let place = Place::new();
    let mut server = place.serve(&[]).await;
    let status = place.run(&["schema", "status", "--json"]);
    assert_eq!(pending(status), 0);
    assert_eq!(pending(place.run(&["schema", "plan", "--json"])), 0);
    place.run(&["schema", "apply", "--yes"]).fine();
    assert_eq!(server.terminate().await, 0);
}
