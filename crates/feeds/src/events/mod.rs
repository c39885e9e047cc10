//! Events of posts, for consumers outside: `post.created.v1` and `post.updated.v1`, told through the outbox in the
//! transaction that moves the offset.
//!
//! | event | when |
//! | --- | --- |
//! | `POST_CREATED` | a post is here that was not: once for each URI, whichever source brought it |
//! | `POST_UPDATED` | a post's record was replaced by another |
//!
//! Not of reposts: a repost makes no post, and the one it shows was told of when it came. Who counts reposts reads
//! `dataplane.changes.v1`. Not of posts older than [`AGE_US_MAX`] when their fact was logged: an event tells of what
//! is new, and a backfill brings years. What is deleted, or taken down here, before its turn comes is told of by
//! nobody. An event's id follows from what happened, so that it is the same if it is told again after the tables of
//! homes were made anew.

mod payload;

use std::collections::BTreeMap;

use millrace_atproto::syntax::AtUri;
use millrace_dataplane::model::Post;
use millrace_log::{Headers, Topic};
use millrace_runtime::telemetry::propagate;
use millrace_store::outbox::{self, Event};
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::facts::Fact;
use crate::model::PostKey;

pub use payload::{MEDIA_MAX, MediaItem, PostEvent, TEXT_BYTES_MAX};

/// A post older than this when its fact was logged is not told of: three days.
pub const AGE_US_MAX: i64 = 72 * 3_600_000_000;
/// Posts forgotten at most when new ones are remembered; more than come, so that the table does not grow.
const FORGOTTEN_AT_LEAST: usize = 100;

/// Whose posts are told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostEvents {
    /// Nobody's.
    Off,
    /// Of accounts that somebody who reads here follows, and of who reads here.
    #[default]
    Followed,
    /// Everybody's.
    All,
}

/// What happened to a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happened {
    Created,
    Updated,
}

impl Happened {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Created => "POST_CREATED",
            Self::Updated => "POST_UPDATED",
        }
    }

    fn topic(self) -> Topic {
        match self {
            Self::Created => Topic::PostCreated,
            Self::Updated => Topic::PostUpdated,
        }
    }
}

/// What the facts of a batch say of posts: each post once, with when that was logged. A post that came and was
/// replaced since is told of as it is now, and once.
#[derive(Debug, Default)]
pub(crate) struct Told(BTreeMap<String, Telling>);

/// A post to be told of.
#[derive(Debug)]
struct Telling {
    uri: AtUri,
    happened: Happened,
    appended_us: i64,
    traceparent: Option<String>,
}

impl Told {
    pub(crate) fn note(&mut self, facts: &[Fact], appended_us: i64, traceparent: Option<&str>) {
        for fact in facts {
            let (uri, happened) = match fact {
                Fact::Came { item } => (item, Happened::Created),
                Fact::Renewed { item } => (item, Happened::Updated),
                _ => continue,
            };
            if uri.as_record().is_none_or(|(_, nsid, _)| nsid.as_str() != payload::POST) {
                continue;
            }
            let told = self.0.entry(uri.to_string());
            told.or_insert_with(|| Telling {
                uri: uri.clone(),
                happened,
                appended_us,
                traceparent: traceparent.map(str::to_owned),
            });
        }
    }

    pub(crate) fn uris(&self) -> impl Iterator<Item = &AtUri> {
        self.0.values().map(|telling| &telling.uri)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&AtUri) -> bool) {
        self.0.retain(|_, telling| keep(&telling.uri));
    }

    /// The event of a post that is here, unless it is too old to be told of.
    pub(crate) fn announcement(&self, key: PostKey, post: &Post) -> Option<Announcement> {
        let Telling { happened, appended_us, traceparent, .. } = self.0.get(&post.uri)?;
        let is_old = post.sort_at_us < appended_us.saturating_sub(AGE_US_MAX);
        if *happened == Happened::Created && is_old {
            return None;
        }
        let id = match happened {
            Happened::Created => outbox::event_id(post.sort_at_us, &[happened.kind(), &post.uri]),
            Happened::Updated => {
                let cid = post.record.cid.to_string();
                let parts = [happened.kind(), post.uri.as_str(), cid.as_str()];
                outbox::event_id(post.record.indexed_at_us, &parts)
            }
        };
        let payload =
            serde_json::to_vec(&PostEvent::of(post)).expect("invariant: it is plain JSON");
        Some(Announcement {
            key,
            happened: *happened,
            sort_at_us: post.sort_at_us,
            author: post.author.to_string(),
            uri: post.uri.clone(),
            id,
            payload,
            headers: trace(traceparent.as_deref()),
        })
    }
}

/// An event ready to be told.
#[derive(Debug, Clone)]
pub(crate) struct Announcement {
    key: PostKey,
    happened: Happened,
    sort_at_us: i64,
    author: String,
    uri: String,
    id: String,
    payload: Vec<u8>,
    headers: Headers,
}

/// The trace that it belongs to, where traces are sent.
fn trace(traceparent: Option<&str>) -> Headers {
    let mut headers = Headers::NONE;
    if let Some(traceparent) = traceparent {
        // It is far below any bound.
        let _ = headers.push(propagate::TRACEPARENT, traceparent.to_owned());
    }
    headers
}

/// Tells what was not told before; how many of each kind.
pub(crate) fn publish(tx: &mut Tx, all: &[Announcement]) -> Result<[usize; 2], StoreError> {
    let mut counts = [0; 2];
    if all.is_empty() {
        return Ok(counts);
    }
    let fresh = remember(tx, all)?;
    let events =
        all.iter().filter(|one| one.happened == Happened::Updated || fresh.contains(&one.key));
    let events: Vec<Event<'_>> = events
        .inspect(|one| counts[usize::from(one.happened == Happened::Updated)] += 1)
        .map(|one| Event {
            id: &one.id,
            topic: one.happened.topic(),
            key: one.author.as_bytes(),
            aggregate_type: "post",
            aggregate_id: &one.uri,
            kind: one.happened.kind(),
            payload: &one.payload,
            headers: &one.headers,
        })
        .collect();
    outbox::push_events(tx, events)?;
    Ok(counts)
}

/// Remembers the posts that are told of as new; those that were not remembered.
fn remember(tx: &mut Tx, all: &[Announcement]) -> Result<foldhash::HashSet<PostKey>, StoreError> {
    let created = || all.iter().filter(|one| one.happened == Happened::Created);
    let known: Vec<PostKey> = tx.query_many(
        "SELECT a.post_actor, a.post_rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k
         CROSS JOIN announced AS a WHERE a.post_actor = k.actor AND a.post_rkey = k.rkey",
        created().map(|one| [one.key.0, one.key.1].map(Param::Int)),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let known: foldhash::HashSet<PostKey> = known.into_iter().collect();
    let fresh: Vec<&Announcement> = created().filter(|one| !known.contains(&one.key)).collect();
    tx.execute_many(
        "INSERT INTO announced (post_actor, post_rkey, sort_at_us) {values:BIGINT KEY,BIGINT KEY,BIGINT}
         ON CONFLICT DO NOTHING",
        fresh.iter().map(|one| [one.key.0, one.key.1, one.sort_at_us].map(Param::Int)),
    )?;
    // Twice the age, so that a fact that lay in the log all the while is still known.
    let before_us = tx.now_us().saturating_sub(2 * AGE_US_MAX);
    let some =
        i64::try_from(FORGOTTEN_AT_LEAST.saturating_add(2 * fresh.len())).unwrap_or(i64::MAX);
    tx.execute(
        "DELETE FROM announced WHERE (post_actor, post_rkey) IN
         (SELECT a.post_actor, a.post_rkey FROM announced AS a WHERE a.sort_at_us < $1
          ORDER BY a.sort_at_us LIMIT $2)",
        &[Param::Int(before_us), Param::Int(some)],
    )?;
    Ok(fresh.into_iter().map(|one| one.key).collect())
}
