//! How much of a commit is checked, and what the answer means for us.

use millrace_atproto::crypto::PublicKey;
use millrace_atproto::entry::EntryOp;
use millrace_atproto::frame::CommitFrame;
use millrace_atproto::sync::{ChainState, Limits, Reject, Verified, verify_commit};
use millrace_atproto::{Cid, Tid};
use millrace_runtime::rng::Rng;

pub(super) use super::unchecked::chain_only;
use crate::config::{IngestConfig, VerifyMode};

/// The protocol's bounds.
pub(crate) fn limits() -> Limits {
    Limits::default()
}

/// Whether a commit's signature, blocks and tree are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Full,
    Unverified,
}

/// A commit that may be appended.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) rev: Tid,
    /// The root of its tree; none if it is not known.
    pub(super) data: Option<Cid>,
    pub(super) ops: Vec<EntryOp>,
    /// Operations left out because their record does not decode.
    pub(super) invalid_records: usize,
}

/// A commit that may not.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: Kind,
    /// The metric's label.
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

/// What a refusal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: it was seen before.
    Stale,
    /// One more look at the DID document, then nothing.
    Signature,
    /// The repository is fetched.
    Desync,
    /// Nothing: whoever sent it is wrong.
    Invalid,
}

impl Refusal {
    /// The commit does not follow the revision known.
    pub(super) fn gap() -> Self {
        Self { kind: Kind::Desync, reason: "since", detail: String::new() }
    }

    /// Whether the commit is good in itself and does not follow the one known.
    pub(super) fn is_order(&self) -> bool {
        self.kind == Kind::Desync && matches!(self.reason, "since" | "prev_data")
    }

    /// The DID document names no signing key.
    pub(super) fn no_key() -> Self {
        Self {
            kind: Kind::Signature,
            reason: "no_signing_key",
            detail: "the DID document has no #atproto key".to_owned(),
        }
    }
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        let kind = match &reject {
            Reject::Stale => Kind::Stale,
            _ if reject.is_signature() => Kind::Signature,
            _ if reject.needs_resync() => Kind::Desync,
            _ => Kind::Invalid,
        };
        Self { kind, reason: reject.reason(), detail: reject.to_string() }
    }
}

/// How the next commit is checked.
pub(super) fn how(config: &IngestConfig, rng: &Rng) -> How {
    match config.verify {
        VerifyMode::Full => How::Full,
        VerifyMode::Off => How::Unverified,
        VerifyMode::Sampled if rng.below(u64::from(config.sample_one_in)) == 0 => How::Full,
        VerifyMode::Sampled => How::Unverified,
    }
}

/// Everything: signature, every CID, the tree and the chain.
pub(super) fn full(
    frame: &CommitFrame<'_>,
    key: &PublicKey,
    prior: Option<&ChainState>,
    now_us: i64,
) -> Result<Accepted, Refusal> {
    let Verified { chain, ops, invalid_records, .. } =
        verify_commit(frame, key, prior, now_us, &limits())?;
    let ops = ops
        .into_iter()
        .map(|op| EntryOp {
            action: op.action,
            collection: op.collection,
            rkey: op.rkey,
            cid: op.cid,
            record: op.record.map(<[u8]>::to_vec),
        })
        .collect();
    let ChainState { rev, data } = chain;
    Ok(Accepted { rev, data: Some(data), ops, invalid_records: invalid_records.len() })
}
