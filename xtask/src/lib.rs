//! What a developer and CI run beside cargo: set-up, tests, lint and tidy (`cargo xtask --help`).
//! A library as well, so that tests start PostgreSQL, brokers and Node as `cargo xtask test` does.
//!
//! Reading order: [`test`], [`lint`] and [`conformance`] are the long commands; [`tidy`] checks the tree's own
//! rules; [`generated`] keeps what the program prints about itself; [`setup`] installs what all of
//! them need; [`postgres`] and [`kafka`] are throw-away servers.
#![expect(clippy::print_stdout, reason = "a command-line tool: what it prints is its output")]

pub mod bench;
pub mod conformance;
pub mod crash;
pub mod features;
pub mod fuzz;
pub mod generated;
pub mod kafka;
mod lexicons;
pub mod lint;
pub mod long_run;
pub mod postgres;
pub mod promises;
pub mod setup;
pub mod shell;
pub mod soak;
pub mod summary;
pub mod test;
pub mod tidy;
pub mod web;
