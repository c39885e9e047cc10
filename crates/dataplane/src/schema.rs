//! The migrations of the domains this crate owns.

use millrace_store::Migration;

/// Domain `dataplane`: actors, records, graph, counters, notifications, labels.
pub const DATAPLANE: &[Migration] = &[
    Migration {
        number: 1,
        name: "base",
        sql: include_str!("migrations/0001_base.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 2,
        name: "graph",
        sql: include_str!("migrations/0002_graph.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 3,
        name: "search",
        sql: include_str!("migrations/0003_search.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 4,
        name: "edge_times",
        sql: include_str!("migrations/0004_edge_times.sql"),
        compatible_back_to: 4,
    },
    Migration {
        number: 5,
        name: "feed_head",
        sql: include_str!("migrations/0005_feed_head.sql"),
        compatible_back_to: 5,
    },
    Migration {
        number: 6,
        name: "large_rows",
        sql: include_str!("migrations/0006_large_rows.sql"),
        compatible_back_to: 5,
    },
    Migration {
        number: 7,
        name: "labels",
        sql: include_str!("migrations/0007_labels.sql"),
        compatible_back_to: 5,
    },
    Migration {
        number: 8,
        name: "more_counts",
        sql: include_str!("migrations/0008_more_counts.sql"),
        compatible_back_to: 8,
    },
];

/// Domain `own`: what Millrace alone knows.
pub const OWN: &[Migration] = &[
    Migration {
        number: 1,
        name: "base",
        sql: include_str!("migrations/own_0001_base.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 2,
        name: "mutes",
        sql: include_str!("migrations/own_0002_mutes.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 3,
        name: "readers",
        sql: include_str!("migrations/own_0003_readers.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 4,
        name: "bookmarks",
        sql: include_str!("migrations/own_0004_bookmarks.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 5,
        name: "notification_preferences",
        sql: include_str!("migrations/own_0005_notification_preferences.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 6,
        name: "activity_subscriptions",
        sql: include_str!("migrations/own_0006_activity_subscriptions.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 7,
        name: "drafts",
        sql: include_str!("migrations/own_0007_drafts.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 8,
        name: "push_devices",
        sql: include_str!("migrations/own_0008_push_devices.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 9,
        name: "takedowns",
        sql: include_str!("migrations/own_0009_takedowns.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 10,
        name: "issued_labels",
        sql: include_str!("migrations/own_0010_issued_labels.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 11,
        name: "curated",
        sql: include_str!("migrations/own_0011_curated.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 12,
        name: "label_sequence",
        sql: include_str!("migrations/own_0012_label_sequence.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 13,
        name: "feed_seen",
        sql: include_str!("migrations/own_0013_feed_seen.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 14,
        name: "posts",
        sql: include_str!("migrations/own_0014_posts.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 15,
        name: "web_push",
        sql: include_str!("migrations/own_0015_web_push.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 16,
        name: "deliveries",
        sql: include_str!("migrations/own_0016_deliveries.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 17,
        name: "push_session",
        sql: include_str!("migrations/own_0017_push_session.sql"),
        compatible_back_to: 1,
    },
];
