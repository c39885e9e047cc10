//! Between names and the store's integer ids, for many at once.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::{AtUri, Did, RecordKey};
use millrace_store::{ActorId, Dictionary, RkeyId, StoreError};

use millrace_dataplane::query::limited_post::LIMITED_POST;

use crate::model::{ItemKey, LIMITED, POST, PostKey, REPOST};

pub(crate) const POST_NSID: &str = "app.bsky.feed.post";
pub(crate) const REPOST_NSID: &str = "app.bsky.feed.repost";

/// The code of a collection whose records bring posts into homes.
pub(crate) fn code_of(nsid: &str) -> Option<i64> {
    match nsid {
        POST_NSID => Some(POST),
        REPOST_NSID => Some(REPOST),
        LIMITED_POST => Some(LIMITED),
        _ => None,
    }
}

/// The collection of a code; what is no other is a post.
pub(crate) fn nsid_of(collection: i64) -> &'static str {
    match collection {
        REPOST => REPOST_NSID,
        LIMITED => LIMITED_POST,
        _ => POST_NSID,
    }
}

/// Names that are to become ids.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    dids: BTreeSet<Did>,
    rkeys: BTreeSet<RecordKey>,
}

impl Wanted {
    pub(crate) fn did(&mut self, did: &Did) {
        if !self.dids.contains(did) {
            self.dids.insert(did.clone());
        }
    }

    pub(crate) fn rkey(&mut self, rkey: &RecordKey) {
        // Others are their own ids.
        if RkeyId::of_tid(rkey).is_none() && !self.rkeys.contains(rkey) {
            self.rkeys.insert(rkey.clone());
        }
    }

    pub(crate) fn uri(&mut self, uri: &AtUri) {
        if let Some((did, _, rkey)) = uri.as_record() {
            self.did(did);
            self.rkey(rkey);
        }
    }

    /// Their ids; those never seen get one.
    pub(crate) async fn resolve(self, dictionary: &Dictionary) -> Result<Ids, StoreError> {
        let dids: Vec<Did> = self.dids.into_iter().collect();
        let rkeys: Vec<RecordKey> = self.rkeys.into_iter().collect();
        let actor_ids = dictionary.actor_ids(&dids).await?;
        let rkey_ids = dictionary.rkey_ids(&rkeys).await?;
        Ok(Ids {
            actors: dids.into_iter().zip(actor_ids.into_iter().map(|id| id.0)).collect(),
            rkeys: rkeys.into_iter().zip(rkey_ids.into_iter().map(|id| id.0)).collect(),
        })
    }
}

/// Ids of names.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    actors: HashMap<Did, i64>,
    rkeys: HashMap<RecordKey, i64>,
}

impl Ids {
    pub(crate) fn actor(&self, did: &Did) -> Option<i64> {
        self.actors.get(did).copied()
    }

    fn rkey(&self, rkey: &RecordKey) -> Option<i64> {
        RkeyId::of_tid(rkey).map(|id| id.0).or_else(|| self.rkeys.get(rkey).copied())
    }

    /// A post's key; `None` for any other record.
    pub(crate) fn post(&self, uri: &AtUri) -> Option<PostKey> {
        let item = self.item(uri)?;
        (item.collection != REPOST).then_some((item.actor, item.rkey))
    }

    /// What brings a post into homes; `None` for any other record.
    pub(crate) fn item(&self, uri: &AtUri) -> Option<ItemKey> {
        let (did, collection, rkey) = uri.as_record()?;
        let collection = code_of(collection.as_str())?;
        Some(ItemKey { actor: self.actor(did)?, rkey: self.rkey(rkey)?, collection })
    }
}

/// Names of ids.
pub(crate) struct Texts {
    dids: HashMap<i64, Did>,
    rkeys: HashMap<i64, RecordKey>,
}

impl Texts {
    pub(crate) async fn of(
        dictionary: &Dictionary,
        actors: impl IntoIterator<Item = i64>,
        rkeys: impl IntoIterator<Item = i64>,
    ) -> Result<Self, StoreError> {
        let actors: Vec<ActorId> = distinct(actors).map(ActorId).collect();
        let keys: Vec<RkeyId> = distinct(rkeys).map(RkeyId).collect();
        let (mut dids, mut rkeys) = (HashMap::new(), HashMap::new());
        for (id, did) in actors.iter().zip(dictionary.dids(&actors).await?) {
            dids.extend(did.map(|did| (id.0, did)));
        }
        for (id, rkey) in keys.iter().zip(dictionary.rkeys(&keys).await?) {
            rkeys.extend(rkey.map(|rkey| (id.0, rkey)));
        }
        Ok(Self { dids, rkeys })
    }

    /// `at://<did>/<collection>/<record key>`.
    pub(crate) fn uri(&self, item: ItemKey) -> Option<String> {
        let (did, rkey) = (self.dids.get(&item.actor)?, self.rkeys.get(&item.rkey)?);
        let collection = nsid_of(item.collection);
        Some(["at://", did.as_str(), "/", collection, "/", rkey.as_str()].concat())
    }

    pub(crate) fn post_uri(&self, post: PostKey) -> Option<String> {
        self.uri(ItemKey { actor: post.0, rkey: post.1, collection: POST })
    }
}

fn distinct(ids: impl IntoIterator<Item = i64>) -> impl Iterator<Item = i64> {
    ids.into_iter().collect::<BTreeSet<i64>>().into_iter()
}
