//! A small network, written down line by line.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Tid;
use serde_json::{Value, json};

use crate::oracle::truth::{Account, Moment, Own, Record};
use crate::oracle::{Model, Question};

/// 2026-01-01T00:00:00Z; every record is a second younger than the one before.
pub(super) const START_US: i64 = 1_767_225_600_000_000;
const STEP_US: i64 = 1_000_000;

/// Accounts and records, with the moments at which all was readable.
#[derive(Default)]
pub(super) struct Tiny {
    pub now: Moment,
    pub before: Vec<Moment>,
    pub own: Own,
    made: i64,
}

impl Tiny {
    pub(super) fn account(&mut self, name: &str) -> String {
        let did = format!("did:plc:{name}");
        let account =
            Account { handle: Some(format!("{name}.test")), active: true, ..Account::default() };
        self.now.accounts.insert(did.clone(), account);
        did
    }

    /// A record that says it was made when it was, under a new TID.
    pub(super) fn put(&mut self, did: &str, collection: &str, mut value: Value) -> String {
        let at_us = self.tick();
        let rkey = Tid::from_time(at_us, 0).to_string();
        value["createdAt"] = json!(format_ms_us(at_us));
        self.put_at(did, &format!("{collection}/{rkey}"), value)
    }

    pub(super) fn put_at(&mut self, did: &str, path: &str, mut value: Value) -> String {
        let known = self.now.accounts[did].records.get(path).map(|known| known.created_us);
        let created_us = known.unwrap_or(START_US + self.made * STEP_US);
        let collection = path.split('/').next().unwrap();
        value["$type"] = json!(collection);
        let cid = format!("cid of {path} {value}");
        let record = Record { cid, value, created_us, edited: known.is_some() };
        let account = self.now.accounts.get_mut(did).unwrap();
        account.records.insert(path.to_owned(), record);
        let uri = format!("at://{did}/{path}");
        self.now.touched.insert(uri.clone());
        uri
    }

    pub(super) fn delete(&mut self, uri: &str) {
        let (did, path) = uri.strip_prefix("at://").unwrap().split_once('/').unwrap();
        self.now.accounts.get_mut(did).unwrap().records.remove(path);
        self.now.touched.insert(uri.to_owned());
    }

    pub(super) fn post(&mut self, did: &str, text: &str) -> String {
        self.put(did, "app.bsky.feed.post", json!({"text": text}))
    }

    pub(super) fn reply(&mut self, did: &str, root: &str, parent: &str) -> String {
        let reply = json!({"root": {"uri": root}, "parent": {"uri": parent}});
        self.put(did, "app.bsky.feed.post", json!({"text": "a reply", "reply": reply}))
    }

    pub(super) fn quote(&mut self, did: &str, quoted: &str) -> String {
        let embed = json!({"$type": "app.bsky.embed.record", "record": {"uri": quoted}});
        self.put(did, "app.bsky.feed.post", json!({"text": "a quote", "embed": embed}))
    }

    pub(super) fn like(&mut self, did: &str, subject: &str) -> String {
        self.put(did, "app.bsky.feed.like", json!({"subject": {"uri": subject}}))
    }

    pub(super) fn repost(&mut self, did: &str, subject: &str) -> String {
        self.put(did, "app.bsky.feed.repost", json!({"subject": {"uri": subject}}))
    }

    pub(super) fn follow(&mut self, did: &str, subject: &str) -> String {
        self.put(did, "app.bsky.graph.follow", json!({"subject": subject}))
    }

    pub(super) fn block(&mut self, did: &str, subject: &str) -> String {
        self.put(did, "app.bsky.graph.block", json!({"subject": subject}))
    }

    pub(super) fn list(&mut self, did: &str, purpose: &str, members: &[&str]) -> String {
        let purpose = format!("app.bsky.graph.defs#{purpose}");
        let list = self.put(did, "app.bsky.graph.list", json!({"name": "l", "purpose": purpose}));
        for member in members {
            let item = json!({"list": list, "subject": member});
            self.put(did, "app.bsky.graph.listitem", item);
        }
        list
    }

    /// A gate over a post; nobody may reply unless `allow` says so.
    pub(super) fn threadgate(&mut self, post: &str, allow: Value) -> String {
        let (did, path) = post.strip_prefix("at://").unwrap().split_once('/').unwrap();
        let path = path.replace("app.bsky.feed.post", "app.bsky.feed.threadgate");
        let did = did.to_owned();
        self.put_at(&did, &path, json!({"post": post, "allow": allow}))
    }

    /// All that was written could be read.
    pub(super) fn settle(&mut self) {
        self.tick();
        self.now.settled_us = START_US + self.made * STEP_US;
        self.before.push(self.now.clone());
        self.now.touched.clear();
    }

    pub(super) fn model(&mut self) -> Model {
        self.settle();
        Model::new(&self.before, self.own.clone())
    }

    fn tick(&mut self) -> i64 {
        self.made += 1;
        START_US + self.made * STEP_US
    }
}

/// The one question to a method with a parameter of this value; with an empty one, any.
pub(super) fn question(model: &Model, viewer: Option<&str>, nsid: &str, param: &str) -> Question {
    let compared = crate::oracle::COMPARED.iter().find(|compared| compared.nsid == nsid).unwrap();
    let mut asked = compared.questions(&model.view(viewer)).into_iter();
    asked.find(|q| param.is_empty() || q.params.iter().any(|(_, value)| value == param)).unwrap()
}
