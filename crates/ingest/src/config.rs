//! The `[ingest]` part of the configuration. Every bound of this crate is a field here, in the unit
//! its name ends with; the defaults suit one machine that follows the whole network.

use millrace_atproto::Did;
use millrace_atproto::entry::ENTRY_BYTES_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::IngestError;

/// How the network is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Where events come from. Several sources may be followed at once.
    pub sources: Vec<SourceConfig>,
    /// How much of each event is checked: `full`, `sampled` or `off`.
    pub verify: VerifyMode,
    /// With `verify = "sampled"`: one commit in this many has its signature and blocks checked.
    pub sample_one_in: u32,
    /// Threads that verify; 0 = one for each processor.
    pub verify_threads: usize,
    /// Bytes of frames read but not yet durably appended, over all sources. When they are used up,
    /// reading stops.
    pub inflight_bytes_max: usize,
    /// Bytes of events of one account that may wait behind its key look-up or its resync.
    pub held_did_bytes_max: usize,
    /// Bytes of such events over all accounts.
    pub held_bytes_max: usize,
    /// Accounts whose chain state is kept in memory.
    pub accounts_cached_max: usize,
    /// What to do when a source says that our cursor lies in its future, or starts counting again:
    /// `stop` until an operator decides, or `restart_at_oldest`.
    pub on_future_cursor: OnFutureCursor,
    /// Which repositories are fetched whole: `none`, `all`, or a list of DIDs.
    pub backfill: Backfill,
    /// How connections are kept.
    pub connection: ConnectionConfig,
    /// How repositories are fetched again.
    pub resync: ResyncConfig,
    /// How signing keys and handles are kept fresh.
    pub identity: IdentityConfig,
    /// How often cursors and chain states are saved, at the latest, in milliseconds.
    pub checkpoint_ms: u64,
    /// Accounts whose state is saved in one transaction.
    pub checkpoint_accounts_max: usize,
    /// Rejected events kept for an operator to look at.
    pub rejected_rows_max: u32,
    /// Bytes of a rejected event that are kept.
    pub rejected_sample_bytes_max: usize,
    /// How long the lease on a source lasts without renewal, in milliseconds.
    pub lease_ttl_ms: u64,
}

/// One stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// A name of your choice; the cursor is kept under it.
    pub name: String,
    /// `relay` or `pds`.
    #[serde(default)]
    pub kind: SourceKind,
    /// `wss://host` (or `https://host`); `ws://` on loopback only, unless `insecure` is set.
    pub url: String,
    /// Where to begin when no cursor is stored yet: absent = with what happens from now on,
    /// 0 = with the oldest event the source still has, N = with event N.
    #[serde(default)]
    pub cursor: Option<i64>,
    /// Allows plain `ws://` to a host that is not loopback, for a network you trust.
    #[serde(default)]
    pub insecure: bool,
}

/// What answers at a source's URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A relay: many hosts' events in one stream.
    #[default]
    Relay,
    /// One PDS: it speaks for the accounts it hosts and for nobody else.
    Pds,
}

impl SourceKind {
    /// The name used in configuration, metrics and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Pds => "pds",
        }
    }
}

/// How much of a commit is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMode {
    /// Signature, every CID, the tree and the chain of each commit.
    #[default]
    Full,
    /// The chain of each commit; the rest of one commit in `sample_one_in`.
    Sampled,
    /// The chain only. Entries are marked unverified.
    Off,
}

/// What to do when a source does not know our cursor yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFutureCursor {
    /// Stop the source, say so, and wait for an operator.
    #[default]
    Stop,
    /// Forget the cursor and read everything the source still has.
    RestartAtOldest,
}

/// Which repositories are fetched whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Backfill {
    /// `"none"` or `"all"`.
    Mode(BackfillMode),
    /// These accounts.
    Dids(Vec<String>),
}

impl Default for Backfill {
    fn default() -> Self {
        Self::Mode(BackfillMode::None)
    }
}

/// The two settings of [`Backfill`] that name no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackfillMode {
    /// Only accounts that are desynchronized.
    None,
    /// Every account that a source lists or that is seen for the first time.
    All,
}

impl Backfill {
    /// Whether every account is wanted.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::Mode(BackfillMode::All))
    }
}

/// How a source's connection is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionConfig {
    /// Largest message accepted, in bytes.
    pub message_bytes_max: usize,
    /// Time to connect and to finish the handshake, in milliseconds.
    pub connect_timeout_ms: u64,
    /// First wait before connecting again, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest wait before connecting again, in milliseconds.
    pub backoff_max_ms: u64,
    /// Shortest silence after which a connection counts as dead, in milliseconds. A source that is
    /// usually quieter is given more.
    pub idle_min_ms: u64,
    /// Longest such silence, in milliseconds.
    pub idle_max_ms: u64,
    /// Silence allowed before the source's usual rate is known, in milliseconds.
    pub idle_first_ms: u64,
}

/// How repositories are fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResyncConfig {
    /// A relay or mirror that serves `getRepo`, asked before the account's own PDS.
    pub relay_url: Option<String>,
    /// Fetches at once.
    pub concurrency: usize,
    /// Fetches at once from one host.
    pub host_concurrency: usize,
    /// Largest repository accepted, in bytes.
    pub repo_bytes_max: usize,
    /// A repository above this size waits until it is the only one of its kind in memory.
    pub small_repo_bytes_max: usize,
    /// Bytes of records in one log entry.
    pub chunk_bytes_max: usize,
    /// First wait after a failure, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest wait after a failure, in milliseconds.
    pub backoff_max_ms: u64,
    /// How often the table is asked for accounts that are due, in milliseconds.
    pub poll_ms: u64,
    /// Time between two pages of `listRepos`, in milliseconds.
    pub list_repos_pause_ms: u64,
}

/// How identities are kept fresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Key look-ups at once, for each DID method.
    pub lookups_max: usize,
    /// How long a look-up may fail before the events waiting for it are recorded as to be fetched
    /// later, in milliseconds. Until then the source's cursor does not pass them.
    pub hold_ms: u64,
    /// First wait after a failed look-up, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest wait after a failed look-up, in milliseconds.
    pub backoff_max_ms: u64,
    /// How long a key is used before it is looked up again, in milliseconds.
    pub key_ttl_ms: u64,
    /// Shortest time between two look-ups of one account's key past the cache, in milliseconds; its
    /// events wait meanwhile.
    pub refresh_pause_ms: u64,
    /// Shortest time between two refreshes of one account's key after bad signatures, in
    /// milliseconds.
    pub refresh_min_ms: u64,
    /// Shortest time between two questions to a PDS about one account's status, in milliseconds.
    pub status_check_min_ms: u64,
    /// Handle verifications at once.
    pub handle_checks_max: usize,
    /// How often a verified handle is verified again, in milliseconds.
    pub handle_reverify_ms: u64,
    /// How often a handle that did not verify is tried again, in milliseconds.
    pub handle_retry_ms: u64,
    /// How often the table is asked for identities that are due, in milliseconds.
    pub poll_ms: u64,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const MIB: usize = 1 << 20;

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            verify: VerifyMode::Full,
            sample_one_in: 16,
            verify_threads: 0,
            inflight_bytes_max: 64 * MIB,
            held_did_bytes_max: 8 * MIB,
            held_bytes_max: 256 * MIB,
            accounts_cached_max: 200_000,
            on_future_cursor: OnFutureCursor::Stop,
            backfill: Backfill::default(),
            connection: ConnectionConfig::default(),
            resync: ResyncConfig::default(),
            identity: IdentityConfig::default(),
            checkpoint_ms: 250,
            checkpoint_accounts_max: 5_000,
            rejected_rows_max: 1_000,
            rejected_sample_bytes_max: 64 << 10,
            lease_ttl_ms: 15_000,
        }
    }
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            message_bytes_max: 5_000_000,
            connect_timeout_ms: 15_000,
            backoff_first_ms: 500,
            backoff_max_ms: MINUTE_MS,
            idle_min_ms: 20_000,
            idle_max_ms: HOUR_MS,
            idle_first_ms: 5 * MINUTE_MS,
        }
    }
}

impl Default for ResyncConfig {
    fn default() -> Self {
        Self {
            relay_url: None,
            concurrency: 8,
            host_concurrency: 2,
            repo_bytes_max: 512 * MIB,
            small_repo_bytes_max: 32 * MIB,
            chunk_bytes_max: 1_000_000,
            backoff_first_ms: 5_000,
            backoff_max_ms: 6 * HOUR_MS,
            poll_ms: 2_000,
            list_repos_pause_ms: 200,
        }
    }
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            lookups_max: 64,
            hold_ms: 30_000,
            backoff_first_ms: 1_000,
            backoff_max_ms: MINUTE_MS,
            key_ttl_ms: HOUR_MS,
            refresh_pause_ms: 2_000,
            refresh_min_ms: 5 * MINUTE_MS,
            status_check_min_ms: 10 * MINUTE_MS,
            handle_checks_max: 16,
            handle_reverify_ms: 7 * 24 * HOUR_MS,
            handle_retry_ms: 6 * HOUR_MS,
            poll_ms: 2_000,
        }
    }
}

impl IngestConfig {
    /// Refuses what cannot work, naming the key.
    ///
    /// # Errors
    /// [`IngestError::Config`] for the first value that cannot work.
    pub fn check(&self) -> Result<(), IngestError> {
        let refuse = |key: String, problem: &str| {
            Err(IngestError::Config { key, problem: problem.to_owned() })
        };
        for (at, source) in self.sources.iter().enumerate() {
            let key = |field: &str| format!("ingest.sources[{at}].{field}");
            if source.name.is_empty() || source.name.len() > 64 {
                return refuse(key("name"), "must have 1 to 64 bytes");
            }
            if self.sources.iter().take(at).any(|other| other.name == source.name) {
                return refuse(key("name"), "is used twice; a cursor is kept under the name");
            }
            if source.cursor.is_some_and(|cursor| !(0..=SEQ_MAX).contains(&cursor)) {
                return refuse(
                    key("cursor"),
                    "must be 0 (oldest) or a sequence number, or be left out (live)",
                );
            }
            crate::source::endpoint(source)?;
        }
        if let Backfill::Dids(dids) = &self.backfill
            && let Some(bad) = dids.iter().find(|did| Did::validate(did).is_err())
        {
            return refuse(
                "ingest.backfill".to_owned(),
                &format!("contains `{bad}`, which is no DID"),
            );
        }
        let least = [
            ("ingest.sample_one_in", u64::from(self.sample_one_in)),
            ("ingest.checkpoint_ms", self.checkpoint_ms),
            ("ingest.resync.concurrency", self.resync.concurrency as u64),
            ("ingest.resync.host_concurrency", self.resync.host_concurrency as u64),
            ("ingest.identity.lookups_max", self.identity.lookups_max as u64),
            ("ingest.identity.handle_checks_max", self.identity.handle_checks_max as u64),
            ("ingest.connection.backoff_first_ms", self.connection.backoff_first_ms),
        ];
        if let Some((key, _)) = least.into_iter().find(|(_, value)| *value == 0) {
            return refuse(key.to_owned(), "must be at least 1");
        }
        let largest = self.connection.message_bytes_max.max(ENTRY_BYTES_MAX);
        let room = largest.saturating_mul(2)..=u32::MAX as usize;
        if !room.contains(&self.inflight_bytes_max) {
            return refuse(
                "ingest.inflight_bytes_max".to_owned(),
                "must hold two of the largest messages, and be below 4 GiB",
            );
        }
        if !(1_000..=1_500_000).contains(&self.resync.chunk_bytes_max) {
            return refuse(
                "ingest.resync.chunk_bytes_max".to_owned(),
                "must be between 1000 and 1500000",
            );
        }
        Ok(())
    }

    /// Threads that verify.
    pub fn lanes(&self) -> usize {
        match self.verify_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads.min(256),
        }
    }
}

/// The largest sequence number the protocol allows.
pub(crate) const SEQ_MAX: i64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn with_source(cursor: Option<i64>, url: &str) -> IngestConfig {
        IngestConfig {
            sources: vec![SourceConfig {
                name: "relay".to_owned(),
                kind: SourceKind::Relay,
                url: url.to_owned(),
                cursor,
                insecure: false,
            }],
            ..IngestConfig::default()
        }
    }

    #[test]
    fn an_absent_cursor_and_zero_stay_apart() {
        let parse = |text: &str| -> SourceConfig { serde_json::from_str(text).expect("a source") };
        assert_eq!(parse(r#"{"name":"a","url":"wss://x.test"}"#).cursor, None);
        assert_eq!(parse(r#"{"name":"a","url":"wss://x.test","cursor":0}"#).cursor, Some(0));
    }

    #[test]
    fn cursors_outside_the_protocols_range_are_refused() {
        for (cursor, fine) in [
            (None, true),
            (Some(0), true),
            (Some(SEQ_MAX), true),
            (Some(-1), false),
            (Some(SEQ_MAX + 1), false),
        ] {
            assert_eq!(with_source(cursor, "wss://relay.test").check().is_ok(), fine, "{cursor:?}");
        }
    }

    #[test]
    fn plain_ws_is_for_loopback() {
        assert!(with_source(None, "ws://127.0.0.1:2470").check().is_ok());
        assert!(with_source(None, "ws://[::1]:2470").check().is_ok());
        assert!(with_source(None, "ws://localhost:2470").check().is_ok());
        assert!(with_source(None, "ws://relay.test").check().is_err());
        assert!(with_source(None, "ftp://relay.test").check().is_err());
    }

    #[test]
    fn a_name_is_used_once() {
        let mut config = with_source(None, "wss://relay.test");
        config.sources.push(config.sources[0].clone());
        assert!(config.check().is_err());
    }

    #[test]
    fn the_example_names_every_setting_and_loads() {
        let text = millrace_runtime::config::example::<IngestConfig>();
        for key in
            ["verify", "backfill", "inflight_bytes_max", "[connection]", "[resync]", "[identity]"]
        {
            assert!(text.contains(key), "{key} is missing in:\n{text}");
        }
    }

    #[test]
    fn a_list_of_dids_must_be_one() {
        let config = IngestConfig {
            backfill: Backfill::Dids(vec!["alice.test".to_owned()]),
            ..IngestConfig::default()
        };
        assert!(config.check().is_err());
    }

    #[test]
    fn backfill_reads_a_word_or_a_list() {
        let parse = |text: &str| -> Backfill { serde_json::from_str(text).expect("backfill") };
        assert!(parse(r#""all""#).is_all());
        assert!(!parse(r#""none""#).is_all());
        assert_eq!(parse(r#"["did:plc:a"]"#), Backfill::Dids(vec!["did:plc:a".to_owned()]));
    }
}
