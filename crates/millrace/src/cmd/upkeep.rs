//! What audit, repair and rebuild share: doing it here or having the server do it, and showing how it
//! goes. On a terminal that is one line, written over; elsewhere one line every 10 s.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use millrace_dataplane::audit::{AuditOptions, AuditReport, Drift, check_names};
use millrace_dataplane::progress::{Progress, ProgressSeen};
use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::{Shutdown, Signals};

use crate::admin::audit::{self, Done, NotDone, Seen, Task};
use crate::admin::client::AdminClient;
use crate::admin::rebuild::Opened;
use crate::admin::target::Target;
use crate::config::Config;
use crate::failure::Failure;
use crate::output;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Looks between two lines where there is no terminal: 10 s.
const LOOKS_PER_LINE: u32 = 40;

/// Does `task` on the server that holds the tables, or here.
pub async fn run(config: &Config, task: Task) -> Result<Done, Failure> {
    if let Task::Audit(options) | Task::Repair(options) = &task {
        check_names(&options.only)?;
    }
    match Target::open(config)? {
        Target::Server(server) => by_server(&server, &task).await,
        Target::Tables(_held) => here(config, &task).await,
    }
}

async fn by_server(server: &AdminClient, task: &Task) -> Result<Done, Failure> {
    let mut seen: Seen = server.post_json("upkeep", task).await?;
    let mut shown = Shown::default();
    while seen.running {
        shown.show(&seen.progress);
        tokio::time::sleep(LOOK).await;
        seen = server.get("upkeep", &()).await?;
    }
    shown.end();
    let reason = seen.error.unwrap_or_else(|| "the server did not say why".to_owned());
    Ok(seen.done.ok_or(NotDone { task: "the server's upkeep", reason })?)
}

async fn here(config: &Config, task: &Task) -> Result<Done, Failure> {
    let mut signals = Signals::install().map_err(Failure::plain)?;
    let opened = Opened::open(config).await?;
    let (progress, shutdown) = (Progress::default(), Shutdown::new());
    let done = {
        let doing = audit::run(&opened.deps, task, &progress, &shutdown);
        tokio::pin!(doing);
        let mut shown = Shown::default();
        loop {
            tokio::select! {
                done = &mut doing => {
                    shown.end();
                    break done;
                }
                () = tokio::time::sleep(LOOK) => shown.show(&progress.seen()),
                _ = signals.next() => shutdown.cancel(),
            }
        }
    };
    opened.close().await;
    done
}

/// What is on the screen.
#[derive(Default)]
struct Shown {
    looks: u32,
    phase: String,
    since: Option<Stopwatch>,
    over: bool,
}

impl Shown {
    fn show(&mut self, seen: &ProgressSeen) {
        if self.phase != seen.phase || self.since.is_none() {
            self.phase.clone_from(&seen.phase);
            self.since = Some(Stopwatch::start());
        }
        let line = self.line(seen);
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K{line}");
            let _ = io::stderr().lock().flush();
            self.over = true;
        } else if self.looks.is_multiple_of(LOOKS_PER_LINE) && self.looks > 0 {
            output::note(&line);
        }
        self.looks += 1;
    }

    fn line(&self, seen: &ProgressSeen) -> String {
        let seconds = self.since.as_ref().map_or(0.0, |since| since.elapsed().as_secs_f64());
        let rate = if seconds > 0.0 { seen.done as f64 / seconds } else { 0.0 };
        let mut line = match seen.total {
            0 => format!("{}: {}, {rate:.0}/s", seen.phase, grouped(seen.done)),
            total => {
                let left = total.saturating_sub(seen.done) as f64;
                let eta = if rate > 0.0 { left / rate } else { 0.0 };
                format!(
                    "{}: {} of {}, {rate:.0}/s, {eta:.0} s left",
                    seen.phase,
                    grouped(seen.done),
                    grouped(total)
                )
            }
        };
        if seen.drift > 0 {
            line.push_str(&format!("; {} differ so far", grouped(seen.drift)));
        }
        line
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.over) {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
        }
    }
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The drift that was listed, one line each, and what is not listed.
pub fn list(report: &AuditReport) {
    let row = |drift: &Drift| {
        [drift.check.clone(), drift.subject.clone(), drift.expected.clone(), drift.found.clone()]
    };
    let rows: Vec<[String; 4]> = report.listed.iter().map(row).collect();
    output::table(["CHECK", "SUBJECT", "EXPECTED", "FOUND"], &rows);
    let more = report.total().saturating_sub(rows.len() as u64);
    if more > 0 {
        output::note(&format!("and {} more", grouped(more)));
    }
    if report.skipped > 0 {
        output::note("some rows could not be judged in the time that store.read_timeout_ms allows");
    }
}

/// `likes 3, posts 1`.
pub fn by_check(report: &AuditReport) -> String {
    let checks = report.drift.iter().map(|(check, count)| format!("{check} {}", grouped(*count)));
    checks.collect::<Vec<_>>().join(", ")
}

/// What is audited, as arguments say it.
pub fn options(only: Vec<String>, sample_percent: u32) -> AuditOptions {
    AuditOptions { only, sample_percent, ..AuditOptions::default() }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped() {
        let check = |number, expected: &str| assert_eq!(grouped(number), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
    }
}
