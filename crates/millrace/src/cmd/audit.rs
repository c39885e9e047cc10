//! `millrace audit`: counts everything derived again, and says what differs. Asks the running server;
//! without one, the tables.

use clap::Args;
use millrace_dataplane::audit::AuditReport;
use millrace_dataplane::codes;
use millrace_runtime::error::{Diagnose, Diagnosis};

use super::upkeep::{self, by_check, grouped, list, options};
use crate::admin::audit::{Done, Task};
use crate::cli::{Global, ReadArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

/// Count everything derived again, and list what differs
///
/// Counters, rows by target, feeds, search and notifications are computed again from the records they
/// follow from. Nothing is written. It may run beside a server: each part is judged as of one moment.
/// Ends with 3 when something differs; `millrace repair` mends it.
///
/// Examples:
///   millrace audit
///   millrace audit --table record_count --table post
///   millrace audit --sample 5 --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct AuditArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Only this table, or the check of this name; may be given several times
    #[arg(long = "table", value_name = "NAME")]
    tables: Vec<String>,
    /// Of a hundred rows look at so many
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    sample: u32,
}

/// Something differs.
#[derive(Debug, thiserror::Error)]
#[error("{drift} of {rows} rows are not what they are derived of ({checks})")]
pub struct DriftFound {
    drift: String,
    rows: String,
    checks: String,
}

impl DriftFound {
    pub fn of(report: &AuditReport) -> Self {
        Self {
            drift: grouped(report.total()),
            rows: grouped(report.rows),
            checks: by_check(report),
        }
    }
}

impl Diagnose for DriftFound {
    fn diagnosis(&self) -> Diagnosis {
        codes::DRIFT.diagnosis(self.to_string())
    }
}

pub async fn run(global: &Global, args: AuditArgs) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let task = Task::Audit(options(args.tables, args.sample));
    let Done::Audit(report) = upkeep::run(&config, task).await? else {
        unreachable!("an audit ends as an audit")
    };
    if args.read.json {
        output::json(&report);
    } else {
        list(&report);
    }
    if report.total() > 0 {
        return Err(DriftFound::of(&report).into());
    }
    output::note(&format!("{} rows looked at, nothing differs", grouped(report.rows)));
    Ok(())
}
