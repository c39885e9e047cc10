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

mod follow;
mod judge;
mod place;

use std::collections::BTreeSet;

use millrace_atproto::Did;
use millrace_runtime::supervise::TaskSet;

use crate::error::IngestError;

use follow::Labeler;
pub(crate) use follow::LabelerDeps;

/// Follows every labeler that is configured.
pub(crate) fn spawn(tasks: &mut TaskSet<Result<(), IngestError>>, deps: &LabelerDeps) {
    let dids: BTreeSet<&String> = deps.config.labelers.dids.iter().collect();
    for did in dids.into_iter().filter_map(|did| Did::parse(did).ok()) {
        let name = format!("ingest.{}", source_name(&did));
        let deps = LabelerDeps { rng: deps.rng.fork(), ..deps.clone() };
        tasks.spawn(name, Labeler::new(did, deps).run());
    }
}

/// The name under which a labeler's cursor and figures are kept.
fn source_name(labeler: &Did) -> String {
    format!("labeler:{labeler}")
}
