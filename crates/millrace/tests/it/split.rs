//! `millrace demo --split`: two processes, of which neither outlives the other.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::program::{Place, get, http, until};

const ENV: &[(&str, &str)] = &[
    ("MILLRACE_APPVIEW__LISTEN", "127.0.0.1:0"),
    ("MILLRACE_APPVIEW__METRICS_LISTEN", "127.0.0.1:0"),
    ("MILLRACE_DATAPLANE__LISTEN", "127.0.0.1:0"),
    ("MILLRACE_SIM__HISTORY_WRITES", "200"),
    // Of somebody's real data, which a demo must not touch.
    ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/real"),
];

/// A running demo; both its processes are killed when dropped.
struct Split {
    place: Place,
    demo: Child,
    welcome: Vec<String>,
}

impl Split {
    /// Starts one and waits until it says that it answers.
    fn start() -> Self {
        let place = Place::with("");
        fs::create_dir(place.path().join("tmp")).unwrap();
        let args = ["demo", "--split", "--accounts", "6", "--seed", "7"];
        let mut command = place.command(&args, ENV);
        command.env("TMPDIR", place.path().join("tmp"));
        let log = File::create(place.path().join("demo.log")).unwrap();
        let mut demo = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
        let mut welcome = Vec::new();
        while !welcome.last().is_some_and(|line: &String| line.contains("/api/v1/admin/sources")) {
            let line = lines.next();
            let log = || fs::read_to_string(place.path().join("demo.log")).unwrap();
            welcome.push(line.unwrap_or_else(|| panic!("no welcome: {}", log())).unwrap());
        }
        Self { place, demo, welcome }
    }

    /// The URL on the line that begins with `name`.
    fn url(&self, name: &str) -> String {
        let line = self.welcome.iter().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned()
    }

    fn folder(&self) -> PathBuf {
        let line = self.welcome.iter().find(|line| line.starts_with("  data  ")).unwrap();
        line.trim_start().strip_prefix("data").unwrap().trim().into()
    }

    /// The process that holds a lock of the data folder.
    fn holder(&self, lock: &str) -> u64 {
        let holder = fs::read_to_string(self.folder().join(lock)).unwrap();
        serde_json::from_str::<Value>(&holder).unwrap()["pid"].as_u64().unwrap()
    }

    fn appview_pid(&self) -> u64 {
        self.holder("LOCK.appview")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("demo.log")).unwrap()
    }

    /// Waits for the end of the demo itself; its exit code.
    async fn end(&mut self) -> i32 {
        until("the demo's end", || self.demo.try_wait().unwrap()).await.code().unwrap_or(-1)
    }

    /// What is left of data folders.
    fn left(&self) -> usize {
        fs::read_dir(self.place.path().join("tmp")).unwrap().count()
    }
}

impl Drop for Split {
    fn drop(&mut self) {
        // The AppView ends with its parent; that this is so is tested below.
        let _ = self.demo.kill();
        let _ = self.demo.wait();
    }
}

fn signal(name: &str, pid: u64) {
    let pid = pid.to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

#[tokio::test]
async fn both_processes_answer_and_drain() {
    let mut split = Split::start();
    assert_eq!(split.holder("LOCK"), u64::from(split.demo.id()));
    assert_ne!(split.appview_pid(), u64::from(split.demo.id()));
    let (appview, data_plane) = (split.url("AppView"), split.url("data-plane"));
    for url in [&appview, &data_plane] {
        assert_eq!(get(format!("{url}/health")).await.unwrap().status(), 200, "{url}");
    }
    let handle = split.welcome.iter().find(|line| line.contains("alice.")).unwrap();
    let handle = handle.split_whitespace().next().unwrap();
    let profile = format!("{appview}/xrpc/app.bsky.actor.getProfile?actor={handle}");
    let posts = loop {
        let body: Value = get(&profile).await.unwrap().json().await.unwrap();
        if let Some(posts) = body["postsCount"].as_u64().filter(|posts| *posts > 0) {
            break posts;
        }
        until("the next look", || Some(())).await;
    };
    let asked = http().post(format!("{data_plane}/internal/getProfile"));
    let asked = asked.json(&json!({ "actor": handle })).send().await.unwrap();
    let flat: Value = asked.json().await.unwrap();
    assert!(flat["postsCount"].as_u64().is_some_and(|found| found >= posts), "{flat}");
    let metrics = split.welcome.iter().find_map(|line| line.split("own; ").nth(1)).unwrap();
    let metrics = get(metrics.trim_end_matches(')')).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("process_start_time_seconds"), "{metrics}");

    signal("-TERM", u64::from(split.demo.id()));
    assert_eq!(split.end().await, 0, "{}", split.log());
    assert_eq!(split.left(), 0);
    assert!(get(&appview).await.is_err(), "the AppView is gone when the demo is");
}

#[tokio::test]
async fn a_killed_appview_ends_the_demo_with_an_error() {
    let mut split = Split::start();
    signal("-KILL", split.appview_pid());
    assert_eq!(split.end().await, 1);
    let log = split.log();
    assert!(log.contains("error: [MR-BIN-012] the AppView's process: signal: 9"), "{log}");
    assert!(log.contains("\nhint: "), "{log}");
    assert_eq!(split.left(), 0);
}

#[tokio::test]
async fn a_killed_demo_leaves_no_appview() {
    let mut split = Split::start();
    let lock = File::open(split.folder().join("LOCK.appview")).unwrap();
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    split.demo.kill().unwrap();
    split.demo.wait().unwrap();
    // The operating system gives the lock back when the process ends.
    until("the AppView's end", || lock.try_lock().ok()).await;
}

#[test]
fn an_appview_that_cannot_start_is_told_and_nothing_stays() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = held.local_addr().unwrap().to_string();
    let place = Place::with("");
    let tmp = place.path().join("tmp");
    fs::create_dir(&tmp).unwrap();
    let env = [("TMPDIR", tmp.to_str().unwrap()), ("MILLRACE_APPVIEW__LISTEN", &addr)];
    let env = [&ENV[1..], &env].concat();
    for (args, code) in [(&["demo", "--split"][..], "MR-BIN-012"), (&["demo"], "MR-BIN-005")] {
        let failed = place.run_with(args, &env);
        assert_eq!(failed.code, 1, "{failed:?}");
        assert!(failed.stderr.contains("error: [MR-BIN-005] cannot listen on"), "{failed:?}");
        assert!(failed.stderr.contains(&format!("error: [{code}]")), "{failed:?}");
        assert_eq!(failed.stdout, "");
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    }
}
