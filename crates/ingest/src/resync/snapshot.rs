//! A repository as log entries: "in this range of keys exactly these records exist", chunk after
//! chunk, so that whoever applies them also learns what is not there any more.

use bytes::Bytes;
use millrace_atproto::Did;
use millrace_atproto::entry::{Entry, EntryBody, EntryError, EntryHeader, SnapshotRecord};
use millrace_atproto::sync::VerifiedRepo;
use millrace_runtime::rng::Rng;
use tokio::sync::mpsc;

use super::fetch::FetchError;
use super::schedule::ResyncDeps;
use crate::lane::LaneMsg;

/// What an entry's record costs beside its bytes: path, CID, framing.
const RECORD_FRAME_BYTES: usize = 80;

/// What every chunk of one repository has in common.
pub(super) struct Handing {
    pub(super) did: Did,
    pub(super) host: String,
    pub(super) chunk_bytes_max: usize,
    pub(super) time_us: i64,
    pub(super) rng: Rng,
}

/// Cuts a repository into entries; the last one says so. Runs on a thread that may block.
pub(super) fn cut(
    repo: &VerifiedRepo,
    handing: &Handing,
    out: &mpsc::Sender<Bytes>,
) -> Result<(), EntryError> {
    let mut after: Option<String> = None;
    let mut records = Vec::new();
    let mut bytes = 0;
    for leaf in repo.leaves() {
        let size = leaf.record.len() + leaf.path.len() + RECORD_FRAME_BYTES;
        if bytes + size > handing.chunk_bytes_max && !records.is_empty() {
            let through = records.last().map(|record: &SnapshotRecord| record.path.clone());
            let chunk = EntryBody::Snapshot {
                after: after.take(),
                through: through.clone(),
                records: std::mem::take(&mut records),
                last: false,
            };
            if out.blocking_send(encoded(repo, handing, chunk)?).is_err() {
                return Ok(());
            }
            after = through;
            bytes = 0;
        }
        bytes += size;
        records.push(SnapshotRecord {
            path: leaf.path.clone(),
            cid: leaf.cid,
            record: leaf.record.to_vec(),
        });
    }
    let last = EntryBody::Snapshot { after, through: None, records, last: true };
    // Nobody waiting means that the run ends; the account is still due.
    let _ = out.blocking_send(encoded(repo, handing, last)?);
    Ok(())
}

fn encoded(repo: &VerifiedRepo, handing: &Handing, body: EntryBody) -> Result<Bytes, EntryError> {
    let mut trace = [0; 16];
    handing.rng.fill(&mut trace);
    let header = EntryHeader {
        kind: body.kind(),
        source: handing.host.clone(),
        source_seq: None,
        did: handing.did.clone(),
        rev: Some(repo.chain().rev),
        time_us: handing.time_us,
        trace,
    };
    Ok(Bytes::from(Entry { header, body }.encode()?))
}

/// Hands an entry to the account's lane, within the bytes in flight.
pub(super) async fn hand_on(
    deps: &ResyncDeps,
    did: &Did,
    attempt: u64,
    entry: Bytes,
) -> Result<(), FetchError> {
    let handing = |error: tokio::sync::AcquireError| FetchError::Handing(error.to_string());
    let room = match &deps.ahead {
        Some(ahead) => Some(ahead.room(entry.len()).await.map_err(handing)?),
        None => None,
    };
    let bytes = u32::try_from(entry.len()).unwrap_or(u32::MAX);
    let permit =
        std::sync::Arc::clone(&deps.inflight).acquire_many_owned(bytes).await.map_err(handing)?;
    deps.lanes
        .send(LaneMsg::Chunk { did: did.clone(), attempt, entry, permit, room })
        .map_err(|_| FetchError::Handing("the lane has ended".to_owned()))
}
