//! `millrace sessions` and `millrace tokens`: who is signed in, and how an operator ends that. Asks the running
//! AppView; without one, the tables.

use clap::{Args, Subcommand};
use millrace_appview::session::{
    ApiToken, Browser, EndSignedIn, Ended, ListSignedIn, SIGNED_IN_PAGE_MAX, SessionPage, TokenPage,
};
use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;

use super::upkeep::grouped;
use crate::admin::signed_in::SignedIn;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

/// Characters of what a browser or a program calls itself.
const NAME_CHARS: usize = 40;

#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List the browsers that are signed in, by account
    ///
    /// Examples:
    ///   millrace sessions ls --did did:plc:z72i7hdynmk6r22z27h6tvur
    ///   millrace sessions ls --json | jq -r '.sessions[].did' | sort -u
    #[command(visible_alias = "ls", verbatim_doc_comment)]
    List(ListArgs),
    /// Sign browsers out: an account's, or everybody's
    ///
    /// It holds when the command ends. Programs go on by their tokens (`millrace tokens end`). What the accounts'
    /// servers gave for these browsers is given back to them by the running server, or else by the next one.
    ///
    /// Examples:
    ///   millrace sessions end --did did:plc:z72i7hdynmk6r22z27h6tvur
    ///   millrace sessions end --all --yes
    #[command(verbatim_doc_comment)]
    End(EndArgs),
}

#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// List the tokens of programs, by account; what they are is shown to nobody
    ///
    /// Examples:
    ///   millrace tokens ls --did did:plc:z72i7hdynmk6r22z27h6tvur
    #[command(visible_alias = "ls", verbatim_doc_comment)]
    List(ListArgs),
    /// End tokens of programs: an account's, or everybody's
    ///
    /// It holds when the command ends. Browsers stay signed in (`millrace sessions end`).
    ///
    /// Examples:
    ///   millrace tokens end --did did:plc:z72i7hdynmk6r22z27h6tvur
    ///   millrace tokens end --all --yes
    #[command(verbatim_doc_comment)]
    End(EndArgs),
}

/// Which are listed.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Only this account's
    #[arg(long, value_name = "DID")]
    did: Option<Did>,
    /// At most so many, up to 500
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(SIGNED_IN_PAGE_MAX)))]
    limit: u32,
    /// Where a list before this one ended
    #[arg(long)]
    cursor: Option<String>,
}

/// Whose are ended.
#[derive(Debug, Args)]
pub struct EndArgs {
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    write: WriteArgs,
    /// Of this account
    #[arg(long, value_name = "DID", required_unless_present = "all")]
    did: Option<Did>,
    /// Of everybody
    #[arg(long, conflicts_with = "did")]
    all: bool,
}

impl From<ListArgs> for ListSignedIn {
    fn from(ListArgs { did, limit, cursor, .. }: ListArgs) -> Self {
        Self { did, limit, cursor }
    }
}

impl EndArgs {
    fn whose(&self) -> EndSignedIn {
        EndSignedIn { did: self.did.clone(), all: self.all }
    }

    /// To learn how many there are.
    fn listed(&self) -> ListSignedIn {
        ListSignedIn { did: self.did.clone(), limit: 1, cursor: None }
    }

    /// Whether to go on: it was asked for, and not only tried.
    fn is_meant(&self, total: u64, what: &str) -> Result<bool, Failure> {
        let whose = self.did.as_ref().map_or_else(|| "everybody".to_owned(), Did::to_string);
        let action = format!("end {} {what} of {whose}", grouped(total));
        if !self.write.dry_run {
            output::confirm(&action, self.write.yes)?;
            return Ok(true);
        }
        match self.read.json {
            true => output::json(&Ended { ended: total }),
            false => output::note(&format!("would {action}")),
        }
        Ok(false)
    }

    fn told(&self, ended: Ended, what: &str, target: &SignedIn) {
        if self.read.json {
            output::json(&ended);
        } else {
            output::note(&format!("{} {what} ended", grouped(ended.ended)));
        }
        if !target.is_served() && ended.ended > 0 {
            output::note("what their servers gave is given back by the next AppView that starts");
        }
    }
}

pub async fn sessions(global: &Global, command: SessionsCommand) -> Result<(), Failure> {
    let target = SignedIn::open(&config::load(global)?.value)?;
    match command {
        SessionsCommand::List(args) => {
            let read = args.read;
            show_sessions(&target.sessions(args.into()).await?, read);
        }
        SessionsCommand::End(args) => {
            let total = target.sessions(args.listed()).await?.total;
            if args.is_meant(total, "sessions")? {
                let ended = target.end_sessions(&args.whose()).await?;
                args.told(ended, "sessions", &target);
            }
        }
    }
    Ok(())
}

pub async fn tokens(global: &Global, command: TokensCommand) -> Result<(), Failure> {
    let target = SignedIn::open(&config::load(global)?.value)?;
    match command {
        TokensCommand::List(args) => {
            let read = args.read;
            show_tokens(&target.tokens(args.into()).await?, read);
        }
        TokensCommand::End(args) => {
            let total = target.tokens(args.listed()).await?.total;
            if args.is_meant(total, "tokens")? {
                let ended = target.end_tokens(&args.whose()).await?;
                args.told(ended, "tokens", &target);
            }
        }
    }
    Ok(())
}

fn show_sessions(page: &SessionPage, read: ReadArgs) {
    if read.json {
        return output::json(page);
    }
    let row = |it: &Browser| {
        [
            it.did.clone(),
            it.session_id.clone(),
            format_ms_us(it.created_at_us),
            format_ms_us(it.used_at_us),
            format_ms_us(it.expires_at_us),
            named(&it.user_agent),
        ]
    };
    let rows: Vec<_> = page.sessions.iter().map(row).collect();
    let head = ["ACCOUNT", "SESSION", "SINCE", "USED", "UNTIL", "BROWSER"];
    output::page(head, &rows, "nobody is signed in", next(page.cursor.as_deref()));
}

fn show_tokens(page: &TokenPage, read: ReadArgs) {
    if read.json {
        return output::json(page);
    }
    let time = |at_us: Option<i64>| at_us.map_or_else(|| "-".to_owned(), format_ms_us);
    let row = |it: &ApiToken| {
        [
            it.did.clone(),
            it.token_id.clone(),
            format_ms_us(it.created_at_us),
            time(it.used_at_us),
            time(it.expires_at_us),
            it.scopes.to_string(),
            named(&it.name),
        ]
    };
    let rows: Vec<_> = page.tokens.iter().map(row).collect();
    let head = ["ACCOUNT", "TOKEN", "SINCE", "USED", "UNTIL", "MAY", "NAME"];
    output::page(head, &rows, "no program has a token", next(page.cursor.as_deref()));
}

fn next(cursor: Option<&str>) -> Option<String> {
    cursor.map(|cursor| format!("--cursor '{cursor}'"))
}

/// What somebody else chose, without what a terminal obeys.
fn named(name: &str) -> String {
    let shown: String = name.chars().filter(|char| !char.is_control()).take(NAME_CHARS).collect();
    output::cell(&shown)
}
