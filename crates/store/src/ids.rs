//! Integer ids for what is text everywhere else. They live in this store's tables only: the log,
//! owned tables and every interface carry DIDs and record keys.

use std::fmt;

use millrace_atproto::{RecordKey, Tid};

/// An actor's number in the dictionary; always positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub i64);

/// A record key as a number: zero and above is the 64-bit value of a TID (so that order by id is
/// order by key), below zero an entry of the dictionary's side table.
///
/// A TID with the top bit set would be negative and goes through the side table too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RkeyId(pub i64);

impl RkeyId {
    /// The id of a key that needs no dictionary.
    pub fn of_tid(key: &RecordKey) -> Option<RkeyId> {
        key.as_tid().and_then(|tid| i64::try_from(tid.to_u64()).ok()).map(RkeyId)
    }

    /// The TID that this id is, unless it stands for a key of the side table.
    pub fn tid(self) -> Option<Tid> {
        u64::try_from(self.0).ok().map(Tid::from_u64)
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RkeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, id: Option<i64>) {
        let key = RecordKey::parse(key).expect("a record key");
        let found = RkeyId::of_tid(&key);
        assert_eq!(found, id.map(RkeyId), "{key}");
        if let Some(found) = found {
            assert_eq!(found.tid().map(|tid| tid.to_string()).as_deref(), Some(key.as_str()));
        }
    }

    #[test]
    fn tids_are_their_own_ids() {
        check("2222222222222", Some(0));
        check("bzzzzzzzzzzzz", Some(i64::MAX));
    }

    #[test]
    fn everything_else_needs_the_side_table() {
        for key in ["self", "c222222222222", "jzzzzzzzzzzzz", "3jzfcijpj2z2", "3jzfcijpj2z2a2", "~"]
        {
            check(key, None);
        }
        assert_eq!(RkeyId(-1).tid(), None);
    }
}
