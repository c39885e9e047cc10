//! Who may depend on whom, and who may know an engine by name. The table is ARCHITECTURE.md's.
//! `sim` and `xtask` may be anybody's dev-dependencies: the network and the servers that tests run against.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Finding;

/// (crate, what it may use of ours), without the `millrace-` prefix.
const TABLE: &[(&str, &[&str])] = &[
    ("atproto", &[]),
    ("runtime", &[]),
    ("net", &["runtime", "atproto"]),
    ("log", &["runtime"]),
    ("store", &["runtime", "atproto", "log"]),
    ("ingest", &["runtime", "atproto", "net", "log", "store"]),
    ("dataplane", &["runtime", "atproto", "log", "store"]),
    ("feeds", &["runtime", "atproto", "log", "store", "dataplane"]),
    ("push", &["runtime", "atproto", "net", "log", "store", "dataplane"]),
    ("webhooks", &["runtime", "atproto", "net", "log", "store", "dataplane"]),
    ("appview", &["runtime", "atproto", "net", "log", "store", "ingest", "dataplane", "feeds"]),
    ("sim", &["atproto", "runtime", "log"]),
    (
        "millrace",
        &[
            "runtime",
            "atproto",
            "net",
            "log",
            "store",
            "ingest",
            "dataplane",
            "feeds",
            "push",
            "webhooks",
            "appview",
            "sim",
        ],
    ),
    ("tests", &["runtime", "atproto", "net", "log", "store", "sim", "xtask"]),
    ("bench", &["runtime", "atproto", "log", "sim"]),
    ("xtask", &[]),
];

/// What tests run against.
const FOR_TESTS: &[&str] = &["sim", "xtask"];

/// They meet in the log and never import each other.
const PROJECTIONS: &[&str] = &["dataplane", "feeds", "communities", "segments", "boards"];

/// The one of them that the others ask, by its client.
const ASKED: &str = "dataplane";

/// Client libraries of engines, and who may depend on them.
const ENGINES: &[&str] =
    &["rusqlite", "libsqlite3-sys", "postgres", "tokio-postgres", "rdkafka", "redis"];
const KNOW_ENGINES: &[&str] = &["log", "store", "millrace", "tests", "bench"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Checks the output of `cargo metadata --no-deps`.
///
/// # Errors
/// When it is something else.
pub fn check(metadata: &str) -> Result<Vec<Finding>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata")?;
    Ok(metadata.packages.iter().flat_map(package).collect())
}

fn package(package: &Package) -> Vec<Finding> {
    let name = short(&package.name);
    let Some((_, allowed)) = TABLE.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![Finding::error(
            &package.name,
            "is not in the table of crates: add it there and to ARCHITECTURE.md",
        )];
    };
    let findings = package.dependencies.iter().filter_map(|dependency| {
        let used = short(&dependency.name);
        let ours = dependency.name != used || ["millrace", "xtask"].contains(&used);
        let for_tests = dependency.kind.as_deref() == Some("dev");
        let meets = PROJECTIONS.contains(&name) && PROJECTIONS.contains(&used);
        let message = if ours && meets && used != ASKED {
            format!("is a projection and depends on the projection {used}: they meet in the log")
        } else if ours && !allowed.contains(&used) && !(for_tests && FOR_TESTS.contains(&used)) {
            format!("must not depend on {used}; it may use {allowed:?}")
        } else if ENGINES.contains(&used) && !KNOW_ENGINES.contains(&name) {
            format!("must not know the engine {used}: only {KNOW_ENGINES:?} do")
        } else {
            return None;
        };
        Some(Finding::error(&package.name, message))
    });
    findings.collect()
}

fn short(name: &str) -> &str {
    match name {
        "millrace" => name,
        _ => name.strip_prefix("millrace-").unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// `expected`: a part of the one message, or "" for none.
    fn check_one(package: &str, dependency: &str, kind: Option<&str>, expected: &str) {
        let metadata = serde_json::json!({"packages": [
            {"name": package, "dependencies": [{"name": dependency, "kind": kind}]},
        ]});
        let findings = check(&metadata.to_string()).unwrap();
        let shown = format!("{package} → {dependency}: {findings:?}");
        match findings.as_slice() {
            [] => assert_eq!(expected, "", "{shown}"),
            [one] => assert!(!expected.is_empty() && one.message.contains(expected), "{shown}"),
            _ => panic!("{shown}"),
        }
    }

    #[test]
    fn the_table_holds() {
        check_one("millrace-net", "millrace-atproto", None, "");
        check_one("millrace-net", "millrace-log", None, "must not depend on log");
        check_one("millrace-atproto", "millrace-runtime", None, "must not depend on runtime");
        check_one("millrace-store", "millrace-log", None, "");
        check_one("millrace-log", "millrace-store", None, "must not depend on store");
        check_one("millrace-log", "millrace-store", Some("dev"), "must not depend on store");
        check_one("millrace", "millrace-appview", None, "");
        check_one("millrace-appview", "millrace", None, "must not depend on millrace");
        check_one("xtask", "millrace-atproto", None, "must not depend on atproto");
        check_one("millrace-tests", "xtask", Some("dev"), "");
        check_one("millrace-new", "serde", None, "table of crates");
    }

    #[test]
    fn sim_is_for_tests_only() {
        check_one("millrace-ingest", "millrace-sim", Some("dev"), "");
        check_one("millrace-ingest", "millrace-sim", None, "must not depend on sim");
    }

    #[test]
    fn engines_are_known_in_few_places() {
        check_one("millrace-store", "postgres", None, "");
        check_one("millrace-dataplane", "rusqlite", None, "engine rusqlite");
        check_one("millrace-dataplane", "rusqlite", Some("dev"), "engine rusqlite");
        check_one("millrace-atproto", "serde", None, "");
        check_one("millrace-ingest", "log", None, "");
    }

    #[test]
    fn projections_meet_in_the_log() {
        check_one("millrace-dataplane", "millrace-feeds", None, "is a projection");
        check_one("millrace-feeds", "millrace-communities", None, "is a projection");
        check_one("millrace-feeds", "millrace-dataplane", None, "");
        check_one("millrace-appview", "millrace-dataplane", None, "");
    }
}
