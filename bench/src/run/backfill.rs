//! A network of large repositories, of which the program has heard nothing, fetched whole while it goes on living:
//! how fast, and how late what is new shows meanwhile.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use millrace_runtime::clock::{Stopwatch, SystemClock};
use millrace_sim::{Mix, Network, SimConfig};
use serde_json::{Value, json};

use super::Bench;
use crate::ingest;
use crate::program::{Internal, Program, Settings};

const SEED: u64 = 11;
const HOSTS: u32 = 3;
/// What the network writes meanwhile.
const WRITES_PER_S: f64 = 20.0;
const SOURCE: &str = "relay";
/// How often it is looked what the relay said last, and what shows.
const LOOK: Duration = Duration::from_millis(50);
const WITHIN: Duration = Duration::from_secs(1_800);

impl Bench {
    pub(super) async fn backfill(&mut self) -> Result<()> {
        let (repos, records) = (self.sizes.fetched_repos, self.sizes.repo_records);
        self.say(&format!("making {repos} repositories of {records} records"));
        let config = SimConfig {
            seed: SEED,
            accounts: repos,
            hosts: HOSTS,
            mix: Mix::Simple,
            repo_records: records,
            history_writes: 0,
            writes_per_s: WRITES_PER_S,
            account_events_per_mille: 0,
            ..SimConfig::default()
        };
        let network = Network::start(&config, SystemClock::shared()).await?;
        let settings = Settings {
            dir: self.dir("backfill"),
            plc_url: network.plc_url(),
            handles_url: network.pds_url(),
            relay_url: Some(network.relay_url()),
            from_oldest: false,
            verify: true,
            postgres_url: None,
        };
        ingest::emptied(&settings.dir)?;
        let mut program = Program::start(&self.options.place.program, &settings).await?;
        program.visible(SOURCE, network.look(|world| world.last_seq()), WITHIN).await?;
        ingest::written_out().await?;
        self.say("fetching them");
        let cpu = program.cpu()?;
        let watch = Stopwatch::start();
        let internal = program.internal();
        internal.ask("beginBackfill", &json!({"kind": "network"})).await?;
        let mut lateness = Lateness::default();
        let job = loop {
            tokio::time::sleep(LOOK).await;
            lateness.look(&network, &internal).await?;
            let job = internal.ask("listBackfills", &json!({})).await?["backfills"][0].clone();
            if job["state"] != "running" {
                break job;
            }
            if watch.elapsed() > WITHIN {
                bail!("the backfill is not done after {WITHIN:?}: {job}");
            }
        };
        let count = |name: &str| job[name].as_u64().unwrap_or(0);
        ensure!(job["state"] == "done" && count("found") == u64::from(repos), "{job}");
        ensure!(job["failed"] == Value::Object(serde_json::Map::new()), "{job}");
        let records = count("records");
        // What the network says now comes after all that was fetched.
        let last = network.look(|world| world.last_seq());
        while lateness.look(&network, &internal).await? < last {
            ensure!(watch.elapsed() < WITHIN, "not all of {records} records were applied");
            tokio::time::sleep(LOOK).await;
        }
        let elapsed = watch.elapsed();
        let cpu = program.cpu()?.saturating_sub(cpu).as_secs_f64();
        let seconds = elapsed.as_secs_f64();
        self.results.add("backfill_records", "records", vec![records as f64]);
        self.results.add("backfill_records_per_s", "records/s", vec![records as f64 / seconds]);
        self.results.add("backfill_cpu_us", "µs", vec![cpu * 1e6 / records as f64]);
        self.results.add("backfill_live_lag_p50_s", "s", vec![lateness.percentile(50)?]);
        self.results.add("backfill_live_lag_s", "s", vec![lateness.percentile(100)?]);
        program.end().await?;
        Ok(std::fs::remove_dir_all(&settings.dir)?)
    }
}

/// How late what the relay says shows in answers.
#[derive(Default)]
struct Lateness {
    /// What does not show yet: the relay's newest event when it was looked, and since when it was that.
    said: VecDeque<(i64, Stopwatch)>,
    seconds: Vec<f64>,
}

impl Lateness {
    /// Up to which of the relay's events everything shows.
    async fn look(&mut self, network: &Network, internal: &Internal) -> Result<i64> {
        let newest = network.look(|world| world.last_seq());
        if self.said.back().is_none_or(|(seq, _)| *seq < newest) {
            self.said.push_back((newest, Stopwatch::start()));
        }
        let visible = internal.visible_seq(SOURCE).await?;
        while let Some((_, since)) = self.said.pop_front_if(|(seq, _)| *seq <= visible) {
            self.seconds.push(since.elapsed().as_secs_f64());
        }
        Ok(visible)
    }

    fn percentile(&mut self, percent: usize) -> Result<f64> {
        // What never showed is as late as it is now.
        self.seconds.extend(self.said.drain(..).map(|(_, since)| since.elapsed().as_secs_f64()));
        ensure!(!self.seconds.is_empty(), "the network said nothing meanwhile");
        self.seconds.sort_by(f64::total_cmp);
        let at = (self.seconds.len() - 1) * percent / 100;
        Ok(self.seconds[at])
    }
}
