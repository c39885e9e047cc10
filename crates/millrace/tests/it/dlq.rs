//! `millrace dlq` end to end: an entry that nobody can read is parked, and what an operator does to it.

use millrace_log::{Append, Log, LogConfig, Topic};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_store::testing::Engine;
use serde_json::Value;

use crate::program::{Place, QUIET, until};

/// Puts entries into the log that no data-plane can read.
async fn poison(place: &Place, count: usize) {
    let log = Log::open(&LogConfig::in_dir(place.data()), SystemClock::shared(), &Registry::new())
        .unwrap();
    let items = (0..count).map(|n| Append::new("did:plc:poison", format!("no entry {n}")));
    log.append(Topic::NetworkEntries, items.collect()).await.unwrap();
    log.close().await;
}

fn parked(place: &Place) -> Vec<Value> {
    place.run(&["dlq", "list", "--json"]).fine().json()["parked"].as_array().unwrap().clone()
}

#[tokio::test]
async fn poison_is_parked_looked_at_retried_and_discarded() {
    for engine in Engine::ALL {
        if let Some(place) = Place::on(engine).await {
            poison_from_end_to_end(&place).await;
        }
    }
}

async fn poison_from_end_to_end(place: &Place) {
    poison(place, 2).await;
    let mut server = place.serve(&[]).await;
    let entries =
        until("two parked entries", || Some(parked(place)).filter(|entries| entries.len() == 2))
            .await;
    let first = &entries[0];
    assert_eq!((&first["projection"], &first["offset"]), (&"dataplane".into(), &0.into()));
    assert_eq!(first["topic"], "network.entries.v1");
    assert_eq!(first["attempts"], 1);
    let id = first["id"].to_string();

    let listed = place.run(&["dlq", "list"]).fine();
    assert!(listed.stdout.contains("network.entries.v1/0@0"), "{}", listed.stdout);
    let shown = place.run(&["dlq", "show", &id, "--json"]).fine().json();
    assert_eq!(shown["entry"]["bytes"], "no entry 0".len());
    assert_eq!(shown["entry"]["content"]["hex"], "6e6f20656e7472792030");
    assert!(shown["entry"]["fault"].is_string());
    assert!(place.run(&["dlq", "show", &id]).fine().stdout.contains("reason"));

    place.run(&["dlq", "retry", &id, "--dry-run"]).fine();
    assert_eq!(parked(place)[0]["attempts"], 1);
    place.run(&["dlq", "retry", &id]).fine();
    until("a second attempt", || (parked(place)[0]["attempts"] == 2).then_some(())).await;
    place.run(&["dlq", "retry", "--all"]).fine();
    until("another attempt", || (parked(place)[1]["attempts"] == 2).then_some(())).await;

    place.run(&["dlq", "discard", &id]).refused(2, "MR-BIN-008");
    place.run(&["dlq", "discard", &id, "--dry-run"]).fine();
    assert_eq!(parked(place).len(), 2);
    place.run(&["dlq", "discard", &id, "--yes"]).fine();
    assert_eq!(parked(place).len(), 1);
    for command in ["show", "retry", "discard"] {
        let mut args = vec!["dlq", command, id.as_str()];
        args.extend((command == "discard").then_some("--yes"));
        place.run(&args).refused(1, "MR-BIN-009");
    }
    assert_eq!(server.terminate().await, 0, "{}", server.log());

    // Without a server: the same, on the tables.
    let left = parked(place);
    assert_eq!(left.len(), 1);
    let id = left[0]["id"].to_string();
    place.run(&["dlq", "discard", &id, "--yes"]).fine();
    assert_eq!(parked(place).len(), 0);
    assert!(place.run(&["dlq", "list"]).fine().stderr.contains("nothing is parked"));
}

#[tokio::test]
async fn what_homes_could_not_take_is_among_it() {
    let place = Place::with(&format!("{QUIET}\n[feeds]\npost_events = \"all\"\n"));
    let log = Log::open(&LogConfig::in_dir(place.data()), SystemClock::shared(), &Registry::new())
        .unwrap();
    let fact = Append::new("did:plc:poison", "no fact");
    log.append(Topic::DataplaneChanges, vec![fact]).await.unwrap();
    log.close().await;
    poison(&place, 1).await;
    let mut server = place.serve(&[]).await;
    let all = || Some(parked(&place)).filter(|all| all.len() == 2);
    let all = until("a parked entry and a parked fact", all).await;
    assert_eq!((all[0].get("of"), &all[1]["of"]), (None, &"facts".into()));
    assert_eq!(all[1]["projection"], "feeds");
    let status = place.run(&["status", "--json"]).fine().json();
    let counted: u64 =
        status["parked"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(counted, 2, "{status:#}");
    let id = format!("facts-{}", all[1]["id"]);
    assert!(place.run(&["dlq", "list"]).fine().stdout.contains(&id));
    let facts = place.run(&["dlq", "list", "--of", "facts", "--json"]).fine().json();
    assert_eq!(facts["parked"].as_array().unwrap().len(), 1);
    let shown = place.run(&["dlq", "show", &id, "--json"]).fine().json();
    assert_eq!(shown["entry"]["bytes"], "no fact".len());
    let attempts = |least: i64| (parked(&place)[1]["attempts"].as_i64()? >= least).then_some(());
    place.run(&["dlq", "retry", &id]).fine();
    until("a second attempt", || attempts(2)).await;
    place.run(&["dlq", "retry", "--all", "--of", "facts"]).fine();
    until("a third attempt", || attempts(3)).await;
    assert_eq!(server.terminate().await, 0, "{}", server.log());

    // Without a server: the same, on the tables.
    assert_eq!(parked(&place).len(), 2);
    place.run(&["dlq", "discard", &id, "--yes"]).fine();
    place.run(&["dlq", "discard", &id, "--yes"]).refused(1, "MR-BIN-009");
    assert_eq!(parked(&place).len(), 1);
    assert_eq!(place.run(&["dlq", "show", "homes-1"]).code, 2);
}

#[tokio::test]
async fn tables_in_a_database_are_reached_from_anywhere() {
    let Some(place) = Place::on(Engine::Postgres).await else { return };
    poison(&place, 2).await;
    let mut server = place.serve(&[]).await;
    until("two parked entries", || (parked(&place).len() == 2).then_some(())).await;
    // Of another machine, which has the configuration but no data folder.
    let away = |args: &[&str]| place.run(&[args, &["--data-dir", "nowhere"]].concat()).fine();
    let seen = away(&["dlq", "list", "--json"]).json()["parked"].as_array().unwrap().clone();
    assert_eq!(seen.len(), 2);
    away(&["dlq", "retry", &seen[0]["id"].to_string()]);
    until("a second attempt", || (parked(&place)[0]["attempts"] == 2).then_some(())).await;
    away(&["dlq", "retry", "--all"]);
    until("another attempt", || (parked(&place)[1]["attempts"] == 2).then_some(())).await;
    away(&["dlq", "discard", &seen[0]["id"].to_string(), "--yes"]);
    assert_eq!(parked(&place).len(), 1);
    assert!(away(&["schema", "plan"]).stderr.contains("nothing is pending"));
    assert!(!place.path().join("nowhere").exists(), "a command leaves no folder behind");
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}

#[tokio::test]
async fn a_list_has_pages() {
    let place = Place::new();
    poison(&place, 5).await;
    let mut server = place.serve(&[]).await;
    until("five parked entries", || (parked(&place).len() == 5).then_some(())).await;
    let mut after = 0;
    let mut offsets = Vec::new();
    loop {
        let after_text = after.to_string();
        let page = place
            .run(&["dlq", "list", "--json", "--limit", "2", "--after", &after_text])
            .fine()
            .json();
        offsets.extend(
            page["parked"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["offset"].as_i64().unwrap()),
        );
        match page["cursor"].as_i64() {
            Some(cursor) => after = cursor,
            None => break,
        }
    }
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
    assert_eq!(server.terminate().await, 0);
}

#[test]
fn a_folder_without_tables_says_what_is_missing() {
    let place = Place::new();
    place.run(&["dlq", "list"]).refused(1, "MR-BIN-002");
    std::fs::create_dir(place.data()).unwrap();
    let unhealthy = place.run(&["dlq", "list"]);
    assert_eq!(unhealthy.code, 3, "{unhealthy:?}");
    assert!(unhealthy.stderr.contains("hint: "));
}
