//! The dashboard: `web/` is checked, tested, and built into `web/dist`, from where `cargo build` takes it
//! into the program. Built again only when something of it has changed, so that the program is not.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::setup::npm_packages;
use crate::shell;
use crate::summary::Tally;

/// How to build it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where Node or npm is missing, say so and go on: the program then has no dashboard
    #[arg(long)]
    if_possible: bool,
}

/// Builds the dashboard.
///
/// # Errors
/// npm is missing, or the build fails.
pub fn run(root: &Path, options: &Options) -> Result<bool> {
    match build(root) {
        Err(error) if options.if_possible => {
            eprintln!("warning: the program is built without its dashboard: {error:#}");
            Ok(true)
        }
        built => built.map(|()| true),
    }
}

/// Installs what it is made of and builds it, unless what is there was made of the same.
///
/// # Errors
/// npm is missing, or the build fails.
pub fn build(root: &Path) -> Result<()> {
    let web = root.join("web");
    let made_of = sources(&web)?;
    let mark = web.join("dist/.made-of");
    if fs::read_to_string(&mark).is_ok_and(|built| built == made_of) {
        return Ok(());
    }
    packages(&web)?;
    println!("building the dashboard");
    shell::must(npm(&web).args(["run", "--silent", "build"]))?;
    Ok(fs::write(mark, made_of)?)
}

/// The types.
///
/// # Errors
/// npm is missing.
pub fn check(root: &Path) -> Result<bool> {
    let web = root.join("web");
    packages(&web)?;
    shell::succeeds(npm(&web).args(["run", "--silent", "check"]))
}

/// The tests of what is logic in it.
///
/// # Errors
/// npm is missing.
pub fn test(root: &Path) -> Result<Tally> {
    let web = root.join("web");
    packages(&web)?;
    println!("\ntests of the dashboard's logic");
    let done = npm(&web).args(["test", "--silent"]).output().context("cannot start npm")?;
    let printed = String::from_utf8_lossy(&done.stdout);
    print!("{printed}");
    let tally =
        printed.lines().filter_map(Tally::from_node).fold(Tally::default(), |mut sum, one| {
            sum += one;
            sum
        });
    Ok(tally.with_exit(done.status.success()))
}

fn packages(web: &Path) -> Result<()> {
    npm_packages(web, "the dashboard's: React, Vite, TypeScript")
}

fn npm(web: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(web);
    npm
}

/// A mark of everything the built files depend on.
fn sources(web: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(&web.join("src"), &mut files)?;
    files.extend(["index.html", "package-lock.json", "vite.config.ts"].map(|name| web.join(name)));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(web)?.hash(&mut hasher);
        fs::read(&file).with_context(|| file.display().to_string())?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn whatever_changes_in_the_sources_changes_the_mark() {
        let dir = tempfile::tempdir().unwrap();
        let web = dir.path();
        fs::create_dir_all(web.join("src/pages")).unwrap();
        for name in ["index.html", "package-lock.json", "vite.config.ts", "src/pages/a.tsx"] {
            fs::write(web.join(name), "one").unwrap();
        }
        let before = sources(web).unwrap();
        assert_eq!(sources(web).unwrap(), before);
        fs::write(web.join("src/pages/a.tsx"), "two").unwrap();
        let changed = sources(web).unwrap();
        assert_ne!(changed, before);
        fs::rename(web.join("src/pages/a.tsx"), web.join("src/pages/b.tsx")).unwrap();
        assert_ne!(sources(web).unwrap(), changed);
    }
}
