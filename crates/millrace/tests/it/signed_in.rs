//! `millrace sessions` and `millrace tokens`, beside an AppView and without one.

use millrace_appview::session;
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_store::testing::Engine;
use millrace_store::{Domain, Store, StoreError, Tx};
use serde_json::Value;

use crate::program::Place;

const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";

/// As two people and a program of one of them left it.
async fn fill(place: &Place) {
    let (config, clock, registry) = (place.store(), SystemClock::shared(), Registry::new());
    let opened = Store::open(&config, Domain::Session, session::MIGRATIONS, &[], &clock, &registry);
    let store = opened.await.unwrap();
    let fill = |tx: &mut Tx| {
        let until_us = tx.now_us() + 3_600_000_000;
        for (id, did) in [("s1", ALICE), ("s2", ALICE), ("s3", BOB)] {
            tx.execute(
                "INSERT INTO session (token_digest, session_id, did, grant_id, user_agent,
                                      created_at_us, used_at_us, expires_at_us)
                 VALUES ($1, $2, $3, $2, 'a \u{1b}browser', 1, 1, $4)",
                &[id.as_bytes().into(), id.into(), did.into(), until_us.into()],
            )?;
        }
        tx.execute(
            "INSERT INTO api_token (token_digest, token_id, did, grant_id, name, scopes,
                                    created_at_us, used_at_us, expires_at_us)
             VALUES ($1, 't1', $2, NULL, 'a bot', 'read write', 1, NULL, NULL)",
            &[b"t1".as_slice().into(), ALICE.into()],
        )?;
        Ok::<_, StoreError>(())
    };
    store.write(fill).await.unwrap();
    store.close().await;
}

fn listed(place: &Place, what: &str) -> Vec<String> {
    let page = place.run(&[what, "ls", "--json"]).fine().json();
    let id = |row: &Value| row[if what == "tokens" { "tokenId" } else { "sessionId" }].clone();
    let rows = page[what].as_array().unwrap();
    assert_eq!(page["total"], rows.len());
    rows.iter().map(|row| id(row).as_str().unwrap().to_owned()).collect()
}

/// Whether a server runs or not, the same commands do the same.
fn ends(place: &Place) {
    assert_eq!(listed(place, "sessions"), ["s1", "s2", "s3"]);
    assert_eq!(listed(place, "tokens"), ["t1"]);
    let shown = place.run(&["sessions", "ls", "--did", BOB]).fine().stdout;
    assert!(shown.contains("a browser") && !shown.contains(ALICE), "{shown}");
    let shown = place.run(&["tokens", "ls"]).fine().stdout;
    assert!(shown.contains("read write") && shown.contains("a bot"), "{shown}");
    let page = place.run(&["sessions", "ls", "--limit", "2"]).fine();
    assert!(page.stderr.contains(&format!("--cursor '{ALICE}/1/s2'")), "{page:?}");

    assert_eq!(place.run(&["sessions", "end"]).code, 2);
    assert_eq!(place.run(&["sessions", "end", "--all", "--did", BOB]).code, 2);
    assert_eq!(place.run(&["tokens", "end", "--did", "bob.test"]).code, 2);
    place.run(&["sessions", "end", "--all"]).refused(2, "MR-BIN-008");
    let dry = place.run(&["sessions", "end", "--did", ALICE, "--dry-run"]).fine();
    assert!(dry.stderr.contains(&format!("would end 2 sessions of {ALICE}")), "{dry:?}");
    let ended = place.run(&["sessions", "end", "--did", ALICE, "--yes", "--json"]).fine().json();
    assert_eq!(ended["ended"], 2);
    assert_eq!(listed(place, "sessions"), ["s3"]);
    assert_eq!(listed(place, "tokens"), ["t1"], "programs go on");
    place.run(&["tokens", "end", "--all", "--yes"]).fine();
    assert_eq!(listed(place, "tokens"), [""; 0]);
    place.run(&["sessions", "end", "--all", "--yes"]).fine();
    assert!(place.run(&["sessions", "ls"]).fine().stderr.contains("nobody is signed in"));
}

#[tokio::test]
async fn sessions_and_tokens_are_ended_with_a_server_and_without() {
    for engine in Engine::ALL {
        let Some(place) = Place::on(engine).await else { continue };
        let mut server = place.serve(&[]).await;
        assert_eq!(server.terminate().await, 0);
        fill(&place).await;
        ends(&place);
        fill(&place).await;
        let mut server = place.serve(&[]).await;
        ends(&place);
        assert!(server.log().contains("the operator ends sessions"), "{}", server.log());
        assert_eq!(server.terminate().await, 0);
    }
}

#[test]
fn a_folder_that_is_not_there_has_nobody() {
    let place = Place::new();
    place.run(&["sessions", "ls"]).refused(1, "MR-BIN-002");
    place.run(&["tokens", "end", "--all", "--yes"]).refused(1, "MR-BIN-002");
    assert!(!place.data().exists(), "looking makes nothing");
}
