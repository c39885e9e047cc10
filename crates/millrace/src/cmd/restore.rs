//! `millrace restore`: puts a backup back, into an empty place or, when confirmed, instead of what is there.
//! The server must not run.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use millrace_runtime::clock::SystemClock;
use millrace_store::{EngineKind, probe};

use crate::admin::backup::plan::{self, LogAfter, OffsetAfter, Plan, Resync, Wanted};
use crate::admin::backup::{Place, restore, room, swap};
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config::{self, Config};
use crate::failure::{Failure, ProgramError};
use crate::folder::{self, DataFolder};
use crate::output;

/// A server that was killed leaves connections that the database notices in a moment.
const LINGER_LOOK: Duration = Duration::from_millis(100);
const LINGER_LOOKS: u32 = 50;

/// Put a backup back
///
/// First every file of the backup is read and compared with its checksum, and its tables with what this
/// program knows; then copies are made ready and put in place all at once. What was there is kept: files in
/// the folder `replaced-<time>`, schemas as `<name>_replaced_<time>`.
///
/// What happened since the backup comes from the sources, from its cursors on. Where that is not enough
/// (the backup is older than --window-hours, or the log lacks what the tables have yet to read), every
/// repository is fetched again; of a backup without --all, everything is.
///
/// Examples:
///   millrace restore /backup/millrace-2026-01-31 --dry-run
///   millrace restore /backup/millrace-2026-01-31
///   millrace restore /backup/millrace-2026-01-31 --keep-log --yes
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RestoreArgs {
    /// A backup's folder
    path: PathBuf,
    /// Leave the log that is there, although the backup has one: the tables catch up with it
    #[arg(long)]
    keep_log: bool,
    /// Fetch every repository again, whatever the backup's age
    #[arg(long)]
    resync: bool,
    /// How long sources keep their events: after a longer time every repository is fetched again
    #[arg(long, value_name = "HOURS", default_value_t = 72)]
    window_hours: u32,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub async fn run(global: &Global, args: RestoreArgs) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let place = Place::new(&config, SystemClock::shared());
    let wanted = Wanted {
        path: std::path::absolute(&args.path).map_err(Failure::plain)?,
        keep_log: args.keep_log,
        resync: args.resync,
        window_hours: args.window_hours,
    };
    let _held = hold(&config, args.write)?;
    if let Some(begun) = finish_begun(&config, args.write)? {
        output::note(&format!("the restore of {} that was begun is finished", begun.display()));
        if begun == wanted.path {
            return Ok(());
        }
    }
    nobody_else(&config, &place).await?;
    let plan = plan::plan(&place, &config.data_dir, &wanted).await?;
    match (args.read.json, args.write.dry_run) {
        (true, _) => output::json(&plan),
        (false, true) => output::text(&text(&plan)),
        // Of what is done, this is a remark.
        (false, false) => output::note(&text(&plan)),
    }
    if args.write.dry_run {
        output::note("nothing was done");
        return Ok(());
    }
    if !plan.replaces.is_empty() {
        let action = format!("replace {}, keeping it as {}", plan.replaces.join(", "), plan.aside);
        output::confirm(&action, args.write.yes)?;
    }
    restore::run(&place, &config.data_dir, &plan).await?;
    output::note("restored; start the server, and look at `millrace status` while it catches up");
    Ok(())
}

/// The folder's locks; a look at a folder that is not there needs none.
fn hold(config: &Config, write: WriteArgs) -> Result<Option<DataFolder>, ProgramError> {
    if write.dry_run && !config.data_dir.exists() {
        return Ok(None);
    }
    DataFolder::lock_to_restore(&config.data_dir).map(Some)
}

fn finish_begun(config: &Config, write: WriteArgs) -> Result<Option<PathBuf>, ProgramError> {
    if write.dry_run && swap::is_under_way(&config.data_dir) {
        return Err(ProgramError::RestoreBegun { path: config.data_dir.clone() });
    }
    restore::finish_begun(&config.data_dir)
}

/// A database can be worked on from other machines, which hold no lock here.
async fn nobody_else(config: &Config, place: &Place) -> Result<(), Failure> {
    if config.store.engine != EngineKind::Postgres {
        return Ok(());
    }
    let mut facts = probe::postgres(&place.store, &place.clock).await?;
    for _ in 0..LINGER_LOOKS {
        if facts.connections_ours == 0 {
            return Ok(());
        }
        tokio::time::sleep(LINGER_LOOK).await;
        facts = probe::postgres(&place.store, &place.clock).await?;
    }
    let pid = folder::holder(&config.data_dir).pid;
    let reason = format!(
        "{} connections of a running Millrace are open to the database{}",
        facts.connections_ours,
        pid.map(|pid| format!("; the last to hold the data folder was process {pid}"))
            .unwrap_or_default()
    );
    Err(ProgramError::BackupUnfit { path: config.data_dir.clone(), reason }.into())
}

fn text(plan: &Plan) -> String {
    let log = match plan.log {
        LogAfter::Backup => "the backup's",
        LogAfter::Kept => "the one that is there",
        LogAfter::New => "a new one",
    };
    let resync = match plan.resync {
        Resync::None => "none is fetched again: the sources are read from the backup's cursors on",
        Resync::Changed => "all are fetched again",
        Resync::All => "all are fetched as if never seen",
    };
    let because = plan.because.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let offsets: Vec<String> = plan.offsets.iter().map(offset).collect();
    let replaces = match plan.replaces.as_slice() {
        [] => "nothing".to_owned(),
        some => format!("{}, kept as {}", some.join(", "), plan.aside),
    };
    let lines = [
        ("backup", format!("{}, whole", plan.backup.display())),
        ("made", plan.created_at.clone()),
        ("size", room::shown(plan.bytes)),
        ("domains", plan.domains.join(", ")),
        ("log", log.to_owned()),
        ("goes on at", if offsets.is_empty() { "-".to_owned() } else { offsets.join(", ") }),
        ("repositories", format!("{resync}{because}")),
        ("replaces", replaces),
    ];
    lines.map(|(name, value)| format!("{name:14}{value}")).join("\n")
}

fn offset(place: &OffsetAfter) -> String {
    let moved = if place.copied == place.after {
        String::new()
    } else {
        format!(" (was {})", place.copied)
    };
    format!("{}/{}@{}{moved}", place.topic, place.partition, place.after)
}
