//! Labelers' streams: what is taken, what is refused, and that none of them holds up another.

use millrace_atproto::Did;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::entry::EntryBody;
use millrace_atproto::label::{LabelsFrame, SentLabel};
use millrace_ingest::{IngestConfig, LabelersConfig};
use millrace_runtime::clock::{Clock as _, SystemClock};
use millrace_sim::repo::Write;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::bed::{self, Bed, eventually};
use crate::person::Person;
use crate::stage::Stage;

/// Somebody who labels, at a host of their own.
struct Labeler {
    did: Did,
    key: SigningKey,
    host: Stage,
}

impl Labeler {
    /// Its document is in the directory of `stage`.
    async fn start(stage: &Stage, name: &str) -> Self {
        let did = Did::parse(&format!("did:plc:{name}")).unwrap();
        let labeler = Self { did, key: key(1), host: Stage::start().await };
        labeler.publish(stage, "#atproto_label");
        labeler
    }

    fn publish(&self, stage: &Stage, key_id: &str) {
        let document = self.document(key_id);
        stage.set(|play| play.documents.insert(self.did.to_string(), (200, document)));
    }

    fn document(&self, key_id: &str) -> Value {
        json!({
            "id": self.did.as_str(),
            "verificationMethod": [{
                "id": key_id,
                "type": "Multikey",
                "controller": self.did.as_str(),
                "publicKeyMultibase": self.key.public().to_multibase(),
            }],
            "service": [{
                "id": "#atproto_labeler",
                "type": "AtprotoLabeler",
                "serviceEndpoint": self.host.origin(),
            }],
        })
    }

    fn says(&self, vals: &[&str]) -> i64 {
        self.says_signed(vals, &self.key)
    }

    fn says_signed(&self, vals: &[&str], key: &SigningKey) -> i64 {
        let cts = format_ms_us(SystemClock.now_us() - 1_000_000);
        let labels: Vec<SentLabel<'_>> = vals
            .iter()
            .map(|val| SentLabel {
                ver: Some(1),
                src: self.did.as_str(),
                uri: "did:plc:alice",
                cid: None,
                val,
                neg: None,
                cts: &cts,
                exp: None,
                sig: None,
            })
            .collect();
        let sigs: Vec<_> = labels.iter().map(|label| label.sign(key)).collect();
        let signed: Vec<SentLabel<'_>> = labels
            .iter()
            .zip(&sigs)
            .map(|(label, sig)| SentLabel { sig: Some(sig), ..*label })
            .collect();
        self.host.emit(|seq| LabelsFrame::encode(seq, &signed))
    }

    /// What the log has of it.
    async fn logged(&self, bed: &Bed) -> Vec<String> {
        let entries = bed.entries().await;
        let own = entries.into_iter().filter(|entry| entry.header.did == self.did);
        let labels = own.flat_map(|entry| match entry.body {
            EntryBody::Labels { labels } => labels,
            _ => Vec::new(),
        });
        labels.map(|bytes| SentLabel::parse(&bytes).unwrap().val.to_owned()).collect()
    }

    async fn until_logged(&self, bed: &Bed, expected: &[&str]) {
        eventually(async || match self.logged(bed).await {
            logged if logged == expected => Ok(()),
            logged => Err(format!("{}: {logged:?}, expected {expected:?}", self.did)),
        })
        .await;
    }

    fn counted(&self, bed: &Bed, result: &str) -> f64 {
        let name = format!("labeler:{}", self.did);
        bed.metric(&format!(
            "millrace_ingest_labels_total{{source=\"{name}\",result=\"{result}\"}}"
        ))
    }

    async fn until_saved(&self, bed: &Bed, seq: i64) {
        let name = format!("labeler:{}", self.did);
        let line = format!("millrace_ingest_cursor_seq{{source=\"{name}\"}}");
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let wanted = seq as f64;
        eventually(async || match bed.metric(&line) {
            saved if saved >= wanted => Ok(()),
            saved => Err(format!("{name}: cursor {saved}, expected {seq}")),
        })
        .await;
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(Curve::K256, &[seed; 32]).unwrap()
}

fn following(stage: &Stage, labelers: &[&Labeler]) -> IngestConfig {
    let dids = labelers.iter().map(|labeler| labeler.did.to_string()).collect();
    let labelers = LabelersConfig { dids, recheck_ms: 0, ..LabelersConfig::default() };
    IngestConfig { labelers, ..bed::config(stage) }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_read_from_the_oldest_and_then_from_the_cursor() {
    let stage = Stage::start().await;
    let labeler = Labeler::start(&stage, "labeler").await;
    labeler.says(&["a", "b"]);
    let last = labeler.says(&["c"]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), following(&stage, &[&labeler])).await;
    labeler.until_logged(&bed, &["a", "b", "c"]).await;
    labeler.until_saved(&bed, last).await;
    labeler.host.disconnect();
    eventually(async || match labeler.host.cursors().len() {
        2.. => Ok(()),
        made => Err(format!("{made} connections")),
    })
    .await;
    labeler.says(&["d"]);
    labeler.until_logged(&bed, &["a", "b", "c", "d"]).await;
    labeler.until_saved(&bed, last + 1).await;
    bed.stop().await;
    labeler.says(&["e"]);
    let bed = Bed::start(&stage, dir.path(), following(&stage, &[&labeler])).await;
    labeler.until_logged(&bed, &["a", "b", "c", "d", "e"]).await;
    assert_eq!(labeler.host.cursors(), [Some(0), Some(last), Some(last + 1)]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_labeler_that_lies_replays_or_is_away_holds_up_no_other() {
    let stage = Stage::start().await;
    let honest = Labeler::start(&stage, "honest").await;
    let liar = Labeler::start(&stage, "liar").await;
    let away = Labeler::start(&stage, "away").await;
    let keyless = Labeler::start(&stage, "keyless").await;
    stage.set(|play| play.documents.remove(away.did.as_str()));
    // The key of commits is none of labels.
    keyless.publish(&stage, "#atproto");
    keyless.says(&["x"]);
    liar.says_signed(&["forged", "forged too"], &key(9));
    liar.host.emit_message(axum::extract::ws::Message::Binary(vec![0xff; 10].into()));
    let seq = liar.says(&["true"]);
    // Once more, under a number that was there.
    let again = LabelsFrame::encode(seq, &[]);
    liar.host.emit(|_| again);
    let dir = tempdir().unwrap();
    let followed = [&honest, &liar, &away, &keyless];
    let bed = Bed::start(&stage, dir.path(), following(&stage, &followed)).await;
    honest.says(&["a"]);
    honest.until_logged(&bed, &["a"]).await;
    assert!(away.logged(&bed).await.is_empty() && keyless.logged(&bed).await.is_empty());
    eventually(async || match liar.counted(&bed, "label_signature") {
        2.0.. => Ok(()),
        counted => Err(format!("{counted} refused")),
    })
    .await;
    // The frame that is none breaks the connection once, and is passed.
    liar.until_logged(&bed, &["true"]).await;
    eventually(async || match liar.counted(&bed, "replayed") {
        1.0.. => Ok(()),
        _ => Err("not counted".to_owned()),
    })
    .await;
    honest.says(&["b"]);
    honest.until_logged(&bed, &["a", "b"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_asked_for_when_signatures_no_longer_fit() {
    let stage = Stage::start().await;
    let mut labeler = Labeler::start(&stage, "labeler").await;
    labeler.says(&["old"]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), following(&stage, &[&labeler])).await;
    labeler.until_logged(&bed, &["old"]).await;
    labeler.key = key(2);
    labeler.publish(&stage, "#atproto_label");
    labeler.says(&["new"]);
    labeler.until_logged(&bed, &["old", "new"]).await;
    assert!(labeler.counted(&bed, "label_signature") < 0.5, "no label was refused for it");
    labeler.says_signed(&["of the old key"], &key(1));
    eventually(async || match labeler.counted(&bed, "label_signature") {
        1.0.. => Ok(()),
        _ => Err("not counted".to_owned()),
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_labeler_that_counts_anew_is_read_again() {
    let stage = Stage::start().await;
    let labeler = Labeler::start(&stage, "labeler").await;
    labeler.host.set(|play| play.next_seq = 500);
    let last = labeler.says(&["before"]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), following(&stage, &[&labeler])).await;
    labeler.until_saved(&bed, last).await;
    labeler.host.set(|play| {
        play.events.clear();
        play.next_seq = 1;
    });
    labeler.says(&["after"]);
    labeler.host.disconnect();
    labeler.until_logged(&bed, &["before", "after"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_05_a_flood_waits_for_the_log_and_nothing_is_lost() {
    let stage = Stage::start().await;
    let (loud, quiet) =
        (Labeler::start(&stage, "loud").await, Labeler::start(&stage, "quiet").await);
    let vals: Vec<String> = (0..200).map(|n| format!("value-{n}-{}", "x".repeat(90))).collect();
    let vals: Vec<&str> = vals.iter().map(String::as_str).collect();
    for part in vals.chunks(20) {
        loud.says(part);
    }
    quiet.says(&["a"]);
    let mut config = following(&stage, &[&loud, &quiet]);
    // Room for one frame at a time.
    config.connection.message_bytes_max = 10_000;
    config.labelers.inflight_bytes_max = 10_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    quiet.until_logged(&bed, &["a"]).await;
    loud.until_logged(&bed, &vals).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_passed() {
    let stage = Stage::start().await;
    let labeler = Labeler::start(&stage, "labeler").await;
    labeler.says(&["a"]);
    labeler.host.emit_message(axum::extract::ws::Message::Binary(vec![0; 20_000].into()));
    labeler.says(&["b"]);
    let mut config = following(&stage, &[&labeler]);
    config.connection.message_bytes_max = 10_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    labeler.until_logged(&bed, &["a", "b"]).await;
    bed.stop().await;
}

/// An account that is a labeler by its document, and by its repository if it says so.
struct Declaring {
    person: Person,
    labeler: Labeler,
}

impl Declaring {
    async fn start(stage: &Stage, name: &str) -> Self {
        let person = Person::new(stage, name);
        let labeler = Labeler { did: person.did.clone(), key: key(1), host: Stage::start().await };
        let mut document = person.document(&stage.origin());
        let own = labeler.document("#atproto_label");
        for part in ["verificationMethod", "service"] {
            let more = own[part].as_array().unwrap().clone();
            document[part].as_array_mut().unwrap().extend(more);
        }
        stage.set(|play| play.documents.insert(labeler.did.to_string(), (200, document)));
        labeler.says(&["a"]);
        Self { person, labeler }
    }

    fn declares(&mut self, stage: &Stage) -> i64 {
        stage.emit(self.person.write(vec![declaration()]))
    }
}

const DECLARATION: &str = "app.bsky.labeler.service/self";

fn declaration() -> Write {
    let labeler = millrace_sim::records::Labeler {
        label_values: vec!["a".to_owned()],
        subject_types: None,
        created_at: crate::person::TIME.to_owned(),
    };
    Write::Put { path: DECLARATION.to_owned(), record: labeler.encode() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declares_themselves_is_followed_while_there_is_room() {
    let stage = Stage::start().await;
    let (mut first, mut second) =
        (Declaring::start(&stage, "first").await, Declaring::start(&stage, "second").await);
    // It says so, and its document does not.
    let mut empty = Person::new(&stage, "empty");
    stage.emit(empty.write(vec![declaration()]));
    let seq = first.declares(&stage);
    let dir = tempdir().unwrap();
    let mut config = following(&stage, &[]);
    config.labelers.discovered_max = 1;
    let bed = Bed::start(&stage, dir.path(), config.clone()).await;
    first.labeler.until_logged(&bed, &["a"]).await;
    bed.until_cursor(seq).await;
    let last = second.declares(&stage);
    bed.until_cursor(last).await;
    first.labeler.says(&["b"]);
    first.labeler.until_logged(&bed, &["a", "b"]).await;
    assert!((bed.metric("millrace_ingest_labelers_discovered") - 1.0).abs() < 0.5);
    bed.stop().await;
    // What was declared is remembered, and so is how far it was read.
    let bed = Bed::start(&stage, dir.path(), config).await;
    first.labeler.says(&["c"]);
    first.labeler.until_logged(&bed, &["a", "b", "c"]).await;
    assert!(second.labeler.logged(&bed).await.is_empty(), "there is one place");
    let taken_back = Write::Delete { path: DECLARATION.to_owned() };
    stage.emit(first.person.write(vec![taken_back]));
    second.labeler.until_logged(&bed, &["a"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_takes_no_place_of_those_who_declare_themselves() {
    let stage = Stage::start().await;
    let (mut named, mut other) =
        (Declaring::start(&stage, "named").await, Declaring::start(&stage, "other").await);
    named.declares(&stage);
    other.declares(&stage);
    let dir = tempdir().unwrap();
    let mut config = following(&stage, &[&named.labeler]);
    config.labelers.discovered_max = 1;
    let bed = Bed::start(&stage, dir.path(), config).await;
    other.labeler.until_logged(&bed, &["a"]).await;
    named.labeler.until_logged(&bed, &["a"]).await;
    assert_eq!(named.labeler.host.cursors().len(), 1, "one connection");
    bed.stop().await;
    // By default nobody is followed who is not named.
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), following(&stage, &[&named.labeler])).await;
    named.labeler.until_logged(&bed, &["a"]).await;
    bed.until_cursor(2).await;
    assert!(other.labeler.logged(&bed).await.is_empty());
    bed.stop().await;
}
