//! `millrace curated`: whom and what this place has chosen. Asks the running AppView.

use clap::{Subcommand, ValueEnum};
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::curated::{Curated, CuratedItem, CuratedList};
use serde_json::json;

use super::subject::{Subject, several};
use crate::admin::client::AdminClient;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

/// Which list.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "camelCase")]
pub enum Name {
    /// Accounts whose word on who others are is shown
    Verifiers,
    /// Feeds that are suggested
    Feeds,
    /// Accounts that are suggested
    People,
    /// Starter packs that are suggested
    StarterPacks,
}

impl From<Name> for CuratedList {
    fn from(name: Name) -> Self {
        match name {
            Name::Verifiers => Self::Verifiers,
            Name::Feeds => Self::Feeds,
            Name::People => Self::People,
            Name::StarterPacks => Self::StarterPacks,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum CuratedCommand {
    /// Show a list in its order
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        read: ReadArgs,
        list: Name,
    },
    /// Put accounts or records at the end of a list; what is on it already moves there
    ///
    /// Examples:
    ///   millrace curated add verifiers did:plc:z72i7hdynmk6r22z27h6tvur
    ///   millrace curated add feeds at://did:plc:…/app.bsky.feed.generator/whats-hot
    #[command(verbatim_doc_comment)]
    Add {
        #[command(flatten)]
        write: WriteArgs,
        list: Name,
        /// DIDs of accounts, at:// URIs of feeds or starter packs by DID
        #[arg(required = true, value_name = "SUBJECT")]
        subjects: Vec<Subject>,
        /// A word about them, for yourself
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Take accounts or records off a list
    Remove {
        #[command(flatten)]
        write: WriteArgs,
        list: Name,
        /// As they stand on it
        #[arg(required = true, value_name = "SUBJECT")]
        subjects: Vec<Subject>,
    },
}

pub async fn run(global: &Global, command: CuratedCommand) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let server = AdminClient::of_appview(&config.data_dir)?;
    match command {
        CuratedCommand::List { read, list } => {
            let name = CuratedList::from(list).name();
            show(&server.get(&format!("curated/{name}"), &()).await?, read);
            Ok(())
        }
        CuratedCommand::Add { write, list, subjects, note } => {
            let name = CuratedList::from(list).name();
            if write.dry_run {
                output::note(&format!("would put {} on {name}", several(&subjects, "subjects")));
                return Ok(());
            }
            let body = json!({ "subjects": texts(&subjects), "note": note });
            let now: Curated = server.post_json(&format!("curated/{name}/add"), &body).await?;
            output::note(&now_has(name, &now));
            Ok(())
        }
        CuratedCommand::Remove { write, list, subjects } => {
            let name = CuratedList::from(list).name();
            if write.dry_run {
                output::note(&format!("would take {} off {name}", several(&subjects, "subjects")));
                return Ok(());
            }
            let body = json!({ "subjects": texts(&subjects) });
            let now: Curated = server.post_json(&format!("curated/{name}/remove"), &body).await?;
            output::note(&now_has(name, &now));
            Ok(())
        }
    }
}

fn now_has(name: &str, now: &Curated) -> String {
    match now.items.len() {
        1 => format!("{name} has 1 item now"),
        several => format!("{name} has {several} items now"),
    }
}

fn texts(subjects: &[Subject]) -> Vec<String> {
    subjects.iter().map(Subject::to_string).collect()
}

fn show(curated: &Curated, read: ReadArgs) {
    if read.json {
        return output::json(curated);
    }
    let rows: Vec<[String; 4]> =
        curated.items.iter().enumerate().map(|(at, item)| row(at, item)).collect();
    output::page(["PLACE", "SUBJECT", "ADDED", "NOTE"], &rows, "nothing is on this list", None);
}

fn row(at: usize, item: &CuratedItem) -> [String; 4] {
    [
        (at + 1).to_string(),
        item.subject.clone(),
        format_ms_us(item.added_at_us),
        output::cell(&item.note),
    ]
}
