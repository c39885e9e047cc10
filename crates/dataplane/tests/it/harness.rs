//! A data-plane on an empty store of one engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use millrace_atproto::entry::Entry;
use millrace_dataplane::client::{Client, Local};
use millrace_dataplane::metrics::Metrics;
use millrace_dataplane::query::Context;
use millrace_dataplane::ranking::Rankings;
use millrace_dataplane::schema;
use millrace_dataplane::worker::Dataplane;
use millrace_log::{Headers, Item};
use millrace_runtime::clock::{ManualClock, SharedClock};
use millrace_runtime::metrics::Registry;
use millrace_store::testing::{Engine, Place};
use millrace_store::worker::Projection;
use millrace_store::{Dictionary, Domain, Store, StoreConfig, StoreError};

use crate::entries::START_US;

/// Declares tests that every engine runs.
macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::harness::run(millrace_store::testing::Engine::Sqlite, super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::harness::run(millrace_store::testing::Engine::Postgres, super::$name).await;
            })+
        }
    };
}
pub(crate) use on_every_engine;

/// Runs a test on an engine, or says that the engine is not here.
pub async fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(Harness) -> F) {
    if let Some(harness) = Harness::open(engine).await {
        test(harness).await;
    }
}

pub struct Harness {
    pub engine: Engine,
    pub client: Client,
    pub store: Store,
    pub dictionary: Dictionary,
    pub config: StoreConfig,
    pub time: ManualClock,
    pub clock: SharedClock,
    pub projection: Dataplane,
    pub rankings: Rankings,
    next_offset: AtomicI64,
    pub place: Place,
}

impl Harness {
    async fn open(engine: Engine) -> Option<Self> {
        let place = Place::new(engine).await?;
        let time = ManualClock::at(START_US);
        let clock = time.shared();
        let (registry, config) = (Registry::new(), place.config());
        let dictionary = Dictionary::open(&config, &clock, &registry).await.unwrap();
        let own =
            Store::open(&config, Domain::Own, schema::OWN, &[], &clock, &registry).await.unwrap();
        let attach = [Domain::Dictionary, Domain::Own];
        let store =
            Store::open(&config, Domain::Dataplane, schema::DATAPLANE, &attach, &clock, &registry)
                .await
                .unwrap();
        let rankings = Rankings::default();
        let image_url_pattern = "http://img/{preset}/{did}/{cid}".to_owned();
        let context =
            Context { image_url_pattern, rankings: rankings.clone(), ..Context::default() };
        let local = Local { store: store.clone(), own, context, clock: clock.clone() };
        Some(Self {
            engine,
            client: Client::Local(Arc::new(local)),
            store,
            projection: Dataplane::new(dictionary.clone(), Metrics::new(&registry)),
            dictionary,
            config,
            time,
            clock,
            rankings,
            next_offset: AtomicI64::new(0),
            place,
        })
    }

    /// Another empty store of the same engine.
    pub async fn fresh(&self) -> Self {
        Self::open(self.engine).await.expect("the engine was here before")
    }

    /// Applies entries as one batch.
    pub async fn apply(&self, entries: &[Entry]) {
        let items: Vec<Item> = entries.iter().map(|entry| self.item(entry)).collect();
        let prepared = self.projection.prepare(&items).await.unwrap();
        let projection = &self.projection;
        let written = async {
            // The projection is borrowed; the closure has to own what it uses.
            let projection = projection.clone();
            self.store.write(move |tx| projection.write(tx, prepared).map_err(failed)).await
        };
        written.await.unwrap();
    }

    /// The worker gives up what is parked behind an account.
    pub async fn overflow(&self, did: &millrace_atproto::syntax::Did) {
        let (projection, key) = (self.projection.clone(), did.as_str().as_bytes().to_vec());
        self.store.write(move |tx| projection.overflow(tx, &key).map_err(failed)).await.unwrap();
    }

    fn item(&self, entry: &Entry) -> Item {
        let offset = self.next_offset.fetch_add(1, Ordering::Relaxed);
        let appended_us = entry.header.time_us;
        let payload = Bytes::from(entry.encode().unwrap());
        Item { offset, appended_us, payload, headers: Headers::NONE }
    }

    /// Every row of the projection's tables, as text.
    pub async fn dump(&self) -> Vec<String> {
        const TABLES: &[(&str, &str)] = &[
            ("actor", "actor_id, handle, active, status, repo_rev >= 0"),
            ("profile", "actor_id, record, indexed_at_us"),
            (
                "post",
                "actor_id, rkey, record, sort_at_us, flags, parent_rkey, root_rkey, quote_rkey",
            ),
            ("feed_item", "actor_id, sort_at_us, collection, rkey, post_actor, post_rkey, flags"),
            ("feed_head", "actor_id, sort_at_us"),
            ("\"like\"", "actor_id, rkey, subject_rkey, created_at_us"),
            ("like_by_subject", "subject_actor, subject_rkey, actor_id, rkey, sort_at_us"),
            ("follow", "actor_id, rkey, subject_actor, created_at_us"),
            ("follow_by_subject", "subject_actor, actor_id, rkey, sort_at_us"),
            ("repost", "actor_id, rkey, subject_rkey, created_at_us"),
            ("repost_by_subject", "subject_actor, subject_rkey, actor_id, rkey, sort_at_us"),
            ("block", "actor_id, rkey, subject_actor, created_at_us"),
            ("block_by_subject", "subject_actor, actor_id, rkey, sort_at_us"),
            ("list_item", "actor_id, rkey, list_rkey, subject_actor, created_at_us"),
            ("list_item_by_list", "actor_id, list_rkey, subject_actor, rkey, sort_at_us"),
            ("list_block", "actor_id, rkey, list_actor, list_rkey, created_at_us"),
            ("verification", "actor_id, rkey, subject_actor, handle, display_name"),
            ("verification_by_subject", "subject_actor, actor_id, rkey"),
            ("document", "actor_id, collection, rkey, record, purpose"),
            (
                "actor_count",
                "actor_id, followers, follows, posts, lists, generators, starter_packs, blocks, list_blocks, gates, declarations",
            ),
            ("record_count", "actor_id, rkey, collection, likes, replies, reposts, quotes, items"),
            (
                "label",
                "subject_actor, subject_collection, subject_rkey, src, val, cid, neg, cts, exp",
            ),
            ("notification", "actor_id, author, rkey, collection, reason, sort_at_us, record"),
        ];
        let dump = |tx: &mut millrace_store::Tx| -> Result<Vec<String>, StoreError> {
            let mut rows = Vec::new();
            for (table, columns) in TABLES {
                let sql = format!("SELECT concat_ws('|', {columns}) FROM {table}");
                rows.extend(
                    tx.query(&sql, &[], |row| Ok(format!("{table}|{}", row.get::<String>(0)?)))?,
                );
            }
            rows.sort();
            Ok(rows)
        };
        self.store.read(dump).await.unwrap()
    }
}

fn failed(error: millrace_store::worker::ApplyError) -> StoreError {
    match error {
        millrace_store::worker::ApplyError::Store(error) => error,
        other => StoreError::Aborted { reason: other.to_string() },
    }
}
