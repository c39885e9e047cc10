//! Labelers' streams: what labelers say becomes entries.
//!
//! Each labeler is followed by a task of its own, with a cursor, a bound of bytes in flight and a pause of
//! its own, so that one that lies, floods or is away holds up nobody. Its place and key are its DID
//! document's; a signature that does not fit has the document asked for again, once in a while.
//!
//! ```text
//!  socket ─▶ frame ─▶ judge (off the async threads) ─▶ entries ─▶ appender ─▶ checkpoint: cursor
//! ```
//!
//! The cursor travels behind the entries it covers, through the same queue: it is saved after they are
//! durable. Labels that come twice change nothing (`docs/adr/0011`), so a labeler that counts anew is read
//! again from its oldest label, and nobody has to decide that.
//!
//! Beside those who are configured, some that declare themselves are followed where the configuration says so
//! (`discover.rs`).

mod discover;
mod follow;
mod judge;
mod place;

use std::collections::BTreeSet;

use millrace_atproto::Did;
use millrace_atproto::entry::{Action, EntryOp};
use millrace_runtime::supervise::TaskSet;

use crate::error::IngestError;

use discover::Discovery;
use follow::Labeler;
pub(crate) use follow::LabelerDeps;

const COLLECTION: &str = "app.bsky.labeler.service";
const RKEY: &str = "self";
/// The record by which an account says that it is a labeler.
pub(crate) const DECLARATION: &str = "app.bsky.labeler.service/self";

/// Whether a commit says that its account is a labeler, or that it is no more; nothing in most.
pub(crate) fn declared_by(ops: &[EntryOp]) -> Option<bool> {
    let of_it = |op: &&EntryOp| op.collection.as_str() == COLLECTION && op.rkey.as_str() == RKEY;
    ops.iter().rfind(of_it).map(|op| op.action != Action::Delete)
}

/// Follows every labeler that is configured, and looks for others where that is wanted.
pub(crate) fn spawn(tasks: &mut TaskSet<Result<(), IngestError>>, deps: &LabelerDeps) {
    let named: BTreeSet<Did> =
        deps.config.labelers.dids.iter().filter_map(|did| Did::parse(did).ok()).collect();
    for did in &named {
        let deps = LabelerDeps { rng: deps.rng.fork(), ..deps.clone() };
        tasks.spawn(task_name(did), Labeler::named(did.clone(), deps).run());
    }
    if deps.config.labelers.discovered_max > 0 {
        let deps = LabelerDeps { rng: deps.rng.fork(), ..deps.clone() };
        tasks.spawn("ingest.labelers", Discovery::new(named, deps).run());
    }
}

fn task_name(labeler: &Did) -> String {
    format!("ingest.{}", source_name(labeler))
}

/// The name under which a labeler's cursor and figures are kept.
fn source_name(labeler: &Did) -> String {
    format!("labeler:{labeler}")
}
