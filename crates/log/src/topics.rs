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
//! | `post.created.v1` | DID of the author, UTF-8 | a post that is new, as JSON; CloudEvents in headers | all of one author |
//! | `post.updated.v1` | the same | a post whose record was replaced, the same | all of one author |
//! | `post.created.v1-retry-1m`, `-retry-10m`, `-retry-1h` | the same | the same, with headers that say what failed and for whom: what a consumer tries again after that time | none |
//! | `post.created.v1-dlq` | the same | the same: what a consumer has given up | none |
//!
//! The last six are for consumers outside, and for those here that tell services of an operator: `docs/guides/feeds.md`
//! has their payload and headers, `docs/guides/webhooks.md` the headers of what failed. Every consumer shares the retry
//! topics, and leaves items alone that name another one. To a payload that is JSON, members may be added.

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
    /// Posts that are new. Written by the outbox of homes alone.
    PostCreated,
    /// Posts whose records were replaced. Written by the outbox of homes alone.
    PostUpdated,
    /// Posts that a consumer failed with: tried again after a minute.
    PostCreatedRetry1m,
    /// The same, after ten minutes.
    PostCreatedRetry10m,
    /// The same, after an hour.
    PostCreatedRetry1h,
    /// The same, given up.
    PostCreatedDlq,
}

impl Topic {
    /// Every topic, in the order the log creates them.
    pub const ALL: [Self; 9] = [
        Self::NetworkEntries,
        Self::DataplaneChanges,
        Self::OwnChanges,
        Self::PostCreated,
        Self::PostUpdated,
        Self::PostCreatedRetry1m,
        Self::PostCreatedRetry10m,
        Self::PostCreatedRetry1h,
        Self::PostCreatedDlq,
    ];

    /// The name under which the topic is stored, and known outside.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkEntries => "network.entries.v1",
            Self::DataplaneChanges => "dataplane.changes.v1",
            Self::OwnChanges => "own.changes.v1",
            Self::PostCreated => "post.created.v1",
            Self::PostUpdated => "post.updated.v1",
            Self::PostCreatedRetry1m => "post.created.v1-retry-1m",
            Self::PostCreatedRetry10m => "post.created.v1-retry-10m",
            Self::PostCreatedRetry1h => "post.created.v1-retry-1h",
            Self::PostCreatedDlq => "post.created.v1-dlq",
        }
    }

    /// The topic of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Where an item of this topic goes that a consumer failed with; none behind the last one.
    #[must_use]
    pub const fn after_failure(self) -> Option<Self> {
        match self {
            Self::PostCreated | Self::PostUpdated => Some(Self::PostCreatedRetry1m),
            Self::PostCreatedRetry1m => Some(Self::PostCreatedRetry10m),
            Self::PostCreatedRetry10m => Some(Self::PostCreatedRetry1h),
            Self::PostCreatedRetry1h => Some(Self::PostCreatedDlq),
            _ => None,
        }
    }

    /// How long an item of this topic waits before it is tried again, in microseconds; none where nothing waits.
    #[must_use]
    pub const fn wait_us(self) -> Option<i64> {
        match self {
            Self::PostCreatedRetry1m => Some(60_000_000),
            Self::PostCreatedRetry10m => Some(600_000_000),
            Self::PostCreatedRetry1h => Some(3_600_000_000),
            _ => None,
        }
    }

    /// Position in [`Topic::ALL`], for tables held by topic.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::NetworkEntries => 0,
            Self::DataplaneChanges => 1,
            Self::OwnChanges => 2,
            Self::PostCreated => 3,
            Self::PostUpdated => 4,
            Self::PostCreatedRetry1m => 5,
            Self::PostCreatedRetry10m => 6,
            Self::PostCreatedRetry1h => 7,
            Self::PostCreatedDlq => 8,
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
        let ours = ["network.entries.v1", "dataplane.changes.v1", "own.changes.v1"];
        assert_eq!(names[..3], ours);
        let created = "post.created.v1";
        assert_eq!(names[3..5], [created, "post.updated.v1"]);
        let tiers = ["-retry-1m", "-retry-10m", "-retry-1h", "-dlq"];
        assert_eq!(names[5..], tiers.map(|tier| [created, tier].concat()));
    }

    #[test]
    fn what_fails_goes_from_tier_to_tier_and_ends() {
        for first in [Topic::PostCreated, Topic::PostUpdated] {
            let all = std::iter::successors(Some(first), |topic| topic.after_failure());
            let waits: Vec<Option<i64>> = all.skip(1).map(Topic::wait_us).collect();
            assert_eq!(waits, [Some(60_000_000), Some(600_000_000), Some(3_600_000_000), None]);
        }
        assert_eq!(Topic::PostCreatedDlq.after_failure(), None);
        assert_eq!(Topic::NetworkEntries.after_failure(), None);
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
