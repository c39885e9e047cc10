//! Every table of the domain: what is base, and copied by a rebuild, and what is derived, and made anew.
//!
//! Base is what cannot be computed from other rows: records, accounts, what was judged and who was told
//! when it came. A table that is in none of these lists, or a column that is missing in its own, fails a
//! test.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Blob,
}

/// A table whose rows a rebuild copies.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
    /// Which of its rows; empty: all of them.
    pub among: &'static str,
}

const fn all(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, columns, among: "" }
}

use Kind::{Blob, Int, Text};

const TO_RECORD: &[(&str, Kind)] = &[
    ("actor_id", Int),
    ("rkey", Int),
    ("subject_actor", Int),
    ("subject_collection", Int),
    ("subject_rkey", Int),
    ("cid_prefix", Int),
    ("created_after_us", Int),
    ("indexed_at_us", Int),
];

const TO_ACTOR: &[(&str, Kind)] = &[
    ("actor_id", Int),
    ("rkey", Int),
    ("subject_actor", Int),
    ("cid_prefix", Int),
    ("created_after_us", Int),
    ("indexed_at_us", Int),
];

/// Base: copied as it is. Notifications are among them: who was told depends on what was there at the
/// time, and their rows hold records that are kept nowhere else. So are labels: no repository has them.
pub const BASE: &[Table] = &[
    all(
        "actor",
        &[
            ("actor_id", Int),
            ("handle", Text),
            ("handle_at_us", Int),
            ("active", Int),
            ("status", Text),
            ("status_at_us", Int),
            ("repo_rev", Int),
            ("indexed_at_us", Int),
        ],
    ),
    all(
        "profile",
        &[
            ("actor_id", Int),
            ("cid", Blob),
            ("record", Text),
            ("indexed_at_us", Int),
            ("joined_actor", Int),
            ("joined_rkey", Int),
        ],
    ),
    all(
        "post",
        &[
            ("actor_id", Int),
            ("rkey", Int),
            ("cid", Blob),
            ("record", Text),
            ("sort_at_us", Int),
            ("indexed_at_us", Int),
            ("flags", Int),
            ("root_actor", Int),
            ("root_rkey", Int),
            ("parent_actor", Int),
            ("parent_rkey", Int),
            ("quote_actor", Int),
            ("quote_rkey", Int),
        ],
    ),
    all("\"like\"", TO_RECORD),
    all("repost", TO_RECORD),
    all("follow", TO_ACTOR),
    all("block", TO_ACTOR),
    all(
        "list_item",
        &[
            ("actor_id", Int),
            ("rkey", Int),
            ("list_rkey", Int),
            ("subject_actor", Int),
            ("cid_prefix", Int),
            ("created_after_us", Int),
            ("indexed_at_us", Int),
        ],
    ),
    all(
        "list_block",
        &[
            ("actor_id", Int),
            ("rkey", Int),
            ("list_actor", Int),
            ("list_rkey", Int),
            ("cid_prefix", Int),
            ("created_at_us", Int),
            ("indexed_at_us", Int),
        ],
    ),
    all(
        "verification",
        &[
            ("actor_id", Int),
            ("rkey", Int),
            ("subject_actor", Int),
            ("handle", Text),
            ("display_name", Text),
            ("cid_prefix", Int),
            ("created_at_us", Int),
            ("indexed_at_us", Int),
        ],
    ),
    all(
        "document",
        &[
            ("actor_id", Int),
            ("collection", Int),
            ("rkey", Int),
            ("cid", Blob),
            ("record", Text),
            ("sort_at_us", Int),
            ("indexed_at_us", Int),
            ("purpose", Int),
        ],
    ),
    all(
        "notification",
        &[
            ("actor_id", Int),
            ("sort_at_us", Int),
            ("author", Int),
            ("rkey", Int),
            ("collection", Int),
            ("reason", Int),
            ("subject_actor", Int),
            ("subject_collection", Int),
            ("subject_rkey", Int),
            ("cid", Blob),
            ("record", Text),
        ],
    ),
    all(
        "label",
        &[
            ("subject_actor", Int),
            ("subject_collection", Int),
            ("subject_rkey", Int),
            ("src", Int),
            ("val", Text),
            ("cid", Text),
            ("neg", Int),
            ("cts", Text),
            ("cts_us", Int),
            ("exp", Text),
            ("exp_us", Int),
            ("indexed_at_us", Int),
        ],
    ),
    all("source_progress", &[("source", Text), ("visible_seq", Int)]),
];

/// Derived: computed from base rows. Of two reposts that came together one stands in the feed, and which
/// one was decided when they came; so those lines are shown to the new tables, and put right there.
pub const DERIVED: &[&str] = &[
    "feed_item",
    "feed_head",
    "like_by_subject",
    "repost_by_subject",
    "follow_by_subject",
    "block_by_subject",
    "list_item_by_list",
    "verification_by_subject",
    "actor_count",
    "record_count",
    "post_document",
    "post_text",
    "actor_text",
];

/// The part of a derived table that is copied, to be put right.
pub(crate) const SHOWN: Table = Table {
    name: "feed_item",
    columns: &[
        ("actor_id", Int),
        ("sort_at_us", Int),
        ("collection", Int),
        ("rkey", Int),
        ("post_actor", Int),
        ("post_rkey", Int),
        ("flags", Int),
        ("root_actor", Int),
    ],
    among: "WHERE collection = 5",
};

/// The place of the projection and what waits to be done: copied with the base rows, and once more when
/// the new tables take the old ones' place. What says which migrations were applied is made with them.
pub const BOOKKEEPING: &[Table] = &[
    all(
        "projection_offset",
        &[
            ("projection", Text),
            ("topic", Text),
            ("partition", Int),
            ("next_offset", Int),
            ("updated_us", Int),
        ],
    ),
    all(
        "parked",
        &[
            ("id", Int),
            ("projection", Text),
            ("topic", Text),
            ("partition", Int),
            ("log_offset", Int),
            ("appended_us", Int),
            ("barrier_key", Blob),
            ("reason", Text),
            ("error", Text),
            ("entry", Blob),
            ("first_us", Int),
            ("last_us", Int),
            ("attempts", Int),
            ("next_us", Int),
            ("headers", Blob),
        ],
    ),
    all(
        "outbox",
        &[
            ("id", Int),
            ("topic", Text),
            ("key", Blob),
            ("payload", Blob),
            ("created_us", Int),
            ("event_id", Text),
            ("aggregatetype", Text),
            ("aggregateid", Text),
            ("type", Text),
            ("headers", Blob),
        ],
    ),
    all("lease", &[("name", Text), ("holder", Text), ("until_us", Int), ("token", Int)]),
    all("resync_wanted", &[("did", Text), ("wanted_at_us", Int)]),
];

/// The bookkeeping table of this name.
pub(crate) fn bookkeeping(name: &str) -> &'static Table {
    let found = BOOKKEEPING.iter().find(|table| table.name == name);
    found.expect("invariant: only tables of the list are asked for")
}
