//! A data-plane and homes on empty stores of one engine: what people do becomes entries, facts, lines.

use std::sync::Arc;

use bytes::Bytes;
use millrace_atproto::entry::{Entry, EntryOp};
use millrace_atproto::syntax::Did;
use millrace_dataplane::query::Context;
use millrace_dataplane::worker::Dataplane;
use millrace_feeds::Deps;
use millrace_feeds::client::{Client, Local};
use millrace_feeds::config::FeedsConfig;
use millrace_feeds::jobs::Jobs;
use millrace_feeds::query::home::{GetHome, Home};
use millrace_feeds::query::order::Mode;
use millrace_feeds::schema;
use millrace_feeds::worker::Feeds;
use millrace_log::{Headers, Item};
use millrace_runtime::clock::{ManualClock, SharedClock};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_sim::entries::{
    self, FOLLOW, LIKE, POST, START_US, commit, delete, did, put, tid, uri,
};
use millrace_sim::records::{self, Ref, Reply};
use millrace_store::testing::{Engine, Place};
use millrace_store::worker::Projection;
use millrace_store::{Dictionary, Domain, Store, StoreError, Tx};
use parking_lot::Mutex;

pub const REPOST: &str = "app.bsky.feed.repost";
pub const BLOCK: &str = "app.bsky.graph.block";

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
    if let Some(harness) = Harness::open(engine, FeedsConfig::default()).await {
        test(harness).await;
    }
}

pub struct Harness {
    pub engine: Engine,
    pub clock: ManualClock,
    pub dataplane: Arc<millrace_dataplane::client::Local>,
    pub own: Store,
    pub store: Store,
    pub jobs: Jobs,
    pub home: Arc<Local>,
    pub projection: Feeds,
    base: Dataplane,
    shared: SharedClock,
    registry: Registry,
    state: Mutex<State>,
    _place: Place,
}

#[derive(Default)]
struct State {
    seq: i64,
    offset: i64,
    facts: Vec<Bytes>,
}

impl Harness {
    pub async fn open(engine: Engine, config: FeedsConfig) -> Option<Self> {
        let place = Place::new(engine).await?;
        let clock = ManualClock::at(START_US + 3_600_000_000);
        let shared = clock.shared();
        let (registry, stores) = (Registry::new(), place.config());
        let dictionary = Dictionary::open(&stores, &shared, &registry).await.unwrap();
        let own = millrace_dataplane::schema::OWN;
        let own = Store::open(&stores, Domain::Own, own, &[], &shared, &registry).await.unwrap();
        let attach = [Domain::Dictionary, Domain::Own];
        let migrations = millrace_dataplane::schema::DATAPLANE;
        let base = Store::open(&stores, Domain::Dataplane, migrations, &attach, &shared, &registry)
            .await
            .unwrap();
        let store = Store::open(&stores, Domain::Feeds, schema::FEEDS, &attach, &shared, &registry)
            .await
            .unwrap();
        let context = Context::default();
        let dataplane = Arc::new(millrace_dataplane::client::Local {
            store: base.clone(),
            own: own.clone(),
            context,
            clock: shared.clone(),
        });
        let asked = millrace_dataplane::Client::Local(dataplane.clone());
        let times = (shared.clone(), Rng::seeded(1));
        let deps = Deps::new(store.clone(), (dictionary.clone(), asked), config, times, &registry);
        let (jobs, home) = (Jobs::new(deps.clone()), Local::new(deps.clone()));
        let projection = Feeds { deps };
        let metrics = millrace_dataplane::metrics::Metrics::new(&registry);
        Some(Self {
            engine,
            clock,
            dataplane,
            own,
            store,
            jobs,
            home: Arc::new(home),
            projection,
            base: Dataplane::new(dictionary, metrics),
            shared,
            registry,
            state: Mutex::default(),
            _place: place,
        })
    }

    /// Somebody writes; the data-plane shows it, and its facts are kept back.
    pub async fn write(&self, who: &str, ops: Vec<EntryOp>) {
        let seq = {
            let mut state = self.state.lock();
            state.seq += 1;
            state.seq
        };
        let now = (self.shared.now_us() - START_US) / 1_000;
        self.apply(commit(&did(who), now + seq, ops)).await;
    }

    pub async fn apply(&self, entry: Entry) {
        let item = Item {
            offset: 0,
            appended_us: self.shared.now_us(),
            payload: Bytes::from(entry.encode().unwrap()),
            headers: Headers::NONE,
        };
        let prepared = self.base.prepare(&[item]).await.unwrap();
        let base = self.base.clone();
        let told: Result<Vec<Vec<u8>>, StoreError> = self
            .dataplane
            .store
            .write(move |tx| {
                base.write(tx, prepared).map_err(failed)?;
                let told =
                    tx.query("SELECT payload FROM outbox ORDER BY id", &[], |row| row.get(0))?;
                tx.execute("DELETE FROM outbox", &[])?;
                Ok(told)
            })
            .await;
        self.state.lock().facts.extend(told.unwrap().into_iter().map(Bytes::from));
    }

    /// The facts that homes have not been told.
    pub fn untold(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.state.lock().facts)
    }

    /// Tells homes these facts, as one batch.
    pub async fn tell(&self, facts: Vec<Bytes>) {
        if facts.is_empty() {
            return;
        }
        let mut items = Vec::new();
        for payload in facts {
            let mut state = self.state.lock();
            state.offset += 1;
            let (offset, appended_us) = (state.offset, self.shared.now_us());
            items.push(Item { offset, appended_us, payload, headers: Headers::NONE });
        }
        let prepared = self.projection.prepare(&items).await.unwrap();
        let projection = self.projection.clone();
        let written: Result<(), StoreError> =
            self.store.write(move |tx| projection.write(tx, prepared).map_err(failed)).await;
        written.unwrap();
    }

    /// Everything that is to happen happens, but for what waits for its time.
    pub async fn settle(&self) {
        loop {
            let facts = self.untold();
            let mut worked = !facts.is_empty();
            self.tell(facts).await;
            worked |= self.jobs.build_step().await.unwrap();
            worked |= self.jobs.settle_step().await.unwrap();
            worked |= self.jobs.fan_out_step().await.unwrap();
            if !worked {
                return;
            }
        }
    }

    /// Somebody begins to read here, and has a home.
    pub async fn reads(&self, who: &str) {
        self.page(who, Mode::Ranked, 1, None).await;
        self.settle().await;
    }

    pub async fn page(&self, who: &str, mode: Mode, limit: u32, cursor: Option<String>) -> Home {
        let question = GetHome { actor: did(who), mode, limit, cursor };
        Client::Local(self.home.clone()).ask(question).await.unwrap()
    }

    /// The posts of the first page, by their record keys.
    pub async fn posts(&self, who: &str) -> Vec<String> {
        let home = self.page(who, Mode::Chronological, 100, None).await;
        home.items.iter().map(|line| line.post.rsplit('/').next().unwrap().to_owned()).collect()
    }

    /// A first page that was not served before.
    pub async fn fresh_page(&self, who: &str, mode: Mode) -> Home {
        self.forget_orders();
        self.page(who, mode, 100, None).await
    }

    pub async fn fresh_posts(&self, who: &str) -> Vec<String> {
        self.forget_orders();
        self.posts(who).await
    }

    pub fn forget_orders(&self) {
        let caches = self.registry.caches();
        caches.clear(Some("homes"));
    }

    /// Facts of what accounts changed of their own.
    pub async fn own_changed(&self) {
        let told: Result<Vec<Vec<u8>>, StoreError> = self
            .own
            .write(|tx| {
                let told =
                    tx.query("SELECT payload FROM outbox ORDER BY id", &[], |row| row.get(0))?;
                tx.execute("DELETE FROM outbox", &[])?;
                Ok(told)
            })
            .await;
        self.state.lock().facts.extend(told.unwrap().into_iter().map(Bytes::from));
    }

    pub async fn tier(&self, who: &str) -> i64 {
        let who = did(who).to_string();
        let asked: Result<i64, StoreError> = self
            .store
            .read(move |tx| {
                tx.query_one(
                    "SELECT t.tier FROM dictionary.actor AS d CROSS JOIN author_tier AS t
                     WHERE d.did = $1 AND t.actor_id = d.id",
                    &[who.as_str().into()],
                    |row| row.get(0),
                )
            })
            .await;
        asked.unwrap()
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let asked: Result<i64, StoreError> = self
            .store
            .read(move |tx| {
                tx.query_one(&format!("SELECT count(*) FROM {table}"), &[], |row| row.get(0))
            })
            .await;
        asked.unwrap()
    }

    /// Readers of `author` that exist in the tables of homes only.
    pub async fn add_readers(&self, author: &str, count: i64) {
        let author = did(author).to_string();
        let written: Result<(), StoreError> = self
            .store
            .write(move |tx| {
                let author: i64 = tx.query_one(
                    "SELECT id FROM dictionary.actor WHERE did = $1",
                    &[author.as_str().into()],
                    |row| row.get(0),
                )?;
                let first = 1_000_000;
                tx.execute_many(
                    "INSERT INTO feed_state (user_id, last_read_at_us, built_at_us) {values:BIGINT,BIGINT,BIGINT}",
                    (first..first + count).map(|id| [id.into(), i64::MAX.into(), 1_i64.into()]),
                )?;
                tx.execute_many(
                    "INSERT INTO affinity (author_id, user_id, mutual, interactions, updated_at_us)
                     {values:BIGINT,BIGINT,BIGINT,DOUBLE,BIGINT}",
                    (first..first + count)
                        .map(|id| [author.into(), id.into(), false.into(), 0.0_f64.into(), 1_i64.into()]),
                )?;
                tx.execute(
                    "UPDATE author_tier SET followers = followers + $2 WHERE actor_id = $1",
                    &[author.into(), count.into()],
                )
                .map(drop)
            })
            .await;
        written.unwrap();
    }

    /// Lines as they stand in the table: whose home, the post's author and key, ordered.
    pub async fn rows(&self) -> Vec<(String, String, String)> {
        self.query(
            "SELECT u.did, a.did, f.post_rkey, f.item_collection FROM user_feeds AS f
             CROSS JOIN dictionary.actor AS u CROSS JOIN dictionary.actor AS a
             WHERE u.id = f.user_id AND a.id = f.post_actor ORDER BY u.did, a.did, f.post_rkey, f.item_collection",
            |row| {
                let rkey = millrace_store::RkeyId(row.get(2)?).tid().unwrap().to_string();
                let name = |did: &str| did.trim_start_matches("did:web:").trim_end_matches(".test").to_owned();
                let repost = if row.get::<i64>(3)? == 5 { " reposted" } else { "" };
                Ok((name(row.text(0)?), name(row.text(1)?), format!("{rkey}{repost}")))
            },
        )
        .await
    }

    pub async fn query<T: Send + 'static>(
        &self,
        sql: &'static str,
        map: impl FnMut(&millrace_store::Row<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Vec<T> {
        let asked: Result<Vec<T>, StoreError> =
            self.store.read(move |tx: &mut Tx| tx.query(sql, &[], map)).await;
        asked.unwrap()
    }

    pub fn at_us(&self, n: i64) -> i64 {
        START_US + n * 1_000
    }

    /// A post of `who` at the `n`-th millisecond; its key.
    pub async fn post(&self, who: &str, n: i64) -> String {
        let rkey = tid(n).to_string();
        let record = records::post("words", self.at_us(n), None, None, None);
        self.write(who, vec![put(POST, &rkey, record)]).await;
        rkey
    }

    pub async fn reply(&self, who: &str, n: i64, to: &Ref) -> String {
        let rkey = tid(n).to_string();
        let reply = Reply { root: to.clone(), parent: to.clone() };
        self.write(
            who,
            vec![put(POST, &rkey, records::post("words", self.at_us(n), Some(&reply), None, None))],
        )
        .await;
        rkey
    }

    pub async fn follow(&self, who: &str, whom: &str, n: i64) -> String {
        let rkey = tid(n).to_string();
        self.write(who, vec![put(FOLLOW, &rkey, records::follow(&did(whom), self.at_us(n)))]).await;
        rkey
    }

    pub async fn block(&self, who: &str, whom: &str, n: i64) -> String {
        let (rkey, at) =
            (tid(n).to_string(), millrace_atproto::datetime::format_ms_us(self.at_us(n)));
        self.write(who, vec![put(BLOCK, &rkey, records::block(&did(whom), &at))]).await;
        rkey
    }

    pub async fn repost(&self, who: &str, of: &Ref, n: i64) -> String {
        let (rkey, at) =
            (tid(n).to_string(), millrace_atproto::datetime::format_ms_us(self.at_us(n)));
        self.write(who, vec![put(REPOST, &rkey, records::repost(of, &at, None))]).await;
        rkey
    }

    pub async fn like(&self, who: &str, of: &Ref, n: i64) {
        let rkey = tid(n).to_string();
        self.write(who, vec![put(LIKE, &rkey, records::like(of, self.at_us(n)))]).await;
    }

    pub async fn gone(&self, who: &str, collection: &str, rkey: &str) {
        self.write(who, vec![delete(collection, rkey)]).await;
    }

    pub async fn deleted(&self, who: &str) {
        let now = (self.shared.now_us() - START_US) / 1_000;
        self.apply(entries::account(&did(who), now, false, Some("deleted"))).await;
    }
}

/// What a record refers to a post by; its version matters to nobody here.
pub fn ref_to(who: &str, rkey: &str) -> Ref {
    let uri = uri(&did(who), POST, rkey);
    Ref { uri, cid: millrace_atproto::cid::Cid::of_dag_cbor(b"any") }
}

pub fn actor(who: &str) -> Did {
    did(who)
}

fn failed(error: millrace_store::worker::ApplyError) -> StoreError {
    match error {
        millrace_store::worker::ApplyError::Store(error) => error,
        other => panic!("{other}"),
    }
}
