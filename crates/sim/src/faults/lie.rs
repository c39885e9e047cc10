//! Lies about a commit. Those that are signed wrongly, or not covered by the signature, carry a record that
//! was never written; if it shows anywhere, somebody believed a lie. Those that an honest signature covers
//! bend only what a reader checks against what it knew before, and so carry the truth.

use millrace_atproto::car::{CarLimits, CarSlice, CarWriter};
use millrace_atproto::cid::Cid;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::frame::{Action, MESSAGE_BYTES_MAX, OPS_MAX};
use millrace_atproto::syntax::{Did, Tid};
use millrace_runtime::rng::Rng;

use crate::channel::Body;
use crate::records;
use crate::repo::{Committed, Op, Repo, Write};

/// The text of every record that was never written.
pub const FORGED_TEXT: &str = "this was never written";
/// In the year 2100: ahead of every clock.
const FUTURE_US: i64 = 4_102_444_800_000_000;
/// Over what `blocks` may hold, under what a message may.
const OVERSIZE_BLOCK_BYTES: usize = 2_100_000;

/// What a false commit does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Signed with another key.
    Signature,
    /// A record's bytes differ from what its CID names.
    Tampered,
    /// An operation names another record than the tree.
    OpCid,
    /// The frame names another commit than its blocks.
    Root,
    /// `prevData` is no tree there ever was.
    PrevData,
    /// `since` is no revision there ever was.
    Since,
    /// A block is left out.
    MissingBlock,
    /// No blocks at all, as in the days of `tooBig`.
    NoBlocks,
    /// A revision of the far future.
    FutureRev,
    /// Another account's name on it.
    Foreign,
    /// More blocks than allowed.
    Oversize,
    /// More operations than allowed.
    TooManyOps,
    /// Bytes that are no frame.
    Garbage,
    /// A message larger than any may be.
    Monster,
}

const LIES: [Lie; 14] = [
    Lie::Signature,
    Lie::Tampered,
    Lie::OpCid,
    Lie::Root,
    Lie::PrevData,
    Lie::Since,
    Lie::MissingBlock,
    Lie::NoBlocks,
    Lie::FutureRev,
    Lie::Foreign,
    Lie::Oversize,
    Lie::TooManyOps,
    Lie::Garbage,
    Lie::Monster,
];

impl Lie {
    pub(super) fn drawn(rng: &Rng) -> Self {
        let at = usize::try_from(rng.below(LIES.len() as u64)).unwrap_or(0);
        LIES[at]
    }
}

/// What a liar needs: the truth, and what was before it.
pub(crate) struct Forge<'a> {
    pub before: &'a Repo,
    pub good: &'a Committed,
    pub key: &'a SigningKey,
    /// Some other account.
    pub other: &'a Did,
    pub rng: &'a Rng,
}

impl Forge<'_> {
    /// The false commit.
    pub(crate) fn tell(&self, lie: Lie) -> Body {
        let good = self.good.clone();
        Body::Commit(match lie {
            Lie::Signature => self.forged(&self.wrong_key(), good.rev),
            Lie::FutureRev => self.forged(self.key, Tid::from_time(FUTURE_US, 0)),
            Lie::Tampered => self.with_blocks(|cid, block| {
                let is_record = self.good.ops.iter().any(|op| op.cid == Some(cid));
                let forged = || records::post(FORGED_TEXT, 0, None, None, None);
                Some(if is_record { forged() } else { block.to_vec() })
            }),
            Lie::OpCid => self.other_record(),
            Lie::Root => Committed { commit: self.cid(), ..good },
            Lie::PrevData => Committed { prev_data: Some(self.cid()), ..good },
            Lie::Since => Committed { since: Some(Tid::from_time(1, 0)), ..good },
            Lie::MissingBlock => {
                let root = good.commit;
                self.with_blocks(|cid, block| (cid == root).then(|| block.to_vec()))
            }
            Lie::NoBlocks => Committed { blocks: Vec::new(), ..good },
            Lie::Foreign => Committed { did: self.other.clone(), ..good },
            Lie::Oversize => self.padded(),
            Lie::TooManyOps => {
                let ops = (0..=OPS_MAX).map(|at| Op {
                    action: Action::Create,
                    path: format!("app.bsky.feed.like/{at}"),
                    cid: Some(self.good.commit),
                    prev: None,
                });
                Committed { ops: ops.collect(), ..good }
            }
            Lie::Garbage => return Body::Garbage(self.noise(64)),
            Lie::Monster => return Body::Garbage(vec![0; MESSAGE_BYTES_MAX + 1]),
        })
    }

    fn noise(&self, bytes: usize) -> Vec<u8> {
        let mut noise = vec![0; bytes];
        self.rng.fill(&mut noise);
        noise
    }

    fn cid(&self) -> Cid {
        Cid::of_dag_cbor(&self.noise(32))
    }

    fn wrong_key(&self) -> SigningKey {
        SigningKey::generate(Curve::K256, &mut |bytes: &mut [u8]| self.rng.fill(bytes))
    }

    /// A commit of a record that was never written.
    fn forged(&self, key: &SigningKey, rev: Tid) -> Committed {
        let path = format!("app.bsky.feed.post/{}", Tid::from_time(rev.time_us(), 1_023));
        let record = records::post(FORGED_TEXT, rev.time_us(), None, None, None);
        let mut repo = self.before.clone();
        repo.apply(key, rev, &[Write::Put { path, record }]).unwrap_or_else(|_| self.good.clone())
    }

    /// The operations name a record that was never written; it is among the blocks, but not in the tree.
    fn other_record(&self) -> Committed {
        let record = records::post(FORGED_TEXT, 0, None, None, None);
        let cid = Cid::of_dag_cbor(&record);
        let mut false_one = self.with_blocks(|_, block| Some(block.to_vec()));
        let mut car = CarWriter::new(&cid);
        let header = car.clone().finish().len();
        car.block(&cid, &record);
        false_one.blocks.extend_from_slice(car.finish().get(header..).unwrap_or_default());
        for op in &mut false_one.ops {
            op.cid = op.cid.map(|_| cid);
            // A deletion becomes the creation of what was never written.
            if op.action == Action::Delete {
                (op.action, op.cid, op.prev) = (Action::Create, Some(cid), None);
            }
        }
        false_one
    }

    fn padded(&self) -> Committed {
        let mut false_one = self.good.clone();
        let block = vec![0; OVERSIZE_BLOCK_BYTES];
        let cid = Cid::of_dag_cbor(&block);
        let mut car = CarWriter::new(&cid);
        let header = car.clone().finish().len();
        car.block(&cid, &block);
        false_one.blocks.extend_from_slice(car.finish().get(header..).unwrap_or_default());
        false_one
    }

    /// The same commit with other blocks under the same CIDs, or without some.
    fn with_blocks(&self, bend: impl Fn(Cid, &[u8]) -> Option<Vec<u8>>) -> Committed {
        let mut car = CarWriter::new(&self.good.commit);
        let slice = CarSlice::parse(&self.good.blocks, &CarLimits::COMMIT);
        for (cid, block) in slice.iter().flat_map(|slice| slice.blocks()) {
            if let Some(block) = bend(*cid, block) {
                car.block(cid, &block);
            }
        }
        Committed { blocks: car.finish(), ..self.good.clone() }
    }
}
