//! Accounts counted by state and by the host they live on. One scan of the account table answers both;
//! it is done while somebody looks, and never more than a small part of the time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use millrace_store::{StoreError, Tx};
use serde::{Deserialize, Serialize};

/// Hosts told of: those with most accounts.
const HOSTS_MAX: usize = 500;
/// Bytes of an error's text told.
const ERROR_BYTES_MAX: usize = 300;
/// At least so long between two counts …
const COUNT_EVERY_US: i64 = 10_000_000;
/// … and so many times as long as the last one took.
const REST: i64 = 20;
/// Nobody looks any more when nobody has asked for so long.
const ASKED_WITHIN_US: i64 = 30_000_000;

/// Accounts by how much of them is here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountCounts {
    pub counted_us: i64,
    pub by_state: BTreeMap<String, u64>,
}

/// The hosts accounts live on, those with most accounts first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostList {
    /// Absent until they have been counted.
    pub counted_us: Option<i64>,
    pub hosts: Vec<HostStatus>,
    /// Hosts there are beside those told of.
    pub more: u64,
    /// Accounts whose host is not known yet.
    pub unknown_accounts: u64,
}

/// One host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// As an origin, from the accounts' DID documents.
    pub host: String,
    pub accounts: u64,
    /// Accounts of which something is missing.
    pub desynchronized: u64,
    /// Accounts whose repository is to be fetched.
    pub waiting: u64,
    /// Accounts whose repository could not be fetched when it was last tried.
    pub failing: u64,
    /// Most attempts in vain for one account.
    pub attempts: u32,
    /// When the next of those that failed is tried again.
    pub next_try_us: Option<i64>,
    /// What one of the failures was.
    pub error: Option<String>,
    /// It asked for a pause, and is not asked for so long.
    pub paused_ms: Option<u64>,
}

/// What one scan found.
#[derive(Debug, Default)]
pub(super) struct Counted {
    by_state: BTreeMap<String, u64>,
    hosts: Vec<HostStatus>,
    more: u64,
    unknown_accounts: u64,
}

#[derive(Debug, Default)]
pub(super) struct Census {
    last: Option<(Counted, i64)>,
    /// Not again before this time.
    rest_until_us: i64,
}

impl Census {
    /// Whether to count now.
    pub(super) fn is_due(&self, now_us: i64, asked_us: i64) -> bool {
        now_us >= self.rest_until_us && now_us.saturating_sub(asked_us) <= ASKED_WITHIN_US
    }

    pub(super) fn counted(&mut self, counted: Option<Counted>, at_us: i64, took_us: i64) {
        let rest_us = COUNT_EVERY_US.max(took_us.saturating_mul(REST));
        self.rest_until_us = at_us.saturating_add(took_us).saturating_add(rest_us);
        if let Some(counted) = counted {
            self.last = Some((counted, at_us));
        }
    }

    pub(super) fn accounts(&self) -> Option<AccountCounts> {
        let (counted, counted_us) = self.last.as_ref()?;
        Some(AccountCounts { counted_us: *counted_us, by_state: counted.by_state.clone() })
    }

    /// The hosts, with what is known of them at this moment.
    pub(super) fn hosts(&self, paused: &HashMap<String, Duration>) -> HostList {
        let Some((counted, counted_us)) = &self.last else { return HostList::default() };
        let mut hosts = counted.hosts.clone();
        for host in &mut hosts {
            let name = authority(&host.host);
            let pause = paused.get(name);
            host.paused_ms =
                pause.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        }
        HostList {
            counted_us: Some(*counted_us),
            hosts,
            more: counted.more,
            unknown_accounts: counted.unknown_accounts,
        }
    }
}

/// An origin's host, without scheme and port, as requests are bounded by.
fn authority(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let end = rest.rfind(':').filter(|at| !rest[*at..].contains(']')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

/// Counts every account. One scan of the table; what is kept of it is bounded by the hosts there are.
pub(super) fn count(tx: &mut Tx) -> Result<Counted, StoreError> {
    let rows = tx.query(
        "SELECT COALESCE(pds, ''), sync_state, CAST(count(*) AS BIGINT), \
             CAST(sum(CASE WHEN next_try_us IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
             CAST(sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) AS BIGINT), \
             max(attempts), min(CASE WHEN attempts > 0 THEN next_try_us END), \
             max(CASE WHEN attempts > 0 THEN error END) \
         FROM account GROUP BY 1, 2",
        &[],
        |row| {
            Ok(Group {
                host: row.get(0)?,
                state: row.get(1)?,
                accounts: number(row.get(2)?),
                waiting: number(row.get(3)?),
                failing: number(row.get(4)?),
                attempts: u32::try_from(number(row.get(5)?)).unwrap_or(u32::MAX),
                next_try_us: row.get(6)?,
                error: row.get(7)?,
            })
        },
    )?;
    Ok(summed(rows))
}

/// Accounts of one host in one state.
struct Group {
    host: String,
    state: String,
    accounts: u64,
    waiting: u64,
    failing: u64,
    attempts: u32,
    next_try_us: Option<i64>,
    error: Option<String>,
}

fn summed(groups: Vec<Group>) -> Counted {
    let mut counted = Counted::default();
    let mut hosts: HashMap<String, HostStatus> = HashMap::new();
    for group in groups {
        *counted.by_state.entry(group.state.clone()).or_default() += group.accounts;
        if group.host.is_empty() {
            counted.unknown_accounts += group.accounts;
        } else {
            hosts.entry(group.host.clone()).or_default().add(group);
        }
    }
    counted.hosts = hosts.into_values().collect();
    counted.hosts.sort_unstable_by(|a, b| {
        (b.accounts, b.failing, &a.host).cmp(&(a.accounts, a.failing, &b.host))
    });
    let all = counted.hosts.len();
    counted.hosts.truncate(HOSTS_MAX);
    counted.more = (all - counted.hosts.len()) as u64;
    counted
}

impl HostStatus {
    fn add(&mut self, group: Group) {
        self.host = group.host;
        self.accounts += group.accounts;
        if group.state == "desynchronized" || group.state == "in_progress" {
            self.desynchronized += group.accounts;
        }
        self.waiting += group.waiting;
        self.failing += group.failing;
        self.attempts = self.attempts.max(group.attempts);
        self.next_try_us = match (self.next_try_us, group.next_try_us) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.error = self.error.take().or(group.error.map(cut));
    }
}

fn cut(mut text: String) -> String {
    let end = (0..=ERROR_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(host: &str, state: &str, accounts: u64, failing: u64) -> Group {
        let error = (failing > 0).then(|| "é".repeat(ERROR_BYTES_MAX));
        let next_try_us = (failing > 0).then_some(accounts.cast_signed());
        Group {
            host: host.to_owned(),
            state: state.to_owned(),
            accounts,
            waiting: failing,
            failing,
            attempts: 3,
            next_try_us,
            error,
        }
    }

    fn sample() -> Counted {
        summed(vec![
            group("https://a.test", "complete", 2, 0),
            group("https://b.test:8443", "complete", 9, 0),
            group("https://b.test:8443", "desynchronized", 5, 1),
            group("https://b.test:8443", "in_progress", 4, 2),
            group("", "partial", 7, 0),
        ])
    }

    #[test]
    fn hosts_are_summed_over_states_and_states_over_hosts() {
        let counted = sample();
        assert_eq!(counted.unknown_accounts, 7);
        assert_eq!(counted.by_state["complete"], 11);
        assert_eq!(counted.by_state["partial"], 7);
        let hosts: Vec<(&str, u64, u64, u64)> = counted
            .hosts
            .iter()
            .map(|host| (host.host.as_str(), host.accounts, host.desynchronized, host.failing))
            .collect();
        assert_eq!(hosts, [("https://b.test:8443", 18, 9, 3), ("https://a.test", 2, 0, 0)]);
        assert_eq!(counted.hosts[0].next_try_us, Some(4));
        assert!(counted.hosts[0].error.as_ref().is_some_and(|text| text.len() <= ERROR_BYTES_MAX));
    }

    #[test]
    fn only_so_many_hosts_are_told_of() {
        let many =
            (0..HOSTS_MAX + 3).map(|n| group(&format!("https://{n}.test"), "complete", 1, 0));
        let counted = summed(many.collect());
        assert_eq!((counted.hosts.len(), counted.more), (HOSTS_MAX, 3));
    }

    #[test]
    fn a_count_rests_longer_the_longer_it_takes_and_while_nobody_looks() {
        let mut census = Census::default();
        assert!(!census.is_due(100 * COUNT_EVERY_US, 0), "nobody has asked for long");
        let now_us = 100 * COUNT_EVERY_US;
        assert!(census.is_due(now_us, now_us));
        census.counted(Some(sample()), now_us, 60_000_000);
        assert!(!census.is_due(now_us + 60_000_000 * REST, now_us + 60_000_000 * REST));
        let later_us = now_us + 60_000_000 * (REST + 1);
        assert!(census.is_due(later_us, later_us));
        census.counted(None, later_us, 1);
        assert_eq!(census.accounts().map(|accounts| accounts.counted_us), Some(now_us));
    }

    #[test]
    fn a_host_that_asked_for_a_pause_is_found_by_its_name() {
        let mut census = Census::default();
        assert_eq!(census.hosts(&HashMap::new()), HostList::default());
        census.counted(Some(sample()), 5, 0);
        let paused = HashMap::from([("b.test".to_owned(), Duration::from_secs(7))]);
        let told = census.hosts(&paused);
        assert_eq!(told.hosts[0].paused_ms, Some(7_000));
        assert_eq!(told.hosts[1].paused_ms, None);
        for (origin, name) in
            [("http://[::1]:80", "[::1]"), ("https://[::1]", "[::1]"), ("x.test", "x.test")]
        {
            assert_eq!(authority(origin), name);
        }
    }
}
