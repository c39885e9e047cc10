//! `millrace config`: every setting explained, checked, shown. Starts nothing and writes nothing.

use clap::Subcommand;
use millrace_runtime::config::{env_example, example, show, show_json};
use serde_json::json;

use crate::cli::{Global, ReadArgs};
use crate::config::{self, ALIASES, Config};
use crate::failure::Failure;
use crate::output;
use crate::roles::{Role, Roles};

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a complete file: every setting with its meaning and default
    Example {
        /// Print environment variables instead
        #[arg(long)]
        dotenv: bool,
    },
    /// Say whether the configuration is right, and what is not
    Check {
        #[command(flatten)]
        read: ReadArgs,
        /// Roles of the process to check for
        #[arg(long, value_delimiter = ',', value_name = "ROLES")]
        role: Vec<Role>,
    },
    /// Print every setting with its value and where that comes from; secrets are masked
    Show {
        #[command(flatten)]
        read: ReadArgs,
    },
}

pub fn run(global: &Global, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Example { dotenv: false } => output::text(&example::<Config>()),
        ConfigCommand::Example { dotenv: true } => output::text(&env_example::<Config>(ALIASES)),
        ConfigCommand::Check { read, role } => check(global, *read, &Roles::of(role))?,
        ConfigCommand::Show { read } => {
            let loaded = config::load(global)?;
            if read.json {
                output::json(&show_json(&loaded));
            } else {
                output::text(&show(&loaded));
            }
        }
    }
    Ok(())
}

fn check(global: &Global, read: ReadArgs, roles: &Roles) -> Result<(), Failure> {
    let loaded = config::load(global)?;
    loaded.value.check(roles)?;
    if read.json {
        output::json(&json!({ "valid": true, "roles": roles.to_string() }));
    } else {
        output::text(&format!("valid for {roles}"));
    }
    Ok(())
}
