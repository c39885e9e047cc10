//! The migrations of the domain `feeds`.

use millrace_store::Migration;

pub const FEEDS: &[Migration] = &[
    Migration {
        number: 1,
        name: "base",
        sql: include_str!("migrations/0001_base.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 2,
        name: "posts that were told of",
        sql: include_str!("migrations/0002_events.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 3,
        name: "how large homes were",
        sql: include_str!("migrations/0003_sizes.sql"),
        compatible_back_to: 1,
    },
];
