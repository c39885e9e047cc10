//! `hydrate`: what views need to know of accounts, posts, lists and services, on every engine.

mod detail;
mod gates;
mod pages;
mod posts;
mod relations;

use std::cell::Cell;

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::AtUri;
use millrace_dataplane::model::{Actor, ActorViewer, Post};
use millrace_dataplane::query::hydrate::{Hydrate, Hydration};
use serde_json::{Value, json};

use crate::entries::{self, did, tid, uri};
use crate::harness::Harness;
use crate::kinds::record;

const POST: &str = "app.bsky.feed.post";
const REPOST: &str = "app.bsky.feed.repost";
const LIKE: &str = "app.bsky.feed.like";
const FOLLOW: &str = "app.bsky.graph.follow";
const BLOCK: &str = "app.bsky.graph.block";
const LIST: &str = "app.bsky.graph.list";
const LIST_ITEM: &str = "app.bsky.graph.listitem";
const LIST_BLOCK: &str = "app.bsky.graph.listblock";
const GENERATOR: &str = "app.bsky.feed.generator";
const STARTER_PACK: &str = "app.bsky.graph.starterpack";
const LABELER: &str = "app.bsky.labeler.service";
const PROFILE: &str = "app.bsky.actor.profile";

/// People who write records, one after the other.
pub(crate) struct Town {
    pub(crate) harness: Harness,
    n: Cell<i64>,
}

impl Town {
    pub(crate) fn new(harness: Harness) -> Self {
        Self { harness, n: Cell::new(0) }
    }

    fn tick(&self) -> i64 {
        self.n.set(self.n.get() + 1);
        self.n.get()
    }

    /// Writes a record under a new key; its URI.
    pub(crate) async fn write(&self, who: &str, collection: &str, json: Value) -> String {
        let rkey = tid(self.tick()).to_string();
        self.put(who, collection, &rkey, json).await
    }

    pub(crate) async fn put(
        &self,
        who: &str,
        collection: &str,
        rkey: &str,
        mut json: Value,
    ) -> String {
        json["$type"] = json!(collection);
        if json.get("createdAt").is_none() {
            json["createdAt"] = json!("2026-01-01T00:00:00.000Z");
        }
        let op = entries::put(collection, rkey, record(&json));
        self.harness.apply(&[entries::commit(&did(who), self.tick(), vec![op])]).await;
        uri(&did(who), collection, rkey)
    }

    pub(crate) async fn delete(&self, uri: &str) {
        let uri = at(uri);
        let (who, collection, rkey) = uri.as_record().unwrap();
        let op = entries::delete(collection.as_str(), rkey.as_str());
        self.harness.apply(&[entries::commit(who, self.tick(), vec![op])]).await;
    }

    pub(crate) async fn account(&self, who: &str, active: bool) {
        let entry =
            entries::account(&did(who), self.tick(), active, (!active).then_some("suspended"));
        self.harness.apply(&[entry]).await;
    }

    pub(crate) async fn post(&self, who: &str) -> String {
        self.write(who, POST, json!({"text": who})).await
    }

    pub(crate) async fn reply(&self, who: &str, root: &str, parent: &str) -> String {
        let reply = json!({"root": strong(root), "parent": strong(parent)});
        self.write(who, POST, json!({"text": who, "reply": reply})).await
    }

    /// A post that shows another record.
    pub(crate) async fn quote(&self, who: &str, quoted: &str) -> String {
        let embed = json!({"$type": "app.bsky.embed.record", "record": strong(quoted)});
        self.write(who, POST, json!({"text": who, "embed": embed})).await
    }

    pub(crate) async fn edge(&self, who: &str, collection: &str, whom: &str) -> String {
        self.write(who, collection, json!({"subject": did(whom)})).await
    }

    pub(crate) async fn list(&self, who: &str, purpose: &str, members: &[&str]) -> String {
        let purpose = format!("app.bsky.graph.defs#{purpose}");
        let list = self.write(who, LIST, json!({"name": "l", "purpose": purpose})).await;
        for member in members {
            self.write(who, LIST_ITEM, json!({"subject": did(member), "list": list})).await;
        }
        list
    }

    pub(crate) async fn hydrate(&self, asked: Hydrate) -> Hydration {
        self.harness.client.ask(asked).await.unwrap()
    }

    /// What `viewer` is to `whom`.
    async fn relation(&self, viewer: &str, whom: &str) -> ActorViewer {
        let asked =
            Hydrate { viewer: Some(did(viewer)), actors: vec![did(whom)], ..Hydrate::default() };
        actor(&self.hydrate(asked).await, whom).viewer.clone().unwrap()
    }

    /// Posts as `viewer` sees them.
    async fn posts(&self, viewer: Option<&str>, uris: &[&str]) -> Hydration {
        let posts = uris.iter().map(|uri| at(uri)).collect();
        self.hydrate(Hydrate { viewer: viewer.map(did), posts, ..Hydrate::default() }).await
    }
}

pub(crate) fn at(uri: &str) -> AtUri {
    AtUri::parse(uri).unwrap()
}

pub(crate) fn strong(uri: &str) -> Value {
    json!({"uri": uri, "cid": Cid::of_dag_cbor(uri.as_bytes()).to_string()})
}

#[track_caller]
fn actor<'a>(found: &'a Hydration, who: &str) -> &'a Actor {
    found.actors.iter().find(|actor| actor.did == did(who)).expect(who)
}

#[track_caller]
fn post<'a>(found: &'a Hydration, uri: &str) -> &'a Post {
    found.posts.iter().find(|post| post.uri == uri).expect(uri)
}
