//! `millrace takedown`, `label` and `curated`: what an operator decides, on the command line.

use crate::program::{Output, Place, QUIET, Server};

const KEY: &str = "5b3ae5c1e9a0c3f6b1d2a4e8f7c6b5a4938271605f4e3d2c1b0a998877665544";
const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const POST: &str = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3k2a4b5c6d7e2";
const FEED: &str = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.generator/cats";
const CID: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

async fn served() -> (Place, Server) {
    let place = Place::with(&format!("{QUIET}service_key = \"{KEY}\"\n"));
    let server = place.serve(&[]).await;
    (place, server)
}

/// The subjects listed, the newest first.
fn down(place: &Place, args: &[&str]) -> Vec<String> {
    let page = place.run(&[&["takedown", "ls", "--json"], args].concat()).fine().json();
    let takedowns = page["takedowns"].as_array().unwrap();
    takedowns
        .iter()
        .map(|takedown| takedown["subject"]["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// Of the command line itself: it says how it is used.
fn misused(output: &Output) {
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.stderr.contains("Usage") || output.stderr.contains("--help"), "{output:?}");
}

#[tokio::test]
async fn takedowns_are_made_listed_and_lifted() {
    let (place, mut server) = served().await;
    assert!(place.run(&["takedown", "ls"]).fine().stderr.contains("nothing is taken down"));
    place.run(&["takedown", "add", ALICE]).refused(2, "MR-BIN-008");
    place.run(&["takedown", "add", ALICE, POST, "--dry-run"]).fine();
    assert_eq!(down(&place, &[]), Vec::<String>::new());
    let reason = ["--reason", "tells tales", "--reference", "ticket 12"];
    let done =
        place.run(&[&["takedown", "add", "--yes", ALICE, POST], &reason[..]].concat()).fine();
    assert!(done.stderr.contains(&format!("account {ALICE} is down")), "{done:?}");
    place.run(&["takedown", "add", "--yes", BOB, "--blob", CID]).fine();
    assert_eq!(down(&place, &[]), ["blob", "record", "account"]);
    assert_eq!(down(&place, &["--of", ALICE]), ["record", "account"]);
    assert_eq!(down(&place, &["--limit", "1"]), ["blob"]);
    let shown = place.run(&["takedown", "list"]).fine().stdout;
    assert!(
        shown.contains("tells tales") && shown.contains(&format!("blob {CID} of {BOB}")),
        "{shown}"
    );

    place.run(&["takedown", "lift", ALICE, POST]).fine();
    place.run(&["takedown", "lift", BOB]).fine();
    assert_eq!(down(&place, &[]), ["blob"]);
    place.run(&["takedown", "lift", BOB, "--blob", CID]).fine();
    assert_eq!(down(&place, &[]), Vec::<String>::new());

    misused(&place.run(&["takedown", "add", "--yes", "alice.test"]));
    misused(&place.run(&["takedown", "add", "--yes"]));
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}

#[tokio::test]
async fn labels_are_said_and_taken_back() {
    let (place, mut server) = served().await;
    assert!(place.run(&["label", "ls"]).fine().stderr.contains("nothing was said here"));
    place.run(&["label", "add", "spam", ALICE, "--dry-run"]).fine();
    let many: Vec<String> = (0..150).map(|n| format!("did:web:w{n}.test")).collect();
    let mut add = vec!["label", "add", "spam", "--reason", "a ring", ALICE, POST];
    add.extend(many.iter().map(String::as_str));
    place.run(&add).fine();
    place.run(&["label", "negate", "spam", ALICE]).fine();
    place.run(&["label", "add", "!warn", ALICE, "--ends", "2999-01-01T00:00:00Z"]).fine();
    let page = place.run(&["label", "list", "--json"]).fine().json();
    let labels = page["labels"].as_array().unwrap();
    assert_eq!((labels.len(), &labels[0]["val"]), (100, &"!warn".into()));
    assert_eq!((&labels[1]["uri"], &labels[1]["neg"]), (&ALICE.into(), &true.into()));
    let cursor = page["cursor"].as_str().unwrap();
    let rest = place.run(&["label", "ls", "--json", "--cursor", cursor]).fine().json();
    assert_eq!(rest["labels"].as_array().unwrap().len(), 53);
    let shown = place.run(&["label", "ls", "--limit", "2"]).fine();
    assert!(
        shown.stdout.contains("spam (taken back)") && shown.stdout.contains("2999"),
        "{shown:?}"
    );
    assert!(shown.stderr.contains("--cursor"), "{shown:?}");
    misused(&place.run(&["label", "add", "spam"]));
    misused(&place.run(&["label", "add", "spam", ALICE, "--ends", "soon"]));
    place.run(&["label", "add", "", ALICE]).refused(1, "MR-BIN-007");
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}

#[tokio::test]
async fn lists_are_kept() {
    let (place, mut server) = served().await;
    let on = |list: &str| {
        let shown = place.run(&["curated", "ls", list, "--json"]).fine().json();
        let items = shown["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(
        place.run(&["curated", "ls", "feeds"]).fine().stderr.contains("nothing is on this list")
    );
    place.run(&["curated", "add", "verifiers", ALICE, BOB, "--note", "a newspaper"]).fine();
    place.run(&["curated", "add", "verifiers", ALICE, "--dry-run"]).fine();
    assert_eq!(on("verifiers"), [ALICE, BOB]);
    place.run(&["curated", "add", "verifiers", ALICE]).fine();
    assert_eq!(on("verifiers"), [BOB, ALICE]);
    assert!(place.run(&["curated", "list", "verifiers"]).fine().stdout.contains("a newspaper"));
    place.run(&["curated", "remove", "verifiers", BOB, "--dry-run"]).fine();
    place.run(&["curated", "remove", "verifiers", BOB]).fine();
    assert_eq!(on("verifiers"), [ALICE]);
    place.run(&["curated", "add", "feeds", FEED]).fine();
    assert_eq!((on("feeds"), on("starterPacks")), (vec![FEED.to_owned()], Vec::new()));
    let wrong = place.run(&["curated", "add", "feeds", ALICE]).refused(1, "MR-BIN-007");
    assert!(wrong.stderr.contains("app.bsky.feed.generator"), "{wrong:?}");
    misused(&place.run(&["curated", "ls", "everything"]));
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}

#[test]
fn without_a_server_nothing_is_decided() {
    let place = Place::new();
    for args in [
        &["takedown", "ls"][..],
        &["takedown", "add", "--yes", ALICE],
        &["takedown", "lift", ALICE],
        &["label", "ls"],
        &["label", "add", "spam", ALICE],
        &["curated", "ls", "people"],
        &["curated", "remove", "people", ALICE],
    ] {
        place.run(args).refused(3, "MR-BIN-023");
    }
    assert!(!place.data().exists(), "looking makes nothing");
}

#[tokio::test]
async fn a_data_plane_alone_decides_nothing() {
    let place = Place::new();
    let mut server = place.serve(&["--role", "ingest,dataplane"]).await;
    place.run(&["takedown", "ls"]).refused(3, "MR-BIN-023");
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}

#[tokio::test]
async fn labels_want_the_services_key() {
    let place = Place::new();
    let mut server = place.serve(&[]).await;
    let refused = place.run(&["label", "add", "spam", ALICE]).refused(1, "MR-BIN-007");
    assert!(refused.stderr.contains("appview.service_key"), "{refused:?}");
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}
