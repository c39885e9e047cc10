//! `millrace dlq`: what could not be applied: entries of the log, facts that homes could not be told, posts on their
//! way into homes, events that webhooks did not take. Asks the running server; without one, the tables.

use clap::Subcommand;
use millrace_dataplane::parked::{
    DeliveryState, ListParked, Of, ParkedEntry, ParkedId, ParkedPage,
};
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
    /// List what is parked, the oldest first of each kind
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        read: ReadArgs,
        /// Only of this kind; without it, of every kind
        #[arg(long, value_name = "KIND", value_parser = kind)]
        of: Option<Of>,
        /// Only this projection's
        #[arg(long, value_name = "NAME")]
        projection: Option<String>,
        /// Only those of the kind with a higher number; of entries, where no kind is named
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
        /// At most so many of a kind
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Deliveries that are resolved or discarded, instead of what is parked
        #[arg(long)]
        settled: bool,
    },
    /// Show one entry: what failed, and what stands in the log
    Show {
        #[command(flatten)]
        read: ReadArgs,
        /// As the list names it
        id: ParkedId,
    },
    /// Try an entry again now; one that waits behind another has that one tried
    Retry {
        #[command(flatten)]
        write: WriteArgs,
        /// As the list names it
        #[arg(required_unless_present = "all")]
        id: Option<ParkedId>,
        /// Try all of a kind
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// With --all: of which kind
        #[arg(long, value_name = "KIND", value_parser = kind, default_value = "entries")]
        of: Of,
        /// With --all: whose entries
        #[arg(long, value_name = "NAME", default_value = worker::NAME)]
        projection: String,
    },
    /// Give one up: it is not tried again, and what waits behind it goes on
    Discard {
        #[command(flatten)]
        write: WriteArgs,
        /// As the list names it
        id: ParkedId,
    },
    /// Note that a delivery was seen to by other means: it is not tried again, and stays in the list of settled ones
    Resolve {
        #[command(flatten)]
        write: WriteArgs,
        /// As the list names it
        id: ParkedId,
        /// By what means
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

pub async fn run(global: &Global, command: DlqCommand) -> Result<(), Failure> {
    let loaded = config::load(global)?;
    let target = Target::open(&loaded.value)?;
    match command {
        DlqCommand::List { read, of, projection, after, limit, settled } => {
            // Of what is settled only deliveries stay.
            let of = of.or(settled.then_some(Of::Deliveries));
            let question =
                ListParked { of: of.unwrap_or_default(), projection, after, limit, settled };
            let pages = list_all(&target, question, of.is_none()).await?;
            list(&pages, read);
            Ok(())
        }
        DlqCommand::Show { read, id } => {
            show(&target.get_parked(id).await?, read);
            Ok(())
        }
        DlqCommand::Retry { write, id: Some(id), .. } => retry(&target, id, write).await,
        DlqCommand::Retry { write, id: None, of, projection, .. } => {
            retry_all(&target, of, &projection, write).await
        }
        DlqCommand::Discard { write, id } => discard(&target, id, write).await,
        DlqCommand::Resolve { write, id, note } => resolve(&target, id, note, write).await,
    }
}

fn kind(text: &str) -> Result<Of, String> {
    let names = Of::ALL.map(Of::name).join(", ");
    let found = Of::ALL.into_iter().find(|of| of.name() == text);
    found.ok_or_else(|| format!("one of {names}"))
}

/// A page of the kind asked for, and at the beginning of a list of everything one of each other kind.
async fn list_all(
    target: &Target,
    question: ListParked,
    every_kind: bool,
) -> Result<Vec<(Of, ParkedPage)>, Failure> {
    let others = Of::ALL.into_iter().filter(|of| *of != question.of);
    let others = others.filter(|_| every_kind && question.after == 0);
    let questions = others.map(|of| ListParked { of, ..question.clone() });
    let mut pages = Vec::new();
    for question in std::iter::once(question.clone()).chain(questions) {
        let of = question.of;
        pages.push((of, target.list_parked(question).await?));
    }
    Ok(pages)
}

fn list(pages: &[(Of, ParkedPage)], read: ReadArgs) {
    let first = pages.first().and_then(|(_, page)| page.cursor);
    let parked: Vec<ParkedEntry> =
        pages.iter().flat_map(|(_, page)| page.parked.iter().cloned()).collect();
    if read.json {
        return output::json(&ParkedPage { parked, cursor: first });
    }
    let rows: Vec<[String; 7]> = parked.iter().map(row).collect();
    let head = ["ID", "PROJECTION", "OFFSET", "KEY", "REASON", "TRIES", "ERROR"];
    let next = |(of, page): &(Of, ParkedPage)| {
        let cursor = page.cursor?;
        Some(format!("--of {} --after {cursor}", of.name()))
    };
    let next: Vec<String> = pages.iter().filter_map(next).collect();
    let next = (!next.is_empty()).then(|| next.join(", or "));
    output::page(head, &rows, "nothing is parked", next);
}

fn id_of(entry: &ParkedEntry) -> ParkedId {
    ParkedId { of: entry.of, number: entry.id }
}

fn row(entry: &ParkedEntry) -> [String; 7] {
    [
        id_of(entry).to_string(),
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
        ("id", id_of(entry).to_string()),
        ("projection", entry.projection.clone()),
        ("offset", place(entry)),
        ("key", entry.key.clone().unwrap_or_else(|| "none: blocks nobody".to_owned())),
        ("reason", entry.reason.clone()),
        ("error", entry.error.clone()),
        ("attempts", entry.attempts.to_string()),
        ("appended", entry.appended_at.clone()),
        ("parked", entry.parked_at.clone()),
        ("last tried", entry.last_tried_at.clone()),
        ("next try", entry.next_try_at.clone().unwrap_or_else(|| untimed(entry.state).to_owned())),
    ];
    let state = entry.state.map(|state| ("state", format!("{state:?}").to_lowercase()));
    let resolution = entry.resolution.clone().map(|how| ("resolution", how));
    let actor = entry.actor.clone().map(|who| ("by", who));
    for (name, value) in lines.into_iter().chain(state).chain(resolution).chain(actor) {
        output::text(&format!("{name:12}{value}"));
    }
    if let Some(content) = &entry.entry {
        output::json(content);
    }
}

/// When something is tried again that has no time for it.
fn untimed(state: Option<DeliveryState>) -> &'static str {
    match state {
        None => "when its turn comes, or when asked",
        Some(DeliveryState::Pending) => "when asked",
        Some(DeliveryState::Retrying) => "within a minute",
        Some(DeliveryState::Resolved | DeliveryState::Discarded) => "never",
    }
}

async fn retry(target: &Target, id: ParkedId, write: WriteArgs) -> Result<(), Failure> {
    let entry = target.get_parked(id).await?;
    if write.dry_run {
        output::note(&format!("would try entry {id} again ({}: {})", entry.reason, entry.error));
        return Ok(());
    }
    let touched = target.retry(id).await?;
    gone_unless(touched.entries > 0, id)?;
    let then = match id.of {
        Of::Deliveries => "if it is not taken it waits here again",
        _ => "if it fails once more it stays parked",
    };
    output::note(&format!("entry {id} is tried again; {then}"));
    Ok(())
}

async fn retry_all(
    target: &Target,
    of: Of,
    projection: &str,
    write: WriteArgs,
) -> Result<(), Failure> {
    let whose = match of {
        Of::Entries => format!("entries of {projection}"),
        of => of.name().to_owned(),
    };
    if write.dry_run {
        let projection = (of == Of::Entries).then(|| projection.to_owned());
        let question = ListParked { of, projection, limit: 1_000, ..ListParked::default() };
        let page = target.list_parked(question).await?;
        let more = page.cursor.map_or("", |_| " or more");
        output::note(&format!("would try {}{more} {whose} again", page.parked.len()));
        return Ok(());
    }
    let touched = target.retry_all(of, projection).await?;
    output::note(&format!("{} {whose} are tried again", touched.entries));
    Ok(())
}

async fn discard(target: &Target, id: ParkedId, write: WriteArgs) -> Result<(), Failure> {
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

async fn resolve(
    target: &Target,
    id: ParkedId,
    note: Option<String>,
    write: WriteArgs,
) -> Result<(), Failure> {
    if id.of != Of::Deliveries {
        return Err(ProgramError::NotResolved { id }.into());
    }
    let entry = target.get_parked(id).await?;
    let action =
        format!("resolve entry {id} of {} ({}: {})", entry.projection, entry.reason, entry.error);
    if write.dry_run {
        output::note(&format!("would {action}"));
        return Ok(());
    }
    output::confirm(&action, write.yes)?;
    let touched = target.resolve(id, note).await?;
    gone_unless(touched.entries > 0, id)?;
    output::note(&format!("entry {id} is resolved"));
    Ok(())
}

fn gone_unless(found: bool, id: ParkedId) -> Result<(), ProgramError> {
    if found { Ok(()) } else { Err(ProgramError::NoSuchEntry { id }) }
}
