//! How fast posts come into homes, and homes are read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use millrace_runtime::clock::Stopwatch;
use serde_json::json;

use super::{AT_A_TIME, Bench, MB, database};
use crate::homes::{Asked, Crowd, Readers, Turn, Zipf, percent, tokens, written};
use crate::program::{Program, Settings};
use crate::reads::Times;
use crate::results::median;
use crate::{bytes, ingest, process};

const SOURCE: &str = "relay";
const WITHIN: Duration = Duration::from_secs(600);
/// How often it is looked whether lines came, of one post and of many.
const SOON: Duration = Duration::from_millis(2);
const LATER: Duration = Duration::from_millis(50);
/// Between posts that are timed one by one.
const PAUSE: Duration = Duration::from_millis(100);
const EIGHT: usize = 8;
/// How often each of the fullest homes is read in a round.
const TIMES: usize = 5;
/// One turn in so many is a post, and one in so many of these an author's.
const WRITE_ONE_IN: usize = 10;

impl Bench {
    pub(super) async fn homes(&mut self) -> Result<()> {
        if let Some(server) = self.options.place.postgres_url.clone() {
            let database = database(&server, "millrace_homes").await?;
            let (crowd, mut settings) = self.crowd("homes-pg").await?;
            settings.postgres_url = Some(database.url());
            let program = self.readers_come(&crowd, &settings).await?;
            self.fan_out(&program, &crowd, "_pg").await?;
            program.end().await?;
            tokio::task::spawn_blocking(move || database.drop_if_there()).await??;
            std::fs::remove_dir_all(&settings.dir)?;
        }
        let (crowd, settings) = self.crowd("homes").await?;
        let program = self.readers_come(&crowd, &settings).await?;
        self.fan_out(&program, &crowd, "").await?;
        program.end().await?;
        let data = settings.dir.join("data");
        let (bytes, lines) = bytes::of_home_line(&data)?;
        self.results.add("home_line_bytes", "B", vec![bytes]);
        self.results.note(format!("Homes held {lines} lines."));
        tokens(&data, &crowd.readers)?;
        let program = Program::start(&self.options.place.program, &settings).await?;
        self.pages(&program, &settings, &crowd).await?;
        self.turns(&program, Arc::new(crowd)).await?;
        program.end().await?;
        Ok(std::fs::remove_dir_all(&settings.dir)?)
    }

    async fn crowd(&self, name: &str) -> Result<(Crowd, Settings)> {
        let readers = self.sizes.home_readers;
        self.say(&format!("{name}: making {readers} readers and whom they follow"));
        let crowd = Crowd::start(&self.sizes).await?;
        let settings = Settings {
            dir: self.dir(name),
            plc_url: crowd.network.plc_url(),
            handles_url: crowd.network.pds_url(),
            relay_url: Some(crowd.network.relay_url()),
            from_oldest: true,
            verify: true,
            postgres_url: None,
        };
        ingest::emptied(&settings.dir)?;
        Ok((crowd, settings))
    }

    /// A program that knows everybody, and in which everybody has a home.
    async fn readers_come(&self, crowd: &Crowd, settings: &Settings) -> Result<Program> {
        let mut program = Program::start(&self.options.place.program, settings).await?;
        program.visible(SOURCE, crowd.network.look(|world| world.last_seq()), WITHIN).await?;
        self.say("everybody reads for the first time");
        let (internal, watch) = (program.internal(), Stopwatch::start());
        let mut waiting: Vec<_> = crowd.readers.iter().collect();
        while !waiting.is_empty() {
            ensure!(watch.elapsed() < WITHIN, "{} homes are not made", waiting.len());
            let mut without = Vec::new();
            for reader in waiting {
                let page = json!({"actor": reader, "mode": "chronological", "limit": 1});
                // What is served again may have been made without a home.
                if internal.ask("getHome", &page).await?["source"] != "user_feeds" {
                    without.push(reader);
                }
            }
            waiting = without;
        }
        ingest::written_out().await?;
        Ok(program)
    }

    async fn fan_out(&mut self, program: &Program, crowd: &Crowd, engine: &str) -> Result<()> {
        let [singly, at_once, each] = self.sizes.home_posts;
        self.say("posts on their way into homes");
        let mut took = Vec::new();
        for _ in 0..singly {
            let (rows, say) = crowd.first_posts(1);
            let elapsed = written(program, rows as f64, SOON, say).await?.elapsed;
            took.push(elapsed.as_secs_f64() * 1e3);
            tokio::time::sleep(PAUSE).await;
        }
        eprintln!("        median {} ms", median(&took));
        self.results.add(&format!("fanout_1000{engine}_ms"), "ms", took);
        for _ in 0..self.options.rounds {
            let (rows, say) = crowd.first_posts(at_once);
            let rate = written(program, rows as f64, LATER, say).await?.rows_per_s;
            self.results.round(&format!("fanout_one_author{engine}_rows_per_s"), "rows/s", rate);
        }
        let cpu = program.cpu()?;
        let (rows, say) = crowd.others_post(each);
        let rate = written(program, rows as f64, LATER, say).await?.rows_per_s;
        self.results.add(&format!("fanout{engine}_rows_per_s"), "rows/s", vec![rate]);
        let cpu = program.cpu()?.saturating_sub(cpu).as_secs_f64();
        self.results.add(&format!("fanout{engine}_cpu_us"), "µs", vec![cpu * 1e6 / rows as f64]);
        Ok(())
    }

    /// First pages of homes that are full, made anew.
    async fn pages(&mut self, program: &Program, settings: &Settings, crowd: &Crowd) -> Result<()> {
        self.say("pages of homes that are full");
        let readers = Readers::new(&program.url)?;
        let heavy = crowd.heavy().len();
        for _ in 0..self.options.rounds {
            for at_a_time in AT_A_TIME {
                let (mut anew, mut again) = (Vec::new(), Vec::new());
                // Few have so much in their homes: each is asked for it several times.
                for _ in 0..TIMES {
                    program.command(settings, &["cache", "clear", "homes", "--yes"]).await?;
                    let asked = readers.ask(0..heavy, at_a_time).await?;
                    ensure!(
                        percent(&asked.sources, "user_feeds") >= 100.0,
                        "pages came from {:?}",
                        asked.sources
                    );
                    anew.push(asked.times);
                    again.push(readers.ask(0..heavy, at_a_time).await?.times);
                }
                self.read_round("home", at_a_time, &Times::merged(&anew));
                self.read_round("home_again", at_a_time, &Times::merged(&again));
            }
        }
        Ok(())
    }

    /// Readers by Zipf's law, every tenth of whom writes.
    async fn turns(&mut self, program: &Program, crowd: Arc<Crowd>) -> Result<()> {
        let count = self.sizes.home_turns;
        self.say(&format!("{count} readers read and write"));
        let zipf = Zipf::new(crowd.readers.len(), 17);
        let turn = |number: usize| match number % WRITE_ONE_IN {
            0 if (number / WRITE_ONE_IN).is_multiple_of(WRITE_ONE_IN) => Turn::Writes(None),
            0 => Turn::Writes(Some(zipf.draw())),
            _ if number.is_multiple_of(2) => Turn::ReadsOn(zipf.draw()),
            _ => Turn::Reads(zipf.draw()),
        };
        let turns = (0..count).map(turn).collect();
        let readers = Readers::new(&program.url)?;
        let write = move |who| crowd.somebody_posts(who);
        let watch = Stopwatch::start();
        let asked = readers.take(turns, EIGHT, Arc::new(write)).await?;
        let seconds = watch.elapsed().as_secs_f64();
        let Asked { times, sources, first_sources } = &asked;
        let [all, first] = [sources, first_sources].map(|from| percent(from, "cache"));
        self.results.add("home_cache_hits_percent", "%", vec![all]);
        self.results.add("home_first_cache_hits_percent", "%", vec![first]);
        self.results.add("home_turns_per_s", "1/s", vec![count as f64 / seconds]);
        self.results.add("home_turns_p50_ms", "ms", vec![times.percentile(50.0)]);
        self.results.add("home_turns_p99_ms", "ms", vec![times.percentile(99.0)]);
        let rss = process::rss(program.pid())? as f64 / MB;
        self.results.add("home_rss_mb", "MB", vec![rss]);
        Ok(())
    }
}
