//! A commit read without cryptography, for `verify = "off"` and the commits that a sample leaves out:
//! syntax, bounds and the chain are looked at; signature, hashes and tree are believed.

use std::collections::HashMap;

use millrace_atproto::cbor;
use millrace_atproto::commit::Commit;
use millrace_atproto::entry::{Action, EntryOp};
use millrace_atproto::frame::{CommitFrame, RepoOp};
use millrace_atproto::sync::ChainState;
use millrace_atproto::{Cid, Nsid, RecordKey, Tid};

use super::verify::{Accepted, Kind, Refusal, limits};

/// CIDs in a CAR file have one length in this network.
const CID_BYTES: usize = 36;

/// Reads a commit and checks that it continues the chain.
pub(super) fn chain_only(
    frame: &CommitFrame<'_>,
    prior: Option<&ChainState>,
    now_us: i64,
) -> Result<Accepted, Refusal> {
    let limits = limits();
    let rev = Tid::parse(frame.rev).map_err(|error| invalid("rev", &error))?;
    if prior.is_some_and(|prior| rev <= prior.rev) {
        return Err(Refusal { kind: Kind::Stale, reason: "stale", detail: String::new() });
    }
    if rev.time_us() > now_us.saturating_add(limits.future_rev_us) {
        return Err(invalid("future_rev", &frame.rev));
    }
    if let Some(prior) = prior {
        continues(frame, prior)?;
    }
    if frame.blocks.is_empty() {
        return Err(desync("empty_blocks"));
    }
    if frame.blocks.len() as u64 > limits.commit_car.bytes_max || frame.ops.len() > limits.ops_max {
        return Err(desync("blocks_too_large"));
    }
    let blocks = blocks(frame.blocks).ok_or_else(|| desync("car_malformed"))?;
    let commit = blocks.get(&frame.commit).ok_or_else(|| desync("commit_missing"))?;
    let commit = Commit::parse(commit).map_err(|error| invalid("commit", &error))?;
    if commit.did.as_str() != frame.repo || commit.rev != rev {
        return Err(invalid("commit_did", &frame.repo));
    }
    let mut ops = Vec::with_capacity(frame.ops.len());
    let mut invalid_records = 0;
    let mut records_bytes = 0_usize;
    for op in &frame.ops {
        match entry_op(op, &blocks, limits.record_bytes_max)? {
            Some(op) => {
                records_bytes =
                    records_bytes.saturating_add(op.record.as_ref().map_or(0, Vec::len));
                if records_bytes > limits.records_bytes_max {
                    return Err(desync("records_too_large"));
                }
                ops.push(op);
            }
            None => invalid_records += 1,
        }
    }
    Ok(Accepted { rev, data: Some(commit.data), ops, invalid_records })
}

fn continues(frame: &CommitFrame<'_>, prior: &ChainState) -> Result<(), Refusal> {
    let since = frame.since.and_then(|since| Tid::parse(since).ok());
    if since != Some(prior.rev) {
        return Err(desync("since"));
    }
    if frame.prev_data.is_some_and(|data| data != prior.data) {
        return Err(desync("prev_data"));
    }
    Ok(())
}

/// An operation with its record; `None` if the record alone is bad.
fn entry_op(
    op: &RepoOp<'_>,
    blocks: &HashMap<Cid, &[u8]>,
    record_bytes_max: usize,
) -> Result<Option<EntryOp>, Refusal> {
    let action = op.action.ok_or_else(|| invalid("op_shape", &op.path))?;
    let (collection, rkey) = op.path.split_once('/').ok_or_else(|| invalid("op_path", &op.path))?;
    let collection = Nsid::parse(collection).map_err(|error| invalid("op_path", &error))?;
    let rkey = RecordKey::parse(rkey).map_err(|error| invalid("op_path", &error))?;
    let (cid, record) = match (action, op.cid) {
        (Action::Delete, _) => (None, None),
        (Action::Create | Action::Update, None) => return Err(invalid("op_shape", &op.path)),
        (Action::Create | Action::Update, Some(cid)) => {
            let record = *blocks.get(&cid).ok_or_else(|| desync("record_missing"))?;
            if record.len() > record_bytes_max || cbor::validate_record(record).is_err() {
                return Ok(None);
            }
            (Some(cid), Some(record.to_vec()))
        }
    };
    Ok(Some(EntryOp { action, collection, rkey, cid, record }))
}

/// The blocks of a CAR slice under the CIDs they claim.
fn blocks(car: &[u8]) -> Option<HashMap<Cid, &[u8]>> {
    let (header_bytes, mut rest) = varint(car)?;
    rest = rest.get(header_bytes..)?;
    let mut blocks = HashMap::new();
    while !rest.is_empty() {
        let (section_bytes, body) = varint(rest)?;
        let section = body.get(..section_bytes)?;
        if let Ok(cid) = Cid::from_bytes(section.get(..CID_BYTES)?) {
            blocks.insert(cid, section.get(CID_BYTES..)?);
        }
        rest = body.get(section_bytes..)?;
    }
    Some(blocks)
}

/// A length and what follows it.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

fn invalid(reason: &'static str, detail: &dyn std::fmt::Display) -> Refusal {
    Refusal { kind: Kind::Invalid, reason, detail: detail.to_string() }
}

fn desync(reason: &'static str) -> Refusal {
    Refusal { kind: Kind::Desync, reason, detail: String::new() }
}
