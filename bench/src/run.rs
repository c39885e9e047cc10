//! The run: what is measured, in which order, so that what is compared is taken in turns.
//!
//! 1. frames; then, in turns, the verify limit, verified ingest into files, the same into PostgreSQL, and
//!    unverified ingest into files, each into an empty store;
//! 2. the large store: loaded, closed and weighed, asked cold and warm, killed and started again, left idle,
//!    then fed unverified frames;
//! 3. a network of repositories that nobody was told of, fetched whole while it goes on living;
//! 4. readers and authors, posts on their way into homes, and these read;
//! 5. the reference AppView and Millrace, one after the other, each fed the same frames and asked the same.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use millrace_atproto::crypto::PublicKey;
use millrace_runtime::clock::Stopwatch;

use crate::frames::Frames;
use crate::held::Held;
use crate::machine::{self, Load, Machine};
use crate::people::{People, Tokens};
use crate::plan::{Options, Part, Sizes};
use crate::postgres_db::Database;
use crate::program::{Program, SERVICE_DID, Settings};
use crate::reads::{Kind, Service, Subjects, Times};
use crate::relay::Relay;
use crate::results::Results;
use crate::{bytes, idle, ingest, limit, load, process, report};

mod backfill;
mod beside;
mod homes;

const MB: f64 = 1e6;
const AT_A_TIME: [usize; 2] = [1, 8];

/// What every part works with.
pub struct Bench {
    options: Options,
    sizes: Sizes,
    frames: Arc<Frames>,
    keys: Arc<HashMap<String, PublicKey>>,
    results: Results,
    started: Stopwatch,
}

/// Measures what is asked for, prints the table, and keeps the figures of a whole run.
pub async fn everything(options: &Options) -> Result<()> {
    let options = options.clone_absolute()?;
    let machine = Machine::look(&options.place.dir);
    let before = (Load::now(), machine::load_average());
    let mut bench = Bench::prepare(options).await?;
    if bench.options.wants(Part::Ingest) {
        bench.ingest().await?;
    }
    if bench.options.wants_large_store() {
        bench.large_store().await?;
    }
    if bench.options.wants(Part::Backfill) {
        bench.backfill().await?;
    }
    if bench.options.wants(Part::Homes) {
        bench.homes().await?;
    }
    if bench.options.wants(Part::Reference) {
        bench.beside_reference().await?;
    }
    let (idle, stolen) = Load::now().since(before.0);
    let minutes = bench.started.elapsed().as_secs_f64() / 60.0;
    bench.results.note(format!(
        "The run took {minutes:.0} minutes; when it began the machine's load average was {}, during it the \
         processors were idle {idle:.0} % of the time and the host took {stolen:.0} %.",
        before.1
    ));
    let whole = bench.options.only.is_empty() && !bench.options.quick;
    let Bench { options, results, .. } = bench;
    report::print(&results)?;
    if whole || options.keep {
        report::write(&options, &machine, &results)?;
    }
    Ok(())
}

impl Bench {
    async fn prepare(options: Options) -> Result<Self> {
        let (sizes, rounds) = (options.sizes(), options.rounds);
        let dir = options.place.dir.clone();
        std::fs::create_dir_all(&dir)?;
        let started = Stopwatch::start();
        eprintln!("   0 s  making frames");
        let frames = move || Frames::prepare(&dir, &sizes, rounds);
        let frames = Arc::new(tokio::task::spawn_blocking(frames).await??);
        let keys = Arc::new(frames.keys()?);
        let mut results = Results::default();
        let likeness = frames.likeness()?;
        results.add("frame_mean_bytes", "B", vec![likeness.mean_bytes]);
        results.add("frame_mean_blocks", "blocks", vec![likeness.mean_blocks]);
        Ok(Self { options, sizes, frames, keys, results, started })
    }

    fn say(&self, what: &str) {
        eprintln!("{:4.0} s  {what}", self.started.elapsed().as_secs_f64());
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.options.place.dir.join(name)
    }

    fn settings(&self, name: &str, relay: &Relay) -> Settings {
        Settings {
            dir: self.dir(name),
            plc_url: relay.url(),
            handles_url: relay.url(),
            relay_url: Some(relay.socket_url()),
            from_oldest: true,
            verify: true,
            postgres_url: None,
        }
    }

    /// Ingest into empty stores, in turns with the limit.
    async fn ingest(&mut self) -> Result<()> {
        let until = self.frames.before + self.sizes.verified_frames;
        for round in 1..=self.options.rounds {
            self.say(&format!("ingest, round {round} of {}", self.options.rounds));
            let (frames, keys) = (Arc::clone(&self.frames), Arc::clone(&self.keys));
            let limit = move || limit::measure(&frames.frames[frames.before..until], &keys);
            let limit = tokio::task::spawn_blocking(limit).await??;
            self.results.round("ingest_verify_limit_eps", "events/s", limit);
            let verified = self.fresh_round("verified", true, None, until).await?;
            self.results.round("ingest_verified_eps", "events/s", verified.events_per_s);
            self.results.round("ingest_verified_cpu_us", "µs", verified.cpu_us);
            let share = verified.events_per_s * 100.0 / limit;
            self.results.round("ingest_verified_of_limit_percent", "%", share);
            let unverified = self.fresh_round("unverified", false, None, until).await?;
            self.results.round("ingest_unverified_empty_eps", "events/s", unverified.events_per_s);
            self.results.round("ingest_unverified_empty_cpu_us", "µs", unverified.cpu_us);
            if let Some(server) = self.options.place.postgres_url.clone() {
                let pg = self.fresh_round("verified-pg", true, Some(&server), until).await?;
                self.results.round("ingest_verified_pg_eps", "events/s", pg.events_per_s);
            }
        }
        Ok(())
    }

    /// One round on a store of its own that is gone afterwards.
    async fn fresh_round(
        &self,
        name: &str,
        verify: bool,
        postgres: Option<&str>,
        until: usize,
    ) -> Result<ingest::Round> {
        let relay = Relay::start(Arc::clone(&self.frames)).await?;
        let mut settings = Settings { verify, ..self.settings(name, &relay) };
        ingest::emptied(&settings.dir)?;
        let database = match postgres {
            Some(server) => Some(database(server, "millrace_ingest").await?),
            None => None,
        };
        settings.postgres_url = database.as_ref().map(|database| database.url());
        let mut program = Program::start(&self.options.place.program, &settings).await?;
        ingest::introduce(&mut program, &relay, &self.frames).await?;
        let from = self.frames.before;
        let round = ingest::round(&mut program, &relay, &self.frames, from, until).await?;
        program.end().await?;
        if let Some(database) = database {
            tokio::task::spawn_blocking(move || database.drop_if_there()).await??;
        }
        std::fs::remove_dir_all(&settings.dir)?;
        Ok(round)
    }

    /// Everything that is asked of a store with a million posts.
    async fn large_store(&mut self) -> Result<()> {
        let relay = Relay::start(Arc::clone(&self.frames)).await?;
        let mut settings = Settings { relay_url: None, ..self.settings("large", &relay) };
        let keep_store = self.options.keep_store;
        if !(keep_store && load::is_loaded(&settings)) {
            ingest::emptied(&settings.dir)?;
        }
        let people = People::of(&self.sizes);
        let Sizes { posts, likes, .. } = self.sizes;
        self.say(&format!("loading a store of {posts} posts and {likes} likes"));
        let binary = self.options.place.program.clone();
        let (program, loaded) = load::load(&binary, &settings, &people, &self.sizes).await?;
        self.results.add("large_store_entries", "entries", vec![loaded.entries as f64]);
        self.results.add("large_store_applied_eps", "entries/s", vec![loaded.applied_per_s]);
        program.end().await?;
        let data = settings.dir.join("data");
        if self.options.wants(Part::Bytes) {
            self.say("weighing rows");
            self.bytes(&data, loaded.entries).await?;
        }
        let subjects = |seed| Subjects::of_people(&people, &loaded.posts, seed);
        if self.options.wants(Part::Reads) && self.options.kind.is_none() {
            self.say("reads, nothing cached");
            self.cold_reads(&settings, &subjects(1)).await?;
        }
        let held = Held::tables(&data);
        self.results.note(match held {
            Some(_) => "The large store's tables were held in memory (vmtouch) while it was warm.",
            None => {
                "The large store was warm as far as the system kept its tables in memory by itself."
            }
        });
        let mut program = Program::start(&binary, &settings).await?;
        if self.options.wants(Part::Reads) {
            let service = Service::new(&program.url, Tokens::of_people(SERVICE_DID)?)?;
            self.warm_reads(&service, &subjects(2)).await?;
        }
        if self.options.wants(Part::Ready) {
            program = self.ready_and_idle(&settings, program, &subjects(3)).await?;
        }
        program.end().await?;
        if keep_store {
            return Ok(());
        }
        if self.options.wants(Part::Ingest) {
            settings.relay_url = Some(relay.socket_url());
            settings.verify = false;
            self.unverified(&settings, &relay).await?;
        }
        drop(held);
        std::fs::remove_dir_all(&settings.dir)?;
        Ok(())
    }

    async fn bytes(&mut self, data: &std::path::Path, entries: u64) -> Result<()> {
        let data = data.to_owned();
        let weighed = tokio::task::spawn_blocking(move || bytes::measure(&data, entries)).await??;
        self.results.add("like_bytes", "B", vec![weighed.like]);
        self.results.add("follow_bytes", "B", vec![weighed.follow]);
        self.results.add("post_bytes", "B", vec![weighed.post]);
        self.results.add("post_search_bytes", "B", vec![weighed.post_search]);
        self.results.add("store_bytes_per_entry", "B", vec![weighed.file]);
        self.results.add("log_bytes_per_entry", "B", vec![weighed.log]);
        let [likes, follows, posts] = weighed.rows;
        let rows =
            format!("The large store holds {likes} likes, {follows} follows and {posts} posts.");
        self.results.note(rows);
        Ok(())
    }

    /// One at a time, on files that neither the program nor the system has in memory.
    async fn cold_reads(&mut self, settings: &Settings, subjects: &Subjects) -> Result<()> {
        let binary = self.options.place.program.clone();
        for kind in [Kind::Timeline(1), Kind::Thread, Kind::Search] {
            idle::forget_files(&settings.dir.join("data"))?;
            let program = Program::start(&binary, settings).await?;
            let service = Service::new(&program.url, Tokens::of_people(SERVICE_DID)?)?;
            let times = service.ask(&subjects.draw(kind, self.sizes.cold_reads), 1).await?;
            let name = kind.name();
            self.results.round(&format!("{name}_cold_p50_ms"), "ms", times.percentile(50.0));
            self.results.round(&format!("{name}_cold_p99_ms"), "ms", times.percentile(99.0));
            program.end().await?;
        }
        Ok(())
    }

    async fn warm_reads(&mut self, service: &Service, subjects: &Subjects) -> Result<()> {
        self.say("warming up");
        service.ask(&subjects.mixed(self.sizes.reads), 8).await?;
        for round in 1..=self.options.rounds {
            self.say(&format!("reads, round {round} of {}", self.options.rounds));
            for at_a_time in AT_A_TIME {
                let mut timelines = Vec::new();
                for kind in self.kinds() {
                    let times =
                        service.ask(&subjects.draw(kind, self.sizes.reads), at_a_time).await?;
                    self.read_round(kind.name(), at_a_time, &times);
                    if kind.is_timeline() {
                        timelines.push(times);
                    }
                }
                if !timelines.is_empty() {
                    self.read_round("timeline", at_a_time, &Times::merged(&timelines));
                }
            }
        }
        Ok(())
    }

    fn kinds(&self) -> Vec<Kind> {
        self.options.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind])
    }

    fn read_round(&mut self, name: &str, at_a_time: usize, times: &Times) {
        for percent in [50.0, 99.0] {
            let name = format!("{name}_c{at_a_time}_p{percent}_ms");
            self.results.round(&name, "ms", times.percentile(percent));
        }
    }

    /// Kills and restarts, then the memory after many reads and a rest.
    async fn ready_and_idle(
        &mut self,
        settings: &Settings,
        mut program: Program,
        subjects: &Subjects,
    ) -> Result<Program> {
        self.say("killing and starting again");
        let binary = self.options.place.program.clone();
        for _ in 0..self.options.rounds {
            let (restarted, took) = idle::restart(&binary, settings, program, subjects).await?;
            program = restarted;
            self.results.round("ready_s", "s", took.as_secs_f64());
        }
        let Sizes { idle_reads, idle_s, .. } = self.sizes;
        self.say(&format!("{idle_reads} reads, then {idle_s} s of rest"));
        let service = Service::new(&program.url, Tokens::of_people(SERVICE_DID)?)?;
        service.ask(&subjects.mixed(idle_reads), 8).await?;
        tokio::time::sleep(std::time::Duration::from_secs(idle_s)).await;
        let rss = process::rss(program.pid())? as f64 / MB;
        self.results.add("idle_rss_mb", "MB", vec![rss]);
        Ok(program)
    }

    /// Frames without verification, into the store that holds millions of events already.
    async fn unverified(&mut self, settings: &Settings, relay: &Relay) -> Result<()> {
        self.say("unverified ingest into the large store");
        let mut program = Program::start(&self.options.place.program, settings).await?;
        ingest::introduce(&mut program, relay, &self.frames).await?;
        let mut from = self.frames.before;
        for _ in 0..self.options.rounds {
            let until = from + self.sizes.unverified_frames;
            let round = ingest::round(&mut program, relay, &self.frames, from, until).await?;
            self.results.round("ingest_unverified_eps", "events/s", round.events_per_s);
            self.results.round("ingest_unverified_cpu_us", "µs", round.cpu_us);
            from = until;
        }
        program.end().await
    }
}

async fn database(server: &str, name: &'static str) -> Result<Database> {
    let server = server.to_owned();
    tokio::task::spawn_blocking(move || Database::create(&server, name))
        .await?
        .context("creating a database")
}

impl Options {
    /// With folders that mean the same wherever a process works.
    fn clone_absolute(&self) -> Result<Self> {
        let mut place = self.place.clone();
        std::fs::create_dir_all(&place.dir)?;
        for path in [&mut place.root, &mut place.dir, &mut place.program] {
            *path = path.canonicalize().with_context(|| path.display().to_string())?;
        }
        Ok(Self { rounds: self.rounds.max(1), place, ..self.clone() })
    }
}
