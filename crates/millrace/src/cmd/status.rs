//! `millrace status`: how it stands, on one screen.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::time::Duration;

use clap::Args;
use millrace_atproto::datetime::format_ms_us;
use millrace_runtime::clock::{Clock as _, Stopwatch, SystemClock};

use super::live;
use crate::admin::backup::Place;
use crate::admin::backup::room::shown;
use crate::admin::status::{self, LogPart, SourcePart, Status, shown_time};
use crate::admin::target::Target;
use crate::cli::{Global, ReadArgs};
use crate::config::{self, Config};
use crate::failure::{Exit, Failure};
use crate::output;

/// Between the two looks of which rates are made, and between two pages.
const INTERVAL: Duration = Duration::from_secs(1);

/// How it stands, on one screen
///
/// Of a running server: sources with their rate, cursor and delay, what is not applied yet, accounts by how
/// much of them is here, what was parked or refused, the log, the tables' sizes, memory. Without a server:
/// what its tables and log say.
///
/// Ends with 3 when somebody should look: no server runs, a source is not connected, or the tables are too
/// far behind the log.
///
/// Examples:
///   millrace status
///   millrace status -w
///   millrace status --json | jq .lagEntries
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct StatusArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Draw it again every second, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    watch: bool,
}

pub async fn run(global: &Global, args: StatusArgs) -> Result<Exit, Failure> {
    let config = config::load(global)?.value;
    if args.watch && live::possible() {
        let mut before = None;
        live::draw(INTERVAL, async || {
            let status = look(&config).await?;
            let page = page(&status, before.as_ref());
            before = Some((status, Stopwatch::start()));
            Ok(page)
        })
        .await?;
        return Ok(Exit::Fine);
    }
    let first = look(&config).await?;
    let (status, before) = if first.server.is_some() {
        let watch = Stopwatch::start();
        tokio::time::sleep(INTERVAL).await;
        (look(&config).await?, Some((first, watch)))
    } else {
        (first, None)
    };
    if args.read.json {
        output::json(&with_rates(&status, before.as_ref()));
    } else {
        output::text(&page(&status, before.as_ref()));
    }
    Ok(if status.problems.is_empty() { Exit::Fine } else { Exit::Unhealthy })
}

async fn look(config: &Config) -> Result<Status, Failure> {
    match Target::open(config)? {
        Target::Server(server) => Ok(server.get("status", &()).await?),
        Target::Tables(_held) => {
            status::of_tables(&Place::new(config, SystemClock::shared())).await
        }
    }
}

type Before = (Status, Stopwatch);

/// A second, as rates need it.
fn per_second(now: u64, before: u64, took: &Stopwatch) -> f64 {
    now.saturating_sub(before) as f64 / took.elapsed().as_secs_f64().max(0.001)
}

fn source_rate(source: &SourcePart, before: Option<&Before>) -> Option<f64> {
    let (status, took) = before?;
    let earlier = status.sources.iter().find(|earlier| earlier.name == source.name)?;
    Some(per_second(source.events_total, earlier.events_total, took))
}

fn with_rates(status: &Status, before: Option<&Before>) -> serde_json::Value {
    let mut value = serde_json::to_value(status).expect("invariant: a status serialises");
    if let Some((earlier, took)) = before {
        value["appliedPerSecond"] =
            per_second(status.applied_total, earlier.applied_total, took).into();
        for (at, source) in status.sources.iter().enumerate() {
            value["sources"][at]["eventsPerSecond"] = source_rate(source, before).into();
        }
    }
    value
}

fn page(status: &Status, before: Option<&Before>) -> String {
    let mut page = String::new();
    head(&mut page, status);
    sources(&mut page, status, before);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(page, "{name:13}{value}");
    };
    let rate = before.map(|(earlier, took)| {
        format!(", {:.0}/s applied", per_second(status.applied_total, earlier.applied_total, took))
    });
    let lag = match status.lag_entries {
        0 => "none".to_owned(),
        entries => format!("{entries} entries, {}", shown_time(status.lag_us)),
    };
    line("not applied", format!("{lag}{}", rate.unwrap_or_default()));
    line("accounts", counts(&status.accounts));
    line("parked", counts(&status.parked));
    line("refused", counts(&status.rejected));
    for part in &status.log {
        line("log", log_line(part));
    }
    if let Some(bytes) = status.log_bytes {
        line("log file", shown(bytes));
    }
    let domains = status.domains.iter();
    let domains: Vec<String> =
        domains.map(|part| format!("{} {}", part.domain, shown(part.bytes))).collect();
    line("tables", domains.join(" · "));
    if let Some(free) = status.disk_free_bytes {
        line("disk", format!("{} free", shown(free)));
    }
    for problem in &status.problems {
        line("look at", problem.clone());
    }
    page
}

fn head(page: &mut String, status: &Status) {
    let engines = format!("tables in {}, log in {}", status.store, status.log_engine);
    let _ = match &status.server {
        Some(server) => writeln!(
            page,
            "millrace {}  running for {} as process {} ({})  {}  {engines}\n",
            server.version,
            shown_time(server.uptime_us),
            server.pid,
            server.roles,
            shown(server.memory_bytes),
        ),
        None => writeln!(page, "millrace {}  not running  {engines}\n", status.version),
    };
}

fn sources(page: &mut String, status: &Status, before: Option<&Before>) {
    let rows: Vec<[String; 7]> =
        status.sources.iter().map(|source| source_row(source, before)).collect();
    let head = ["SOURCE", "STATE", "EVENTS/S", "CURSOR", "VISIBLE", "BEHIND", "LAST EVENT"];
    match rows.is_empty() {
        true => page.push_str("no source is followed\n\n"),
        false => {
            page.push_str(&output::table_text(head, &rows));
            page.push_str("\n\n");
        }
    }
}

fn source_row(source: &SourcePart, before: Option<&Before>) -> [String; 7] {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    [
        source.name.clone(),
        source.state.clone(),
        or_dash(source_rate(source, before).map(|rate| format!("{rate:.1}"))),
        or_dash(source.cursor.map(|cursor| cursor.to_string())),
        or_dash(source.visible_seq.map(|seq| seq.to_string())),
        or_dash(source.lag_us.map(shown_time)),
        or_dash(source.event_us.map(ago)),
    ]
}

fn log_line(part: &LogPart) -> String {
    let since = part.oldest_us.map(|us| format!(", the oldest of {}", format_ms_us(us)));
    let LogPart { topic, partition, oldest, tail, .. } = part;
    format!(
        "{topic}/{partition}  {} entries, {oldest} to {tail}{}",
        tail - oldest,
        since.unwrap_or_default()
    )
}

fn ago(us: i64) -> String {
    format!("{} ago", shown_time(SystemClock.now_us().saturating_sub(us)))
}

fn counts<N: Display>(counts: &BTreeMap<String, N>) -> String {
    match counts.is_empty() {
        true => "none".to_owned(),
        false => {
            let each: Vec<String> =
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            each.join(" · ")
        }
    }
}
