//! `millrace demo`: what it prints works.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Place, get, http, until};

const ENV: &[(&str, &str)] = &[
    ("MILLRACE_APPVIEW__LISTEN", "127.0.0.1:0"),
    ("MILLRACE_DATAPLANE__LISTEN", "127.0.0.1:0"),
    ("MILLRACE_SIM__HISTORY_WRITES", "200"),
    ("MILLRACE_SIM__WRITES_PER_S", "20"),
];

#[tokio::test]
async fn the_printed_addresses_answer() {
    let place = Place::with("");
    let mut command = place.command(&["demo", "--accounts", "6", "--seed", "7"], ENV);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut welcome = Vec::new();
    while !welcome.last().is_some_and(|line: &String| line.contains("/api/v1/admin/sources")) {
        welcome.push(lines.next().expect("a welcome with everything").unwrap());
    }
    let curl = welcome.iter().find(|line| line.contains("getProfile")).unwrap();
    let url = curl.split('\'').nth(1).unwrap().to_owned();
    let first = profile_with_posts(&url).await;
    assert!(first > 0);
    // The network lives on.
    let shown = visible_seq(&welcome).await;
    let mut now = shown;
    while now <= shown {
        until("the next look", || Some(())).await;
        now = visible_seq(&welcome).await;
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = until("the demo's end", || child.try_wait().unwrap()).await;
    assert!(status.success(), "{status}");
}

/// Asks until the profile is there with its posts.
async fn profile_with_posts(url: &str) -> i64 {
    loop {
        let answer = get(url).await.unwrap();
        let body: Value = answer.json().await.unwrap();
        if let Some(posts) = body["postsCount"].as_i64().filter(|posts| *posts > 0) {
            return posts;
        }
        until("the next look", || Some(())).await;
    }
}

/// As the operator's curl line asks.
async fn visible_seq(welcome: &[String]) -> i64 {
    let line = welcome.last().unwrap();
    let token = line.split("$(cat ").nth(1).unwrap().split(')').next().unwrap();
    let token = std::fs::read_to_string(token).unwrap();
    let url = line.rsplit(' ').next().unwrap();
    let answer = http().get(url).bearer_auth(token.trim()).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["sources"][0]["visibleSeq"].as_i64().unwrap_or(-1)
}

#[test]
fn a_used_folder_is_refused() {
    let place = Place::with("");
    place.run(&["demo", "--data-dir", "."]).refused(1, "MR-BIN-011");
}
