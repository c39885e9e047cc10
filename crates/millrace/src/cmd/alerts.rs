//! `millrace alerts`: whether alerts arrive. Asks nothing of a running server: the webhook is configured.

use clap::Subcommand;
use millrace_runtime::alert;
use serde_json::json;

use crate::cli::{Global, ReadArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// Post a test alert to `alerts.webhook_url`, once, and say whether it was taken
    Test {
        #[command(flatten)]
        read: ReadArgs,
    },
}

pub async fn run(global: &Global, command: &AlertsCommand) -> Result<(), Failure> {
    let AlertsCommand::Test { read } = command;
    let config = config::load(global)?.value;
    alert::test(&config.alerts, &config.telemetry).await?;
    if read.json {
        output::json(&json!({ "delivered": true }));
    } else {
        output::text("the webhook took the alert");
    }
    Ok(())
}
