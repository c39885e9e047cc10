//! The codes of this crate: what an operator reads and looks up when the data-plane's upkeep fails.

use millrace_runtime::error::Code;

/// The whole table, in order; docs are made from it.
pub const ALL: &[Code] = &[NOT_REBUILT, NO_SUCH_CHECK, DRIFT];

pub const NOT_REBUILT: Code = Code {
    id: "MR-DAT-001",
    title: "upkeep of the tables was not finished",
    cause: "An audit, a repair or a rebuild of the data-plane's tables did not come to its end: it was stopped, another one runs, or new tables did not become what the base rows say. After a rebuild that failed the old tables stay and are served.",
    remedy: "run the command again; if it fails once more, report it with the server's log",
};

pub const NO_SUCH_CHECK: Code = Code {
    id: "MR-DAT-002",
    title: "no such table or check",
    cause: "An audit or a repair was asked for a table that has nothing derived in it, or for a check that does not exist.",
    remedy: "give one of the names in the message, or none to look at everything",
};
pub const DRIFT: Code = Code {
    id: "MR-DAT-003",
    title: "derived rows differ",
    cause: "Counters, rows by target, feeds, search or notifications are not what follows from the records: the tables were changed by hand, restored in part, or the program has a mistake.",
    remedy: "`millrace repair` mends them; if they differ again afterwards, report it with what `millrace audit --json` lists",
};

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_numbered_in_order() {
        for (number, code) in (1..).zip(ALL) {
            assert_eq!(code.id, format!("MR-DAT-{number:03}"));
        }
    }
}
