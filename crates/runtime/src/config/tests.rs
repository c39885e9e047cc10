//! Layers, their order, and what is said when something is wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::*;
use crate::error::Diagnose as _;

/// Settings of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Whether migrations run at start.
    run_migrations: bool,
    /// Where rows are kept.
    store: StoreConfig,
    /// The listener.
    appview: AppviewConfig,
    /// Relays to read.
    relays: Vec<String>,
    /// Sources of events.
    sources: Vec<SourceConfig>,
    /// Names for topics.
    topics: BTreeMap<String, u32>,
}

/// Where rows are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct StoreConfig {
    /// Which engine.
    engine: Engine,
    /// Address of the server,
    /// with its password.
    url: Option<Secret>,
    /// Files.
    data_dir: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Engine {
    /// Files beside the program.
    #[default]
    Sqlite,
    /// A server.
    Postgres,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct AppviewConfig {
    /// Port of the public listener.
    port: u16,
    /// Share of requests that are traced.
    sample_rate: f64,
    /// Key of sessions.
    session_secret: Secret,
}

/// A source of events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SourceConfig {
    /// Where it is.
    url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run_migrations: true,
            store: StoreConfig { data_dir: "data".into(), ..StoreConfig::default() },
            appview: AppviewConfig { port: 5000, sample_rate: 0.5, ..AppviewConfig::default() },
            relays: vec!["wss://relay.example".into()],
            sources: Vec::new(),
            topics: BTreeMap::new(),
        }
    }
}

const ALIASES: &[(&str, &str)] = &[
    ("DATABASE_URL", "store.url"),
    ("PORT", "appview.port"),
    ("RELAY_URL", "relays"),
    ("RUN_MIGRATIONS", "run_migrations"),
];

struct World {
    dir: TempDir,
    file: Option<PathBuf>,
    overlay: Option<PathBuf>,
    env: Vec<(String, String)>,
    flags: Vec<(String, String)>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, file: None, overlay: None, env: Vec::new(), flags: Vec::new() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn file(mut self, text: &str) -> Self {
        self.file = Some(self.write("millrace.toml", text));
        self
    }

    fn overlay(mut self, text: &str) -> Self {
        let path = overlay_path(self.file.as_ref().unwrap(), "staging");
        assert_eq!(path.file_name().unwrap(), "millrace.staging.toml");
        fs::write(&path, text).unwrap();
        self.overlay = Some(path);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.flags.push((key.into(), value.into()));
        self
    }

    fn try_load(&self) -> Result<Loaded<Config>, ConfigError> {
        load(Sources {
            file: self.file.clone(),
            overlay: self.overlay.clone(),
            env: self.env.clone(),
            aliases: ALIASES,
            flags: self.flags.clone(),
        })
    }

    fn load(&self) -> Loaded<Config> {
        self.try_load().unwrap()
    }

    /// The problems, with this machine's folder left out.
    fn problems(&self) -> String {
        let text = self.try_load().unwrap_err().to_string();
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

#[test]
fn without_sources_everything_has_its_default() {
    let loaded = World::new().load();
    assert_eq!(loaded.value, Config::default());
    assert_eq!(loaded.origin("appview.port"), Origin::Default);
}

#[test]
fn later_layers_win_and_are_remembered() {
    let world = World::new().file("[appview]\nport = 1\n");
    assert_eq!(world.load().value.appview.port, 1);
    let world = world.overlay("appview.port = 2\n");
    assert_eq!(world.load().value.appview.port, 2);
    let world = world.env("PORT", "3");
    assert_eq!(world.load().value.appview.port, 3);
    assert_eq!(world.load().origin("appview.port"), Origin::Env("PORT".into()));
    let world = world.env("MILLRACE_APPVIEW__PORT", "4");
    assert_eq!(world.load().value.appview.port, 4);
    let world = world.flag("appview.port", "5");
    assert_eq!(world.load().value.appview.port, 5);
    assert_eq!(world.load().origin("appview.port").to_string(), "flag --appview.port");
}

#[test]
fn the_environment_is_read_as_the_settings_types() {
    let loaded = World::new()
        .env("RUN_MIGRATIONS", "0")
        .env("RELAY_URL", "wss://a, wss://b")
        .env("MILLRACE_APPVIEW__SAMPLE_RATE", "0.25")
        .env("MILLRACE_STORE__ENGINE", "postgres")
        .env("MILLRACE_TOPICS__LIKES", "12")
        .env("MILLRACE_STORE__DATA_DIR", "")
        .env("MILLRACE_ENV", "staging")
        .env("HOME", "/root")
        .load()
        .value;
    assert!(!loaded.run_migrations);
    assert_eq!(loaded.relays, ["wss://a", "wss://b"]);
    assert_eq!(loaded.appview.sample_rate, 0.25);
    assert_eq!(loaded.store.engine, Engine::Postgres);
    assert_eq!(loaded.store.data_dir, "data", "an empty variable counts as unset");
    assert_eq!(loaded.topics["likes"], 12);
}

#[test]
fn unknown_settings_are_refused_with_a_suggestion_and_all_at_once() {
    let world = World::new()
        .file("run_migration = false\ndata_dir = 'x'\n\n[store]\nenigne = 'sqlite'\n[nothing_like_it]\na = 1\n")
        .env("MILLRACE_APPVEIW__PORT", "1")
        .flag("appview.prt", "1");
    insta::assert_snapshot!(world.problems(), @"
    millrace.toml:1: unknown setting `run_migration`; did you mean `run_migrations`?
    millrace.toml:2: unknown setting `data_dir`; did you mean `store.data_dir`?
    millrace.toml:5: unknown setting `store.enigne`; did you mean `store.engine`?
    millrace.toml:6: unknown setting `nothing_like_it`
    environment MILLRACE_APPVEIW__PORT: unknown setting `appveiw.port`; did you mean `MILLRACE_APPVIEW__PORT`?
    flag --appview.prt: unknown setting `appview.prt`; did you mean `appview.port`?
    ");
    assert_eq!(world.try_load().unwrap_err().diagnosis().code, "MR-CFG-003");
}

#[test]
fn wrong_values_name_their_place_and_what_was_expected() {
    let world = World::new()
        .file("relays = 'one'\nstore = 3\n\n[appview]\nport = 70000\nsample_rate = 'x'\n")
        .env("MILLRACE_STORE__ENGINE", "mysql")
        .env("MILLRACE_STORE", "x")
        .env("RUN_MIGRATIONS", "maybe");
    insta::assert_snapshot!(world.problems(), @"
    millrace.toml:1: `relays`: expected a list of texts, found `one`
    millrace.toml:2: `store`: is a section: write `[section]` and its settings
    millrace.toml:5: `appview.port`: expected a whole number from 0 to 65535, found `70000`
    millrace.toml:6: `appview.sample_rate`: expected a number, found `x`
    environment RUN_MIGRATIONS: `run_migrations`: expected true or false, found `maybe`
    environment MILLRACE_STORE__ENGINE: `store.engine`: expected one of `sqlite`, `postgres`, found `mysql`
    environment MILLRACE_STORE: `store`: is a section; set the settings in it one by one
    ");
}

#[test]
fn what_the_shape_cannot_say_the_type_judges_with_its_place() {
    let world = World::new().file("\n[[sources]]\nurl = 'a'\n[[sources]]\nulr = 'b'\n");
    insta::assert_snapshot!(
        world.problems(),
        @"millrace.toml:2: `sources[1].ulr`: unknown field `ulr`, expected `url`"
    );
}

#[test]
fn files_that_cannot_be_read_or_parsed_are_named() {
    let mut world = World::new().file("[appview]\nport = = 1\n");
    let error = world.try_load().unwrap_err();
    assert!(matches!(&error.problems[..], [Problem::Syntax { line: 2, .. }]), "{error}");
    assert_eq!(error.diagnosis().code, "MR-CFG-002");

    world.file = Some(world.dir.path().join("missing.toml"));
    assert!(world.problems().starts_with("cannot read missing.toml: "), "{}", world.problems());

    world.file = Some(world.write("large.toml", &"#".repeat(1024 * 1024 + 1)));
    assert_eq!(world.problems(), "cannot read large.toml: larger than 1048576 bytes");
}

#[test]
fn secrets_may_come_from_files_and_are_never_shown() {
    let world = World::new();
    let key = world.write("session.key", "s3cret\n");
    let url = world.write("db.url", "postgres://me:s3same@db/x");
    let world = world
        .file(&format!("[appview]\nsession_secret_file = '{}'\n", key.display()))
        .env("DATABASE_URL_FILE", &url.display().to_string())
        .env("RELAY_URL_FILE", "/none/of/our/business");
    let loaded = world.load();
    assert_eq!(loaded.value.appview.session_secret.expose(), "s3cret");
    assert_eq!(loaded.value.store.url.as_ref().unwrap().expose(), "postgres://me:s3same@db/x");
    for shown in [
        show(&loaded),
        show_json(&loaded).to_string(),
        format!("{loaded:?}"),
        serde_json::to_string(&loaded.value).unwrap(),
    ] {
        assert!(!shown.contains("s3cret") && !shown.contains("s3same"), "{shown}");
    }
    let origin = loaded.origin("appview.session_secret").to_string();
    assert!(
        origin.contains("session.key named by") && origin.ends_with("millrace.toml:2"),
        "{origin}"
    );
}

#[test]
fn a_secret_given_twice_in_one_place_is_refused_but_a_later_layer_wins() {
    let world = World::new();
    let key = world.write("session.key", "from file");
    let twice =
        format!("[appview]\nsession_secret = 'x'\nsession_secret_file = '{}'\n", key.display());
    let world = world.file(&twice);
    assert_eq!(world.try_load().unwrap_err().diagnosis().code, "MR-CFG-005");

    let once = format!("[appview]\nsession_secret_file = '{}'\n", key.display());
    let world = world.file(&once).env("MILLRACE_APPVIEW__SESSION_SECRET", "from env");
    assert_eq!(world.load().value.appview.session_secret.expose(), "from env");

    let world = World::new().file("[appview]\nsession_secret_file = '/no/such/file'\n");
    let problems = world.problems();
    let told = "millrace.toml:2: `appview.session_secret_file`: cannot read /no/such/file: ";
    assert!(problems.starts_with(told), "{problems}");
}

#[test]
fn the_configuration_in_force_is_shown_with_origins() {
    let world = World::new().env("PORT", "8080").env("MILLRACE_TOPICS__LIKES", "3");
    insta::assert_snapshot!(show(&world.load()), @r#"
    relays = ["wss://relay.example"]  # default
    run_migrations = true  # default
    sources = []  # default
    topics = {"likes":3}  # environment MILLRACE_TOPICS__LIKES
    appview.port = 8080  # environment PORT
    appview.sample_rate = 0.5  # default
    appview.session_secret = ""  # default
    store.data_dir = "data"  # default
    store.engine = "sqlite"  # default
    store.url = null  # default
    "#);
}

#[test]
fn the_example_holds_every_setting() {
    insta::assert_snapshot!(example::<Config>(), @r#"
    # Settings of a test.

    # Relays to read.
    #relays = ["wss://relay.example"]

    # Whether migrations run at start.
    #run_migrations = true

    # Names for topics.
    #topics = {}

    # The listener.
    [appview]

    # Port of the public listener.
    #port = 5000

    # Share of requests that are traced.
    #sample_rate = 0.5

    # Key of sessions.
    # Or `session_secret_file`: the path of a file that holds it.
    #session_secret = ""

    # Sources of events.
    #[[sources]]

    # Where it is.
    #url = ""

    # Where rows are kept.
    [store]

    # Files.
    #data_dir = "data"

    # Which engine.
    #   sqlite: Files beside the program.
    #   postgres: A server.
    #engine = "sqlite"

    # Address of the server,
    # with its password.
    # Or `url_file`: the path of a file that holds it.
    #url = ""  # unset by default
    "#);
}

#[test]
fn the_example_gives_the_defaults_commented_or_not() {
    let example = example::<Config>();
    assert_eq!(World::new().file(&example).load().value, Config::default());

    let active: Vec<&str> = example
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect();
    let loaded = World::new().file(&active.join("\n")).load().value;
    let expected = Config {
        sources: vec![SourceConfig::default()],
        store: StoreConfig { url: Some("".into()), ..Config::default().store },
        ..Config::default()
    };
    assert_eq!(loaded, expected);
}

#[test]
fn the_reference_and_the_environment_list_every_setting_with_its_names() {
    let page = reference::<Config>(ALIASES);
    assert!(page.contains(
        "| `appview.port` | Port of the public listener. | a whole number from 0 to 65535 | `5000` | `MILLRACE_APPVIEW__PORT`, `PORT` |"
    ), "{page}");
    assert!(page.contains("## `store`\n\nWhere rows are kept.\n"), "{page}");

    let env = env_example::<Config>(ALIASES);
    assert!(env.contains("# the same as MILLRACE_STORE__URL\n#DATABASE_URL=\n"), "{env}");
    assert!(env.contains("# Relays to read.\n#MILLRACE_RELAYS=wss://relay.example\n"), "{env}");
}
