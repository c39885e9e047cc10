//! `cargo xtask tidy`: the rules of this tree that neither the compiler nor clippy knows.
//! Each check is a pure function from what is in the tree to findings, tested beside its code;
//! this file only reads the tree and prints.

pub mod crash_points;
pub mod dependencies;
pub mod docs;
pub mod members;
pub mod sources;
pub mod topics;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// One thing to mend, or to think about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// A path from the root, with `:line` where there is one.
    pub place: String,
    pub message: String,
    pub fails: bool,
}

impl Finding {
    fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), fails: true }
    }

    fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { fails: false, ..Self::error(place, message) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.fails { "error" } else { "warning" };
        write!(f, "{word}: {}: {}", self.place, self.message)
    }
}

/// A text file of the tree; the path is relative to its root.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|ext| ext == "rs")
    }
}

/// Checks the tree, prints what was found and tells whether it may stay so.
///
/// # Errors
/// When the tree cannot be read.
pub fn run(root: &Path) -> Result<bool> {
    let files = text_files(root)?;
    let findings = check(root, &files)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    println!("{}", sources::lengths(&files));
    Ok(!findings.iter().any(|finding| finding.fails))
}

fn check(root: &Path, files: &[SourceFile]) -> Result<Vec<Finding>> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut metadata = shell::cargo();
    metadata.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root);
    let metadata = shell::output(&mut metadata)?;
    let mut findings = members::check(&manifest)?;
    findings.extend(dependencies::check(&metadata)?);
    findings.extend(files.iter().flat_map(sources::check));
    findings.extend(topics::check(files));
    findings.extend(crash_points::check(files));
    findings.extend(docs::check(files, |path| root.join(path).exists()));
    Ok(findings)
}

/// What git has or would take, as far as it is text.
fn text_files(root: &Path) -> Result<Vec<SourceFile>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(root);
    let list = shell::output(&mut git).context("tidy asks git which files are the tree's")?;
    let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let read = |path: &str| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        Some(SourceFile { path: path.to_owned(), text })
    };
    Ok(paths.into_iter().filter_map(read).collect())
}
