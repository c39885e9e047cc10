//! `millrace takedown`: what is not shown here. Asks the running AppView.

use clap::{Args, Subcommand};
use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::CidString;
use millrace_dataplane::query::takedown::{
    FoundTakedown, LIMIT_MAX, ListTakedowns, Takedown, TakedownPage, TakedownSubject,
};
use serde_json::json;

use super::subject::{Subject, several};
use crate::admin::client::AdminClient;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum TakedownCommand {
    /// List what is taken down, the newest first
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        read: ReadArgs,
        /// Only an account's, its records and blobs among them
        #[arg(long, value_name = "DID")]
        of: Option<Did>,
        /// At most so many, up to 100
        #[arg(long, default_value_t = LIMIT_MAX)]
        limit: u32,
        /// Where a list before this one ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Take accounts or records down: they are shown to nobody but who moderates
    ///
    /// Examples:
    ///   millrace takedown add did:plc:z72i7hdynmk6r22z27h6tvur --reason spam
    ///   xargs millrace takedown add --yes --reference "ticket 12" < subjects.txt
    #[command(verbatim_doc_comment)]
    Add {
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        of: Of,
        /// Why, for who moderates
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// What it is known by elsewhere, such as a ticket
        #[arg(long, default_value = "", hide_default_value = true)]
        reference: String,
    },
    /// Lift takedowns: what they were of is shown again
    Lift {
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        of: Of,
    },
}

/// What is taken down or no longer is.
#[derive(Debug, Args)]
pub struct Of {
    /// DIDs of accounts, at:// URIs of records by DID
    #[arg(required = true, value_name = "SUBJECT")]
    subjects: Vec<Subject>,
    /// Not them, but this picture or video in all records of their account
    #[arg(long, value_name = "CID")]
    blob: Option<CidString>,
}

pub async fn run(global: &Global, command: TakedownCommand) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let server = AdminClient::of_appview(&config.data_dir)?;
    match command {
        TakedownCommand::List { read, of, limit, cursor } => {
            let question = ListTakedowns { did: of, limit, cursor };
            list(&server.get("takedowns", &question).await?, read);
            Ok(())
        }
        TakedownCommand::Add { write, of, reason, reference } => {
            let subjects = of.subjects();
            let action = format!("take {} down", named(&subjects));
            if write.dry_run {
                output::note(&format!("would {action}"));
                return Ok(());
            }
            output::confirm(&action, write.yes)?;
            for subject in subjects {
                let body = json!({ "subject": subject, "reason": reason, "reference": reference });
                let _: FoundTakedown = server.post_json("takedowns/apply", &body).await?;
                output::note(&format!("{} is down", shown(&subject)));
            }
            Ok(())
        }
        TakedownCommand::Lift { write, of } => {
            let subjects = of.subjects();
            if write.dry_run {
                output::note(&format!("would lift the takedown of {}", named(&subjects)));
                return Ok(());
            }
            for subject in subjects {
                let body = json!({ "subject": subject });
                let _: FoundTakedown = server.post_json("takedowns/lift", &body).await?;
                output::note(&format!("{} is not down", shown(&subject)));
            }
            Ok(())
        }
    }
}

impl Of {
    fn subjects(self) -> Vec<TakedownSubject> {
        let Self { subjects, blob } = self;
        let of = |subject: Subject| match &blob {
            Some(cid) => TakedownSubject::Blob { did: subject.into_did(), cid: cid.clone() },
            None => subject.into(),
        };
        subjects.into_iter().map(of).collect()
    }
}

fn named(subjects: &[TakedownSubject]) -> String {
    let names: Vec<String> = subjects.iter().map(shown).collect();
    several(&names, "subjects")
}

fn shown(subject: &TakedownSubject) -> String {
    match subject {
        TakedownSubject::Account { did } => format!("account {did}"),
        TakedownSubject::Record { uri } => format!("record {uri}"),
        TakedownSubject::Blob { did, cid } => format!("blob {cid} of {did}"),
    }
}

fn list(page: &TakedownPage, read: ReadArgs) {
    if read.json {
        return output::json(page);
    }
    let rows: Vec<[String; 5]> = page.takedowns.iter().map(row).collect();
    let next = page.cursor.as_ref().map(|cursor| format!("--cursor '{cursor}'"));
    output::page(
        ["SINCE", "SUBJECT", "BY", "REFERENCE", "REASON"],
        &rows,
        "nothing is taken down",
        next,
    );
}

fn row(takedown: &Takedown) -> [String; 5] {
    [
        format_ms_us(takedown.at_us),
        shown(&takedown.subject),
        takedown.by.clone(),
        output::cell(&takedown.reference),
        output::cell(&takedown.reason),
    ]
}
