//! `millrace backfill`: accounts that are wanted whole. Asks the running server, which fetches them beside
//! everything else it does.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::time::Duration;

use clap::{Args, Subcommand};
use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::AtUri;
use millrace_ingest::{
    AddToBackfill, BACKFILL_ACCOUNTS_MAX, BackfillChange, BackfillJob, BackfillKind, BackfillList,
    BackfillState, BeginBackfill,
};
use serde_json::json;

use super::live;
use super::subject::several;
use super::upkeep::grouped;
use crate::admin::backfill::OfInterest;
use crate::admin::backup::room::shown;
use crate::admin::client::AdminClient;
use crate::admin::status::shown_time;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::{Failure, ProgramError};
use crate::output;

/// Between two pages of `status --watch`.
const INTERVAL: Duration = Duration::from_secs(1);
/// Largest list of DIDs on standard input.
const INPUT_BYTES_MAX: u64 = 256 << 20;
/// Backfills on one page, besides those under way.
const ENDED_SHOWN: usize = 5;

#[derive(Debug, Subcommand)]
pub enum BackfillCommand {
    /// Fetch these accounts
    ///
    /// What is missing of them is fetched, checked and shown; events that come meanwhile wait and follow.
    /// Accounts that are not followed (ingest.scope) are fetched once, and grow old from then on.
    ///
    /// Examples:
    ///   millrace backfill dids did:plc:z72i7hdynmk6r22z27h6tvur
    ///   millrace backfill dids - < members.txt
    #[command(verbatim_doc_comment)]
    Dids {
        /// DIDs of accounts; - reads one a line from standard input, where # begins a remark
        #[arg(required = true, value_name = "DID")]
        dids: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// Fetch the members of a list or of a starter pack
    ///
    /// Examples:
    ///   millrace backfill list at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.graph.list/3k2a4b5c6d7e2
    #[command(verbatim_doc_comment)]
    List {
        /// The record's at:// URI, by its author's DID
        #[arg(value_name = "URI")]
        uri: AtUri,
        #[command(flatten)]
        how: How,
    },
    /// Fetch the accounts that read here, and everybody they follow
    Interest {
        #[command(flatten)]
        how: How,
    },
    /// Fetch every account that the relays and hosts list that are followed
    Network {
        #[command(flatten)]
        how: How,
    },
    /// Say how backfills go: what is done, how fast, how long it will take
    Status {
        /// Only this one
        id: Option<i64>,
        #[command(flatten)]
        read: ReadArgs,
        /// Draw it again every second, until Ctrl-C
        #[arg(short, long, conflicts_with = "json")]
        watch: bool,
    },
    /// Fetch no more for a backfill until it is resumed
    Pause(Which),
    /// Go on with one that is paused
    Resume(Which),
    /// Give one up; what it has fetched stays
    Cancel(Which),
}

/// How accounts are fetched, and what is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct How {
    /// Fetch also what is complete
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// A backfill by its number.
#[derive(Debug, Clone, Copy, Args)]
pub struct Which {
    /// Its number, as `status` says
    id: i64,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub async fn run(global: &Global, command: BackfillCommand) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let server = AdminClient::of_running(&config.data_dir)?;
    match command {
        BackfillCommand::Dids { dids, how } => by_name(&server, named(&dids)?, how).await,
        BackfillCommand::List { uri, how } => {
            let action = format!("fetch the members of {uri}");
            if would(&action, &json!({ "list": uri }), how) {
                return Ok(());
            }
            let begin = BeginBackfill { list: Some(uri), ..begin(BackfillKind::List, how) };
            begun(&server.post_json("backfills", &begin).await?, how.read);
            Ok(())
        }
        BackfillCommand::Interest { how } => {
            let of: OfInterest = server.get("backfills/interest", &()).await?;
            let action = format!("fetch {} accounts of interest", grouped(of.accounts));
            if would(&action, &json!({ "accounts": of.accounts }), how) {
                return Ok(());
            }
            let begin = begin(BackfillKind::Interest, how);
            begun(&server.post_json("backfills", &begin).await?, how.read);
            Ok(())
        }
        BackfillCommand::Network { how } => {
            let action = "fetch every account that is listed".to_owned();
            if would(&action, &json!({ "network": true }), how) {
                return Ok(());
            }
            output::confirm(&action, how.write.yes)?;
            let begin = begin(BackfillKind::Network, how);
            begun(&server.post_json("backfills", &begin).await?, how.read);
            Ok(())
        }
        BackfillCommand::Status { id, read, watch } => status(&server, id, read, watch).await,
        BackfillCommand::Pause(which) => change(&server, which, BackfillChange::Pause).await,
        BackfillCommand::Resume(which) => change(&server, which, BackfillChange::Resume).await,
        BackfillCommand::Cancel(which) => change(&server, which, BackfillChange::Cancel).await,
    }
}

fn begin(kind: BackfillKind, how: How) -> BeginBackfill {
    BeginBackfill { kind, list: None, dids: Vec::new(), more: false, again: how.again }
}

/// Says what would be done, where that is all that is wanted.
fn would(action: &str, what: &serde_json::Value, how: How) -> bool {
    if how.write.dry_run && how.read.json {
        output::json(what);
    } else if how.write.dry_run {
        output::note(&format!("would {action}"));
    }
    how.write.dry_run
}

/// Tells the server of them, so many at a time.
async fn by_name(server: &AdminClient, dids: Vec<Did>, how: How) -> Result<(), Failure> {
    let action = format!("fetch {}", several(&dids, "accounts"));
    if would(&action, &json!({ "accounts": dids.len() }), how) {
        return Ok(());
    }
    let mut parts = dids.chunks(BACKFILL_ACCOUNTS_MAX).peekable();
    let first = parts.next().unwrap_or_default().to_vec();
    let begin = BeginBackfill {
        dids: first,
        more: parts.peek().is_some(),
        ..begin(BackfillKind::Dids, how)
    };
    let mut job: BackfillJob = server.post_json("backfills", &begin).await?;
    while let Some(part) = parts.next() {
        let more = parts.peek().is_some();
        let add = AddToBackfill { id: job.id, dids: part.to_vec(), more };
        job = server.post_json("backfills/accounts", &add).await?;
    }
    begun(&job, how.read);
    Ok(())
}

/// The accounts named by arguments and, for `-`, by the lines of standard input; each once.
fn named(given: &[String]) -> Result<Vec<Did>, Failure> {
    let (mut dids, mut seen) = (Vec::new(), HashSet::new());
    let mut add = |text: &str, place: &str| -> Result<(), Failure> {
        let no_did = |_| ProgramError::NoAccount { text: text.to_owned(), place: place.to_owned() };
        let did = Did::parse(text).map_err(no_did)?;
        if seen.insert(did.clone()) {
            dids.push(did);
        }
        Ok(())
    };
    for text in given {
        if text != "-" {
            add(text, "an argument")?;
            continue;
        }
        let mut input = String::new();
        io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut input).map_err(Failure::plain)?;
        for (line, number) in input.lines().zip(1..) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                add(line, &format!("line {number} of standard input"))?;
            }
        }
    }
    match dids.is_empty() {
        true => {
            Err(ProgramError::NoAccount { text: String::new(), place: "standard input".to_owned() }
                .into())
        }
        false => Ok(dids),
    }
}

fn begun(job: &BackfillJob, read: ReadArgs) {
    if read.json {
        return output::json(job);
    }
    output::note(&format!(
        "backfill {} has begun; `millrace backfill status -w` shows how it goes",
        job.id
    ));
}

async fn change(server: &AdminClient, which: Which, change: BackfillChange) -> Result<(), Failure> {
    let verb = match change {
        BackfillChange::Pause => "pause",
        BackfillChange::Resume => "resume",
        BackfillChange::Cancel => "cancel",
    };
    let action = format!("{verb} backfill {}", which.id);
    if which.write.dry_run {
        output::note(&format!("would {action}"));
        return Ok(());
    }
    if change == BackfillChange::Cancel {
        output::confirm(&action, which.write.yes)?;
    }
    let job: BackfillJob = server.post(&format!("backfills/{}/{verb}", which.id)).await?;
    match which.read.json {
        true => output::json(&job),
        false => output::note(&format!("backfill {} is {}", job.id, job.state.name())),
    }
    Ok(())
}

async fn status(
    server: &AdminClient,
    id: Option<i64>,
    read: ReadArgs,
    watch: bool,
) -> Result<(), Failure> {
    if watch && live::possible() {
        return live::draw(INTERVAL, async || Ok(page(&look(server, id).await?))).await;
    }
    let list = look(server, id).await?;
    match read.json {
        true => output::json(&list),
        false if list.backfills.is_empty() => output::note("there are no backfills"),
        false => output::text(&page(&list)),
    }
    Ok(())
}

async fn look(server: &AdminClient, id: Option<i64>) -> Result<BackfillList, Failure> {
    let mut list: BackfillList = server.get("backfills", &()).await?;
    if let Some(id) = id {
        list.backfills.retain(|job| job.id == id);
        if list.backfills.is_empty() {
            return Err(ProgramError::NoBackfill { id }.into());
        }
    }
    Ok(list)
}

fn page(list: &BackfillList) -> String {
    let (mut page, mut ended) = (String::new(), 0);
    for job in &list.backfills {
        if job.state.has_ended() {
            ended += 1;
            if ended > ENDED_SHOWN {
                continue;
            }
        }
        if !page.is_empty() {
            page.push('\n');
        }
        one(&mut page, job);
    }
    if ended > ENDED_SHOWN {
        let _ = writeln!(page, "\nand {} that ended before", ended - ENDED_SHOWN);
    }
    page
}

fn one(page: &mut String, job: &BackfillJob) {
    let asked = if job.asked.is_empty() { String::new() } else { format!(" {}", job.asked) };
    let again = if job.again { ", what is complete too" } else { "" };
    let _ = writeln!(
        page,
        "backfill {}  {}{asked}{again}  {}, begun {}",
        job.id,
        job.kind.name(),
        state(job),
        format_ms_us(job.begun_us),
    );
    let more = if job.listing { " so far" } else { "" };
    let mut line = |name: &str, value: String| {
        let _ = writeln!(page, "  {name:11}{value}");
    };
    line(
        "accounts",
        format!(
            "{}{more}: {} fetched, {} passed over, {} failed, {} to go",
            grouped(job.found),
            grouped(job.fetched),
            grouped(job.passed),
            grouped(job.failed_total()),
            grouped(job.waiting()),
        ),
    );
    line("records", format!("{} in {}", grouped(job.records), shown(job.bytes)));
    if let (Some(accounts), Some(records)) = (job.accounts_per_second, job.records_per_second) {
        let left = job.left_us.map(|left| format!(", {} left", shown_time(left)));
        line(
            "pace",
            format!("{accounts:.1} accounts/s, {records:.0} records/s{}", left.unwrap_or_default()),
        );
    }
    if !job.failed.is_empty() {
        let reasons: Vec<String> = job
            .failed
            .iter()
            .map(|(reason, accounts)| format!("{reason} {}", grouped(*accounts)))
            .collect();
        line("failed", reasons.join(" · "));
    }
    if let Some(error) = &job.error {
        line("look at", error.clone());
    }
}

fn state(job: &BackfillJob) -> String {
    match (job.state, job.ended_us) {
        (BackfillState::Running, _) if job.listing => "running, still listing".to_owned(),
        (state, Some(ended_us)) => {
            format!("{} after {}", state.name(), shown_time(ended_us - job.begun_us))
        }
        (state, None) => state.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn job(id: i64) -> BackfillJob {
        BackfillJob {
            id,
            kind: BackfillKind::Network,
            asked: String::new(),
            again: false,
            state: BackfillState::Running,
            listing: true,
            found: 12_000,
            passed: 1_000,
            fetched: 3_000,
            failed: BTreeMap::from([("host".to_owned(), 4), ("identity".to_owned(), 1)]),
            records: 1_234_567,
            bytes: 3 << 30,
            error: None,
            begun_us: 1_700_000_000_000_000,
            changed_us: 1_700_000_000_000_000,
            ended_us: None,
            accounts_per_second: Some(12.34),
            records_per_second: Some(5_678.9),
            left_us: None,
        }
    }

    #[test]
    fn a_page_says_what_is_done_how_fast_and_what_is_left() {
        let shown = page(&BackfillList { backfills: vec![job(7)] });
        for told in [
            "backfill 7  network  running, still listing",
            "12,000 so far: 3,000 fetched, 1,000 passed over, 5 failed, 7,995 to go",
            "1,234,567 in ",
            "12.3 accounts/s, 5679 records/s\n",
            "host 4 · identity 1",
        ] {
            assert!(shown.contains(told), "{told}: {shown}");
        }
        let whole = BackfillJob { listing: false, left_us: Some(60_000_000), ..job(7) };
        let shown = page(&BackfillList { backfills: vec![whole] });
        assert!(shown.contains("12,000: ") && shown.contains(" left\n"), "{shown}");
    }

    #[test]
    fn of_those_that_ended_only_the_last_are_shown() {
        let over = |id: i64| BackfillJob {
            state: BackfillState::Done,
            listing: false,
            ended_us: Some(1_700_000_001_000_000),
            ..job(id)
        };
        let list = BackfillList { backfills: (0..8).map(over).collect() };
        let shown = page(&list);
        assert_eq!(shown.matches("done after").count(), ENDED_SHOWN, "{shown}");
        assert!(shown.contains("and 3 that ended before"), "{shown}");
    }

    #[test]
    fn accounts_are_named_once_and_by_did() {
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let dids = named(&texts(&["did:plc:a", "did:plc:b", "did:plc:a"])).expect("good");
        assert_eq!(dids.len(), 2);
        let bad = named(&texts(&["did:plc:a", "alice.test"])).expect_err("bad").to_string();
        assert!(bad.contains("alice.test"), "{bad}");
    }
}
