//! The codes of this crate, `MR-ING-<NNN>`: situations an operator may meet, each with its cause and
//! remedy. The documentation's pages are made from this table.

use millrace_runtime::error::Code;

/// The whole table, in order.
pub const ALL: &[Code] = &[
    CONFIG,
    CONNECT,
    CONNECTION_ENDED,
    IDLE,
    UNREADABLE,
    FUTURE_CURSOR,
    SEQUENCE_RESET,
    TOO_SLOW,
    STORE,
    LOG,
    THREAD,
    PART_ENDED,
    LEASE_LOST,
    UNAVAILABLE,
    REQUEST,
    CURSOR_TOO_OLD,
    SUSPECT_RANGE,
    SCOPE_FULL,
    NO_LABELER,
    LABELS_REFUSED,
];

/// A value below `ingest.` cannot work.
pub const CONFIG: Code = Code {
    id: "MR-ING-001",
    title: "ingest configuration",
    cause: "A value below `ingest.` is outside what can work; the message names the key.",
    remedy: "mend the value; `millrace config example` explains each key",
};
/// A source cannot be reached.
pub const CONNECT: Code = Code {
    id: "MR-ING-002",
    title: "source not reached",
    cause: "The host of a source does not answer, refuses the WebSocket handshake, or its certificate is not trusted.",
    remedy: "check the source's `url` and that the host is up; the connection is tried again by itself",
};
/// A connection ended.
pub const CONNECTION_ENDED: Code = Code {
    id: "MR-ING-003",
    title: "connection to a source ended",
    cause: "The source closed the connection, it broke, or the source reported an error of its own.",
    remedy: "nothing to do unless it repeats: the stream goes on from the cursor",
};
/// A connection was silent for too long.
pub const IDLE: Code = Code {
    id: "MR-ING-004",
    title: "source is silent",
    cause: "The connection is open, but no event came for much longer than this source usually takes.",
    remedy: "nothing to do: the connection is made again; if a source is rightly that quiet, raise `ingest.connection.idle_min_ms`",
};
/// A message that is no event frame, or too large.
pub const UNREADABLE: Code = Code {
    id: "MR-ING-005",
    title: "unreadable message",
    cause: "A source sent a message that is no valid frame or is above `ingest.connection.message_bytes_max`.",
    remedy: "nothing to do: a message that is bad twice is kept in the table `rejected` and passed over; report it to the source's operator",
};
/// The cursor is ahead of the source.
pub const FUTURE_CURSOR: Code = Code {
    id: "MR-ING-006",
    title: "cursor in the source's future",
    cause: "The source does not know our cursor yet: it was set up anew, restored from a backup, or the URL leads to another host.",
    remedy: "check that the `url` still names the same host; if it really began anew, set `ingest.on_future_cursor = \"restart_at_oldest\"` and restart",
};
/// The source counts anew.
pub const SEQUENCE_RESET: Code = Code {
    id: "MR-ING-007",
    title: "source counts anew",
    cause: "Newer events arrive with lower sequence numbers than before: the source was set up anew or restored.",
    remedy: "check that the `url` still names the same host; if it really began anew, set `ingest.on_future_cursor = \"restart_at_oldest\"` and restart",
};
/// We read too slowly.
pub const TOO_SLOW: Code = Code {
    id: "MR-ING-008",
    title: "reading too slowly",
    cause: "The source dropped us because we did not keep up with it.",
    remedy: "look at `millrace_ingest_inflight_bytes`: at its bound, the log, the disk or the verify threads are too slow; the stream goes on from the cursor",
};
/// The tables of ingest.
pub const STORE: Code = Code {
    id: "MR-ING-009",
    title: "ingest tables",
    cause: "The store of the `ingest` domain cannot be read or written.",
    remedy: "see the store's own code below; reading stops meanwhile and goes on from the cursor",
};
/// The log.
pub const LOG: Code = Code {
    id: "MR-ING-010",
    title: "log takes no entries",
    cause: "Entries cannot be appended to the log.",
    remedy: "see the log's own code below; reading stops meanwhile and goes on from the cursor",
};
/// No thread to verify on.
pub const THREAD: Code = Code {
    id: "MR-ING-011",
    title: "no thread",
    cause: "The system refused to start a verify thread.",
    remedy: "raise the limit on threads of the user the service runs as, or lower `ingest.verify_threads`",
};
/// A part ended.
pub const PART_ENDED: Code = Code {
    id: "MR-ING-012",
    title: "a part of ingest ended",
    cause: "A task or thread ended that should not. All of ingest is started again from its stored cursors.",
    remedy: "look for the first error before this one, and report it if it repeats",
};
/// Somebody else took over.
pub const LEASE_LOST: Code = Code {
    id: "MR-ING-013",
    title: "lease lost",
    cause: "Another process took over following the network, because this one was silent for longer than `ingest.lease_ttl_ms`.",
    remedy: "run one ingest process for a store, or leave the other as a stand-by; check what held this one up",
};
/// Ingest does not answer.
pub const UNAVAILABLE: Code = Code {
    id: "MR-ING-014",
    title: "ingest does not answer",
    cause: "The process with the ingest role is not reached, is starting, or failed to answer.",
    remedy: "check that a process with the ingest role runs, and its internal address and secret",
};
/// A malformed question.
pub const REQUEST: Code = Code {
    id: "MR-ING-015",
    title: "question not understood",
    cause: "A request to `/internal/…` of ingest has a malformed body.",
    remedy: "use the client of the same version",
};
/// The cursor is older than what the source keeps.
pub const CURSOR_TOO_OLD: Code = Code {
    id: "MR-ING-016",
    title: "cursor too old",
    cause: "The source does not keep events as old as our cursor: we were away for longer than it remembers. It is read on from its oldest event, and what lies between is lost to this source.",
    remedy: "accounts of a relay or PDS are mended by themselves at their next commit; for a Jetstream have repositories fetched again with `ingest.backfill`, or `requestResync` for one account",
};
/// A part of a stream may be missing.
pub const SUSPECT_RANGE: Code = Code {
    id: "MR-ING-017",
    title: "suspect range",
    cause: "A source did not go on where it was left: it clamped our cursor silently, jumped far ahead, or a fall-back host was joined whose position was not known. Events of the range shown may be missing.",
    remedy: "accounts of a relay or PDS are mended by themselves at their next commit, and those that a Jetstream tells of are fetched again if they were whole; look at the source's own notices if it repeats",
};
/// More accounts of interest than are to be followed.
pub const SCOPE_FULL: Code = Code {
    id: "MR-ING-018",
    title: "too many accounts of interest",
    cause: "With `ingest.scope = \"interest\"` more accounts are of interest than `ingest.interest.accounts_max` lets in. Those in already stay; the others are not followed.",
    remedy: "raise `ingest.interest.accounts_max`, or follow fewer: leave `ingest.interest.interactions` off, or lower `ingest.interest.reader_days`",
};

/// A DID that is no labeler's, or whose document is not to be had.
pub const NO_LABELER: Code = Code {
    id: "MR-ING-019",
    title: "labeler not found",
    cause: "The DID document of a labeler that is to be followed cannot be had, names no `#atproto_labeler` service with an address that may be asked, or has no `#atproto_label` key.",
    remedy: "check the DID in `ingest.labelers.dids`; if the labeler has moved or its host is down, nothing: it is tried again by itself",
};
/// Labels that do not count.
pub const LABELS_REFUSED: Code = Code {
    id: "MR-ING-020",
    title: "labels refused",
    cause: "A labeler sends labels that are not its own, not signed by its `#atproto_label` key, of the future, or not what labels must be. Each is left out; `millrace_ingest_labels` counts them by reason.",
    remedy: "nothing to do for the others' sake; tell the labeler's operator, or take its DID out of `ingest.labelers.dids`",
};

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_numbered_in_order() {
        for (at, code) in super::ALL.iter().enumerate() {
            assert_eq!(code.id, format!("MR-ING-{:03}", at + 1));
        }
    }
}
