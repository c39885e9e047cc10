//! `millrace config`: where values come from, and what is refused.

use std::fs;

use serde_json::Value;

use crate::program::{Output, Place};

/// Value and origin of a setting, as `config show --json` tells them.
fn setting(output: Output, key: &str) -> (Value, String) {
    let shown = output.fine().json();
    let settings = shown.as_array().unwrap();
    let found = settings.iter().find(|setting| setting["key"] == key);
    let found = found.unwrap_or_else(|| panic!("{key} is not shown"));
    (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
}

#[test]
fn later_layers_win_and_tell_their_name() {
    let place = Place::with("# nothing is set here");
    let show = ["config", "show", "--json"];
    let check = |args: &[&str], env: &[(&str, &str)], value: &str, origin: &str| {
        let (found, from) = setting(place.run_with(args, env), "telemetry.service");
        assert_eq!((found.as_str().unwrap(), from.as_str()), (value, origin));
    };
    check(&show, &[], "millrace", "default");
    place.write("millrace.toml", "[telemetry]\nservice = \"file\"");
    check(&show, &[], "file", "millrace.toml:2");
    place.write("millrace.staging.toml", "\n\n[telemetry]\nservice = \"overlay\"");
    check(&[&show[..], &["--env", "staging"]].concat(), &[], "overlay", "millrace.staging.toml:4");
    check(&show, &[("MILLRACE_ENV", "staging")], "overlay", "millrace.staging.toml:4");
    let env = [("MILLRACE_ENV", "staging"), ("DD_SERVICE", "alias")];
    check(&show, &env, "alias", "environment DD_SERVICE");
    let env = [env[0], env[1], ("MILLRACE_TELEMETRY__SERVICE", "variable")];
    check(&show, &env, "variable", "environment MILLRACE_TELEMETRY__SERVICE");
}

#[test]
fn flags_come_last() {
    let place = Place::with("data_dir = \"file\"\n[telemetry]\nformat = \"text\"");
    let env = [("MILLRACE_DATA_DIR", "variable"), ("MILLRACE_TELEMETRY__FORMAT", "text")];
    let show = |key| {
        setting(
            place.run_with(
                &["config", "show", "--json", "--data-dir", "flag", "--log-format", "json"],
                &env,
            ),
            key,
        )
    };
    assert_eq!(show("data_dir").0, "flag");
    assert_eq!(show("telemetry.format").0, "json");
    assert!(show("telemetry.format").1.starts_with("flag --"));
}

#[test]
fn what_does_not_exist_is_refused_with_a_suggestion() {
    let check = |file: &str, env: &[(&str, &str)], said: &[&str]| {
        let refused =
            Place::with(file).run_with(&["config", "check"], env).refused(1, "MR-CFG-003");
        for said in said {
            assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
        }
    };
    check(
        "[store]\nenigne = \"sqlite\"",
        &[],
        &["millrace.toml:2", "store.enigne", "did you mean `store.engine`?"],
    );
    check("[network]\nplc_ulr = \"\"", &[], &["did you mean `network.plc_url`?"]);
    check("[dataplane]\nlisen = \"\"", &[], &["did you mean `dataplane.listen`?"]);
    check(
        "[[ingest.sources]]\nname = \"x\"\nurl = \"wss://x.test\"\n[appveiw]",
        &[],
        &["millrace.toml:4", "`appveiw`"],
    );
    check("", &[("MILLRACE_STORE__ENIGNE", "sqlite")], &["MILLRACE_STORE__ENGINE"]);
    check("a = 1\nb = 2", &[], &["`a`", "`b`"]);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let check = |file: &str, code: &str, said: &str| {
        let refused = Place::with(file).run(&["config", "check"]).refused(1, code);
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    };
    check("port = \"x\"", "MR-CFG-004", "millrace.toml:1");
    check("data_dir", "MR-CFG-002", "millrace.toml:1");
    check("[log]\nreaders = 0", "MR-LOG-014", "log.readers");
    check("[dataplane]\nlisten = \"nowhere\"", "MR-CFG-004", "listen");
    check("[dataplane]\nlisten = \"0.0.0.0:5001\"", "MR-BIN-004", "internal_secret");
    check(
        "[[ingest.sources]]\nname = \"\"\nurl = \"wss://x.test\"",
        "MR-ING-001",
        "ingest.sources[0].name",
    );
}

#[test]
fn a_named_file_must_be_there() {
    let place = Place::with("");
    place.run(&["config", "check", "--config", "missing.toml"]).refused(1, "MR-CFG-001");
    place.run(&["config", "check", "--env", "missing"]).refused(1, "MR-CFG-001");
}

#[test]
fn plain_names_stand_for_settings() {
    let place = Place::with("");
    let check = |name: &str, text: &str, key: &str, value: Value| {
        let (found, origin) =
            setting(place.run_with(&["config", "show", "--json"], &[(name, text)]), key);
        assert_eq!((found, origin), (value, format!("environment {name}")));
    };
    check("DATABASE_URL", "postgres://db/x", "store.engine", "postgres".into());
    check("RELAY_URL", "wss://relay.test", "ingest.relay_url", "wss://relay.test".into());
    check(
        "DATA_PLANE_URL",
        "http://data-plane:5001",
        "dataplane.url",
        "http://data-plane:5001".into(),
    );
    check("RUN_MIGRATIONS", "0", "store.run_migrations", false.into());
    check("PORT", "8080", "port", 8_080.into());
    check("DD_SERVICE", "x", "telemetry.service", "x".into());
    check("DD_ENV", "x", "telemetry.env", "x".into());
    check("DD_VERSION", "x", "telemetry.version", "x".into());
}

#[test]
fn a_named_engine_is_stronger_than_a_database_url() {
    let place = Place::with("[store]\nengine = \"sqlite\"");
    let shown =
        place.run_with(&["config", "show", "--json"], &[("DATABASE_URL", "postgres://db/x")]);
    assert_eq!(setting(shown, "store.engine").0, "sqlite");
}

#[test]
fn secrets_are_never_shown() {
    let place = Place::with(
        "[appview]\nadmin_password_file = \"password\"\n[dataplane]\ninternal_secret = \"inner-secret\"",
    );
    place.write("password", "outer-secret\n");
    let env = [("DATABASE_URL", "postgres://me:url-secret@db/x")];
    for args in [&["config", "show"][..], &["config", "show", "--json"]] {
        let shown = place.run_with(args, &env).fine();
        assert!(shown.stdout.contains("***"));
        assert!(!shown.stdout.contains("-secret"), "{}", shown.stdout);
    }
    let (_, origin) = setting(place.run(&["config", "show", "--json"]), "appview.admin_password");
    assert_eq!(origin, "file password named by millrace.toml:2");
}

#[test]
fn the_example_is_a_configuration() {
    let place = Place::with("");
    let example = place.run(&["config", "example"]).fine().stdout;
    for section in
        ["[log]", "[store]", "[network]", "[ingest]", "[dataplane]", "[appview]", "[telemetry]"]
    {
        assert!(example.contains(section), "{section}");
    }
    fs::write(place.path().join("millrace.toml"), &example).unwrap();
    assert_eq!(
        place.run(&["config", "check"]).fine().stdout,
        "valid for ingest,dataplane,appview\n"
    );
    let dotenv = place.run(&["config", "example", "--dotenv"]).fine().stdout;
    assert!(
        dotenv.contains("#DATABASE_URL=")
            && dotenv.contains("#MILLRACE_NETWORK__PLC_URL=https://plc.directory")
    );
}

#[test]
fn wrong_usage_and_help_have_their_exit_codes() {
    let place = Place::with("");
    assert_eq!(place.run(&[]).code, 2);
    assert_eq!(place.run(&["fly"]).code, 2);
    assert_eq!(place.run(&["config", "show", "--colour"]).code, 2);
    let version = place.run(&["--version"]).fine();
    assert!(version.stdout.starts_with("millrace "));
    assert!(place.run(&["serve", "--help"]).fine().stdout.contains("--role"));
}

#[test]
fn a_cluster_that_is_named_is_used_where_the_engine_is_built_in() {
    let place = Place::with("");
    let env = [("KAFKA_BROKERS", "localhost:9092")];
    let show = |env| setting(place.run_with(&["config", "show", "--json"], env), "log.engine");
    assert_eq!(show(&env), ("kafka".into(), "environment KAFKA_BROKERS".into()));
    let named = [env[0], ("MILLRACE_LOG__ENGINE", "sqlite")];
    assert_eq!(show(&named).0, "sqlite");

    let check = place.run_with(&["config", "check"], &env);
    if cfg!(feature = "kafka") {
        check.fine();
        let nowhere = [("KAFKA_BROKERS", "localhost")];
        place.run_with(&["config", "check"], &nowhere).refused(1, "MR-LOG-014");
    } else {
        let refused = check.refused(1, "MR-LOG-018");
        assert!(refused.stderr.contains("--features kafka"), "{}", refused.stderr);
    }
}
