//! From nothing to a server under a name of its own, by the commands of docs/guides/first-server.md; then new keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::program::{Output, Place, get};

const GUIDE: &str = "../../docs/guides/first-server.md";
const DOMAIN: &str = "appview.example.com";
/// Over what `init` writes: ports of this test's own, and nobody is followed.
const OVERLAY: &str = "
[dataplane]
listen = \"127.0.0.1:0\"
[appview]
listen = \"127.0.0.1:0\"
metrics_listen = \"127.0.0.1:0\"
[ingest]
relay_url = \"ws://127.0.0.1:1\"
";

fn init(place: &Place) -> Output {
    place.run(&["init", "--domain", DOMAIN, "--dir", "conf", "--data-dir", "data"])
}

fn with_config(place: &Place, args: &[&str]) -> Output {
    place.run(&[args, &["--config", "conf/millrace.toml"]].concat())
}

fn secret(place: &Place, name: &str) -> Vec<String> {
    let text = fs::read_to_string(place.path().join("conf/secrets").join(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_server_that_was_set_up_starts_and_says_who_it_is() {
    let place = Place::new();
    let said = init(&place).fine().stdout;
    assert!(said.contains("did:web:appview.example.com"), "{said}");
    for name in ["service.key", "oauth.keys", "session.secret", "admin.password"] {
        let found = fs::metadata(place.path().join("conf/secrets").join(name)).unwrap();
        assert_eq!((found.permissions().mode() & 0o777, secret(&place, name).len()), (0o600, 1));
        // Nothing that is printed has a secret in it.
        assert!(!said.contains(&secret(&place, name)[0]));
    }
    with_config(&place, &["config", "check"]).fine();
    fs::write(place.path().join("conf/millrace.test.toml"), OVERLAY).unwrap();
    let server = place.serve(&["--config", "conf/millrace.toml", "--env", "test"]).await;
    let url = appview_url(&place.data());
    let document = get(format!("{url}/.well-known/did.json")).await.unwrap();
    let document: Value = serde_json::from_str(&document.text().await.unwrap()).unwrap();
    assert_eq!(document["id"], "did:web:appview.example.com");
    let key = document["verificationMethod"][0]["publicKeyMultibase"].as_str().unwrap();
    assert!(said.contains(key), "{key} is told when it is made: {said}");
    let client = get(format!("{url}/oauth/client-metadata.json")).await.unwrap();
    let client: Value = serde_json::from_str(&client.text().await.unwrap()).unwrap();
    assert_eq!(client["client_id"], "https://appview.example.com/oauth/client-metadata.json");
    let jwks = get(format!("{url}/oauth/jwks.json")).await.unwrap();
    let jwks: Value = serde_json::from_str(&jwks.text().await.unwrap()).unwrap();
    let listed = with_config(&place, &["keys", "list", "--json"]).fine().json();
    assert_eq!(listed[0]["public"][0], key);
    assert_eq!(listed[1]["public"][0], jwks["keys"][0]["kid"]);
    drop(server);
}

fn appview_url(data: &Path) -> String {
    let lock = fs::read_to_string(data.join("LOCK.appview")).unwrap();
    let holder: Value = serde_json::from_str(&lock).unwrap();
    holder["appview_url"].as_str().unwrap().to_owned()
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let place = Place::new();
    let dry = place.run(&["init", "--domain", DOMAIN, "--dir", "conf", "--dry-run"]).fine();
    assert!(dry.stdout.contains("did:web:appview.example.com"));
    assert!(!place.path().join("conf").exists());
    init(&place).fine();
    let before = secret(&place, "service.key");
    init(&place).refused(1, "MR-BIN-002");
    fs::remove_file(place.path().join("conf/millrace.toml")).unwrap();
    init(&place).refused(1, "MR-BIN-002");
    assert_eq!(secret(&place, "service.key"), before);
    let check = |args: &[&str], said: &str| {
        let refused = place.run(&[&["init", "--dir", "other"], args].concat());
        assert!(refused.stderr.contains(said), "{refused:?}");
        assert!(!place.path().join("other").exists());
    };
    check(&["--domain", "https://appview.example.com"], "is no domain");
    check(&["--domain", "localhost"], "--domain");
    check(&["--domain", DOMAIN, "--relay", "https://bsky.network"], "wss://");
}

#[test]
fn keys_are_rotated_and_older_ones_stay_where_they_are_still_taken() {
    let place = Place::new();
    init(&place).fine();
    let rotate = |args: &[&str]| with_config(&place, &[&["keys", "rotate"], args].concat());
    let first = secret(&place, "oauth.keys");
    rotate(&["oauth"]).refused(2, "MR-BIN-008");
    rotate(&["oauth", "--dry-run"]).fine();
    assert_eq!(secret(&place, "oauth.keys"), first);
    rotate(&["oauth", "--yes"]).fine();
    let second = secret(&place, "oauth.keys");
    assert_eq!((second.len(), &second[1]), (2, &first[0]));
    let listed = with_config(&place, &["keys", "list", "--json"]).fine().json();
    assert_eq!(listed[1]["public"].as_array().unwrap().len(), 2);
    rotate(&["oauth", "--only-new", "--yes"]).fine();
    assert_eq!(secret(&place, "oauth.keys").len(), 1);
    let before = secret(&place, "service.key");
    rotate(&["service", "--yes"]).fine();
    let after = secret(&place, "service.key");
    assert!(after.len() == 1 && after != before);
    with_config(&place, &["config", "check"]).fine();
    // Processes of one machine share no secret.
    rotate(&["internal", "--yes"]).refused(1, "MR-BIN-010");
    // Where notifications are pushed their key lies in the data folder.
    fs::create_dir_all(place.path().join("data")).unwrap();
    rotate(&["push", "--yes"]).refused(1, "MR-BIN-010");
    place.write("conf/millrace.toml", "data_dir = \"data\"\n\n[push]\nenabled = true\n");
    let public = || {
        let listed = with_config(&place, &["keys", "list", "--json"]).fine().json();
        listed[5]["public"].as_array().unwrap().clone()
    };
    assert!(public().is_empty());
    rotate(&["push", "--yes"]).fine();
    let first = public();
    rotate(&["push", "--yes"]).fine();
    assert!(first.len() == 1 && public().len() == 1 && public() != first);
    place.write("conf/millrace.toml", "[appview]\nadmin_password = \"in the open\"\n");
    let refused = rotate(&["admin", "--yes"]).refused(1, "MR-BIN-010");
    assert!(refused.stderr.contains("admin_password_file"), "{refused:?}");
    assert!(!refused.stderr.contains("in the open"), "{refused:?}");
}

#[test]
fn what_could_not_be_a_secret_is_refused() {
    let place = Place::new();
    init(&place).fine();
    place.write("conf/secrets/oauth.keys", "not a key\n");
    let refused = with_config(&place, &["config", "check"]);
    assert!(refused.code == 1 && refused.stderr.contains("64 hexadecimal"), "{refused:?}");
    place.write("conf/secrets/oauth.keys", "");
    with_config(&place, &["config", "check"]).fine();
    place.write("conf/secrets/session.secret", "short\n");
    with_config(&place, &["config", "check"]).refused(1, "MR-BIN-010");
}

#[tokio::test]
async fn a_newer_program_says_what_it_would_do() {
    let place = Place::new();
    let check = |place: &Place| place.run(&["upgrade-check", "--json"]).fine().json();
    let line = |report: &Value, name: &str| {
        let lines = report["lines"].as_array().unwrap().iter();
        lines.clone().find(|line| line["name"] == name).cloned().unwrap()
    };
    assert_eq!(line(&check(&place), "migrations")["found"], "the tables are not there yet");
    assert!(!place.data().exists(), "looking makes nothing");
    let mut server = place.serve(&[]).await;
    let beside = check(&place);
    assert_eq!(line(&beside, "migrations")["found"], "nothing is pending");
    assert!(line(&beside, "program")["found"].as_str().unwrap().contains("runs, this is"));
    assert_eq!(line(&beside, "way back")["state"], "ok");
    assert_eq!(server.terminate().await, 0);
    place.write("millrace.toml", "[appview]\nno_such_setting = 1\n");
    let refused = place.run(&["upgrade-check"]);
    assert!(refused.code == 3 && refused.stdout.contains("no_such_setting"), "{refused:?}");
}

/// Every command of ours that the guide shows is run, in its order.
#[test]
fn the_guides_commands_work() {
    let place = Place::new();
    let guide = fs::read_to_string(GUIDE).unwrap();
    let mut inside = false;
    let mut run = Vec::new();
    for line in guide.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "sh";
            continue;
        }
        let Some(command) = line.strip_prefix("millrace ").filter(|_| inside) else { continue };
        let command = command.replace("/etc/millrace", "conf").replace("/var/lib/millrace", "data");
        let args: Vec<&str> = command.split_whitespace().collect();
        let output = place.run(&args);
        // The doctor finds that no relay can be reached from here.
        let expected: &[i32] = if args[0] == "doctor" { &[0, 3] } else { &[0] };
        assert!(expected.contains(&output.code), "{line}: {output:?}");
        run.push(args[0].to_owned());
    }
    for needed in ["init", "config", "doctor", "keys", "upgrade-check"] {
        assert!(run.iter().any(|name| name == needed), "{run:?}");
    }
}
