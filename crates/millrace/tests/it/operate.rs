//! The commands by which an operator looks: doctor, status, top, cache, completions.

use std::net::TcpListener;

use millrace_store::testing::Engine;
use serde_json::Value;

use crate::program::{Output, Place, http};

/// The doctor's line of that name.
fn line(report: &Value, name: &str) -> Value {
    let lines = report["lines"].as_array().unwrap();
    let found = lines.iter().find(|line| line["name"] == name);
    found.unwrap_or_else(|| panic!("no line {name}: {report:#}")).clone()
}

fn state(report: &Value, name: &str) -> String {
    line(report, name)["state"].as_str().unwrap().to_owned()
}

/// Nothing here asks the outside: a directory on loopback is not there, and soon known not to be.
fn doctor(place: &Place, args: &[&str]) -> Output {
    let env = [
        ("MILLRACE_NETWORK__PLC_URL", "http://127.0.0.1:9"),
        ("MILLRACE_NETWORK__ALLOW_LOOPBACK", "true"),
    ];
    place.run_with(&[&["doctor", "--timeout-ms", "2000"], args].concat(), &env)
}

#[tokio::test]
async fn a_doctor_knows_its_own_server() {
    for engine in Engine::ALL {
        let Some(place) = Place::on(engine).await else { continue };
        let mut server = place.serve(&[]).await;
        let report = doctor(&place, &["--json"]);
        assert_eq!(report.code, 3, "nothing is followed: {report:?}");
        let report = report.json();
        assert_eq!(report["healthy"], false);
        for well in ["configuration", "data folder", "disk", "server", "schema", "log"] {
            assert_eq!(state(&report, well), "ok", "{report:#}");
        }
        for domain in ["dictionary", "own", "ingest", "dataplane"] {
            assert_eq!(state(&report, &format!("tables {domain}")), "ok", "{report:#}");
        }
        if engine == Engine::Postgres {
            assert_eq!(state(&report, "postgresql"), "ok", "{report:#}");
        }
        assert_eq!(state(&report, "sources"), "bad");
        assert!(line(&report, "sources")["hint"].is_string());
        assert_eq!(state(&report, "redis"), "skipped");
        assert_eq!(server.terminate().await, 0);
        let report = doctor(&place, &["--json"]).json();
        assert_eq!(state(&report, "server"), "skipped");
        assert_eq!(state(&report, "tables own"), "ok");
    }
}

/// The key of the service, and another.
const KEYS: [&str; 2] = [
    "5b3ae5c1e9a0c3f6b1d2a4e8f7c6b5a4938271605f4e3d2c1b0a998877665544",
    "6b3ae5c1e9a0c3f6b1d2a4e8f7c6b5a4938271605f4e3d2c1b0a998877665544",
];

#[tokio::test]
async fn a_doctor_sees_a_public_server_as_others_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let place = Place::with(&format!(
        r#"
data_dir = "data"
[dataplane]
listen = "127.0.0.1:0"
[appview]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
service_did = "did:web:localhost%3A{port}"
service_key = "{}"
[network]
allow_loopback = true
plc_url = "http://127.0.0.1:9"
"#,
        KEYS[0]
    ));
    let doctor = |env: &[(&str, &str)]| {
        place.run_with(&["doctor", "--timeout-ms", "2000", "--json"], env).json()
    };
    let states = |report: &Value| ["public address", "did document"].map(|it| state(report, it));
    let before = doctor(&[]);
    assert_eq!(states(&before), ["skipped", "skipped"], "{before:#}");
    let mut server = place.serve(&[]).await;
    let report = doctor(&[]);
    assert_eq!(states(&report), ["ok", "ok"], "{report:#}");
    assert_eq!(state(&report, "oauth client"), "skipped", "{report:#}");

    let wrong = doctor(&[("MILLRACE_APPVIEW__SERVICE_KEY", KEYS[1])]);
    assert_eq!(states(&wrong), ["ok", "bad"], "{wrong:#}");
    let told = line(&wrong, "did document");
    assert!(told["found"].as_str().unwrap().contains("appview.service_key"), "{told}");
    assert!(told["hint"].is_string() && told["cause"].is_string(), "{told}");
    // The internal listener answers, and is no AppView.
    let internal = doctor(&[("MILLRACE_APPVIEW__PUBLIC_URL", &server.url)]);
    assert_eq!(states(&internal), ["bad", "bad"], "{internal:#}");
    let told = line(&internal, "did document");
    assert!(told["found"].as_str().unwrap().contains("appview.public_url"), "{told}");
    let nobody = doctor(&[("MILLRACE_APPVIEW__PUBLIC_URL", "http://127.0.0.1:9")]);
    assert_eq!(states(&nobody), ["bad", "bad"], "{nobody:#}");
    assert_eq!(server.terminate().await, 0);
    let unset = self::doctor(&Place::new(), &["--json"]).json();
    assert_eq!(state(&unset, "public address"), "skipped");
}

#[test]
fn a_doctor_looks_at_what_is_not_there_yet() {
    let place = Place::new();
    let report = doctor(&place, &["--json"]).json();
    for absent in ["server", "log", "schema", "tables own"] {
        assert_eq!(state(&report, absent), "skipped", "{report:#}");
    }
    assert!(!place.data().exists(), "looking makes nothing");
    let shown = doctor(&place, &[]);
    assert_eq!(shown.code, 3);
    assert!(shown.stdout.starts_with("✔ configuration"), "{shown:?}");
    assert!(shown.stdout.contains("\n✖ sources"), "{shown:?}");
    assert!(shown.stdout.contains("\n- redis"), "{shown:?}");
    assert!(shown.stdout.contains("hint: set ingest.relay_url"), "{shown:?}");
    assert!(!shown.stdout.contains('\x1b'), "no colours where nobody looks: {shown:?}");
}

#[test]
fn a_doctor_judges_a_disk_as_a_server_does() {
    let place = Place::new();
    let check = |free_bytes_min: &str, expected| {
        let env = [
            ("MILLRACE_DISK__FREE_BYTES_MIN", free_bytes_min),
            ("MILLRACE_NETWORK__PLC_URL", "http://127.0.0.1:9"),
            ("MILLRACE_NETWORK__ALLOW_LOOPBACK", "true"),
        ];
        let report = place.run_with(&["doctor", "--json", "--timeout-ms", "2000"], &env).json();
        assert_eq!(state(&report, "disk"), expected, "{report:#}");
    };
    check("0", "ok");
    check("1", "ok");
    check("1000000000000000000", "bad");
}

#[test]
fn a_doctor_says_what_is_wrong() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap().port();
    drop(free);
    let place = Place::with(&format!(
        r#"
data_dir = "a file/data"
[dataplane]
listen = "127.0.0.1:{port}"
[appview]
listen = "127.0.0.1:0"
[network]
allow_loopback = true
plc_url = "http://127.0.0.1:{nobody}"
[store]
engine = "postgres"
postgres_url = "postgres://nobody@127.0.0.1:{nobody}/nothing"
[[ingest.sources]]
name = "gone"
url = "ws://127.0.0.1:{nobody}"
"#
    ));
    place.write("a file", "");
    let report = doctor(&place, &["--json", "--did", "did:plc:abcdefghijklmnopqrstuvwx"]);
    assert_eq!(report.code, 3, "{report:?}");
    let report = report.json();
    for wrong in
        ["data folder", "postgresql", "did resolution", "source gone", &format!("port {port}")]
    {
        let line = line(&report, wrong);
        assert_eq!(line["state"], "bad", "{line:#}");
        assert!(line["hint"].is_string(), "{line:#}");
    }
    assert_eq!(state(&report, "configuration"), "ok");
    assert_eq!(state(&report, "clock"), "skipped");
}

#[test]
fn a_doctor_works_with_any_configuration() {
    for text in
        ["not = [toml", "[ingest]\nno_such_setting = 1", "\u{0}\u{1}garbage", "data_dir = 5"]
    {
        let place = Place::with(text);
        let report = doctor(&place, &["--json"]);
        assert_eq!(report.code, 3, "{report:?}");
        let report = report.json();
        assert_eq!(state(&report, "configuration"), "bad");
        assert!(line(&report, "configuration")["hint"].is_string());
        assert_eq!(state(&report, "everything else"), "skipped");
    }
}

#[tokio::test]
async fn a_status_is_of_the_server_or_of_what_it_left() {
    for engine in Engine::ALL {
        let Some(place) = Place::on(engine).await else { continue };
        let mut server = place.serve(&[]).await;
        let status = place.run(&["status", "--json"]).fine().json();
        assert_eq!(status["server"]["roles"], "ingest,dataplane,appview");
        assert!(status["server"]["memoryBytes"].as_u64().unwrap() > 1_000_000);
        assert_eq!(status["lagEntries"], 0);
        assert_eq!(status["log"][0]["topic"], "network.entries.v1");
        assert_eq!(status["problems"].as_array().unwrap().len(), 0, "{status:#}");
        let sizes: Vec<u64> = status["domains"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["bytes"].as_u64().unwrap())
            .collect();
        assert!(sizes.len() >= 4 && sizes.iter().all(|bytes| *bytes > 0), "{status:#}");
        let shown = place.run(&["status"]).fine().stdout;
        assert!(shown.contains("running for") && shown.contains("not applied"), "{shown}");
        assert_eq!(server.terminate().await, 0);

        let left = place.run(&["status", "--json"]);
        assert_eq!(left.code, 3, "{left:?}");
        let left = left.json();
        assert_eq!(left["server"], Value::Null);
        assert_eq!(left["log"].as_array().unwrap().len(), status["log"].as_array().unwrap().len());
        assert!(place.run(&["status"]).stdout.contains("not running"));
    }
}

#[test]
fn a_status_of_nothing_says_so() {
    let place = Place::new();
    place.run(&["status"]).refused(1, "MR-BIN-002");
    std::fs::create_dir(place.data()).unwrap();
    let status = place.run(&["status"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.stdout.contains("not running"), "{status:?}");
}

#[tokio::test]
async fn top_without_a_terminal_is_one_block() {
    let place = Place::new();
    place.run(&["top"]).refused(3, "MR-BIN-023");
    let mut server = place.serve(&[]).await;
    let shown = place.run(&["top", "--interval-ms", "200"]).fine().stdout;
    assert!(shown.contains("entries/s applied"), "{shown}");
    let top = place.run(&["top", "--interval-ms", "200", "--json"]).fine().json();
    assert!(top["seconds"].as_f64().unwrap() >= 0.2);
    assert!(top["work"].is_array() && top["requests"].is_array());
    assert_eq!(place.run(&["top", "--interval-ms", "1"]).code, 2);
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test]
async fn caches_are_named_and_emptied() {
    let place = Place::new();
    place.run(&["cache", "stats"]).refused(3, "MR-BIN-023");
    let mut server = place.serve(&[]).await;
    let stats = place.run(&["cache", "stats", "--json"]).fine().json();
    let names: Vec<&str> = stats["caches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cache| cache["name"].as_str().unwrap())
        .collect();
    for name in ["actor-ids", "did-documents", "handles", "record-key-ids"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(stats["caches"][0]["bytesMax"].as_u64().unwrap() > 0);
    let shown = place.run(&["cache", "stats"]).fine().stdout;
    assert!(shown.starts_with("PROCESS") && shown.contains("handles"), "{shown}");
    place.run(&["cache", "clear"]).refused(2, "MR-BIN-008");
    place.run(&["cache", "clear", "--dry-run"]).fine();
    let cleared = place.run(&["cache", "clear", "--yes"]).fine().stdout;
    assert_eq!(cleared.lines().count(), names.len(), "{cleared}");
    let one = place.run(&["cache", "clear", "handles", "--yes"]).fine().stdout;
    assert_eq!(one, "data: handles\n");
    place.run(&["cache", "clear", "nonsense", "--yes"]).refused(2, "MR-BIN-022");
    let key = place.run(&["cache", "clear", "--key", "did:plc:nobody"]).fine();
    assert!(key.stderr.contains("no cache had did:plc:nobody"), "{key:?}");
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test]
async fn an_appview_apart_has_caches_of_its_own() {
    let place = Place::new();
    let mut data = place.serve(&["--role", "ingest,dataplane"]).await;
    let url = format!("dataplane.url={}", data.url);
    let env = [("MILLRACE_DATAPLANE__URL", url.trim_start_matches("dataplane.url="))];
    let appview = place.command(&["serve", "--role", "appview"], &env).spawn().unwrap();
    let mut appview = Killed(appview);
    let names = crate::program::until("both processes", || {
        let stats = place.run(&["cache", "stats", "--json"]);
        let stats: Value = serde_json::from_str(&stats.stdout).ok()?;
        let caches = stats["caches"].as_array()?.clone();
        let of = |process: &str| caches.iter().any(|cache| cache["process"] == process);
        (of("data") && of("appview")).then_some(caches.len())
    })
    .await;
    assert_eq!(names, 9, "the AppView has no dictionary, and images of its own");
    appview.0.kill().unwrap();
    appview.0.wait().unwrap();
    assert_eq!(data.terminate().await, 0);
}

struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every operator's route on the internal listener.
const ROUTES: [(&str, &str); 15] = [
    ("GET", "dlq"),
    ("POST", "dlq/retry"),
    ("GET", "dlq/1"),
    ("POST", "dlq/1/retry"),
    ("POST", "dlq/1/discard"),
    ("GET", "schema"),
    ("POST", "schema/apply"),
    ("GET", "disk"),
    ("GET", "scope"),
    ("GET", "accounts/did:plc:nobody"),
    ("GET", "status"),
    ("GET", "backup"),
    ("POST", "backup"),
    ("GET", "caches"),
    ("POST", "caches/clear"),
];

#[tokio::test]
async fn nobody_operates_without_the_token() {
    let place = Place::new();
    let mut server = place.serve(&[]).await;
    let token = std::fs::read_to_string(place.data().join("admin.token")).unwrap();
    for (method, path) in ROUTES {
        let ask = |token: Option<&str>| {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = http().request(method, format!("{}/api/v1/admin/{path}", server.url));
            token.into_iter().fold(request, |request, token| request.bearer_auth(token)).send()
        };
        for wrong in [None, Some(""), Some("wrong"), Some(&token[1..])] {
            let status = ask(wrong).await.unwrap().status();
            assert_eq!(status, 401, "{method} {path} with {wrong:?}");
        }
        let status = ask(Some(&token)).await.unwrap().status();
        assert!(status != 401 && status != 405, "{method} {path}: {status}");
    }
    assert_eq!(server.terminate().await, 0);
}

#[test]
fn shells_can_complete_and_help_has_examples() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).fine().stdout;
        for command in ["doctor", "restore", "completions"] {
            assert!(script.contains(command), "{shell}");
        }
    }
    assert_eq!(place.run(&["completions", "tcsh"]).code, 2);
    for command in [
        &["doctor"][..],
        &["status"],
        &["top"],
        &["backup"],
        &["restore"],
        &["cache", "stats"],
        &["cache", "clear"],
        &["completions"],
    ] {
        let help = place.run(&[command, &["--help"]].concat()).fine().stdout;
        assert!(help.contains("Example"), "{command:?}: {help}");
        assert!(help.contains(&format!("millrace {}", command[0])), "{command:?}: {help}");
    }
}
