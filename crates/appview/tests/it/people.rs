//! People of a [`World`] and what they do: `world.actor("alice").follows("bob")`. Times and keys
//! are drawn from a clock that a test moves, so every run has the same records.

use std::time::Duration;

use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::entry::{Action, Entry, EntryBody, EntryHeader, EntryOp};
use millrace_atproto::jwt::{Claims, ServiceToken};
use millrace_atproto::label::SentLabel;
use millrace_atproto::{Did, Handle, Nsid, RecordKey, Tid};
use millrace_runtime::clock::Clock as _;
use serde_json::{Value, json};

use crate::world::{SERVICE_DID, SOURCE, World};

pub const POST: &str = "app.bsky.feed.post";
pub const LIKE: &str = "app.bsky.feed.like";
pub const REPOST: &str = "app.bsky.feed.repost";
pub const FOLLOW: &str = "app.bsky.graph.follow";
pub const THREADGATE: &str = "app.bsky.feed.threadgate";
pub const PROFILE: &str = "app.bsky.actor.profile";
pub const BLOCK: &str = "app.bsky.graph.block";
pub const LIST: &str = "app.bsky.graph.list";
pub const LIST_ITEM: &str = "app.bsky.graph.listitem";
pub const LIST_BLOCK: &str = "app.bsky.graph.listblock";
pub const STARTER_PACK: &str = "app.bsky.graph.starterpack";
pub const GENERATOR: &str = "app.bsky.feed.generator";

/// A record that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    pub uri: String,
    pub cid: String,
}

impl Ref {
    pub fn json(&self) -> Value {
        json!({ "uri": self.uri, "cid": self.cid })
    }
}

/// The DID of a name.
pub fn did(name: &str) -> Did {
    Did::parse(&format!("did:plc:{name:z<24}")).unwrap()
}

/// One person, about to do something.
pub struct Actor<'a> {
    world: &'a World,
    did: Did,
}

impl World {
    /// Somebody; on first mention they sign up, with a handle that verifies.
    pub fn actor(&self, name: &str) -> Actor<'_> {
        let did = did(name);
        let is_new = !self.people.lock().known.contains(&did);
        let actor = Actor { world: self, did };
        if is_new {
            self.people.lock().known.push(actor.did.clone());
            self.directory.register(&actor.did, name.len() as u8);
            actor.has_handle(Some(&format!("{name}.test")));
        }
        actor
    }

    /// A token as a PDS makes them for a user's request.
    pub fn token(&self, who: &str, nsid: &str) -> String {
        self.token_with(who, nsid, |_| ())
    }

    pub fn token_with(&self, who: &str, nsid: &str, change: impl FnOnce(&mut Claims)) -> String {
        let iss = if who.starts_with("did:") { Did::parse(who).unwrap() } else { did(who) };
        let key = self.directory.key(&iss).unwrap_or_else(|| self.directory.register(&iss, 1));
        let now_s = self.now_us() / 1_000_000;
        let mut claims = Claims {
            aud: SERVICE_DID.to_owned(),
            exp: now_s + 60,
            iat: Some(now_s),
            nbf: None,
            iss_service: None,
            lxm: Some(nsid.to_owned()),
            jti: Some(self.tick().to_string()),
            iss,
        };
        change(&mut claims);
        ServiceToken::mint(&key, None, &claims)
    }

    /// The next moment.
    fn tick(&self) -> i64 {
        self.clock.advance(Duration::from_millis(10));
        self.clock.now_us()
    }

    fn write(&self, did: &Did, body: EntryBody) -> Tid {
        let time_us = self.tick();
        let rev = Tid::from_time(time_us, 0);
        let mut people = self.people.lock();
        people.last_seq += 1;
        let header = EntryHeader {
            kind: body.kind(),
            source: SOURCE.to_owned(),
            source_seq: Some(people.last_seq),
            did: did.clone(),
            rev: matches!(body, EntryBody::Commit { .. }).then_some(rev),
            time_us,
            trace: [0; 16],
        };
        people.entries.push(Entry { header, body });
        rev
    }
}

impl Actor<'_> {
    /// Their handle as it is verified; `None` when it no longer does.
    pub fn has_handle(&self, handle: Option<&str>) -> &Self {
        let handle = handle.map(|handle| Handle::parse(handle).unwrap());
        self.world.write(&self.did, EntryBody::Identity { handle, pds: None });
        self
    }

    /// What they say of an account or a record, as their labeler would.
    pub fn says(&self, val: &str, subject: &str) -> &Self {
        self.issues(&SentLabel { val, ..self.about(subject) })
    }

    /// They take it back.
    pub fn unsays(&self, val: &str, subject: &str) -> &Self {
        self.issues(&SentLabel { val, neg: Some(true), ..self.about(subject) })
    }

    pub fn about<'a>(&'a self, subject: &'a str) -> SentLabel<'a> {
        SentLabel {
            ver: Some(1),
            src: self.did.as_str(),
            uri: subject,
            cid: None,
            val: "spam",
            neg: None,
            cts: "",
            exp: None,
            sig: None,
        }
    }

    /// A label, with the time of now if it has none.
    pub fn issues(&self, label: &SentLabel<'_>) -> &Self {
        let now = format_ms_us(self.world.tick());
        let cts = if label.cts.is_empty() { now.as_str() } else { label.cts };
        let labels = vec![SentLabel { cts, ..*label }.encode()];
        self.world.write(&self.did, EntryBody::Labels { labels });
        self
    }

    /// Their account's standing changes.
    pub fn is(&self, active: bool, status: Option<&str>) -> &Self {
        self.world
            .write(&self.did, EntryBody::Account { active, status: status.map(str::to_owned) });
        self
    }

    /// Writes any record under a key; the revision of the commit.
    pub fn puts(&self, collection: &str, rkey: &str, record: &Value) -> (Ref, Tid) {
        let record = cbor::encode(&cbor::record_from_json(record).unwrap());
        let cid = Cid::of_dag_cbor(&record);
        let op = EntryOp {
            action: Action::Create,
            collection: Nsid::parse(collection).unwrap(),
            rkey: RecordKey::parse(rkey).unwrap(),
            cid: Some(cid),
            record: Some(record),
        };
        let rev = self.world.write(&self.did, EntryBody::Commit { ops: vec![op] });
        (Ref { uri: format!("at://{}/{collection}/{rkey}", self.did), cid: cid.to_string() }, rev)
    }

    /// Writes any record under a new TID, with the present time.
    pub fn creates(&self, collection: &str, mut record: Value) -> Ref {
        let now_us = self.world.tick();
        record["$type"] = json!(collection);
        if record.get("createdAt").is_none() {
            record["createdAt"] = json!(format_ms_us(now_us));
        }
        self.puts(collection, &Tid::from_time(now_us, 0).to_string(), &record).0
    }

    pub fn deletes(&self, subject: &Ref) -> &Self {
        let mut path = subject.uri.rsplit('/');
        let rkey = RecordKey::parse(path.next().unwrap()).unwrap();
        let collection = Nsid::parse(path.next().unwrap()).unwrap();
        let op = EntryOp { action: Action::Delete, collection, rkey, cid: None, record: None };
        self.world.write(&self.did, EntryBody::Commit { ops: vec![op] });
        self
    }

    pub fn has_profile(&self, mut profile: Value) -> &Self {
        profile["$type"] = json!(PROFILE);
        self.puts(PROFILE, "self", &profile);
        self
    }

    pub fn posts(&self, text: &str) -> Ref {
        self.posts_with(text, json!({}))
    }

    /// A post with further fields.
    pub fn posts_with(&self, text: &str, mut record: Value) -> Ref {
        record["text"] = json!(text);
        self.creates(POST, record)
    }

    pub fn replies(&self, parent: &Ref, text: &str) -> Ref {
        let root = self
            .world
            .people
            .lock()
            .roots
            .get(&parent.uri)
            .cloned()
            .unwrap_or_else(|| parent.clone());
        let reply = json!({ "root": root.json(), "parent": parent.json() });
        let post = self.posts_with(text, json!({ "reply": reply }));
        self.world.people.lock().roots.insert(post.uri.clone(), root);
        post
    }

    pub fn quotes(&self, quoted: &Ref, text: &str) -> Ref {
        let embed = json!({ "$type": "app.bsky.embed.record", "record": quoted.json() });
        self.posts_with(text, json!({ "embed": embed }))
    }

    pub fn likes(&self, subject: &Ref) -> Ref {
        self.creates(LIKE, json!({ "subject": subject.json() }))
    }

    pub fn reposts(&self, subject: &Ref) -> Ref {
        self.creates(REPOST, json!({ "subject": subject.json() }))
    }

    /// Says who may reply to a post of theirs (`allow`, `hiddenReplies`).
    pub fn gates(&self, post: &Ref, mut gate: Value) -> Ref {
        gate["$type"] = json!(THREADGATE);
        gate["post"] = json!(post.uri);
        gate["createdAt"] = json!(format_ms_us(self.world.tick()));
        let (_, rkey) = post.uri.rsplit_once('/').unwrap();
        self.puts(THREADGATE, rkey, &gate).0
    }

    pub fn follows(&self, name: &str) -> Ref {
        self.world.actor(name);
        self.creates(FOLLOW, json!({ "subject": did(name) }))
    }

    pub fn blocks(&self, name: &str) -> Ref {
        self.world.actor(name);
        self.creates(BLOCK, json!({ "subject": did(name) }))
    }

    /// A list: `modlist`, `curatelist` or `referencelist`.
    pub fn makes_list(&self, purpose: &str, name: &str) -> Ref {
        let purpose = format!("app.bsky.graph.defs#{purpose}");
        self.creates(LIST, json!({ "name": name, "purpose": purpose }))
    }

    /// Puts somebody on a list of theirs.
    pub fn adds(&self, list: &Ref, name: &str) -> Ref {
        self.world.actor(name);
        self.creates(LIST_ITEM, json!({ "list": list.uri, "subject": did(name) }))
    }

    pub fn blocks_list(&self, list: &Ref) -> Ref {
        self.creates(LIST_BLOCK, json!({ "subject": list.uri }))
    }

    pub fn makes_starter_pack(&self, name: &str, list: &Ref, feeds: &[&Ref]) -> Ref {
        let feeds: Vec<Value> = feeds.iter().map(|feed| json!({ "uri": feed.uri })).collect();
        self.creates(STARTER_PACK, json!({ "name": name, "list": list.uri, "feeds": feeds }))
    }

    /// Offers a feed that `service` makes.
    pub fn offers_feed(&self, service: &Did, name: &str) -> Ref {
        self.creates(GENERATOR, json!({ "did": service, "displayName": name }))
    }
}

/// An image as records have them.
pub fn blob(seed: &str) -> Value {
    typed_blob(seed, "image/jpeg")
}

/// A video as records have them.
pub fn video(seed: &str) -> Value {
    typed_blob(seed, "video/mp4")
}

fn typed_blob(seed: &str, mime: &str) -> Value {
    let link = json!({ "$link": blob_cid(seed) });
    json!({ "$type": "blob", "ref": link, "mimeType": mime, "size": 1234 })
}

/// The CID of a blob.
pub fn blob_cid(seed: &str) -> String {
    Cid::of_raw(seed.as_bytes()).to_string()
}
