//! `millrace completions`: what a shell needs to know to complete the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output;

/// Print what a shell needs to complete commands and flags
///
/// Examples:
///   millrace completions bash > /etc/bash_completion.d/millrace
///   millrace completions zsh > "${fpath[1]}/_millrace"
///   millrace completions fish > ~/.config/fish/completions/millrace.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct CompletionsArgs {
    shell: Shell,
}

pub fn run(args: &CompletionsArgs) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "millrace", &mut script);
    output::text(&String::from_utf8_lossy(&script));
}
