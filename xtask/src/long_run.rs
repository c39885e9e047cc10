//! What runs of hours share (`cargo xtask soak`, `cargo xtask crash`): the program and the test that watches it, both
//! built with the profile `soak`, and a PostgreSQL of their own.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::{features, setup, shell, test};

/// A test of the whole program, ready to run for long.
pub struct LongRun {
    /// What runs it; the caller says how far, by its environment.
    pub cargo: Command,
    // Stopped when this is dropped.
    _cluster: Option<Cluster>,
}

impl LongRun {
    /// Builds the program and starts a database in a folder of this name; none if the program does not build.
    ///
    /// # Errors
    /// When the set-up fails.
    pub fn of(root: &Path, name: &str, tests: &str) -> Result<Option<Self>> {
        setup::for_soak()?;
        let target = test::target_dir(root)?;
        let mut build = shell::cargo();
        build.args(["build", "--profile", "soak", "-p", "millrace"]).args(features::flags(&[]));
        if !shell::succeeds(build.current_dir(root))? {
            return Ok(None);
        }
        let mut cargo = shell::cargo();
        cargo
            .args(["test", "--quiet", "--profile", "soak", "-p", "millrace-tests", "--test", "it"])
            .args(["--", tests, "--nocapture"])
            .env("MILLRACE_BIN", target.join("soak/millrace"))
            .current_dir(root);
        let cluster = match std::env::var_os("MILLRACE_TEST_POSTGRES_URL") {
            Some(_) => None,
            None => Some(Cluster::start(&target.join(format!("{name}-postgres")))?),
        };
        if let Some(cluster) = &cluster {
            cargo.env("MILLRACE_TEST_POSTGRES_URL", cluster.url());
        }
        Ok(Some(Self { cargo, _cluster: cluster }))
    }
}
