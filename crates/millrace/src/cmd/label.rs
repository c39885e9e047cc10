//! `millrace label`: what is said here of accounts and records, as a labeler would. Asks the running AppView, which
//! signs.

use clap::{Args, Subcommand};
use millrace_atproto::syntax::Datetime;
use millrace_dataplane::query::issued_label::{
    IssuedLabel, IssuedLabelPage, LABELS_MAX, LIMIT_MAX,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::subject::{Subject, several};
use crate::admin::client::AdminClient;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum LabelCommand {
    /// List what was said here, the newest first, what was taken back among it
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        read: ReadArgs,
        /// At most so many, up to 100
        #[arg(long, default_value_t = LIMIT_MAX)]
        limit: u32,
        /// Where a list before this one ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Say something of accounts or records
    ///
    /// Examples:
    ///   millrace label add spam did:plc:z72i7hdynmk6r22z27h6tvur
    ///   xargs millrace label add '!warn' --reason "seen in ticket 12" < subjects.txt
    #[command(verbatim_doc_comment)]
    Add {
        #[command(flatten)]
        said: Said,
        /// When it ends, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        ends: Option<Datetime>,
    },
    /// Take back what was said
    Negate {
        #[command(flatten)]
        said: Said,
    },
}

/// What is said or taken back, and of whom.
#[derive(Debug, Args)]
pub struct Said {
    #[command(flatten)]
    write: WriteArgs,
    /// The label: spam, !hide, porn …
    #[arg(value_name = "LABEL")]
    val: String,
    /// DIDs of accounts, at:// URIs of records by DID
    #[arg(required = true, value_name = "SUBJECT")]
    subjects: Vec<Subject>,
    /// Why, for who moderates
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

#[derive(Serialize)]
struct Page {
    limit: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

pub async fn run(global: &Global, command: LabelCommand) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let server = AdminClient::of_appview(&config.data_dir)?;
    match command {
        LabelCommand::List { read, limit, cursor } => {
            list(&server.get("labels", &Page { limit, cursor }).await?, read);
            Ok(())
        }
        LabelCommand::Add { said, ends } => issue(&server, said, ends.as_ref(), false).await,
        LabelCommand::Negate { said } => issue(&server, said, None, true).await,
    }
}

async fn issue(
    server: &AdminClient,
    said: Said,
    ends: Option<&Datetime>,
    neg: bool,
) -> Result<(), Failure> {
    let Said { write, val, subjects, reason } = said;
    if write.dry_run {
        let what = if neg { "take back" } else { "say" };
        output::note(&format!("would {what} {val} of {}", several(&subjects, "subjects")));
        return Ok(());
    }
    let exp = ends.map(Datetime::as_str);
    for some in subjects.chunks(LABELS_MAX) {
        let label = |subject: &Subject| {
            let uri = subject.to_string();
            json!({ "uri": uri, "val": val, "exp": exp, "neg": neg })
        };
        let labels: Vec<Value> = some.iter().map(label).collect();
        let body = json!({ "labels": labels, "reason": reason });
        let _: Value = server.post_json("labels/issue", &body).await?;
        let done = if neg { "taken back" } else { "said" };
        output::note(&format!("{val} is {done} of {}", several(some, "subjects")));
    }
    Ok(())
}

fn list(page: &IssuedLabelPage, read: ReadArgs) {
    if read.json {
        return output::json(page);
    }
    let rows: Vec<[String; 5]> = page.labels.iter().map(row).collect();
    let next = page.cursor.as_ref().map(|cursor| format!("--cursor '{cursor}'"));
    output::page(
        ["SAID", "LABEL", "SUBJECT", "ENDS", "REASON"],
        &rows,
        "nothing was said here",
        next,
    );
}

fn row(issued: &IssuedLabel) -> [String; 5] {
    let IssuedLabel { label, reason, .. } = issued;
    let taken_back = if label.neg { " (taken back)" } else { "" };
    [
        label.cts.clone(),
        format!("{}{taken_back}", label.val),
        label.uri.clone(),
        output::cell(label.exp.as_deref().unwrap_or_default()),
        output::cell(reason),
    ]
}
