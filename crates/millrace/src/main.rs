//! The program: one executable, one subcommand for each thing an operator does.
//!
//! Standard output is data, standard error everything else. Exit codes: 0 fine, 1 failed, 2 wrong usage,
//! 3 unhealthy. Start at `cmd/serve.rs` (what runs) and `wiring/mod.rs` (how it is put together).

mod cli;
mod cmd;

mod config;
mod disk;
mod folder;
mod roles;
mod secrets;

mod admin;
mod tether;
mod wiring;

mod codes;
mod failure;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::failure::Exit;

/// Threads that make buffers and threads that drop them are rarely the same here; see `docs/adr/0009`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are asked for and go to standard output; the rest is wrong usage.
            let _ = answer.print();
            let exit = if answer.use_stderr() { Exit::Usage } else { Exit::Fine };
            return exit.into();
        }
    };
    millrace_runtime::tls::install_provider();
    match cmd::run(cli).await {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit().into()
        }
    }
}
