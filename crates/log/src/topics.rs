//! The topics: a public contract.
//!
//! Whoever reads Millrace's log from outside (with the Kafka engine: any consumer) depends on what stands
//! here. A name, the meaning of a key, or the shape of a payload never changes; what must change gets a
//! new name with the next version number, and both are written until the old one has no readers.
//!
//! | topic | key | payload | order that holds |
//! | --- | --- | --- | --- |
//! | `network.entries.v1` | DID of the account, UTF-8 | `atproto::Entry` as canonical DAG-CBOR | all of one account |
//! | `dataplane.changes.v1` | DID whose rows changed, UTF-8 | facts inserted or removed, as JSON | all of one account |
//! | `own.changes.v1` | DID who changed something of its own, UTF-8 | the same, of what nobody else is to know | all of one account |

use std::fmt;

/// One named stream of items, split into partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What arrived from the network, verified and normalised. Written by ingest alone.
    NetworkEntries,
    /// What really changed in the data-plane's tables. Written by its outbox alone, after the commit, so a
    /// question about a change read here always sees a state at least as new.
    DataplaneChanges,
    /// What accounts changed of what they own here: whom they mute. Written by that domain's outbox alone; private.
    OwnChanges,
}

impl Topic {
    /// Every topic, in the order the log creates them.
    pub const ALL: [Self; 3] = [Self::NetworkEntries, Self::DataplaneChanges, Self::OwnChanges];

    /// The name under which the topic is stored, and known outside.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkEntries => "network.entries.v1",
            Self::DataplaneChanges => "dataplane.changes.v1",
            Self::OwnChanges => "own.changes.v1",
        }
    }

    /// The topic of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Position in [`Topic::ALL`], for tables held by topic.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::NetworkEntries => 0,
            Self::DataplaneChanges => 1,
            Self::OwnChanges => 2,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Topic;

    #[test]
    fn names_are_a_contract() {
        let names = Topic::ALL.map(Topic::name);
        assert_eq!(names, ["network.entries.v1", "dataplane.changes.v1", "own.changes.v1"]);
    }

    #[test]
    fn names_parse_back_and_indexes_follow_all() {
        for (index, topic) in Topic::ALL.into_iter().enumerate() {
            assert_eq!(Topic::parse(topic.name()), Some(topic));
            assert_eq!(topic.index(), index);
        }
        assert_eq!(Topic::parse("network.entries"), None);
    }
}
