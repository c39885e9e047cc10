//! `millrace backfill`: begun, looked at, paused and given up on the command line, beside a server.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Output, Place, QUIET};

const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const LIST: &str = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.graph.list/3k2a4b5c6d7e2";

/// Whose directory is on loopback, and not there.
fn place() -> Place {
    Place::with(&format!(
        "{QUIET}\n[network]\nallow_loopback = true\nplc_url = \"http://127.0.0.1:9\"\n"
    ))
}

fn backfills(place: &Place) -> Vec<Value> {
    let list = place.run(&["backfill", "status", "--json"]).fine().json();
    list["backfills"].as_array().unwrap().clone()
}

/// With lines on standard input.
fn told(place: &Place, args: &[&str], lines: &str) -> Output {
    place.write("lines.txt", lines);
    let file = File::open(place.path().join("lines.txt")).unwrap();
    let output = place.command(args, &[]).stdin(Stdio::from(file)).output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_backfill_needs_a_server() {
    let place = place();
    for args in [&["backfill", "status"][..], &["backfill", "dids", ALICE]] {
        place.run(args).refused(3, "MR-BIN-023");
    }
}

#[tokio::test]
async fn backfills_are_begun_looked_at_paused_and_cancelled() {
    let place = place();
    let mut server = place.serve(&[]).await;
    assert!(place.run(&["backfill", "status"]).fine().stderr.contains("there are no backfills"));

    place.run(&["backfill", "dids", ALICE, "alice.test"]).refused(2, "MR-BIN-024");
    let wrong = told(&place, &["backfill", "dids", "-"], "# friends\n\nalice.test\n");
    let wrong = wrong.refused(2, "MR-BIN-024");
    assert!(wrong.stderr.contains("line 3"), "{wrong:?}");
    told(&place, &["backfill", "dids", "-"], "# nobody\n").refused(2, "MR-BIN-024");
    let dry = place.run(&["backfill", "dids", ALICE, BOB, "--dry-run"]).fine();
    assert!(dry.stderr.contains("would fetch 2 accounts"), "{dry:?}");
    let dry = place.run(&["backfill", "interest", "--dry-run", "--json"]).fine();
    assert_eq!(dry.json()["accounts"], 0);
    place.run(&["backfill", "network"]).refused(2, "MR-BIN-008");
    // Nobody is followed who could list anybody.
    let nobody = place.run(&["backfill", "network", "--yes"]).refused(1, "MR-BIN-007");
    assert!(nobody.stderr.contains("ingest.resync.relay_url"), "{nobody:?}");
    let nobody = place.run(&["backfill", "interest"]).refused(1, "MR-BIN-007");
    assert!(nobody.stderr.contains("nobody reads here"), "{nobody:?}");
    assert!(backfills(&place).is_empty());

    let lines = format!("{ALICE} # a friend\n{BOB}\n");
    let begun = told(&place, &["backfill", "dids", "-", ALICE, "--json"], &lines).fine().json();
    assert_eq!((&begun["found"], &begun["state"]), (&2.into(), &"running".into()));
    let id = begun["id"].to_string();
    let shown = place.run(&["backfill", "status", &id]).fine().stdout;
    assert!(shown.contains("dids  running") && shown.contains("2: 0 fetched"), "{shown}");
    place.run(&["backfill", "pause", &id]).fine();
    assert_eq!(backfills(&place)[0]["state"], "paused");
    place.run(&["backfill", "resume", &id, "--dry-run"]).fine();
    assert_eq!(backfills(&place)[0]["state"], "paused");
    place.run(&["backfill", "resume", &id]).fine();
    place.run(&["backfill", "cancel", &id]).refused(2, "MR-BIN-008");
    let cancelled = place.run(&["backfill", "cancel", &id, "--yes", "--json"]).fine().json();
    assert_eq!(cancelled["state"], "cancelled");
    place.run(&["backfill", "pause", &id]).refused(1, "MR-BIN-007");
    place.run(&["backfill", "status", "4711"]).refused(2, "MR-BIN-025");

    place.run(&["backfill", "list", LIST]).fine();
    assert_eq!(backfills(&place)[0]["asked"], LIST);
    assert_eq!(place.run(&["backfill", "list", "no uri"]).code, 2);
    assert_eq!(server.terminate().await, 0, "{}", server.log());
    let mut server = place.serve(&[]).await;
    assert_eq!(backfills(&place)[0]["state"], "running", "it goes on");
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}
