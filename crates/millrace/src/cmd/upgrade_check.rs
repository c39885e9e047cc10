//! `millrace upgrade-check`: whether this program can take the place of the one that ran here.

use clap::Args;
use millrace_runtime::clock::SystemClock;

use crate::admin::backup::room::shown;
use crate::admin::client::AdminClient;
use crate::admin::doctor::Line;
use crate::admin::schema::{self, Schema};
use crate::admin::status::Status;
use crate::cli::{Global, ReadArgs};
use crate::cmd::lines::print;
use crate::config::{self, Config};
use crate::disk::measure;
use crate::failure::{Exit, Failure};
use crate::folder;
use crate::roles::Roles;

/// Look whether this program can take the place of the one that runs here
///
/// Run the new program with it before the old one is stopped: it reads the configuration and the tables, says
/// which migrations it would apply, whether the old program could be started again afterwards, and whether there
/// is room. Nothing is changed.
///
/// Ends with 3 when a line says ✖.
///
/// Examples:
///   ./millrace-new upgrade-check --config /etc/millrace/millrace.toml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct UpgradeCheckArgs {
    #[command(flatten)]
    read: ReadArgs,
}

pub async fn run(global: &Global, args: UpgradeCheckArgs) -> Result<Exit, Failure> {
    let config = match config::load(global) {
        Ok(loaded) => loaded.value,
        Err(failure) => return Ok(print(&[Line::failed(CONFIGURATION, &failure)], args.read)),
    };
    let mut lines = vec![configuration(&config), running(&config).await];
    lines.extend(tables(&config).await);
    lines.push(room(&config));
    lines.push(Line::skipped(
        "backup",
        "make one before: `millrace backup`, beside the running server",
    ));
    Ok(print(&lines, args.read))
}

const CONFIGURATION: &str = "configuration";

fn configuration(config: &Config) -> Line {
    match config.check(&Roles::all()) {
        Ok(()) => Line::ok(CONFIGURATION, "this program understands all of it"),
        Err(failure) => Line::failed(CONFIGURATION, &failure),
    }
}

async fn running(config: &Config) -> Line {
    const NAME: &str = "program";
    let this = env!("CARGO_PKG_VERSION");
    if folder::running(&config.data_dir).is_empty() {
        return Line::skipped(
            NAME,
            format!("this is {this}; none runs on {}", config.data_dir.display()),
        );
    }
    let asked = async {
        let client = AdminClient::of_folder(&config.data_dir)?;
        client.get::<Status>("status", &()).await
    };
    match asked.await {
        Ok(status) => Line::ok(NAME, format!("{} runs, this is {this}", status.version)),
        Err(error) => Line::failed(NAME, &error.into()),
    }
}

async fn tables(config: &Config) -> Vec<Line> {
    let found = schema::status(&config.store(), &SystemClock::shared()).await;
    match found {
        Ok(schema) => vec![migrations(&schema), way_back(&schema)],
        Err(error) => vec![Line::failed("migrations", &error.into())],
    }
}

fn migrations(schema: &Schema) -> Line {
    const NAME: &str = "migrations";
    let is_new = schema.migrations.iter().all(|it| it.applied_at.is_none());
    let pending = schema.clone().pending().migrations;
    if is_new || pending.is_empty() {
        let what = if is_new { "the tables are not there yet" } else { "nothing is pending" };
        return Line::ok(NAME, what);
    }
    let names = pending.iter().map(|it| format!("{} {} {}", it.domain, it.number, it.name));
    let names = names.collect::<Vec<_>>().join(", ");
    Line::ok(NAME, format!("{} would be applied at the start: {names}", pending.len()))
}

fn way_back(schema: &Schema) -> Line {
    const NAME: &str = "way back";
    let breaking = schema.breaking();
    if breaking.is_empty() {
        return Line::ok(NAME, "the older program runs on the tables as they will be");
    }
    let names = breaking.iter().map(|it| format!("{} {} {}", it.domain, it.number, it.name));
    Line::bad(
        NAME,
        format!("not without a restore, after {}", names.collect::<Vec<_>>().join(", ")),
        "make a backup right before the upgrade: going back means restoring it",
    )
}

/// A migration may write a whole table anew.
fn room(config: &Config) -> Line {
    const NAME: &str = "room";
    let (log, store) = (config.log().dir, config.store().dir);
    let folders: Vec<_> = log.into_iter().chain(store).collect();
    let found = measure::files(&folders)
        .and_then(|files| Ok((files, measure::free_bytes(&config.data_dir)?)));
    let (files, free) = match found {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Line::skipped(NAME, "there is no data folder yet");
        }
        Err(error) => return Line::bad(NAME, error.to_string(), "look at the data folder's disk"),
    };
    let largest = files.iter().filter(|(name, _)| *name != "log").map(|(_, bytes)| *bytes).max();
    let wanted = largest.unwrap_or(0);
    let said = format!("{} free; the largest domain has {}", shown(free), shown(wanted));
    match free >= wanted {
        true => Line::ok(NAME, said),
        false => Line::bad(
            NAME,
            said,
            "a migration may write a table anew: make room, or upgrade on a larger disk",
        ),
    }
}
