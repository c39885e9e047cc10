//! Domains: the unit that is opened, migrated, backed up and written in one transaction.
//!
//! A domain is one SQLite file `<data_dir>/<name>.db` or one PostgreSQL schema `<name>`. Its name
//! qualifies its tables in the SQL of domains that attach it (`dictionary.actor`), on both engines.

use std::fmt;

/// Whose tables these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Integer ids of DIDs and record keys: append-only, never rebuilt.
    Dictionary,
    /// Source cursors, chain state, resync queue.
    Ingest,
    /// Actors, records, graph, counters, notifications: rebuildable from the log.
    Dataplane,
    /// What Millrace alone knows of a user: mutes, bookmarks, preferences, seen marks.
    Own,
    /// Sessions, tokens, settings: the only domain an AppView process opens.
    Session,
    /// Homes made beforehand: rebuildable from the data-plane.
    Feeds,
    /// The data-plane's tables while they are made anew; they take the place of [`Domain::Dataplane`].
    DataplaneRebuild,
}

/// What a commit promises when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk when the commit returns: the domain holds the only copy.
    Full,
    /// The last commits may be lost, never torn: the domain is derived and its offset is lost with them.
    Normal,
}

impl Domain {
    /// Every domain that lasts, in the order they are opened.
    pub const ALL: [Domain; 6] = [
        Domain::Dictionary,
        Domain::Own,
        Domain::Session,
        Domain::Ingest,
        Domain::Dataplane,
        Domain::Feeds,
    ];

    /// File stem, schema name and metric label.
    pub const fn name(self) -> &'static str {
        match self {
            Domain::Dictionary => "dictionary",
            Domain::Ingest => "ingest",
            Domain::Dataplane => "dataplane",
            Domain::Own => "own",
            Domain::Session => "session",
            Domain::Feeds => "feeds",
            Domain::DataplaneRebuild => "dataplane_rebuild",
        }
    }

    /// The domain of that name.
    pub fn parse(name: &str) -> Option<Domain> {
        Domain::ALL.into_iter().find(|domain| domain.name() == name)
    }

    /// `Full` where losing the last commits would lose something that exists nowhere else.
    pub const fn durability(self) -> Durability {
        match self {
            Domain::Dictionary | Domain::Own | Domain::Session => Durability::Full,
            Domain::Ingest | Domain::Dataplane | Domain::DataplaneRebuild | Domain::Feeds => {
                Durability::Normal
            }
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
