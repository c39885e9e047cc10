//! Codes of situations that only the program as a whole can be in.

use millrace_runtime::error::Code;

/// The whole table, in order.
pub const ALL: &[Code] = &[
    FOLDER_IN_USE,
    FOLDER_UNUSABLE,
    ROLES_IMPOSSIBLE,
    OPEN_WITHOUT_SECRET,
    ADDRESS_UNAVAILABLE,
    SERVER_UNREACHABLE,
    SERVER_REFUSED,
    NOT_CONFIRMED,
    NO_SUCH_ENTRY,
    SETTING,
    DEMO_FOLDER_USED,
    PART_ENDED,
    DISK_FILLS,
    DISK_STOP,
    CONSUMER_LEFT_BEHIND,
    BACKUP_FAILED,
    BACKUP_EXISTS,
    NO_ROOM,
    BACKUP_DAMAGED,
    BACKUP_UNFIT,
    RESTORE_BEGUN,
    NO_SUCH_CACHE,
    NO_SERVER,
    NO_ACCOUNT,
    NO_SUCH_BACKFILL,
    NOT_RESOLVED,
];

/// Another server has the data folder.
pub const FOLDER_IN_USE: Code = Code {
    id: "MR-BIN-001",
    title: "data folder in use",
    cause: "Another Millrace process holds the data folder's lock. Two servers on one folder would overwrite each other.",
    remedy: "stop the other process, or give this one a folder of its own with --data-dir",
};
/// The data folder cannot be made, read or written.
pub const FOLDER_UNUSABLE: Code = Code {
    id: "MR-BIN-002",
    title: "data folder cannot be used",
    cause: "The data folder, its lock or the operator's token in it cannot be created, read or written; or a command that needs an existing folder found none.",
    remedy: "check --data-dir, and that the user the service runs as owns the folder",
};
/// Roles that cannot run apart on these engines.
pub const ROLES_IMPOSSIBLE: Code = Code {
    id: "MR-BIN-003",
    title: "roles cannot be split like this",
    cause: "With an embedded log its one file is written by ingest and read by the data-plane, so both must run in one process. The AppView may run apart.",
    remedy: "run `millrace serve`, or split it in two: --role ingest,dataplane and --role appview",
};
/// A listener that others can reach, without a secret.
pub const OPEN_WITHOUT_SECRET: Code = Code {
    id: "MR-BIN-004",
    title: "internal interface open without a secret",
    cause: "dataplane.listen is not a loopback address, so that other machines can ask and change everything, and dataplane.internal_secret is not set.",
    remedy: "set dataplane.internal_secret (or internal_secret_file) to the same value in every process, or listen on 127.0.0.1",
};
/// An address that cannot be listened on.
pub const ADDRESS_UNAVAILABLE: Code = Code {
    id: "MR-BIN-005",
    title: "address cannot be listened on",
    cause: "Another process listens on the address, it does not belong to this machine, or the port needs privileges.",
    remedy: "stop the other process, or change appview.listen, dataplane.listen or appview.metrics_listen",
};
/// The server that holds the folder does not answer.
pub const SERVER_UNREACHABLE: Code = Code {
    id: "MR-BIN-006",
    title: "running server does not answer",
    cause: "A server holds the data folder, but its operator's interface on loopback cannot be reached. It may be starting, draining, or stuck.",
    remedy: "try again in a moment; if it stays so, look at the server's log, or stop it and run the command again",
};
/// The server answered with an error.
pub const SERVER_REFUSED: Code = Code {
    id: "MR-BIN-007",
    title: "running server refused",
    cause: "The server that holds the data folder answered with an error, or does not know the question: it may be of another version.",
    remedy: "see the message; use the same version of the program as the server's",
};
/// A command that destroys something was not confirmed.
pub const NOT_CONFIRMED: Code = Code {
    id: "MR-BIN-008",
    title: "not confirmed",
    cause: "The command changes something and was not confirmed: there was no terminal to ask on, or the answer was no.",
    remedy: "add --yes, or --dry-run to see what would be done",
};
/// No parked entry of that number.
pub const NO_SUCH_ENTRY: Code = Code {
    id: "MR-BIN-009",
    title: "no such parked entry",
    cause: "No entry with this number is parked: it was applied or discarded meanwhile, or the number is wrong.",
    remedy: "`millrace dlq list` shows what is parked",
};
/// Settings that do not fit each other.
pub const SETTING: Code = Code {
    id: "MR-BIN-010",
    title: "settings do not fit",
    cause: "A setting is outside what can work, or two of them contradict each other.",
    remedy: "mend the setting named; `millrace config example` explains each",
};
/// A demo on a folder that is not empty.
pub const DEMO_FOLDER_USED: Code = Code {
    id: "MR-BIN-011",
    title: "demo needs an empty folder",
    cause: "Each demo makes its network anew, with other accounts and other sequence numbers; data of another network does not go with it.",
    remedy: "name a folder that is empty or not there, or leave --data-dir out; to look at a demo's data later, run `millrace serve --data-dir`",
};
/// A process of a split demo ended.
pub const PART_ENDED: Code = Code {
    id: "MR-BIN-012",
    title: "part of the demo ended",
    cause: "With --split the demo's AppView is a process of its own. It could not be started, or it ended by itself or by a signal, so the demo ended too.",
    remedy: "its own error stands above, if it had one; start the demo again",
};
/// The disk fills up.
pub const DISK_FILLS: Code = Code {
    id: "MR-BIN-013",
    title: "the disk fills up",
    cause: "What Millrace keeps has reached disk.warn_percent of disk.budget_bytes, or less than twice disk.free_bytes_min is free on the disk. Nothing has stopped yet.",
    remedy: "free space, raise the budget, or keep less: the guide `disk-and-scope.md` says what grows and how to narrow it",
};
/// No room to read on.
pub const DISK_STOP: Code = Code {
    id: "MR-BIN-014",
    title: "no room: ingest has stopped reading",
    cause: "What Millrace keeps has reached disk.stop_percent of disk.budget_bytes, or less than disk.free_bytes_min is free on the disk. Sources are disconnected with their cursors kept; whoever reads and writes here is served.",
    remedy: "free space, raise the budget, or keep less (guide `disk-and-scope.md`); reading goes on by itself, from where it stopped",
};
/// A consumer that is not enabled needs entries that are gone.
pub const CONSUMER_LEFT_BEHIND: Code = Code {
    id: "MR-BIN-015",
    title: "a projection needs to be rebuilt",
    cause: "A projection that is not enabled was left behind: retention waits for enabled ones only, and entries that it has not read are removed from the log.",
    remedy: "rebuild it before it is enabled again: `millrace rebuild <projection>`",
};
/// A backup was not made.
pub const BACKUP_FAILED: Code = Code {
    id: "MR-BIN-016",
    title: "backup was not made, or not put back",
    cause: "While a backup was being written or put back, a table, the log or a file could not be read or written, or the server was asked to stop. Nothing bears the backup's name, and nothing was replaced.",
    remedy: "mend what the message names and run the command again",
};
/// The backup's place is taken.
pub const BACKUP_EXISTS: Code = Code {
    id: "MR-BIN-017",
    title: "backup's place is taken",
    cause: "There is a file, or a folder that is not empty, where the backup is to be. A backup never overwrites anything.",
    remedy: "name a folder that is not there yet, for example one with the date in its name",
};
/// Not enough room.
pub const NO_ROOM: Code = Code {
    id: "MR-BIN-018",
    title: "not enough room on the disk",
    cause: "A backup, or the files of one that are made ready before they are put in place, would leave the disk full.",
    remedy: "free space, or name a place on another disk",
};
/// A backup that is not whole.
pub const BACKUP_DAMAGED: Code = Code {
    id: "MR-BIN-019",
    title: "backup is not whole",
    cause: "The folder is no backup, one that was not finished, or one of whose files is missing or not as it was written: its length or its SHA-256 differ from what SHA256SUMS and manifest.json say. Nothing of it was used.",
    remedy: "take another backup; `sha256sum -c SHA256SUMS` in the folder names every file that differs",
};
/// A backup of something else.
pub const BACKUP_UNFIT: Code = Code {
    id: "MR-BIN-020",
    title: "backup does not fit here",
    cause: "The backup is whole, but was made by a newer program or on another engine, or the place it is to be restored to is in use.",
    remedy: "use a program at least as new, set store.engine to what the backup is of, stop what uses the place",
};
/// A restore was interrupted while files changed places.
pub const RESTORE_BEGUN: Code = Code {
    id: "MR-BIN-021",
    title: "restore was interrupted",
    cause: "`millrace restore` was ended while it put files in place. Which files go where is written down in the file RESTORE of the data folder; until that is done, the folder holds parts of both.",
    remedy: "run `millrace restore` with the same backup again: it finishes what was begun",
};
/// A cache that is none.
pub const NO_SUCH_CACHE: Code = Code {
    id: "MR-BIN-022",
    title: "no such cache",
    cause: "The running servers have no cache of that name.",
    remedy: "`millrace cache stats` names them; without a name all of them are meant",
};
/// A command that asks a server found none.
pub const NO_SERVER: Code = Code {
    id: "MR-BIN-023",
    title: "no server runs",
    cause: "The command asks a running server, and no process holds the data folder; or what it asks is the AppView's to answer, which runs on another folder.",
    remedy: "start `millrace serve`, or name the folder of the one that runs with --data-dir",
};
/// Something else where a DID is wanted.
pub const NO_ACCOUNT: Code = Code {
    id: "MR-BIN-024",
    title: "no account is named",
    cause: "Accounts are named by their DIDs, such as did:plc:… or did:web:…; an argument, or a line of standard input, is something else, or there is none.",
    remedy: "mend the argument or line; a handle's DID is what com.atproto.identity.resolveHandle answers",
};
/// A backfill that is none.
pub const NO_SUCH_BACKFILL: Code = Code {
    id: "MR-BIN-025",
    title: "no such backfill",
    cause: "The running server knows no backfill of that number; of those that have ended it keeps the latest.",
    remedy: "`millrace backfill status` names them",
};

/// Something parked that does not stay.
pub const NOT_RESOLVED: Code = Code {
    id: "MR-BIN-026",
    title: "it cannot be resolved",
    cause: "Only deliveries stay, with how they were settled and by whom. Entries of the log, facts and posts on their way into homes are taken out of their table once nobody needs them.",
    remedy: "`millrace dlq discard` takes it out; `millrace dlq retry` has it tried again",
};

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_numbered_without_gaps() {
        for (number, code) in (1..).zip(ALL) {
            assert_eq!(code.id, format!("MR-BIN-{number:03}"));
            assert!(!code.cause.is_empty() && !code.remedy.is_empty(), "{}", code.id);
        }
    }
}
