//! Jetstreams as sources, both wires: what comes in, what is refused, and what is done without proofs.

use millrace_atproto::entry::EntryBody;
use millrace_ingest::{IngestConfig, ListRejected, SourceKind, SyncState};
use millrace_runtime::clock::{Clock as _, SystemClock};
use millrace_sim::records;
use millrace_sim::repo::Write;
use serde_json::json;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::jet::{Jet, told, v1, v2};
use crate::person::Person;
use crate::stage::Stage;

pub const WIRES: [SourceKind; 2] = [SourceKind::JetstreamV1, SourceKind::JetstreamV2];
const S: i64 = 1_000_000;

/// With one Jetstream and no other source.
pub fn config_of(stage: &Stage, jet: &Jet, kind: SourceKind) -> IngestConfig {
    IngestConfig { sources: vec![jet.source("jet", kind)], ..config(stage) }
}

/// The position of the n-th event: a number, or a time a minute ago.
pub fn position(kind: SourceKind, n: i64) -> i64 {
    match kind {
        SourceKind::JetstreamV1 => SystemClock.now_us() - 60 * S + n * 1_000,
        _ => n,
    }
}

fn two_posts(person: &mut Person) -> Vec<u8> {
    let put = |rkey: &str, text: &str| Write::Put {
        path: format!("app.bsky.feed.post/{rkey}"),
        record: records::post(text, 0, None, None, None),
    };
    person.write(vec![put("3jzfcijpj2z2a", "left"), put("3jzfcijpj2z2b", "right")])(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_several_messages_is_one_entry_marked_unverified() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
        let at: Vec<i64> = (1..=5).map(|n| position(kind, n)).collect();
        jet.tell(kind, &[at[0]], &alice.post("one")(1));
        // Messages of two accounts, one between the other's.
        let (mine, his) = (told(&two_posts(&mut alice)), told(&bob.post("between")(1)));
        jet.emit(at[1], mine[0].message(kind, at[1]));
        jet.emit(at[2], his[0].message(kind, at[2]));
        jet.emit(at[3], mine[1].message(kind, at[3]));
        jet.tell(kind, &[at[4]], &bob.post("after")(1));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[4]).await;
        assert_eq!(bed.story(&alice.did).await, ["one", "left,right"], "{kind:?}");
        assert_eq!(bed.story(&bob.did).await, ["between", "after"]);
        assert_eq!(bed.sources_of(&alice.did).await, ["jet+unverified"; 2]);
        let account = bed.until_account(&alice.did, |account| account.rev.is_some()).await;
        assert_eq!((account.rev, account.data), (Some(alice.repo.rev()), None));
        assert_eq!(account.sync_state, SyncState::Partial);
        let entries = bed.entries().await;
        let record = entries.iter().find_map(|entry| match &entry.body {
            EntryBody::Commit { ops } if ops.len() == 2 => ops[0].record.clone(),
            _ => None,
        });
        assert_eq!(record, Some(records::post("left", 0, None, None, None)), "byte for byte");
        assert!(bed.status().await.rejected.is_empty());
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_and_handles_come_through() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let path = "app.bsky.feed.post/3jzfcijpj2z2a".to_owned();
        let record = records::post("one", 0, None, None, None);
        let put = alice.write(vec![Write::Put { path: path.clone(), record }])(1);
        let delete = alice.write(vec![Write::Delete { path }])(1);
        let at: Vec<i64> = (1..=2).map(|n| position(kind, n)).collect();
        jet.tell(kind, &[at[0]], &put);
        jet.tell(kind, &[at[1]], &delete);
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_story(&alice.did, &["one", "-"]).await;
        eventually(async || {
            let entries = bed.entries().await;
            let named = entries.iter().any(|entry| {
                matches!(&entry.body, EntryBody::Identity { handle: Some(handle), .. } if handle.as_str() == "alice.test")
            });
            if named { Ok(()) } else { Err("its handle was not looked at".to_owned()) }
        })
        .await;
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_not_what_its_cid_says_is_refused_alone() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let at: Vec<i64> = (1..=4).map(|n| position(kind, n)).collect();
        let mut ops = told(&two_posts(&mut alice));
        ops[0].commit["record"]["text"] = json!("forged");
        jet.emit(at[0], ops[0].message(kind, at[0]));
        jet.emit(at[1], ops[1].message(kind, at[1]));
        let mut bad = told(&alice.post("with a float")(1)).remove(0);
        bad.commit["record"]["weight"] = json!(1.5);
        jet.emit(at[2], bad.message(kind, at[2]));
        jet.tell(kind, &[at[3]], &alice.post("after")(1));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[3]).await;
        assert_eq!(bed.story(&alice.did).await, ["right", "after"], "{kind:?}");
        let rejected = bed.status().await.rejected;
        assert_eq!(rejected.get("record_cid"), Some(&1), "{rejected:?}");
        assert_eq!(rejected.get("record_json"), Some(&1), "{rejected:?}");
        let kept = bed.client.list_rejected(ListRejected::latest(10)).await.unwrap();
        assert!(kept.iter().all(|event| event.did.as_deref() == Some(alice.did.as_str())));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_comes_late_is_not_lost() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let at: Vec<i64> = (1..=2).map(|n| position(kind, n)).collect();
        let ops = told(&two_posts(&mut alice));
        jet.emit(at[0], ops[0].message(kind, at[0]));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_story(&alice.did, &["left"]).await;
        // The first was taken for the whole commit.
        jet.emit(at[1], ops[1].message(kind, at[1]));
        bed.until_story(&alice.did, &["left", "repo[right]…"]).await;
        bed.until_cursor(at[1]).await;
        let entries = bed.entries().await;
        let part = entries.iter().find(|entry| matches!(entry.body, EntryBody::Snapshot { .. }));
        let part = part.unwrap();
        assert_eq!(part.header.rev, Some(alice.repo.rev()));
        let EntryBody::Snapshot { after, through, .. } = &part.body else { panic!() };
        assert_eq!(through.as_deref(), Some("app.bsky.feed.post/3jzfcijpj2z2b"));
        assert!(after.as_deref() > Some("app.bsky.feed.post/3jzfcijpj2z2a"));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_operations_than_a_commit_has_are_a_repository_that_is_fetched() {
    let kind = SourceKind::JetstreamV2;
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let op = told(&alice.post("one")(1)).remove(0);
    alice.publish(&stage);
    for n in 1..=210 {
        let mut op = op.clone();
        op.commit["rkey"] = json!(format!("key{n}"));
        jet.emit(n, op.message(kind, n));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert_eq!(bed.story(&alice.did).await.last().unwrap(), "repo[one]");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_come_through_with_their_hosts_time() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let at: Vec<i64> = (1..=3).map(|n| position(kind, n)).collect();
        let did = alice.did.to_string();
        let say = |position: i64, active: bool, status: &str, time: &str| {
            let body =
                json!({"did": did, "seq": 7, "time": time, "active": active, "status": status});
            match kind {
                SourceKind::JetstreamV1 => v1(position, &did, "account", body),
                _ => v2(position, &did, "account", body),
            }
        };
        jet.tell(kind, &[at[0]], &alice.post("one")(1));
        jet.emit(at[1], say(at[1], false, "takendown", "2026-01-05T00:00:00Z"));
        jet.emit(at[2], say(at[2], true, "", "2026-01-01T00:00:00Z"));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[2]).await;
        assert_eq!(bed.story(&alice.did).await, ["one", "inactive:takendown"], "{kind:?}");
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_leads_to_the_repository_proven_or_not() {
    let kind = SourceKind::JetstreamV2;
    for proven in [true, false] {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        jet.tell(kind, &[1], &alice.post("one")(1));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(1).await;
        let _lost = alice.post("two");
        alice.publish(&stage);
        let (rev, blocks) = alice.repo.sync_blocks();
        let blocks = base64(&blocks);
        let body = if proven {
            json!({"rev": rev, "blocks": {"$bytes": blocks}})
        } else {
            json!({"rev": rev})
        };
        jet.emit(2, v2(2, alice.did.as_str(), "sync", body.clone()));
        bed.until_story(&alice.did, &["one", "repo[one,two]"]).await;
        bed.until_cursor(2).await;
        // The same state again says nothing new.
        jet.emit(3, v2(3, alice.did.as_str(), "sync", body));
        bed.until_cursor(3).await;
        assert_eq!(stage.set(|play| play.repos_asked[alice.did.as_str()]), 1, "proven: {proven}");
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_agrees_with_what_was_told_changes_nothing() {
    let kind = SourceKind::JetstreamV2;
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    jet.tell(kind, &[1], &alice.post("one")(1));
    let (rev, blocks) = alice.repo.sync_blocks();
    let body = json!({"rev": rev, "blocks": {"$bytes": base64(&blocks)}});
    jet.emit(2, v2(2, alice.did.as_str(), "sync", body));
    jet.tell(kind, &[3], &alice.post("two")(1));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert!(stage.set(|play| play.repos_asked.is_empty()));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_are_told_to_the_server() {
    for (kind, collection, did) in [
        (SourceKind::JetstreamV1, "wantedCollections", "wantedDids"),
        (SourceKind::JetstreamV2, "collections", "dids"),
    ] {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut config = config_of(&stage, &jet, kind);
        config.sources[0].collections = vec!["app.bsky.feed.*".to_owned()];
        config.sources[0].dids = vec!["did:plc:alice".to_owned()];
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_status_of(0, |status| status.connected).await;
        let query = jet.set(|play| play.queries[0].clone());
        for (key, value) in [(collection, "app.bsky.feed.*"), (did, "did:plc:alice")] {
            assert!(query.contains(&(key.to_owned(), value.to_owned())), "{query:?}");
        }
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_compressed_with_the_dictionary_the_server_gives() {
    let kind = SourceKind::JetstreamV2;
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let (first, second) = (trained(1), trained(2));
    assert_ne!(first.0, second.0);
    jet.set(|play| play.dictionary = Some(first.clone()));
    jet.tell(kind, &[1], &alice.post("one")(1));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
    bed.until_cursor(1).await;
    // The server retires it: a new one is asked for.
    jet.set(|play| play.dictionary = Some(second.clone()));
    jet.disconnect();
    eventually(async || match jet.cursors().len() {
        3 => Ok(()),
        n => Err(format!("{n} connections")),
    })
    .await;
    jet.tell(kind, &[2], &alice.post("two")(1));
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    let asked_with: Vec<String> = jet.set(|play| {
        let of_all = play.queries.iter().flatten();
        of_all.filter(|(key, _)| key == "zstdDictionary").map(|(_, id)| id.clone()).collect()
    });
    let (first, second) = (first.0.to_string(), second.0.to_string());
    assert_eq!(asked_with, [first.clone(), first, second]);
    assert_eq!(jet.set(|play| play.dictionary_asked), 2);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_dictionary_or_the_wish_for_one_messages_come_as_they_are() {
    let kind = SourceKind::JetstreamV2;
    for (compress, dictionary) in
        [(true, None), (false, Some(trained(1))), (true, Some((9, b"<html>".to_vec())))]
    {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        jet.set(|play| play.dictionary = dictionary);
        jet.tell(kind, &[1], &alice.post("one")(1));
        let mut config = config_of(&stage, &jet, kind);
        config.sources[0].compress = compress;
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_story(&alice.did, &["one"]).await;
        bed.stop().await;
    }
}

/// A dictionary and its number.
fn trained(seed: u64) -> (u32, Vec<u8>) {
    let samples: Vec<String> = (0..2_000_u64)
        .map(|n| format!(r#"{{"$type":"message","payload":{{"seq":{},"x":"{seed}"}}}}"#, n * seed))
        .collect();
    let bytes = zstd::dict::from_samples(&samples, 2_048).unwrap();
    (u32::from_le_bytes(bytes[4..8].try_into().unwrap()), bytes)
}

pub fn base64(bytes: &[u8]) -> String {
    let value = millrace_atproto::cbor::Value::Bytes(bytes.into());
    let json: serde_json::Value =
        serde_json::from_str(&millrace_atproto::cbor::to_json(&value)).unwrap();
    json["$bytes"].as_str().unwrap().to_owned()
}
