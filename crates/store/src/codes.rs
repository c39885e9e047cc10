//! The codes of this crate: what an operator reads and looks up when the store fails.

use millrace_runtime::error::Code;

/// The whole table, in order; docs are made from it.
pub const ALL: &[Code] = &[
    UNAVAILABLE,
    BUSY,
    QUEUE_FULL,
    TIMEOUT,
    CLOSED,
    CORRUPT,
    DISK_FULL,
    CONFIG,
    STATEMENT,
    SCHEMA_NEWER,
    SCHEMA_CHECKSUM,
    SCHEMA_NOT_READY,
    MIGRATION,
    OFFSET_BEYOND_TAIL,
    OFFSET_TRUNCATED,
    FENCED,
    PARKED_TOO_MANY,
    PROJECTION_STOPPED,
    OUTBOX_TOPIC,
];

pub const UNAVAILABLE: Code = Code {
    id: "MR-STO-001",
    title: "database cannot be reached",
    cause: "The PostgreSQL server does not answer, refuses the connection or is shutting down; or the SQLite file cannot be opened, read or written.",
    remedy: "check that the server runs and store.postgres_url is right, or that the user the service runs as may write store.dir; the program connects again by itself",
};
pub const BUSY: Code = Code {
    id: "MR-STO-002",
    title: "database is locked",
    cause: "Another process, or a long transaction, held a lock for longer than store.lock_timeout_ms.",
    remedy: "look for a second process on the same files, or a long transaction in pg_stat_activity",
};
pub const QUEUE_FULL: Code = Code {
    id: "MR-STO-003",
    title: "too many questions wait",
    cause: "More questions than store.queue_jobs wait for a database thread: the database is slower than what is asked of it.",
    remedy: "look at millrace_store_run_seconds for what is slow; raise store.readers if the machine has cores to spare",
};
pub const TIMEOUT: Code = Code {
    id: "MR-STO-004",
    title: "question took too long",
    cause: "A transaction ran longer than store.read_timeout_ms or store.write_timeout_ms and was stopped.",
    remedy: "if it repeats, the question lacks an index or the machine is overloaded: look at millrace_store_run_seconds",
};
pub const CLOSED: Code = Code {
    id: "MR-STO-005",
    title: "store is closed",
    cause: "The process is shutting down and takes no more questions.",
    remedy: "nothing, if the process was asked to stop",
};
pub const CORRUPT: Code = Code {
    id: "MR-STO-006",
    title: "database is damaged",
    cause: "The database engine found its own file damaged, or a row that no version of this program writes: a failing disk, a copy made while the program ran, or a file changed by hand.",
    remedy: "stop the program, keep the file, restore it from the backup; of dataplane and ingest you may move the file away instead, and have them made again from the log and the network (docs/owned.md)",
};
pub const DISK_FULL: Code = Code {
    id: "MR-STO-007",
    title: "no space left",
    cause: "The volume that holds the database is full.",
    remedy: "free space on it; writes go on by themselves",
};
pub const CONFIG: Code = Code {
    id: "MR-STO-008",
    title: "store settings cannot work",
    cause: "A setting below store. has a value that cannot work, or one that the chosen engine needs is missing.",
    remedy: "set the key named in the message",
};
pub const STATEMENT: Code = Code {
    id: "MR-STO-009",
    title: "statement failed",
    cause: "A statement was refused by the database, or its answer was not what the program expects. This is a mistake in the program, or a schema changed by hand.",
    remedy: "report it with the message; an entry that meets it is parked and can be tried again with a corrected program",
};
pub const SCHEMA_NEWER: Code = Code {
    id: "MR-STO-010",
    title: "schema is newer than the program",
    cause: "A newer program has migrated this database, and the migration is not one that programs of this age run on.",
    remedy: "start a program at least as new as the one that migrated it; there is no way back but the backup",
};
pub const SCHEMA_CHECKSUM: Code = Code {
    id: "MR-STO-011",
    title: "migration has another text",
    cause: "A migration that was applied here has another text in this program: the database was made by a development build or another fork.",
    remedy: "use the program that made the database, or start with an empty one",
};
pub const SCHEMA_NOT_READY: Code = Code {
    id: "MR-STO-012",
    title: "schema was not migrated in time",
    cause: "This role does not apply migrations and waited store.schema_wait_ms for one that does.",
    remedy: "start the data-plane or engine role, or run `millrace schema apply`",
};
pub const MIGRATION: Code = Code {
    id: "MR-STO-013",
    title: "migration failed",
    cause: "A statement of a migration was refused. Nothing of the migration remains.",
    remedy: "read the reason in the message; if the schema was changed by hand, undo that",
};
pub const OFFSET_BEYOND_TAIL: Code = Code {
    id: "MR-STO-014",
    title: "tables are ahead of the log",
    cause: "A projection has applied entries that the log does not have: the log was restored from an older backup, or replaced.",
    remedy: "restore the log that belongs to the tables; or stop the server and run `millrace rebuild dataplane`: the tables then read this log from its beginning, and every repository is fetched again",
};
pub const OFFSET_TRUNCATED: Code = Code {
    id: "MR-STO-015",
    title: "projection slept too long",
    cause: "Retention has removed log entries that the projection had not applied.",
    remedy: "stop the server and run `millrace rebuild dataplane`: what the log lacks is fetched from the network; raise log.retention_hours if the projection must stand still that long",
};
pub const FENCED: Code = Code {
    id: "MR-STO-016",
    title: "another worker was faster",
    cause: "Two workers held the same partition for a moment. The later one lost its transaction; nothing was applied twice.",
    remedy: "nothing, unless it repeats: then compare the clocks of the machines",
};
pub const PARKED_TOO_MANY: Code = Code {
    id: "MR-STO-017",
    title: "too many entries are parked",
    cause: "So many entries could not be applied that the fault is not in the entries. The projection stopped rather than park the whole log.",
    remedy: "look at the reasons with `millrace dlq ls`, mend what they have in common, then retry or discard them and start again",
};
pub const PROJECTION_STOPPED: Code = Code {
    id: "MR-STO-018",
    title: "projection stopped itself",
    cause: "The projection met a state in which going on would do harm; the message says which.",
    remedy: "follow the message; the entry is neither applied nor skipped",
};
pub const OUTBOX_TOPIC: Code = Code {
    id: "MR-STO-019",
    title: "outbox names an unknown topic",
    cause: "A newer program has written to the outbox, and this one does not know the topic.",
    remedy: "start the newer program until the outbox is empty",
};

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_numbered_in_order() {
        for (number, code) in (1..).zip(ALL) {
            assert_eq!(code.id, format!("MR-STO-{number:03}"));
        }
    }
}
