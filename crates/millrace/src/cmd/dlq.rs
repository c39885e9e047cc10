//! `millrace dlq`: entries that could not be applied. Asks the running server; without one, the tables.

use clap::Subcommand;
use millrace_dataplane::parked::{ListParked, ParkedEntry, ParkedPage};
use millrace_dataplane::worker;

use crate::admin::target::Target;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::{Failure, ProgramError};
use crate::output;

/// Characters of an error shown in a list.
const ERROR_CHARS: usize = 60;

#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List parked entries, the oldest first
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        read: ReadArgs,
        /// Only this projection's
        #[arg(long, value_name = "NAME")]
        projection: Option<String>,
        /// Only entries with a higher number
        #[arg(long, value_name = "ID", default_value_t = 0)]
        after: i64,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one entry: what failed, and what stands in the log
    Show {
        #[command(flatten)]
        read: ReadArgs,
        /// Number of the entry
        id: i64,
    },
    /// Try an entry again now; one that waits behind another has that one tried
    Retry {
        #[command(flatten)]
        write: WriteArgs,
        /// Number of the entry
        #[arg(required_unless_present = "all")]
        id: Option<i64>,
        /// Try all entries of the projection
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// With --all: whose entries
        #[arg(long, value_name = "NAME", default_value = worker::NAME)]
        projection: String,
    },
    /// Give an entry up: it is not tried again, and what waits behind it goes on
    Discard {
        #[command(flatten)]
        write: WriteArgs,
        /// Number of the entry
        id: i64,
    },
}

pub async fn run(global: &Global, command: DlqCommand) -> Result<(), Failure> {
    let loaded = config::load(global)?;
    let target = Target::open(&loaded.value)?;
    match command {
        DlqCommand::List { read, projection, after, limit } => {
            let page = target.list_parked(ListParked { projection, after, limit }).await?;
            list(&page, read);
            Ok(())
        }
        DlqCommand::Show { read, id } => {
            show(&target.get_parked(id).await?, read);
            Ok(())
        }
        DlqCommand::Retry { write, id: Some(id), .. } => retry(&target, id, write).await,
        DlqCommand::Retry { write, id: None, projection, .. } => {
            retry_all(&target, &projection, write).await
        }
        DlqCommand::Discard { write, id } => discard(&target, id, write).await,
    }
}

fn list(page: &ParkedPage, read: ReadArgs) {
    if read.json {
        return output::json(page);
    }
    let rows: Vec<[String; 7]> = page.parked.iter().map(row).collect();
    let head = ["ID", "PROJECTION", "OFFSET", "KEY", "REASON", "TRIES", "ERROR"];
    let next = page.cursor.map(|cursor| format!("--after {cursor}"));
    output::page(head, &rows, "nothing is parked", next);
}

fn row(entry: &ParkedEntry) -> [String; 7] {
    [
        entry.id.to_string(),
        entry.projection.clone(),
        place(entry),
        output::cell(entry.key.as_deref().unwrap_or_default()),
        entry.reason.clone(),
        entry.attempts.to_string(),
        entry.error.chars().take(ERROR_CHARS).collect(),
    ]
}

/// Topic, partition and offset on one line.
fn place(entry: &ParkedEntry) -> String {
    format!("{}/{}@{}", entry.topic, entry.partition, entry.offset)
}

fn show(entry: &ParkedEntry, read: ReadArgs) {
    if read.json {
        return output::json(entry);
    }
    let lines = [
        ("id", entry.id.to_string()),
        ("projection", entry.projection.clone()),
        ("offset", place(entry)),
        ("key", entry.key.clone().unwrap_or_else(|| "none: blocks nobody".to_owned())),
        ("reason", entry.reason.clone()),
        ("error", entry.error.clone()),
        ("attempts", entry.attempts.to_string()),
        ("appended", entry.appended_at.clone()),
        ("parked", entry.parked_at.clone()),
        ("last tried", entry.last_tried_at.clone()),
        (
            "next try",
            entry
                .next_try_at
                .clone()
                .unwrap_or_else(|| "when its turn comes, or when asked".to_owned()),
        ),
    ];
    for (name, value) in lines {
        output::text(&format!("{name:12}{value}"));
    }
    if let Some(content) = &entry.entry {
        output::json(content);
    }
}

async fn retry(target: &Target, id: i64, write: WriteArgs) -> Result<(), Failure> {
    let entry = target.get_parked(id).await?;
    if write.dry_run {
        output::note(&format!("would try entry {id} again ({}: {})", entry.reason, entry.error));
        return Ok(());
    }
    let touched = target.retry(id).await?;
    gone_unless(touched.entries > 0, id)?;
    output::note(&format!("entry {id} is tried again; if it fails once more it stays parked"));
    Ok(())
}

async fn retry_all(target: &Target, projection: &str, write: WriteArgs) -> Result<(), Failure> {
    if write.dry_run {
        let question =
            ListParked { projection: Some(projection.to_owned()), after: 0, limit: 1_000 };
        let page = target.list_parked(question).await?;
        let more = page.cursor.map_or("", |_| " or more");
        output::note(&format!(
            "would try {}{more} entries of {projection} again",
            page.parked.len()
        ));
        return Ok(());
    }
    let touched = target.retry_all(projection).await?;
    output::note(&format!("{} entries of {projection} are tried again", touched.entries));
    Ok(())
}

async fn discard(target: &Target, id: i64, write: WriteArgs) -> Result<(), Failure> {
    let entry = target.get_parked(id).await?;
    let action =
        format!("discard entry {id} of {} ({}: {})", entry.projection, entry.reason, entry.error);
    if write.dry_run {
        output::note(&format!("would {action}"));
        return Ok(());
    }
    output::confirm(&action, write.yes)?;
    let touched = target.discard(id).await?;
    gone_unless(touched.entries > 0, id)?;
    output::note(&format!("entry {id} is discarded"));
    Ok(())
}

fn gone_unless(found: bool, id: i64) -> Result<(), ProgramError> {
    if found { Ok(()) } else { Err(ProgramError::NoSuchEntry { id }) }
}
