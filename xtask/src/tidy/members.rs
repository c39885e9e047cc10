//! The workspace's members: all of them, in the order a reader meets them, each with its one line.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Finding;

/// The order of the story: words, arrival, state, projections, views, the program, tools.
pub const MEMBERS: &[&str] = &[
    "crates/atproto",
    "crates/runtime",
    "crates/net",
    "crates/ingest",
    "crates/log",
    "crates/store",
    "crates/dataplane",
    "crates/feeds",
    "crates/push",
    "crates/webhooks",
    "crates/appview",
    "crates/millrace",
    "crates/sim",
    "tests",
    "bench",
    "xtask",
];

#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    members: Vec<String>,
}

/// # Errors
/// When the manifest is not a workspace's.
pub fn check(manifest: &str) -> Result<Vec<Finding>> {
    let parsed: Manifest = toml::from_str(manifest).context("Cargo.toml")?;
    let members = &parsed.workspace.members;
    let mut findings = Vec::new();
    if members != MEMBERS {
        let message = format!("members are {members:?}; in reading order they are {MEMBERS:?}");
        findings.push(Finding::error("Cargo.toml", message));
    }
    for member in members {
        let quoted = format!("\"{member}\"");
        let told = manifest
            .lines()
            .any(|line| line.trim_start().starts_with(&quoted) && line.contains("# "));
        if !told {
            findings.push(Finding::error(
                "Cargo.toml",
                format!("member {member} has no comment saying what it is"),
            ));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn manifest(members: &[&str]) -> String {
        let lines: Vec<String> =
            members.iter().map(|member| format!("    \"{member}\", # what it is\n")).collect();
        format!("[workspace]\nmembers = [\n{}]\n", lines.concat())
    }

    #[test]
    fn all_members_in_order_with_a_comment() {
        assert_eq!(check(&manifest(MEMBERS)).unwrap(), []);
    }

    #[test]
    fn a_missing_or_moved_member_is_found() {
        let missing = manifest(MEMBERS.get(1..).unwrap());
        assert_eq!(check(&missing).unwrap().len(), 1);
        let moved: Vec<&str> = MEMBERS.iter().rev().copied().collect();
        assert_eq!(check(&manifest(&moved)).unwrap().len(), 1);
    }

    #[test]
    fn a_member_without_comment_is_found() {
        let silent = manifest(MEMBERS).replacen(" # what it is", "", 1);
        let findings = check(&silent).unwrap();
        assert!(findings[0].message.contains("crates/atproto"), "{findings:?}");
    }
}
