//! `getRepostedBy`: who reposted a record, the latest reposts first. `getReposts`: reposts of posts
//! by name. Also the CIDs of reposts, which feeds show: a repost is kept as its fields and has its
//! CID again when they give it.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::cbor::{self, Value};
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::by_subject::{self, Edges};
use super::cursor::TimeKey;
use super::uri_page::UriPage;
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Most reposts one question may name.
pub const REPOSTS_MAX: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetRepostedBy {
    pub uri: AtUri,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for GetRepostedBy {
    const NAME: &'static str = "getRepostedBy";
    /// The reposts, by name.
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some(subject) = lookup::record_key(tx, &self.uri)? else {
            return Ok(UriPage::default());
        };
        let (rows, cursor) = by_subject::page(tx, Edges::Reposts, &subject, before, limit)?;
        let names =
            lookup::Names::of(tx, rows.iter().map(|r| r.actor), rows.iter().map(|r| r.rkey))?;
        let repost = Collection::Repost.code();
        let uris = rows.iter().map(|row| names.uri(row.actor, repost, row.rkey));
        Ok(UriPage { uris: uris.collect::<Result<_, _>>()?, cursor })
    }
}

/// Asks for reposts of posts by name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetReposts {
    pub uris: Vec<AtUri>,
}

/// The reposts found; unknown ones, and those of anything but posts, are left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reposts {
    pub reposts: Vec<Repost>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repost {
    pub uri: String,
    /// The post.
    pub subject: String,
    /// Where what is kept of it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cid: Option<Cid>,
    pub sort_at_us: i64,
}

impl Question for GetReposts {
    const NAME: &'static str = "getReposts";
    type Answer = Reposts;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Reposts, DataplaneError> {
        if self.uris.len() > REPOSTS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {REPOSTS_MAX} uris, not {}",
                self.uris.len()
            )));
        }
        let mut keys = Vec::with_capacity(self.uris.len());
        for uri in &self.uris {
            let key = lookup::record_key(tx, uri)?
                .filter(|key| key.collection == Collection::Repost.code());
            keys.extend(key.map(|key| (key.actor, key.rkey)));
        }
        let kept = kept(tx, &keys)?;
        let cids = cids_of(tx, &kept)?;
        let named = || kept.iter().flat_map(|repost| [repost.key, repost.subject]);
        let names = lookup::Names::of(tx, named().map(|key| key.0), named().map(|key| key.1))?;
        let reposts = kept.iter().map(|repost| {
            Ok(Repost {
                uri: names.uri(repost.key.0, Collection::Repost.code(), repost.key.1)?,
                cid: cids.get(&repost.key).copied(),
                subject: repost.subject_uri(&names)?,
                sort_at_us: repost.created_at_us.min(repost.indexed_at_us),
            })
        });
        Ok(Reposts { reposts: reposts.collect::<Result<_, DataplaneError>>()? })
    }
}

/// A repost's key: account and record key.
type Key = (i64, i64);

/// What is kept of a repost of a post, with the post's version as it is now.
struct Kept {
    key: Key,
    subject: Key,
    cid_prefix: i64,
    created_at_us: i64,
    indexed_at_us: i64,
    subject_cid: Vec<u8>,
}

fn kept(tx: &mut Tx, reposts: &[Key]) -> Result<Vec<Kept>, DataplaneError> {
    if reposts.is_empty() {
        return Ok(Vec::new());
    }
    Ok(tx.query_many(
        "SELECT r.actor_id, r.rkey, r.subject_actor, r.subject_rkey, r.cid_prefix, r.created_at_us, r.indexed_at_us, p.cid
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k CROSS JOIN repost AS r CROSS JOIN post AS p
         WHERE r.actor_id = k.actor AND r.rkey = k.rkey AND r.subject_collection = k.collection
           AND p.actor_id = r.subject_actor AND p.rkey = r.subject_rkey",
        reposts.iter().map(|key| {
            [Param::Int(key.0), Param::Int(key.1), Param::Int(Collection::Post.code())]
        }),
        |row| {
            Ok(Kept {
                key: (row.get(0)?, row.get(1)?),
                subject: (row.get(2)?, row.get(3)?),
                cid_prefix: row.get(4)?,
                created_at_us: row.get(5)?,
                indexed_at_us: row.get(6)?,
                subject_cid: row.get(7)?,
            })
        },
    )?)
}

impl Kept {
    fn subject_uri(&self, names: &lookup::Names) -> Result<String, DataplaneError> {
        Ok(names.uri(self.subject.0, Collection::Post.code(), self.subject.1)?)
    }

    /// Its CID, if it said nothing but what is kept and the post is the version it named.
    fn cid(&self, subject: &str) -> Result<Option<Cid>, DataplaneError> {
        let cid = encoded(subject, lookup::cid(&self.subject_cid)?, self.created_at_us);
        Ok((cid.prefix_i64() == self.cid_prefix).then_some(cid))
    }
}

/// The CIDs of reposts of posts, as far as what is kept of them gives the CID that they had, or
/// somebody was told of them.
pub(crate) fn cids(tx: &mut Tx, reposts: &[Key]) -> Result<HashMap<Key, Cid>, DataplaneError> {
    let kept = kept(tx, reposts)?;
    cids_of(tx, &kept)
}

fn cids_of(tx: &mut Tx, kept: &[Kept]) -> Result<HashMap<Key, Cid>, DataplaneError> {
    let subjects = || kept.iter().map(|repost| repost.subject);
    let names = lookup::Names::of(tx, subjects().map(|key| key.0), subjects().map(|key| key.1))?;
    let mut cids = HashMap::with_capacity(kept.len());
    let mut unsure = Vec::new();
    for repost in kept {
        match repost.cid(&repost.subject_uri(&names)?)? {
            Some(cid) => drop(cids.insert(repost.key, cid)),
            None => unsure.push(repost.key),
        }
    }
    cids.extend(told(tx, &unsure)?);
    Ok(cids)
}

/// The CIDs of reposts of which somebody was told: a notification keeps its record's.
fn told(tx: &mut Tx, reposts: &[Key]) -> Result<Vec<(Key, Cid)>, DataplaneError> {
    let mut found = Vec::new();
    for key in reposts {
        let cid: Option<Vec<u8>> = tx.query_opt(
            "SELECT cid FROM notification WHERE author = $1 AND rkey = $2 AND collection = $3 LIMIT 1",
            &[Param::Int(key.0), Param::Int(key.1), Param::Int(Collection::Repost.code())],
            |row| row.get(0),
        )?;
        if let Some(cid) = cid {
            found.push((*key, lookup::cid(&cid)?));
        }
    }
    Ok(found)
}

/// The CID of a repost that says nothing beside its subject and its time.
fn encoded(subject: &str, subject_cid: Cid, created_at_us: i64) -> Cid {
    let text = |key, value| (Cow::Borrowed(key), Value::Text(Cow::Owned(value)));
    let subject =
        Value::Map(vec![text("cid", subject_cid.to_string()), text("uri", subject.to_owned())]);
    // Canonical key order: by length, then bytes.
    let record = Value::Map(vec![
        text("$type", Collection::Repost.nsid().to_owned()),
        (Cow::Borrowed("subject"), subject),
        text("createdAt", format_ms_us(created_at_us)),
    ]);
    Cid::of_dag_cbor(&cbor::encode(&record))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_plain_repost_has_its_cid_again() {
        let subject = "at://did:plc:alice/app.bsky.feed.post/3kaaaaaaaaa2a";
        let subject_cid = Cid::of_dag_cbor(b"post");
        let record = serde_json::json!({
            "$type": "app.bsky.feed.repost",
            "subject": { "uri": subject, "cid": subject_cid.to_string() },
            "createdAt": "2026-01-02T03:04:05.678Z",
        });
        let bytes = cbor::encode(&cbor::record_from_json(&record).unwrap());
        let at_us = millrace_atproto::datetime::epoch_us("2026-01-02T03:04:05.678Z").unwrap();
        assert_eq!(encoded(subject, subject_cid, at_us), Cid::of_dag_cbor(&bytes));
    }
}
