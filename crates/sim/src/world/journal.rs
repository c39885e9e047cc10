//! What was written, in order: the newest writes, bounded.

use std::collections::VecDeque;

use millrace_atproto::cid::Cid;
use millrace_atproto::frame::Action;
use millrace_atproto::syntax::{Did, Tid};

use crate::repo::Committed;

/// Writes that are remembered; the oldest go first.
const WRITES_MAX: usize = 4_000_000;

/// One write, as its PDS took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteTruth {
    /// Its place among all writes of the network, from 0.
    pub order: u64,
    /// When it was made, by the world's own clock.
    pub time_us: i64,
    pub did: Did,
    pub rev: Tid,
    pub action: Action,
    /// `collection/rkey`
    pub path: String,
    /// None for a deletion.
    pub cid: Option<Cid>,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    writes: VecDeque<WriteTruth>,
    next_order: u64,
}

impl Journal {
    pub(super) fn write(&mut self, committed: &Committed, time_us: i64) {
        for op in &committed.ops {
            if self.writes.len() == WRITES_MAX {
                self.writes.pop_front();
            }
            self.writes.push_back(WriteTruth {
                order: self.next_order,
                time_us,
                did: committed.did.clone(),
                rev: committed.rev,
                action: op.action,
                path: op.path.clone(),
                cid: op.cid,
            });
            self.next_order += 1;
        }
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = &WriteTruth> {
        self.writes.iter()
    }
}
