//! `millrace top`: what a running server is doing now, from the metrics it tells: rates, times, costs.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use millrace_runtime::clock::Stopwatch;
use millrace_runtime::metrics::Spread;
use serde_json::{Value, json};

use super::live;
use crate::admin::backup::room::shown;
use crate::admin::client::{self, AdminClient};
use crate::admin::scrape::Scrape;
use crate::cli::{Global, ReadArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

/// Rows of a table.
const ROWS_MAX: usize = 12;

/// Where time goes that is measured: what an operator knows it as, the histogram, its label.
const COSTS: [(&str, &str, &str); 6] = [
    ("verifying commits", "millrace_ingest_verify_seconds", ""),
    ("making entries durable", "millrace_log_commit_seconds", ""),
    ("saving cursors", "millrace_ingest_checkpoint_seconds", ""),
    ("applying entries", "millrace_store_batch_seconds", ""),
    ("asking other servers", "millrace_net_request_seconds", ""),
    ("transactions", "millrace_store_run_seconds", "domain"),
];
/// Requests by method.
const REQUESTS: &str = "millrace_appview_request_seconds";

/// What a running server is doing now: rates, times, costs
///
/// Events a second of each source, requests a second of each method with the times within which half and 99
/// of 100 were answered, and where measured time goes, in seconds of work a second. Without a terminal one
/// block is printed.
///
/// Examples:
///   millrace top
///   millrace top --interval-ms 5000 | head -40
///   millrace top --json | jq '.requests[0]'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct TopArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Between two looks
    #[arg(long, value_name = "MS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    interval_ms: u64,
}

pub async fn run(global: &Global, args: TopArgs) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let servers = client::servers_of_folder(&config.data_dir)?;
    let interval = Duration::from_millis(args.interval_ms);
    let mut last = (look(&servers).await?, Stopwatch::start());
    if !args.read.json && live::possible() {
        return live::draw(interval, async || {
            let now = look(&servers).await?;
            let page = Page::between(&last.0, &now, last.1.elapsed());
            last = (now, Stopwatch::start());
            Ok(page.text())
        })
        .await;
    }
    tokio::time::sleep(interval).await;
    let page = Page::between(&last.0, &look(&servers).await?, last.1.elapsed());
    match args.read.json {
        true => output::json(&page.json()),
        false => output::text(&page.text()),
    }
    Ok(())
}

async fn look(servers: &[(&'static str, AdminClient)]) -> Result<Scrape, Failure> {
    let mut text = String::new();
    for (_, server) in servers {
        text.push_str(&server.metrics().await?);
        text.push('\n');
    }
    Ok(Scrape::parse(&text))
}

/// What happened between two looks.
struct Page {
    seconds: f64,
    sources: Vec<(String, f64, f64)>,
    applied: f64,
    requests: Vec<(String, Spread)>,
    costs: Vec<(String, Spread)>,
    memory_bytes: u64,
    hosts: Vec<(String, f64)>,
}

impl Page {
    fn between(before: &Scrape, now: &Scrape, took: Duration) -> Self {
        let seconds = took.as_secs_f64().max(0.001);
        let grown = |name: &str, label: &str| {
            let earlier = before.by(name, label);
            now.by(name, label).into_iter().map(move |(key, value)| {
                let growth = value - earlier.get(&key).copied().unwrap_or(0.0);
                (key, growth / seconds)
            })
        };
        let bytes: Vec<(String, f64)> =
            grown("millrace_ingest_frame_bytes_total", "source").collect();
        let sources = grown("millrace_ingest_frames_total", "source").map(|(name, rate)| {
            let of =
                bytes.iter().find(|(source, _)| *source == name).map_or(0.0, |(_, bytes)| *bytes);
            (name, rate, of)
        });
        let mut requests: Vec<(String, Spread)> =
            now.spread_since(before, REQUESTS, "method").into_iter().collect();
        requests.sort_by(|one, other| other.1.sum.total_cmp(&one.1.sum));
        let mut costs: Vec<(String, Spread)> = Vec::new();
        for (name, metric, label) in COSTS {
            for (value, spread) in now.spread_since(before, metric, label) {
                let name =
                    if label.is_empty() { name.to_owned() } else { format!("{name}, {value}") };
                costs.push((name, spread));
            }
        }
        costs.sort_by(|one, other| other.1.sum.total_cmp(&one.1.sum));
        let applied = (now.sum("millrace_store_entries_total")
            - before.sum("millrace_store_entries_total"))
            / seconds;
        let hosts = grown("millrace_net_requests_total", "outcome").filter(|(_, rate)| *rate > 0.0);
        Self {
            seconds,
            sources: sources.collect(),
            applied,
            requests,
            costs,
            memory_bytes: now.sum("process_resident_memory_bytes") as u64,
            hosts: hosts.collect(),
        }
    }

    fn text(&self) -> String {
        let mut page = format!(
            "over {:.1} s   {:.0} entries/s applied   memory {}\n\n",
            self.seconds,
            self.applied,
            shown(self.memory_bytes)
        );
        let rows: Vec<[String; 3]> = self
            .sources
            .iter()
            .map(|(name, rate, bytes)| {
                [name.clone(), format!("{rate:.1}"), format!("{}/s", shown(*bytes as u64))]
            })
            .collect();
        block(&mut page, ["SOURCE", "EVENTS/S", "BYTES"], &rows, "no source is followed");
        let rows =
            self.requests.iter().take(ROWS_MAX).map(|(method, spread)| self.row(method, spread));
        let rows: Vec<[String; 5]> = rows.collect();
        block(
            &mut page,
            ["METHOD", "PER S", "HALF IN", "99 % IN", "WORK S/S"],
            &rows,
            "nobody asked anything",
        );
        let rows = self.costs.iter().take(ROWS_MAX).map(|(what, spread)| self.row(what, spread));
        let rows: Vec<[String; 5]> = rows.collect();
        block(
            &mut page,
            ["WORK", "PER S", "HALF IN", "99 % IN", "WORK S/S"],
            &rows,
            "no work was measured",
        );
        for (outcome, rate) in &self.hosts {
            let _ = writeln!(page, "requests to others, {outcome}: {rate:.1}/s");
        }
        page
    }

    fn row(&self, name: &str, spread: &Spread) -> [String; 5] {
        [
            name.to_owned(),
            format!("{:.1}", spread.count() / self.seconds),
            milliseconds(spread.quantile(0.5)),
            milliseconds(spread.quantile(0.99)),
            format!("{:.3}", spread.sum / self.seconds),
        ]
    }

    fn json(&self) -> Value {
        let spreads = |spreads: &[(String, Spread)], key: &str| -> Vec<Value> {
            let each = spreads.iter().map(|(name, spread)| {
                json!({
                    key: name,
                    "perSecond": spread.count() / self.seconds,
                    "p50Ms": spread.quantile(0.5) * 1_000.0,
                    "p99Ms": spread.quantile(0.99) * 1_000.0,
                    "workPerSecond": spread.sum / self.seconds,
                })
            });
            each.collect()
        };
        let sources: Vec<Value> = self
            .sources
            .iter()
            .map(|(name, rate, bytes)| {
                json!({ "source": name, "eventsPerSecond": rate, "bytesPerSecond": bytes })
            })
            .collect();
        json!({
            "seconds": self.seconds,
            "appliedPerSecond": self.applied,
            "memoryBytes": self.memory_bytes,
            "sources": sources,
            "requests": spreads(&self.requests, "method"),
            "work": spreads(&self.costs, "work"),
        })
    }
}

fn block<const N: usize>(page: &mut String, head: [&str; N], rows: &[[String; N]], none: &str) {
    let _ = match rows.is_empty() {
        true => writeln!(page, "{none}\n"),
        false => writeln!(page, "{}\n", output::table_text(head, rows)),
    };
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1_000.0)
}
