//! Where a search begins: well-formed inputs, made by our own encoders. Also the repository whose key
//! the targets know.

use std::collections::BTreeMap;

use crate::car::CarWriter;
use crate::cbor::{Value, encode};
use crate::cid::Cid;
use crate::commit::{Commit, UnsignedCommit};
use crate::crypto::{Curve, SigningKey};
use crate::entry::{Entry, EntryBody, EntryHeader, EntryOp, SnapshotRecord};
use crate::frame::{AccountFrame, Action, CommitFrame, IdentityFrame, RepoOp, SyncFrame};
use crate::jwt::{Claims, ServiceToken};
use crate::label::{LabelFrame, LabelsFrame, SentLabel};
use crate::mst::Mst;
use crate::syntax::{Did, Handle, Nsid, RecordKey, Tid};

/// When the targets judge.
pub const NOW_US: i64 = 1_767_323_045_678_000;
const TIME: &str = "2026-01-02T03:04:05.678Z";

/// Who signs.
pub(super) struct Repository {
    pub(super) did: Did,
    pub(super) key: SigningKey,
}

pub(super) fn repository() -> Repository {
    Repository {
        did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").expect("a DID"),
        key: SigningKey::from_bytes(Curve::K256, &[7; 32]).expect("a key"),
    }
}

/// The seeds of a target; none for an unknown one.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "car" | "mst_load" => vec![tree_file(0), tree_file(3), tree_file(40)],
        "cbor" | "record_cbor" => records().iter().map(encode).collect(),
        "record_json" => {
            records().iter().map(|record| crate::cbor::to_json(record).into_bytes()).collect()
        }
        "did_doc" => vec![did_doc()],
        "entry" => entries(),
        "frame" => frames(),
        "jetstream" => jetstream(),
        "label_frame" => label_frames(),
        "jwt" => vec![token(None), token(Some("#atproto_label"))],
        "mst_edit" => vec![(0..=254).collect(), vec![0, 1, 2, 64, 1, 3, 128, 1, 0, 200, 9, 9]],
        "repo" => vec![repo(0), repo(25)],
        "syntax" => words(),
        _ => Vec::new(),
    }
}

fn words() -> Vec<Vec<u8>> {
    let key = repository().key.public();
    let words = [
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "did:web:localhost%3A1234:u",
        "alice.Test",
        "app.bsky.feed.post",
        "3jzfcijpj2z2a",
        "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a",
        "https://example.com/a?b#c",
        "zh-Hant-TW",
        "1985-04-12T23:20:50.123456789+02:00",
        "self",
    ];
    let mut words: Vec<Vec<u8>> = words.map(|word| word.as_bytes().to_vec()).into();
    words.push(key.to_did_key().into_bytes());
    words.push(key.to_multibase().into_bytes());
    words.push(Cid::of_raw(b"x").to_string().into_bytes());
    words
}

fn strong_ref() -> Value<'static> {
    Value::map([
        (
            "uri",
            Value::text("at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a"),
        ),
        ("cid", Value::text(Cid::of_raw(b"x").to_string())),
    ])
}

/// A record of several kinds, with what they can hold.
fn records() -> Vec<Value<'static>> {
    let text = |text: &'static str| Value::text(text);
    let facet = Value::map([
        ("index", Value::map([("byteStart", Value::Int(0)), ("byteEnd", Value::Int(5))])),
        (
            "features",
            Value::Array(vec![
                Value::map([
                    ("$type", text("app.bsky.richtext.facet#mention")),
                    ("did", text("did:plc:ewvi7nxzyoun6zhxrhs64oiz")),
                ]),
                Value::map([
                    ("$type", text("app.bsky.richtext.facet#link")),
                    ("uri", text("https://example.com/")),
                ]),
                Value::map([("$type", text("app.bsky.richtext.facet#tag")), ("tag", text("a"))]),
            ]),
        ),
    ]);
    let blob = Value::map([
        ("$type", text("blob")),
        ("ref", Value::Link(Cid::of_raw(b"image"))),
        ("mimeType", text("image/png")),
        ("size", Value::Int(5)),
    ]);
    let images = Value::map([
        ("$type", text("app.bsky.embed.images")),
        ("images", Value::Array(vec![Value::map([("image", blob.clone()), ("alt", text(""))])])),
    ]);
    let post = Value::map([
        ("$type", text("app.bsky.feed.post")),
        ("text", text("hello 🌍")),
        ("createdAt", text(TIME)),
        ("langs", Value::Array(vec![text("en")])),
        ("facets", Value::Array(vec![facet])),
        ("embed", images),
        ("reply", Value::map([("root", strong_ref()), ("parent", strong_ref())])),
    ]);
    let with_subject = |kind: &'static str, subject: Value<'static>| {
        Value::map([("$type", text(kind)), ("subject", subject), ("createdAt", text(TIME))])
    };
    let did = || text("did:plc:ewvi7nxzyoun6zhxrhs64oiz");
    let quote = Value::map([
        ("$type", text("app.bsky.feed.post")),
        ("text", text("")),
        ("createdAt", text(TIME)),
        ("embed", Value::map([("$type", text("app.bsky.embed.record")), ("record", strong_ref())])),
    ]);
    vec![
        post,
        quote,
        with_subject("app.bsky.feed.like", strong_ref()),
        with_subject("app.bsky.graph.follow", did()),
        Value::map([
            ("$type", text("app.bsky.actor.profile")),
            ("displayName", text("Alice")),
            ("avatar", blob),
            ("pinnedPost", strong_ref()),
        ]),
        Value::map([
            ("$type", text("app.bsky.graph.list")),
            ("purpose", text("app.bsky.graph.defs#modlist")),
            ("name", text("list")),
            ("createdAt", text(TIME)),
        ]),
        Value::map([
            ("a", Value::Bytes(vec![0, 255].into())),
            ("b", Value::Null),
            ("c", Value::Bool(true)),
            ("d", Value::Int(-9_007_199_254_740_991)),
        ]),
    ]
}

fn leaves(count: u64) -> BTreeMap<String, Vec<u8>> {
    let records: Vec<Vec<u8>> = records().iter().map(encode).collect();
    let leaf = |n: u64| {
        let rkey = Tid::from_u64(0x0300_0000_0000_0000 + n * 0x1_0000);
        let record = records[n as usize % records.len()].clone();
        (format!("app.bsky.feed.post/{rkey}"), record)
    };
    (0..count).map(leaf).collect()
}

fn tree_of(leaves: &BTreeMap<String, Vec<u8>>) -> Mst {
    let cids = leaves.iter().map(|(key, record)| (key, Cid::of_dag_cbor(record)));
    Mst::from_leaves(cids).expect("keys are good")
}

/// A CAR file of a tree alone.
fn tree_file(count: u64) -> Vec<u8> {
    let mut tree = tree_of(&leaves(count));
    file(&tree.root(), &tree.blocks())
}

fn file(root: &Cid, blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut writer = CarWriter::new(root);
    for (cid, block) in blocks {
        writer.block(cid, block);
    }
    writer.finish()
}

fn signed(data: Cid) -> Commit {
    let Repository { did, key } = repository();
    let rev = Tid::from_time(NOW_US - 1_000_000, 1);
    Commit::sign(UnsignedCommit { did, rev, data, prev: None }, &key)
}

/// A whole repository.
fn repo(count: u64) -> Vec<u8> {
    let leaves = leaves(count);
    let mut tree = tree_of(&leaves);
    let commit = signed(tree.root());
    let mut blocks = vec![(commit.cid(), commit.block().to_vec())];
    blocks.extend(tree.blocks());
    blocks.extend(leaves.into_values().map(|record| (Cid::of_dag_cbor(&record), record)));
    file(&commit.cid(), &blocks)
}

fn frames() -> Vec<Vec<u8>> {
    let did = repository().did;
    let leaves = leaves(3);
    let mut tree = tree_of(&leaves);
    let commit = signed(tree.root());
    let mut blocks = vec![(commit.cid(), commit.block().to_vec())];
    blocks.extend(tree.blocks());
    blocks.extend(leaves.values().map(|record| (Cid::of_dag_cbor(record), record.clone())));
    let (car, rev) =
        (file(&commit.cid(), &blocks), Tid::from_time(NOW_US - 1_000_000, 1).to_string());
    let ops = leaves.iter().map(|(path, record)| RepoOp {
        action: Some(Action::Create),
        path,
        cid: Some(Cid::of_dag_cbor(record)),
        prev: None,
    });
    let commit_frame = CommitFrame {
        seq: 7,
        repo: did.as_str(),
        rev: &rev,
        since: None,
        commit: commit.cid(),
        prev_data: Some(Mst::empty().root()),
        blocks: &car,
        ops: ops.collect(),
        time: TIME,
    };
    let head = file(&commit.cid(), &[(commit.cid(), commit.block().to_vec())]);
    let did = did.as_str();
    let sync = SyncFrame { seq: 8, did, rev: &rev, blocks: &head, time: TIME };
    let identity = IdentityFrame { seq: 9, did, handle: Some("alice.test"), time: TIME };
    let account = AccountFrame { seq: 10, did, active: false, status: Some("deleted"), time: TIME };
    let info = [header(1, Some("#info")), named("name", "OutdatedCursor")].concat();
    let error = [header(-1, None), named("error", "FutureCursor")].concat();
    vec![commit_frame.encode(), sync.encode(), identity.encode(), account.encode(), info, error]
}

/// Signed labels: with and without what is optional, taken back, forged.
fn labels<T>(of: impl FnOnce(&[SentLabel<'_>]) -> T) -> T {
    let Repository { did, key } = repository();
    let cid = Cid::of_raw(b"x").to_string();
    let post = format!("at://{did}/app.bsky.feed.post/3jzfcijpj2z2a");
    let plain = SentLabel {
        ver: Some(1),
        src: did.as_str(),
        uri: did.as_str(),
        cid: None,
        val: "!takedown",
        neg: None,
        cts: TIME,
        exp: None,
        sig: None,
    };
    let long = SentLabel { uri: &post, cid: Some(&cid), val: "porn", exp: Some(TIME), ..plain };
    let unsigned = [plain, long, SentLabel { neg: Some(true), ..long }];
    let sigs = unsigned.map(|label| label.sign(&key));
    let mut sent: Vec<SentLabel<'_>> = Vec::new();
    for (label, sig) in unsigned.iter().zip(&sigs) {
        sent.push(SentLabel { sig: Some(sig), ..*label });
    }
    sent.push(SentLabel { sig: Some(&[7; 64]), ..plain });
    of(&sent)
}

fn label_frames() -> Vec<Vec<u8>> {
    let info = LabelFrame::Info { name: "OutdatedCursor", message: None };
    let error = LabelFrame::Error { error: "FutureCursor", message: Some("why") };
    let mut frames = vec![labels(|sent| LabelsFrame::encode(5, sent)), LabelsFrame::encode(6, &[])];
    frames.extend([info, error].iter().filter_map(LabelFrame::encode_notice));
    frames
}

fn header(op: i64, t: Option<&'static str>) -> Vec<u8> {
    let t = t.map(|t| ("t", Value::text(t)));
    encode(&Value::map(t.into_iter().chain([("op", Value::Int(op))])))
}

fn named(key: &'static str, name: &'static str) -> Vec<u8> {
    encode(&Value::map([(key, Value::text(name)), ("message", Value::text("why"))]))
}

fn token(kid: Option<&str>) -> Vec<u8> {
    let Repository { did, key } = repository();
    let now = NOW_US / 1_000_000;
    let claims = Claims {
        iss: did,
        iss_service: None,
        aud: "did:web:appview.test#bsky_appview".to_owned(),
        exp: now + 60,
        iat: Some(now),
        nbf: None,
        lxm: Some("app.bsky.feed.getTimeline".to_owned()),
        jti: Some("one".to_owned()),
    };
    ServiceToken::mint(&key, kid, &claims).into_bytes()
}

fn did_doc() -> Vec<u8> {
    let Repository { did, key } = repository();
    let key = key.public().to_multibase();
    serde_json::json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": did.as_str(),
        "alsoKnownAs": ["at://alice.test"],
        "verificationMethod": [
            { "id": format!("{did}#atproto"), "type": "Multikey", "controller": did.as_str(), "publicKeyMultibase": key },
            { "id": "#atproto_label", "type": "Multikey", "controller": did.as_str(), "publicKeyMultibase": key },
        ],
        "service": [
            { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.test" },
            { "id": "#bsky_fg", "type": "BskyFeedGenerator", "serviceEndpoint": "https://feeds.test:8443/x" },
        ],
    })
    .to_string()
    .into_bytes()
}

fn entries() -> Vec<Vec<u8>> {
    let record = encode(&records()[0]);
    let cid = Cid::of_dag_cbor(&record);
    let op = EntryOp {
        action: Action::Create,
        collection: Nsid::parse("app.bsky.feed.post").expect("an NSID"),
        rkey: RecordKey::parse("3jzfcijpj2z2a").expect("a key"),
        cid: Some(cid),
        record: Some(record.clone()),
    };
    let kept = SnapshotRecord { path: "app.bsky.feed.post/3jzfcijpj2z2a".to_owned(), cid, record };
    let bodies = [
        EntryBody::Commit { ops: vec![op] },
        EntryBody::Snapshot {
            after: None,
            through: Some("z".to_owned()),
            last: false,
            records: vec![kept],
        },
        EntryBody::Identity {
            handle: Handle::parse("alice.test").ok(),
            pds: Some("https://pds.test".to_owned()),
        },
        EntryBody::Account { active: false, status: Some("deleted".to_owned()) },
        EntryBody::Labels { labels: labels(|sent| sent.iter().map(SentLabel::encode).collect()) },
        EntryBody::Mark,
    ];
    let entry = |body: EntryBody| {
        let header = EntryHeader {
            kind: body.kind(),
            source: "relay".to_owned(),
            source_seq: Some(5),
            did: repository().did,
            rev: Some(Tid::from_time(NOW_US, 3)),
            time_us: NOW_US,
            trace: [3; 16],
        };
        Entry { header, body }.encode().expect("it fits")
    };
    bodies.into_iter().map(entry).collect()
}

fn jetstream() -> Vec<Vec<u8>> {
    let record = &records()[2];
    let (json, cid) = (crate::cbor::to_json(record), Cid::of_dag_cbor(&encode(record)));
    let did = repository().did;
    let rev = Tid::from_time(NOW_US, 1);
    let commit = format!(
        r#""rev":"{rev}","operation":"create","collection":"app.bsky.feed.like","rkey":"3jzfcijpj2z2a","record":{json},"cid":"{cid}""#
    );
    [
        format!(r#"{{"did":"{did}","time_us":{NOW_US},"kind":"commit","commit":{{{commit}}}}}"#),
        format!(r#"{{"did":"{did}","time_us":{NOW_US},"kind":"account","account":{{"active":false,"status":"deleted","did":"{did}","seq":1,"time":"{TIME}"}}}}"#),
        format!(r#"{{"did":"{did}","time_us":{NOW_US},"kind":"identity","identity":{{"did":"{did}","handle":"alice.test","seq":1,"time":"{TIME}"}}}}"#),
        format!(r##"{{"$type":"message","payload":{{"$type":"#commit","seq":5,"did":"{did}","time":"{TIME}",{commit}}}}}"##),
        r#"{"$type":"error","error":"ConsumerTooSlow","message":"slow"}"#.to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}
