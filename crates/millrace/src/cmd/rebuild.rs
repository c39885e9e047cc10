//! `millrace rebuild`: makes a projection's tables anew. The running server does it beside those it
//! serves; without one, this command under the folder's lock.

use clap::{Args, ValueEnum};
use millrace_dataplane::rebuild::{RebuildOptions, RebuildReport};

use super::upkeep::{self, grouped};
use crate::admin::audit::{Done, Task};
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

/// Make a projection's tables anew, beside the old ones, and swap
///
/// Base rows are copied, everything else is derived from them again and audited, entries of the log that
/// came meanwhile are applied, then the new tables take the old ones' place at once. A running server
/// answers from the old tables until then and from the new ones afterwards; nothing is lost when the
/// process is killed, and the command can be run again. It needs as much free disk as the tables take.
///
/// Examples:
///   millrace rebuild dataplane --dry-run
///   millrace rebuild dataplane --yes
///   millrace rebuild dataplane --from-network
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RebuildArgs {
    /// Whose tables
    projection: Projection,
    /// Also fetch the repository of every account again; records that are unchanged keep their times
    #[arg(long)]
    from_network: bool,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    read: ReadArgs,
}

/// What can be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Projection {
    /// Actors, records, graph, search, counters, notifications
    Dataplane,
}

pub async fn run(global: &Global, args: RebuildArgs) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let Projection::Dataplane = args.projection;
    if args.write.dry_run {
        output::note(
            "would make the tables of dataplane anew beside the old ones, audit them, apply what came meanwhile, and swap",
        );
        if args.from_network {
            output::note("would then fetch the repository of every account again");
        }
        return Ok(());
    }
    output::confirm("make the tables of dataplane anew", args.write.yes)?;
    let task = Task::Rebuild(RebuildOptions { from_network: args.from_network });
    let Done::Rebuild(report) = upkeep::run(&config, task).await? else {
        unreachable!("a rebuild ends as a rebuild")
    };
    if args.read.json {
        output::json(&report);
    } else {
        tell(&report);
    }
    Ok(())
}

fn tell(report: &RebuildReport) {
    output::note(&format!(
        "dataplane is rebuilt: {} base rows copied, the rest derived anew and audited",
        grouped(report.rows)
    ));
    if report.place_lost {
        output::note(
            "the log did not have the tables' place in it: it is read from its beginning, and repositories are fetched again",
        );
    }
    if report.wanted > 0 {
        output::note(&format!(
            "{} repositories will be fetched again, as fast as their hosts allow; `millrace status` shows what is left",
            grouped(report.wanted)
        ));
    }
}
