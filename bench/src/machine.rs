//! What this was measured on, and how busy that was with other things.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub system: String,
    pub filesystem: String,
}

impl Machine {
    pub fn look(dir: &std::path::Path) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib: u64 = memory
            .lines()
            .find_map(|line| {
                line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok()
            })
            .unwrap_or(0);
        Self {
            cpu: field("model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.div_ceil(1 << 20),
            system: said(Command::new("uname").args(["-sr"])),
            filesystem: said(Command::new("stat").args(["-f", "-c", "%T"]).arg(dir)),
        }
    }
}

/// The commit that is measured, and whether the tree has changes that are in none.
pub fn commit(root: &std::path::Path) -> String {
    let git = |args: &[&str]| said(Command::new("git").args(args).current_dir(root));
    let head = git(&["rev-parse", "--short=12", "HEAD"]);
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "crates", "bench"]);
    if changed.is_empty() { head } else { format!("{head} with changes") }
}

/// Processor time of the whole machine so far, in ticks: all of it, what was idle, and what the host took away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    total: u64,
    idle: u64,
    stolen: u64,
}

impl Load {
    pub fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|it| it.parse().ok()).collect();
        let at = |index: usize| ticks.get(index).copied().unwrap_or(0);
        Self { total: ticks.iter().take(8).sum(), idle: at(3) + at(4), stolen: at(7) }
    }

    /// Shares of the time since `before`, in percent: idle, stolen.
    pub fn since(self, before: Self) -> (f64, f64) {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        let share = |now: u64, then: u64| now.saturating_sub(then) as f64 * 100.0 / total;
        (share(self.idle, before.idle), share(self.stolen, before.stolen))
    }
}

/// The machine's run queue over the last minute.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}

fn said(command: &mut Command) -> String {
    let output = command.output().ok();
    output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
}
