//! What a running program tells of itself: every metric that the rules and the dashboards use is in its
//! scrape, Prometheus evaluates each of their expressions, and the lines it logs hold nothing they must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::deploy::{deploy, is_here};
use crate::millrace::{Ports, program};
use crate::process::Process;

const WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);

/// Metrics that appear only after something went wrong or where something is set up, which is not so here; they are
/// looked up in the reference instead, with their labels.
const ELSEWHERE: &[&str] = &[
    "millrace_ingest_gaps_total",
    "millrace_ingest_rejected_total",
    "millrace_runtime_task_failures_total",
    "millrace_runtime_task_restarts_total",
    "millrace_dataplane_audit_drift_rows",
    "millrace_store_parked_total",
    "millrace_runtime_spans_total",
    "millrace_webhooks_given_up",
];

/// A demo with a scrape of it after some requests.
struct Demo {
    process: Process,
    ports: Ports,
    dir: tempfile::TempDir,
    http: reqwest::Client,
}

impl Demo {
    async fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let ports = Ports::reserve()?;
        let mut command = program().await?;
        command.arg("demo").current_dir(dir.path()).env("TMPDIR", dir.path());
        command.args(["--log-format", "json"]);
        command.env("DD_SERVICE", "millrace-test").env("DD_ENV", "test");
        command.env("MILLRACE_APPVIEW__LISTEN", format!("127.0.0.1:{}", ports.appview));
        command.env("MILLRACE_DATAPLANE__LISTEN", format!("127.0.0.1:{}", ports.internal));
        let process = Process::start(&mut command, &dir.path().join("demo.log"))?;
        let http = crate::world::http_client()?;
        let mut demo = Self { process, ports, dir, http };
        demo.until("it serves posts", async |demo| demo.traffic().await).await?;
        Ok(demo)
    }

    async fn until(
        &mut self,
        what: &str,
        holds: impl AsyncFn(&Self) -> Result<bool>,
    ) -> Result<()> {
        let until = Instant::now() + WITHIN;
        loop {
            if holds(self).await.unwrap_or(false) {
                return Ok(());
            }
            self.process.must_be_running()?;
            ensure!(Instant::now() < until, "never: {what}");
            sleep(POLL).await;
        }
    }

    /// Asks for something of every kind; whether it was answered.
    async fn traffic(&self) -> Result<bool> {
        let base = format!("http://127.0.0.1:{}/xrpc", self.ports.appview);
        let answer =
            self.http.get(format!("{base}/app.bsky.actor.searchActors?q=a")).send().await?;
        let actors: Value = answer.json().await?;
        let Some(did) = actors["actors"][0]["did"].as_str() else { return Ok(false) };
        let feed = format!("{base}/app.bsky.feed.getAuthorFeed?actor={did}");
        let feed: Value = self.http.get(feed).send().await?.json().await?;
        // A token that must not be found in the log.
        let refused = self.http.get(format!("{base}/app.bsky.feed.getTimeline"));
        refused.bearer_auth(SECRET).send().await?;
        Ok(feed["feed"].as_array().is_some_and(|feed| !feed.is_empty()))
    }

    /// Texts of posts, long enough to be recognised.
    async fn texts(&self) -> Result<Vec<String>> {
        let base = format!("http://127.0.0.1:{}/xrpc", self.ports.appview);
        let actors = self.http.get(format!("{base}/app.bsky.actor.searchActors?q=a")).send();
        let actors: Value = actors.await?.json().await?;
        let did = actors["actors"][0]["did"].as_str().context("somebody is found")?;
        let feed = format!("{base}/app.bsky.feed.getAuthorFeed?actor={did}");
        let feed: Value = self.http.get(feed).send().await?.json().await?;
        let posts = feed["feed"].as_array().into_iter().flatten();
        let texts = posts.filter_map(|post| post["post"]["record"]["text"].as_str());
        Ok(texts.filter(|text| text.len() > 12).map(str::to_owned).collect())
    }

    async fn scrape(&self) -> Result<String> {
        let url = format!("http://127.0.0.1:{}/metrics", self.ports.internal);
        Ok(self.http.get(url).send().await?.error_for_status()?.text().await?)
    }
}

const SECRET: &str = "eyJ0.very-secret-token.c2ln";

/// Names of metrics in a scrape, with the names of labels that each has.
fn scraped(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sample in millrace_runtime::alert::watch::samples(text) {
        metrics.entry(sample.name).or_default().extend(sample.labels.into_keys());
    }
    metrics
}

/// Every expression of the rules and of the dashboards, with where it stands.
fn expressions() -> Result<Vec<(String, String)>> {
    let rules = std::fs::read_to_string(deploy().join("prometheus/millrace.rules.yml"))?;
    let of_rules = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let mut all: Vec<_> = of_rules.map(|expr| ("rules".to_owned(), expr.to_owned())).collect();
    ensure!(all.len() > 15, "the rules have expressions");
    for file in std::fs::read_dir(deploy().join("grafana"))? {
        let file = file?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        for panel in board["panels"].as_array().context("a dashboard has panels")? {
            let title = panel["title"].as_str().context("a panel has a title")?;
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = target["expr"].as_str().context("a target has an expression")?;
                all.push((format!("{name}: {title}"), expr.to_owned()));
            }
        }
    }
    Ok(all)
}

/// As Grafana would ask: its variables with a value.
fn asked(expr: &str) -> String {
    expr.replace("$__rate_interval", "1m").replace("$__range", "5m")
}

/// Names in an expression that begin as ours do, and the words by which they are grouped or chosen.
fn names_in(expr: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expr.split(|c| !word(c)).filter(|w| w.starts_with("millrace_"));
    let mut labels = BTreeSet::new();
    for (at, _) in expr.match_indices("by (").chain(expr.match_indices("on (")) {
        let list = expr[at + 4..].split(')').next().unwrap_or_default();
        labels.extend(list.split(',').map(|label| label.trim().to_owned()));
    }
    for (at, _) in expr.match_indices('{') {
        let list = expr[at + 1..].split('}').next().unwrap_or_default();
        for matcher in list.split(',').filter(|matcher| !matcher.trim().is_empty()) {
            let label = matcher.split(['=', '!']).next().unwrap_or_default();
            labels.insert(label.trim().to_owned());
        }
    }
    (words.map(str::to_owned).collect(), labels)
}

/// A metric's labels by the reference page; the name may be a part of a histogram's.
fn in_reference(page: &str, name: &str) -> Option<BTreeSet<String>> {
    let bare = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
    let row = |name: &str| {
        let start = format!("| `{name}` |");
        let row = page.lines().find(|line| line.starts_with(&start))?;
        let labels = row.split('|').nth(3)?;
        let labels = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
        Some(labels.filter(|label| !label.is_empty()).collect())
    };
    row(name).or_else(|| row(bare?))
}

#[tokio::test]
async fn rules_and_dashboards_ask_for_what_there_is() -> Result<()> {
    let mut demo = Demo::start().await?;
    let scrape = demo.scrape().await?;
    let metrics = scraped(&scrape);
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/metrics.md");
    let reference = std::fs::read_to_string(reference)?;
    let (mut wrong, mut seen) = (Vec::new(), 0);
    // Of a histogram, of a summary, and what Prometheus itself says of where a scrape came from.
    let given = ["le", "quantile", "job", "instance"].map(str::to_owned);
    for (place, expr) in expressions()? {
        let (names, labels) = names_in(&expr);
        let mut known = BTreeSet::from(given.clone());
        for name in &names {
            match metrics.get(name) {
                Some(labels) => known.extend(labels.iter().cloned()),
                None if ELSEWHERE.contains(&name.as_str()) => {
                    known.extend(in_reference(&reference, name).unwrap_or_default());
                }
                None => wrong.push(format!("{place}: {name} is not in the scrape: {expr}")),
            }
            if in_reference(&reference, name).is_none() {
                wrong.push(format!("{place}: {name} is not in docs/reference/metrics.md"));
            }
            seen += 1;
        }
        // What recorded rules give has the labels they are grouped by.
        if expr.contains("millrace:") {
            continue;
        }
        for label in labels.difference(&known) {
            wrong.push(format!("{place}: no label {label}: {expr}"));
        }
    }
    // The page has every metric that there is.
    for line in scrape.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').context("a type has a name")?;
        let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        if name.starts_with("millrace_") && in_reference(&reference, &name).is_none() {
            wrong.push(format!("{name} is not in docs/reference/metrics.md"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(seen > 40, "the rules and dashboards name metrics");
    evaluated(&mut demo).await?;
    ensure!(demo.process.terminate().await?.success(), "the demo ends well");
    Ok(())
}

/// Has Debian's Prometheus scrape the program and evaluate every expression; skipped where it is not.
async fn evaluated(demo: &mut Demo) -> Result<()> {
    if !is_here("prometheus", "--version").await? {
        return Ok(());
    }
    let port = Ports::reserve()?.internal;
    let config = demo.dir.path().join("prometheus.yml");
    let rules = deploy().join("prometheus/millrace.rules.yml").canonicalize()?;
    std::fs::write(
        &config,
        format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [{}]\n\
             scrape_configs:\n  - job_name: millrace\n    static_configs:\n      - targets: [\"127.0.0.1:{}\"]\n",
            rules.display(),
            demo.ports.internal
        ),
    )?;
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", demo.dir.path().join("tsdb").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let mut prometheus = Process::start(&mut command, &demo.dir.path().join("prometheus.log"))?;
    let mut open: Vec<(String, String)> = expressions()?;
    let until = Instant::now() + WITHIN;
    while !open.is_empty() {
        demo.traffic().await?;
        let mut still = Vec::new();
        for (place, expr) in open {
            if !has_answer(&demo.http, port, &expr).await? && !may_be_empty(&expr) {
                still.push((place, expr));
            }
        }
        open = still;
        prometheus.must_be_running()?;
        ensure!(Instant::now() < until, "no samples for {open:#?}");
        sleep(POLL).await;
    }
    prometheus.terminate().await?;
    Ok(())
}

/// An alert is silent here, and some things happen only after a fault.
fn may_be_empty(expr: &str) -> bool {
    let compares = [" > ", " == ", " < "].iter().any(|sign| expr.contains(sign));
    compares
        || names_in(expr).0.iter().any(|name| ELSEWHERE.contains(&name.as_str()))
        || expr.contains("5..")
}

/// Whether Prometheus has an answer; what it cannot understand is an error.
async fn has_answer(http: &reqwest::Client, port: u16, expr: &str) -> Result<bool> {
    let url = format!("http://127.0.0.1:{port}/api/v1/query");
    let Ok(answer) = http.get(url).query(&[("query", asked(expr))]).send().await else {
        return Ok(false);
    };
    let status = answer.status();
    let answer: Value = answer.json().await.unwrap_or_default();
    if status == 400 || status == 422 {
        bail!("{expr}: {}", answer["error"]);
    }
    Ok(answer["data"]["result"].as_array().is_some_and(|result| !result.is_empty()))
}

#[tokio::test]
async fn lines_carry_ids_and_nothing_private() -> Result<()> {
    let mut demo = Demo::start().await?;
    let token = found(demo.dir.path(), "admin.token").context("the operator's token")?;
    let token = std::fs::read_to_string(token)?;
    let texts = demo.texts().await?;
    ensure!(!texts.is_empty(), "somebody wrote something");
    ensure!(demo.process.terminate().await?.success(), "the demo ends well");
    let log = std::fs::read_to_string(demo.dir.path().join("demo.log"))?;
    let lines: Vec<Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    ensure!(!lines.is_empty(), "it logs JSON:\n{log}");
    let run = &lines[0]["run_id"];
    for line in &lines {
        ensure!(line["run_id"] == *run && run.is_string(), "{line}");
        ensure!(line["service"] == "millrace-test" && line["env"] == "test", "{line}");
        ensure!(line["version"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let logged: Vec<String> = lines.iter().map(Value::to_string).collect();
    let logged = logged.join("\n");
    ensure!(!logged.contains("very-secret-token"), "a caller's token is logged");
    ensure!(!logged.contains(token.trim()), "the operator's token is logged");
    for text in texts {
        ensure!(!logged.contains(&text), "the text of a record is logged: {text}");
    }
    Ok(())
}

/// A file somewhere below a folder.
fn found(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?;
    entries.flatten().find_map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => found(&entry.path(), name),
        _ => (entry.file_name() == name).then(|| entry.path()),
    })
}

#[tokio::test]
async fn the_rules_pass_prometheus_own_tests() -> Result<()> {
    let rules = deploy().join("prometheus");
    for args in
        [["check", "rules", "millrace.rules.yml"], ["test", "rules", "millrace.rules.test.yml"]]
    {
        let Ok(done) = Command::new("promtool").args(args).current_dir(&rules).output().await
        else {
            ensure!(std::env::var_os("CI").is_none(), "promtool is missing: `cargo xtask setup`");
            eprintln!("skipped: no promtool here (Debian: `sudo apt-get install prometheus`)");
            return Ok(());
        };
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        ensure!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}
