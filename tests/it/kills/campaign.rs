//! One program, killed again and again: at points where it kills itself, and from outside at any time.
//!
//! What is in flight is asked of the program up to the moment it dies: events that it has received and that nobody
//! can read yet.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use millrace_runtime::clock::{Clock as _, SystemClock};
use millrace_runtime::crash::{VARIABLE, WHEN_VARIABLE};
use millrace_runtime::rng::Rng;
use millrace_sim::Network;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::points::{self, Way};
use crate::millrace::Split;
use crate::oracle::asking::Asker;
use crate::oracle::program::Program;

/// How long a program may take to reach a point.
const REACHED_WITHIN: Duration = Duration::from_secs(150);
/// How long enough entries are waited for before a point counts without them.
const IN_FLIGHT_WITHIN: Duration = Duration::from_secs(60);
/// How long after one repository was asked for another is.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Events written at once, when too few are ahead of a program.
const WRITES_AT_ONCE: u32 = 100;
/// Lines of output among which a process says why it ended.
const LAST_LINES: usize = 12;
/// A program that has just started reads far ahead of what it has applied; later on it may not.
const FAR_AHEAD_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(10);

/// How often, and with how much in flight.
#[derive(Debug)]
pub struct Plan {
    /// At each point.
    pub times: u32,
    /// Every point, or a few.
    pub every_point: bool,
    /// Kills from outside.
    pub outside: u32,
    /// Entries in flight.
    pub in_flight: i64,
}

impl Plan {
    pub fn short() -> Self {
        Self { times: 1, every_point: false, outside: 0, in_flight: 200 }
    }

    pub fn whole(times: u32) -> Self {
        Self { times, every_point: true, outside: 5 * times, in_flight: 1_000 }
    }

    /// Events that are to be ahead of a program.
    pub fn backlog(&self) -> i64 {
        2 * self.in_flight
    }
}

/// One end of a process.
#[derive(Clone, Debug)]
pub struct Kill {
    pub program: String,
    /// A point's name, or what was killed from outside.
    pub at: String,
    pub in_flight: i64,
}

/// What every start of a program finds in its environment: enough removed from the log, and folded into the
/// tables, for there to be something to kill.
pub fn settings() -> Vec<(&'static str, String)> {
    vec![
        ("MILLRACE_LOG__RETENTION_BYTES_MAX", "262144".to_owned()),
        ("MILLRACE_STORE__CHECKPOINT_INTERVAL_MS", "100".to_owned()),
        ("MILLRACE_DATAPLANE__BATCH_ENTRIES_MAX", "20".to_owned()),
    ]
}

struct Campaign<'a> {
    program: &'a mut Program,
    asker: &'a Asker,
    network: &'a Network,
    plan: &'a Plan,
    name: String,
    rng: Rng,
    /// The last event that could be read.
    visible: i64,
    kills: Vec<Kill>,
}

/// Kills it as planned. It does not run afterwards.
pub async fn run(
    program: &mut Program,
    asker: &Asker,
    network: &Network,
    plan: &Plan,
) -> Result<Vec<Kill>> {
    let split = program.millrace.split();
    let name = match split {
        Split::Local => program.store.to_owned(),
        Split::Remote => format!("{}, two processes", program.store),
    };
    let rng = program.rng.fork();
    let (visible, kills) = (0, Vec::new());
    let mut campaign = Campaign { program, asker, network, plan, name, rng, visible, kills };
    match split {
        Split::Local => campaign.at_points().await?,
        Split::Remote => {}
    }
    campaign.kills_from_outside(split).await?;
    Ok(campaign.kills)
}

impl Campaign<'_> {
    async fn at_points(&mut self) -> Result<()> {
        let all = points::on(self.program.store);
        let mut points = match self.plan.every_point {
            true => all,
            false => points::FEW.to_vec(),
        };
        // Those that a fresh start alone reaches come first, then those of a rebuild, which takes the longer
        // the more there is; the others in any order.
        points.sort_by_cached_key(|point| (Way::of(point).turn(), self.rng.next_u64()));
        for point in points {
            for _ in 0..self.plan.times {
                let killed = self.at(point).await;
                killed.with_context(|| format!("{}: {point}", self.name))?;
            }
        }
        Ok(())
    }

    /// Starts it, and waits until it has killed itself.
    async fn at(&mut self, point: &'static str) -> Result<()> {
        let way = Way::of(point);
        let nth = if way == Way::Work { 1 + self.rng.below(3) } else { 1 };
        let when = self.program.dir().join(format!("crash-{}", self.kills.len()));
        let mut environment = settings();
        environment.push((VARIABLE, format!("{point}:{nth}")));
        if way.is_under_load() {
            environment.push((WHEN_VARIABLE, when.display().to_string()));
        }
        self.program.millrace.set_environment(environment);
        self.write_ahead()?;
        self.program.millrace.launch().await?;
        let (status, in_flight) = self.until_dead(way, when).await?;
        self.program.forget_leases().await?;
        let printed = self.program.millrace.printed()?;
        // Other threads may have said something after it.
        let last: Vec<&str> = printed.lines().rev().take(LAST_LINES).collect();
        let said = format!("crash point {point} reached {nth} times");
        ensure!(last.contains(&said.as_str()), "ended with {status}, and not there:\n{last:#?}");
        self.note(point, in_flight);
        Ok(())
    }

    fn note(&mut self, at: &str, in_flight: i64) {
        println!("{}: killed at {at}, {in_flight} in flight", self.name);
        self.kills.push(Kill { program: self.name.clone(), at: at.to_owned(), in_flight });
    }

    /// Has it do what leads to the point, once enough is in flight; how it ended, and what then was.
    async fn until_dead(&mut self, way: Way, when: PathBuf) -> Result<(ExitStatus, i64)> {
        let began = Instant::now();
        let (mut in_flight, mut led): (i64, Option<Instant>) = (0, None);
        loop {
            if let Some(status) = self.program.millrace.ended()? {
                return Ok((status, in_flight));
            }
            if let Some(at) = led {
                // The account may be inactive to a program that is behind, or come in one part; a rebuild may
                // have found nothing that came while it copied.
                if matches!(way, Way::Work | Way::Rebuild) && at.elapsed() > ASKED_AGAIN_AFTER {
                    if let Ok(source) = self.program.millrace.source().await {
                        self.in_flight(&source)?;
                    }
                    self.lead_to(way).await?;
                    led = Some(Instant::now());
                }
            } else if let Ok(source) = self.program.millrace.source().await {
                in_flight = self.in_flight(&source)?;
                let late = began.elapsed() > IN_FLIGHT_WITHIN;
                if way.is_under_load() && (in_flight >= self.plan.in_flight || late) {
                    std::fs::write(&when, "")?;
                    self.lead_to(way).await?;
                    led = Some(Instant::now());
                }
            }
            ensure!(began.elapsed() < REACHED_WITHIN, "not reached after {REACHED_WITHIN:?}");
            sleep(POLL).await;
        }
    }

    async fn lead_to(&mut self, way: Way) -> Result<()> {
        match way {
            Way::Fresh | Way::Start => {}
            Way::Work => self.ask_for_a_repository().await,
            Way::Stranger => {
                let now_us = SystemClock.now_us();
                self.network.change(|world| world.create_account(now_us));
            }
            Way::Drain => self.program.millrace.ask_to_end().await?,
            Way::Rebuild => {
                // It goes on in the server, and ends with it: there is nothing to be said of the answer.
                self.program.millrace.command(&["rebuild", "dataplane", "--yes"]).await?;
            }
        }
        Ok(())
    }

    /// One that is fetched whole, so that the points of that are reached too.
    async fn ask_for_a_repository(&self) {
        let dids = self.network.look(|world| {
            let active = world.accounts().filter(|account| account.status.is_active());
            active.map(|account| account.identity.did.to_string()).collect::<Vec<_>>()
        });
        let at = usize::try_from(self.rng.below(dids.len() as u64)).unwrap_or(0);
        // It may be dying already.
        let _ = self.asker.internal("requestResync", json!({"did": dids[at]})).await;
    }

    /// People write until enough is ahead of what could be read last.
    fn write_ahead(&self) -> Result<()> {
        let last_seq = || self.network.look(|world| world.last_seq());
        while last_seq() - self.visible < self.plan.backlog() {
            self.network.act(WRITES_AT_ONCE)?;
        }
        Ok(())
    }

    /// Takes note of what the program says of itself; events received that cannot be read yet.
    fn in_flight(&mut self, source: &Value) -> Result<i64> {
        self.visible = source["visibleSeq"].as_i64().unwrap_or(self.visible);
        if self.network.look(|world| world.last_seq()) - self.visible < self.plan.in_flight {
            self.write_ahead()?;
        }
        let received = source["receivedSeq"].as_i64().unwrap_or(0);
        Ok((received - self.visible).max(0))
    }

    /// Kills that come from outside, at any time once enough is in flight.
    async fn kills_from_outside(&mut self, split: Split) -> Result<()> {
        for round in 0..self.plan.outside {
            self.program.millrace.set_environment(settings());
            self.write_ahead()?;
            self.program.millrace.launch().await?;
            let (until, mut last) = (Instant::now() + REACHED_WITHIN, 0);
            let mut launched = Instant::now();
            let in_flight = loop {
                self.program.millrace.must_be_running()?;
                if launched.elapsed() > FAR_AHEAD_WITHIN {
                    // What reads and what applies go in step by now, and with whoever writes.
                    self.program.millrace.kill9().await?;
                    self.program.forget_leases().await?;
                    self.write_ahead()?;
                    self.program.millrace.launch().await?;
                    launched = Instant::now();
                }
                if let Ok(source) = self.program.millrace.source().await {
                    last = self.in_flight(&source)?;
                    if last >= self.plan.in_flight {
                        break last;
                    }
                }
                ensure!(Instant::now() < until, "{}: no more than {last} in flight", self.name);
                sleep(POLL).await;
            };
            sleep(Duration::from_millis(self.rng.below(400))).await;
            let at = self.strike(split, round).await?;
            self.note(at, in_flight);
        }
        Ok(())
    }

    async fn strike(&mut self, split: Split, round: u32) -> Result<&'static str> {
        let millrace = &mut self.program.millrace;
        let at = match (split, round % 3) {
            (Split::Local, _) => {
                millrace.kill9().await?;
                "from outside"
            }
            (Split::Remote, 0) => {
                millrace.kill9().await?;
                "data-plane, from outside"
            }
            (Split::Remote, 1) => {
                // What is in flight is written while the data-plane is dead, so that dies too.
                millrace.kill9_appview().await?;
                millrace.launch().await?;
                millrace.kill9().await?;
                "AppView, then data-plane, from outside"
            }
            (Split::Remote, _) => {
                millrace.kill9_both().await?;
                "both, from outside"
            }
        };
        self.program.forget_leases().await?;
        Ok(at)
    }
}

/// Waits while it works through what is left, for as long as it gets on with it.
pub async fn catch_up(program: &mut Program, network: &Network) -> Result<()> {
    let last_seq = network.look(|world| world.last_seq());
    let (mut visible, mut moved) = (0, Instant::now());
    while visible < last_seq {
        program.millrace.must_be_running()?;
        let source = program.millrace.source().await.unwrap_or_default();
        let now = source["visibleSeq"].as_i64().unwrap_or(visible);
        if now > visible {
            (visible, moved) = (now, Instant::now());
        }
        ensure!(moved.elapsed() < REACHED_WITHIN, "it does not get beyond {visible} of {last_seq}");
        sleep(POLL).await;
    }
    Ok(())
}

/// The program counts everything again; what differs, in its words.
pub async fn audit(program: &Program) -> Result<Option<String>> {
    let output = program.millrace.command(&["audit"]).await?;
    match output.status.code() {
        Some(0) => Ok(None),
        Some(3) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
        _ => bail!("audit: {}", String::from_utf8_lossy(&output.stderr)),
    }
}
