//! `make bench`: how fast Millrace is, beside the limit that signatures set and beside the reference AppView.
//!
//! Started by `cargo xtask bench`, which brings the built program, PostgreSQL and Node. Whatever is measured is
//! a process of its own, seen from outside as an operator sees it: sockets, `/proc`, files. What is measured,
//! and in which order, stands in `run.rs`; the sizes in `plan.rs`; floors and goals in `report/floors.rs`.

mod bytes;
mod frames;
mod held;
mod homes;
mod idle;
mod ingest;
mod limit;
mod load;
mod machine;
mod people;
mod plan;
mod postgres_db;
mod process;
mod program;
mod reads;
mod reference;
mod relay;
mod report;
mod results;
mod run;

use clap::Parser;

use crate::plan::Options;

fn main() -> anyhow::Result<()> {
    millrace_runtime::tls::install_provider();
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run::everything(&options))
}
