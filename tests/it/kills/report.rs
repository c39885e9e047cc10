//! What the kills came to: a table, a page, and whether it was enough.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use millrace_atproto::datetime::format_ms_us;
use millrace_runtime::crash::POINTS;

use super::campaign::{Kill, Plan};
use super::points::{self, Way};
use crate::oracle::seed::Judged;

/// Kills on each store.
const KILLS_MIN: usize = 50;

/// Everything worth telling.
pub struct Told<'a> {
    pub kills: &'a [Kill],
    pub judged: &'a Judged,
    pub drift: &'a [String],
    pub seed: u64,
    pub plan: &'a Plan,
    pub took: Duration,
    pub now_us: i64,
}

impl Told<'_> {
    /// By program and place: how often, and with how much in flight.
    pub fn table(&self) -> String {
        let mut rows: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
        for kill in self.kills {
            rows.entry((&kill.program, &kill.at)).or_default().push(kill.in_flight);
        }
        let mut table = String::from(
            "| program | killed at | kills | entries in flight: least | most |\n| --- | --- | --: | --: | --: |\n",
        );
        for ((program, at), in_flight) in rows {
            let (least, most) = (in_flight.iter().min(), in_flight.iter().max());
            let (least, most) = (least.unwrap_or(&0), most.unwrap_or(&0));
            let kills = in_flight.len();
            let _ = writeln!(table, "| {program} | `{at}` | {kills} | {least} | {most} |");
        }
        table
    }

    pub fn page(&self) -> String {
        let Judged { answers, differences, posts, records, .. } = self.judged;
        let (machine, sums) = (machine(), self.sums());
        let (seed, in_flight) = (self.seed, self.plan.in_flight);
        let (minutes, day) = (self.took.as_secs().div_ceil(60), format_ms_us(self.now_us));
        let day = day.split('T').next().unwrap_or_default();
        let meanings: String =
            POINTS.iter().map(|(name, what)| format!("| `{name}` | {what} |\n")).collect();
        format!(
            "# Crash runs

What `make crash` wrote on {day}, in {minutes} minutes, on {machine}. It is written anew by each run.

A program on each store follows one made-up network that writes faster than it can be read. It is started, works
until at least {in_flight} events that it has received cannot be read yet, and then ends itself with SIGKILL at a named
point of its work; or is killed with `kill -9` from outside. Then it is started again on what is left, and killed at
the next point. At the end the network falls quiet, the oracle asks every question for several viewers, and
`millrace audit` counts everything again.

{sums}
The network (seed {seed}) had {records} records at the end, {posts} of them posts. The oracle compared {answers} answers:
**{differences} differences**. The audits found **{drift} differences**.

Points that only a start reaches (migrations, retention at the start) are reached with nothing received yet.

{table}
## The points

They exist in builds with debug assertions, or with the feature `crash-points` of `millrace-runtime`; a release build
has none. `MILLRACE_CRASH_AT=<name>:<nth>` chooses one.

| point | what is done there, and what is not |
| --- | --- |
{meanings}",
            differences = differences.len(),
            drift = self.drift.len(),
            table = self.table(),
        )
    }

    /// A line for each program.
    fn sums(&self) -> String {
        let mut programs: BTreeMap<&str, Vec<&Kill>> = BTreeMap::new();
        for kill in self.kills {
            programs.entry(&kill.program).or_default().push(kill);
        }
        let mut sums = format!(
            "| program | kills | with {} or more in flight |\n| --- | --: | --: |\n",
            self.plan.in_flight
        );
        for (program, kills) in programs {
            let loaded = kills.iter().filter(|kill| kill.in_flight >= self.plan.in_flight).count();
            let _ = writeln!(sums, "| {program} | {} | {loaded} |", kills.len());
        }
        sums
    }
}

/// An error where a store was not killed often enough, at every point, with enough in flight.
pub fn enough(kills: &[Kill], plan: &Plan) -> Result<()> {
    if !plan.every_point {
        return Ok(());
    }
    let stores = ["sqlite", "postgres"].into_iter();
    for store in stores.filter(|store| kills.iter().any(|kill| kill.program == *store)) {
        let of_store = || kills.iter().filter(|kill| kill.program == store);
        let loaded = of_store().filter(|kill| kill.in_flight >= plan.in_flight).count();
        ensure!(loaded >= KILLS_MIN, "{store}: only {loaded} kills with enough in flight");
        for point in points::on(store) {
            let hits = of_store().filter(|kill| kill.at == point).count();
            ensure!(hits >= plan.times as usize, "{store}: {point} was hit {hits} times");
            let way = Way::of(point);
            let some = of_store().any(|kill| kill.at == point && kill.in_flight >= plan.in_flight);
            ensure!(some || !way.is_under_load(), "{store}: {point} was never hit under load");
        }
    }
    Ok(())
}

/// Processor, cores and memory, where the system tells.
fn machine() -> String {
    let line = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory_kib: u64 = line("/proc/meminfo", "MemTotal")
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let model = line("/proc/cpuinfo", "model name");
    format!(
        "{cores} cores ({model}), {} GiB of memory, a debug build",
        memory_kib.div_ceil(1 << 20)
    )
}
