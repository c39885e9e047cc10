//! What Jetstreams told of a repository in this run. Nothing of it can be verified, not even that
//! nothing is missing: there is no link from a commit to the one before. So what was told is kept for a
//! while, to know what comes twice from what comes late.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use millrace_atproto::Tid;
use millrace_atproto::entry::EntryOp;

/// Revisions kept of an account.
const REVS_MAX: usize = 8;

/// The latest revisions, and the operations of the last.
#[derive(Debug, Default)]
pub(super) struct Told {
    revs: VecDeque<Tid>,
    /// Older ones were told of too.
    more: bool,
    /// Hashes of paths, in the last revision.
    paths: Vec<u64>,
}

impl Told {
    /// A newer revision than all before.
    pub(super) fn begin(&mut self, rev: Tid) {
        self.revs.push_back(rev);
        if self.revs.len() > REVS_MAX {
            self.revs.pop_front();
            self.more = true;
        }
        self.paths.clear();
    }

    /// Whether this operation of the last revision is new; it is not from here on.
    pub(super) fn is_new(&mut self, op: &EntryOp) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::default()
            .hash_one((op.collection.as_str(), op.rkey.as_str()));
        let new = !self.paths.contains(&hash);
        if new {
            self.paths.push(hash);
        }
        new
    }

    /// Operations told of the last revision.
    pub(super) fn ops(&self) -> usize {
        self.paths.len()
    }

    /// Whether this is the last revision told of.
    pub(super) fn is_last(&self, rev: Tid) -> bool {
        self.revs.back() == Some(&rev)
    }

    /// Whether this revision, below the last, was told of.
    pub(super) fn knows(&self, rev: Tid) -> bool {
        self.revs.contains(&rev)
            || (self.more && self.revs.front().is_some_and(|first| rev < *first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_atproto::entry::Action;

    fn rev(n: i64) -> Tid {
        Tid::from_time(1_700_000_000_000_000 + n, 0)
    }

    fn op(rkey: &str) -> EntryOp {
        EntryOp {
            action: Action::Delete,
            collection: "app.bsky.feed.like".parse().expect("an NSID"),
            rkey: rkey.parse().expect("a record key"),
            cid: None,
            record: None,
        }
    }

    #[test]
    fn what_was_told_is_known_and_what_was_left_out_is_not() {
        let mut told = Told::default();
        for n in [10, 20, 40] {
            told.begin(rev(n));
        }
        assert!(told.knows(rev(20)) && told.is_last(rev(40)));
        assert!(!told.knows(rev(30)) && !told.knows(rev(5)), "nothing before it is known");
        for n in 41..60 {
            told.begin(rev(n));
        }
        assert!(told.knows(rev(20)), "long ago, and told of like the others");
        assert!(told.revs.len() <= REVS_MAX);
    }

    #[test]
    fn an_operation_is_new_once_in_each_revision() {
        let mut told = Told::default();
        told.begin(rev(1));
        assert!(told.is_new(&op("a")) && told.is_new(&op("b")) && !told.is_new(&op("a")));
        assert_eq!(told.ops(), 2);
        told.begin(rev(2));
        assert!(told.is_new(&op("a")));
    }
}
