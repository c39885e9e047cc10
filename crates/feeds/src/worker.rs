//! The projection: what the store's worker loop calls with batches of `dataplane.changes.v1`.
//!
//! What an item needs on its way is asked of the data-plane before the transaction, and only of items of
//! somebody whom readers follow: most of a network's are nobody's concern here.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};
use millrace_atproto::syntax::AtUri;
use millrace_dataplane::apply::change::Changes;
use millrace_dataplane::model::Post;
use millrace_dataplane::query::home_items::{GetHomeItems, HomeItem, HomeItemsOf, LIMIT_MAX};
use millrace_dataplane::query::posts::{GetPosts, POSTS_MAX};
use millrace_log::{Item, Log, Topic};
use millrace_runtime::telemetry::journey::{self, Trace};
use millrace_store::worker::{ApplyError, Projection};
use millrace_store::{Dictionary, Param, Store, StoreError, Tx, offsets};

use crate::apply::facts::{self, Fact};
use crate::apply::items::NewItem;
use crate::apply::{self, Batch};
use crate::deps::Deps;
use crate::error::asked;
use crate::events::{self, Announcement, PostEvents, Told};
use crate::names::{Ids, Wanted};

/// The projection's name in `projection_offset`, in metrics and on the command line.
pub const NAME: &str = "feeds";

/// Applies facts to homes.
#[derive(Clone)]
pub struct Feeds {
    pub deps: Deps,
}

impl Projection for Feeds {
    type Prepared = Prepared;

    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, item: &Item) -> Option<Vec<u8>> {
        let changes = decoded(item).ok()?;
        Some(changes.did.as_str().as_bytes().to_vec())
    }

    async fn prepare(&self, items: &[Item]) -> Result<Prepared, ApplyError> {
        // Where nobody reads there are no homes to write: who comes later has one built from what there is then.
        // Events of posts go on, if they are everybody's.
        let has_readers = self.has_readers().await?;
        if !has_readers && self.deps.config.post_events != PostEvents::All {
            return Ok(Prepared(Batch::default()));
        }
        let (mut facts, mut told) = (Vec::new(), Told::default());
        for item in items {
            let changes = decoded(item)?;
            let mut some = facts::read(&changes);
            told.note(&some, item.appended_us, changes.traceparent.as_deref());
            some.retain(|fact| has_readers || fact.is_post());
            facts.extend(some);
        }
        let mut wanted = Wanted::default();
        facts.iter().for_each(|fact| fact.names(&mut wanted));
        let ids = wanted.resolve(&self.deps.dictionary).await?;
        let mut batch = resolved(&facts, &ids);
        let of_concern = self.of_concern(authors(&facts, &ids)).await?;
        batch.came = self.news(&facts, &ids, &of_concern).await?;
        batch.announced = self.announced(told, &ids, &of_concern).await?;
        Ok(Prepared(batch))
    }

    fn write(&self, tx: &mut Tx, prepared: Prepared) -> Result<(), ApplyError> {
        apply::apply(tx, &prepared.0, self.deps.config.rescore_after_us())?;
        let told = events::publish(tx, &prepared.0.announced)?;
        self.deps.metrics.post_events(told);
        self.deps.metrics.items_came(prepared.0.came.len());
        Ok(())
    }

    fn overflow(&self, tx: &mut Tx, key: &[u8]) -> Result<(), ApplyError> {
        let did = String::from_utf8_lossy(key);
        tracing::warn!(%did, "too many facts are parked behind this account: the homes that show it are built anew");
        tx.execute(
            "UPDATE feed_state SET built_at_us = NULL WHERE user_id IN
             (SELECT a.user_id FROM dictionary.actor AS d CROSS JOIN affinity AS a
              WHERE d.did = $1 AND a.author_id = d.id)",
            &[Param::Text(&did)],
        )?;
        Ok(())
    }

    fn trace(&self, item: &Item) -> Option<Trace> {
        journey::trace_of(&decoded(item).ok()?.traceparent?)
    }

    fn committed(&self, _: u32, _: i64) {
        self.deps.wakes.all();
    }
}

/// A batch ready to be written.
pub struct Prepared(Batch);

/// The topics that homes are told by.
pub const TOPICS: [Topic; 2] = [Topic::DataplaneChanges, Topic::OwnChanges];

/// Before the workers start: where facts are gone that homes were not told, or the log is another one, homes are
/// forgotten, and built from what there is when they are read next.
///
/// # Errors
/// The log or the tables cannot be read.
pub async fn make_ready(store: &Store, log: &Log) -> Result<(), ApplyError> {
    let mut tails = Vec::new();
    let mut is_lost = false;
    for topic in TOPICS {
        for partition in 0..log.partitions(topic) {
            let load = move |tx: &mut Tx| offsets::load(tx, NAME, topic, partition);
            let next: Result<Option<i64>, StoreError> = store.read(load).await;
            let (oldest, tail) =
                (log.oldest(topic, partition).await?, log.tail(topic, partition).await?);
            is_lost |= next?.is_some_and(|next| next < oldest || next > tail);
            tails.push((topic, partition, tail));
        }
    }
    if !is_lost {
        return Ok(());
    }
    tracing::warn!("homes were told nothing for too long: they are made anew");
    let forget = move |tx: &mut Tx| {
        for table in TABLES {
            tx.execute(&format!("DELETE FROM {table}"), &[])?;
        }
        tx.execute("DELETE FROM parked", &[])?;
        tx.execute("DELETE FROM projection_offset", &[])?;
        for (topic, partition, tail) in tails {
            offsets::advance(tx, NAME, topic, partition, tail, tail)?;
        }
        Ok(())
    };
    let forgotten: Result<(), StoreError> = store.write(forget).await;
    Ok(forgotten?)
}

/// All of what homes are.
const TABLES: [&str; 8] = [
    "user_feeds",
    "fanout_job",
    "settle_job",
    "post_stats",
    "hidden",
    "affinity",
    "author_tier",
    "feed_state",
];

impl Feeds {
    async fn has_readers(&self) -> Result<bool, StoreError> {
        const SQL: &str =
            "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM feed_state) THEN 1 ELSE 0 END AS BIGINT)";
        self.deps.store.read(|tx| tx.query_one(SQL, &[], |row| row.get(0))).await
    }

    /// The items that matter to some home, with what is known of them.
    async fn news(
        &self,
        facts: &[Fact],
        ids: &Ids,
        of_concern: &HashSet<i64>,
    ) -> Result<Vec<NewItem>, ApplyError> {
        let came = facts.iter().filter_map(|fact| match fact {
            Fact::Came { item } => Some(item),
            _ => None,
        });
        let concerns = |item: &&AtUri| is_by(of_concern, ids, item);
        let came: Vec<AtUri> = came.filter(concerns).cloned().collect();
        let mut news = Vec::with_capacity(came.len());
        for some in came.chunks(LIMIT_MAX as usize) {
            let question = GetHomeItems { of: HomeItemsOf::Items(some.to_vec()), limit: LIMIT_MAX };
            let answer = self.deps.dataplane.ask(question).await.map_err(asked)?;
            news.extend(known(&self.deps.dictionary, answer.items).await?);
        }
        Ok(news)
    }

    /// The events of the posts that are here.
    async fn announced(
        &self,
        mut told: Told,
        ids: &Ids,
        of_concern: &HashSet<i64>,
    ) -> Result<Vec<Announcement>, ApplyError> {
        match self.deps.config.post_events {
            PostEvents::Off => return Ok(Vec::new()),
            PostEvents::Followed => told.retain(|uri| is_by(of_concern, ids, uri)),
            PostEvents::All => {}
        }
        let uris: Vec<AtUri> = told.uris().cloned().collect();
        let mut announced = Vec::with_capacity(uris.len());
        for some in uris.chunks(POSTS_MAX) {
            let question = GetPosts { uris: some.to_vec() };
            let found = self.deps.dataplane.ask(question).await.map_err(asked)?.posts;
            let of_post = |post: &Post| {
                let key = AtUri::parse(&post.uri).ok().and_then(|uri| ids.post(&uri))?;
                told.announcement(key, post)
            };
            announced.extend(found.iter().filter_map(of_post));
        }
        Ok(announced)
    }

    /// Those of `authors` whom a reader follows, or who read here themselves.
    async fn of_concern(&self, authors: Vec<i64>) -> Result<HashSet<i64>, StoreError> {
        const SQL: &str = "SELECT t.actor_id FROM {id_list:$1} AS ids CROSS JOIN author_tier AS t
                WHERE t.actor_id = ids.id
            UNION SELECT s.user_id FROM {id_list:$1} AS ids CROSS JOIN feed_state AS s WHERE s.user_id = ids.id";
        if authors.is_empty() {
            return Ok(HashSet::default());
        }
        let read = move |tx: &mut Tx| tx.query(SQL, &[Param::Ids(&authors)], |row| row.get(0));
        let found: Result<Vec<i64>, StoreError> = self.deps.store.read(read).await;
        Ok(found?.into_iter().collect())
    }
}

/// Who made the items of these facts.
fn authors(facts: &[Fact], ids: &Ids) -> Vec<i64> {
    let items = facts.iter().filter_map(|fact| match fact {
        Fact::Came { item } | Fact::Renewed { item } => ids.item(item),
        _ => None,
    });
    let authors: BTreeSet<i64> = items.map(|item| item.actor).collect();
    authors.into_iter().collect()
}

fn is_by(some: &HashSet<i64>, ids: &Ids, item: &AtUri) -> bool {
    ids.item(item).is_some_and(|item| some.contains(&item.actor))
}

/// What the data-plane told, by ids.
pub(crate) async fn known(
    dictionary: &Dictionary,
    items: Vec<HomeItem>,
) -> Result<Vec<NewItem>, StoreError> {
    let uri = |text: &str| AtUri::parse(text).ok();
    let parsed = items.into_iter().filter_map(|known| {
        let post = uri(&known.post)?;
        let item = known.repost.as_deref().map_or(Some(post.clone()), uri)?;
        Some((item, post, known))
    });
    let parsed: Vec<(AtUri, AtUri, HomeItem)> = parsed.collect();
    let mut wanted = Wanted::default();
    parsed.iter().flat_map(|one| [&one.0, &one.1]).for_each(|uri| wanted.uri(uri));
    let ids = wanted.resolve(dictionary).await?;
    let of_ids = |(item, post, known): (AtUri, AtUri, HomeItem)| {
        Some(NewItem { item: ids.item(&item)?, post: ids.post(&post)?, known })
    };
    Ok(parsed.into_iter().filter_map(of_ids).collect())
}

fn decoded(item: &Item) -> Result<Changes, ApplyError> {
    serde_json::from_slice(&item.payload)
        .map_err(|error| ApplyError::entry("undecodable", error.to_string(), item.offset))
}

impl Fact {
    /// Whether an event may tell of it.
    fn is_post(&self) -> bool {
        matches!(self, Self::Came { .. } | Self::Renewed { .. })
    }

    fn names(&self, wanted: &mut Wanted) {
        match self {
            Self::Came { item } | Self::Renewed { item } => wanted.uri(item),
            Self::Went { item, post } => {
                [Some(item), post.as_ref()].into_iter().flatten().for_each(|uri| wanted.uri(uri))
            }
            Self::Touched { post, by } => {
                wanted.uri(post);
                by.iter().for_each(|did| wanted.did(did));
            }
            Self::Between { user, other } | Self::Follows { user, other, .. } => {
                wanted.did(user);
                wanted.did(other);
            }
        }
    }
}

/// Facts by ids, but for what came.
fn resolved(facts: &[Fact], ids: &Ids) -> Batch {
    let mut batch = Batch::default();
    // Of several follows of a pair the last counts.
    let mut follows: HashMap<(i64, i64), bool> = HashMap::default();
    for fact in facts {
        match fact {
            Fact::Came { .. } | Fact::Renewed { .. } => {}
            Fact::Went { item, post } => batch.went.extend(
                ids.item(item).map(|item| (item, post.as_ref().and_then(|post| ids.post(post)))),
            ),
            Fact::Touched { post, by } => {
                let Some(post) = ids.post(post) else { continue };
                batch.touched.push(post);
                let by = by.as_ref().and_then(|by| ids.actor(by));
                batch.interactions.extend(by.map(|by| (by, post.0)));
            }
            Fact::Between { user, other } => {
                batch.between.extend(ids.actor(user).zip(ids.actor(other)));
            }
            Fact::Follows { user, other, still } => {
                if let Some(pair) = ids.actor(user).zip(ids.actor(other)) {
                    follows.insert(pair, *still);
                }
            }
        }
    }
    batch.follows =
        follows.into_iter().map(|((user, other), still)| (user, other, still)).collect();
    batch.follows.sort_unstable();
    batch
}
