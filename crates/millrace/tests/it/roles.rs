//! Which roles may run apart.

use crate::program::{Place, get, until};

#[test]
fn what_shares_the_log_is_not_split() {
    let place = Place::new();
    for roles in ["ingest", "dataplane", "ingest,appview", "dataplane,appview"] {
        let refused = place.run(&["serve", "--role", roles]).refused(2, "MR-BIN-003");
        assert!(
            refused.stderr.contains("--role ingest,dataplane and --role appview"),
            "{}",
            refused.stderr
        );
        place.run(&["config", "check", "--role", roles]).refused(2, "MR-BIN-003");
    }
    assert!(!place.data().exists(), "what is refused touches nothing");
}

#[test]
fn a_role_must_exist() {
    let refused = Place::new().run(&["serve", "--role", "ingest,fly"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("fly"), "{}", refused.stderr);
}

#[test]
fn what_may_be_split_is_valid() {
    let place = Place::new();
    for roles in ["ingest,dataplane,appview", "ingest,dataplane", "appview"] {
        let checked = place.run(&["config", "check", "--json", "--role", roles]).fine().json();
        assert_eq!(checked["roles"], roles);
    }
}

#[tokio::test]
async fn an_appview_apart_asks_the_data_plane() {
    let place = Place::new();
    let mut data = place.serve(&["--role", "ingest,dataplane"]).await;
    // A port of its own for each: the AppView has no lock that tells its address.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    drop(held);
    place.write(
        "appview.toml",
        &format!("data_dir = \"data\"\n[dataplane]\nurl = \"{}\"\n[appview]\nlisten = \"127.0.0.1:{port}\"\nmetrics_listen = \"127.0.0.1:0\"", data.url),
    );
    let mut appview = place.start(&["--role", "appview", "--config", "appview.toml"]);
    let ready = format!("http://127.0.0.1:{port}/ready");
    let mut answered = get(&ready).await;
    while !answered.as_ref().is_ok_and(|answer| answer.status() == 200) {
        until("the next attempt", || {
            appview.must_run();
            Some(())
        })
        .await;
        answered = get(&ready).await;
    }
    data.must_run();
    assert_eq!(appview.terminate().await, 0, "{}", appview.log());
    assert_eq!(data.terminate().await, 0);
}

#[test]
fn a_schema_that_nobody_applies_is_unhealthy() {
    let place = Place::new();
    let env = [("RUN_MIGRATIONS", "0"), ("MILLRACE_STORE__SCHEMA_WAIT_MS", "200")];
    let waited = place.run_with(&["serve"], &env);
    assert_eq!(waited.code, 3, "{waited:?}");
    assert!(waited.stderr.contains("hint: "), "{}", waited.stderr);
}
