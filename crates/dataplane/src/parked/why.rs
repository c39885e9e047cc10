//! Why an entry was parked, and what an operator does about it: a line for each reason the worker gives.

/// What a reason means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why {
    pub reason: &'static str,
    pub cause: &'static str,
    pub remedy: &'static str,
}

const fn why(reason: &'static str, cause: &'static str, remedy: &'static str) -> Why {
    Why { reason, cause, remedy }
}

/// Every reason that parks.
pub const ALL: &[Why] = &[
    why(
        millrace_store::parked::BEHIND,
        "An earlier entry of the same account is parked. Entries of an account keep their order, so this one waits for it.",
        "look at the account's first parked entry; when that one is applied or discarded, this one follows by itself",
    ),
    why(
        "undecodable",
        "The entry in the log is not one that this version can read: it is damaged, or it was written by a newer version.",
        "if a newer version wrote it, run that version and retry; otherwise discard it and have the account's repository fetched again",
    ),
    why(
        "store-constraint",
        "The tables refused a row: something that must be unique or present was not. This is a fault of Millrace or of tables changed by hand.",
        "keep the entry and report it; `millrace audit` shows whether the tables are sound, `millrace rebuild` makes them anew",
    ),
    why(
        "store-sql",
        "The database refused a statement. This is a fault of Millrace, or the tables are not as its migrations made them.",
        "see that `millrace schema status` shows nothing pending, then retry; report it if it fails again",
    ),
    why(
        "store-column",
        "A stored row holds something else than the program expects there.",
        "see that `millrace schema status` shows nothing pending; `millrace audit` tells which rows are wrong",
    ),
    why(
        "store-row-count",
        "A change met more or fewer rows than it must.",
        "`millrace audit` tells whether the tables are sound; retry when it finds nothing",
    ),
    why(
        "store-aborted",
        "The database ended the transaction, though nothing was wrong with the statements before.",
        "retry; if it is aborted again, look into the database's own log",
    ),
    why(
        "panic",
        "The program failed inside while it applied the entry. Only this entry was affected.",
        "keep the entry and report it; retry with a version in which it is mended",
    ),
    why(
        "too-large",
        "A row that the entry makes is larger than any may be.",
        "discard it: the record is beyond the bounds of the protocol",
    ),
];

/// What `reason` means, if it is one of ours.
pub fn of(reason: &str) -> Option<&'static Why> {
    ALL.iter().find(|why| why.reason == reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_once_and_say_what_to_do() {
        for (at, why) in ALL.iter().enumerate() {
            assert_eq!(ALL.iter().position(|other| other.reason == why.reason), Some(at));
            assert!(why.cause.ends_with('.') && !why.remedy.is_empty(), "{}", why.reason);
            assert_eq!(of(why.reason), Some(why));
        }
        assert_eq!(of("no such reason"), None);
    }
}
