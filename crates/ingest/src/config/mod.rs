//! The `[ingest]` part of the configuration. Every bound of this crate is a field here, in the unit
//! its name ends with; the defaults suit one machine that follows the whole network.

mod labelers;
mod parts;
mod scope;
mod source;
mod source_check;

use std::path::PathBuf;

use millrace_atproto::Did;
use millrace_atproto::entry::ENTRY_BYTES_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::IngestError;
use labelers::LABELERS_MAX;

pub use labelers::LabelersConfig;
pub use parts::{ConnectionConfig, IdentityConfig, ResyncConfig};
pub use scope::{InterestConfig, ScopeKind};
pub use source::{Backfill, BackfillMode, OnFutureCursor, SourceConfig, SourceKind, VerifyMode};

/// How the network is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Where events come from. Several sources may be followed at once, each with a cursor of its own;
    /// what several tell of counts once. One of each kind:
    /// `{ name = "relay", url = "wss://bsky.network" }`,
    /// `{ name = "home", kind = "pds", url = "wss://pds.example.com", cursor = 0 }`,
    /// `{ name = "jet1", kind = "jetstream_v1", url = "wss://jetstream1.us-east.bsky.network" }`,
    /// `{ name = "jet2", kind = "jetstream_v2", url = "wss://jetstream.us-east.bsky.network" }`.
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
    /// Whether accounts of which something is missing are fetched when somebody looks at them whose PDS
    /// asks here.
    pub fetch_looked_at: bool,
    /// Whose events are taken: `network`, `interest` or `dids`.
    pub scope: ScopeKind,
    /// Accounts that are followed whoever is interested in them; with `scope = "dids"`, nobody else is.
    pub scope_dids: Vec<String>,
    /// A file of such DIDs, one a line, read again whenever it changes; what follows a `#` is a remark.
    pub scope_dids_file: Option<PathBuf>,
    /// What `scope = "interest"` means.
    pub interest: InterestConfig,
    /// Which labelers are followed.
    pub labelers: LabelersConfig,
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
            fetch_looked_at: true,
            scope: ScopeKind::Network,
            scope_dids: Vec::new(),
            scope_dids_file: None,
            interest: InterestConfig::default(),
            labelers: LabelersConfig::default(),
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
            if self.sources.iter().take(at).any(|other| other.name == source.name) {
                return refuse(
                    format!("ingest.sources[{at}].name"),
                    "is used twice; a cursor is kept under the name",
                );
            }
            source.check(at)?;
        }
        if let Backfill::Dids(dids) = &self.backfill
            && let Some(bad) = dids.iter().find(|did| Did::validate(did).is_err())
        {
            return refuse(
                "ingest.backfill".to_owned(),
                &format!("contains `{bad}`, which is no DID"),
            );
        }
        if let Some(bad) = self.labelers.dids.iter().find(|did| Did::validate(did).is_err()) {
            return refuse(
                "ingest.labelers.dids".to_owned(),
                &format!("contains `{bad}`, which is no DID"),
            );
        }
        if self.labelers.dids.len() > LABELERS_MAX {
            return refuse(
                "ingest.labelers.dids".to_owned(),
                &format!("names more than {LABELERS_MAX} labelers"),
            );
        }
        if self.labelers.discovered_max as usize > LABELERS_MAX - self.labelers.dids.len() {
            return refuse(
                "ingest.labelers.discovered_max".to_owned(),
                &format!("with those of `dids` allows more than {LABELERS_MAX} labelers"),
            );
        }
        let room = self.connection.message_bytes_max..=u32::MAX as usize;
        if !room.contains(&self.labelers.inflight_bytes_max) {
            return refuse(
                "ingest.labelers.inflight_bytes_max".to_owned(),
                "must hold the largest message, and be below 4 GiB",
            );
        }
        if self.scope == ScopeKind::Communities {
            return refuse(
                "ingest.scope".to_owned(),
                "`communities` comes with communities, which this version does not have yet; name \
                 their members with `dids`, or follow what is read here with `interest`",
            );
        }
        if let Some(bad) = self.scope_dids.iter().find(|did| Did::validate(did).is_err()) {
            return refuse(
                "ingest.scope_dids".to_owned(),
                &format!("contains `{bad}`, which is no DID"),
            );
        }
        let listed = !self.scope_dids.is_empty() || self.scope_dids_file.is_some();
        if self.scope == ScopeKind::Dids && !listed {
            return refuse(
                "ingest.scope".to_owned(),
                "is `dids`, but neither `ingest.scope_dids` nor `ingest.scope_dids_file` names any",
            );
        }
        let least = [
            ("ingest.sample_one_in", u64::from(self.sample_one_in)),
            ("ingest.checkpoint_ms", self.checkpoint_ms),
            ("ingest.interest.reader_days", u64::from(self.interest.reader_days)),
            ("ingest.interest.refresh_ms", self.interest.refresh_ms),
            ("ingest.interest.accounts_max", self.interest.accounts_max as u64),
            ("ingest.resync.concurrency", self.resync.concurrency as u64),
            ("ingest.resync.host_concurrency", self.resync.host_concurrency as u64),
            ("ingest.identity.lookups_max", self.identity.lookups_max as u64),
            ("ingest.identity.handle_checks_max", self.identity.handle_checks_max as u64),
            ("ingest.connection.backoff_first_ms", self.connection.backoff_first_ms),
            ("ingest.connection.fallback_return_ms", self.connection.fallback_return_ms),
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
        if self.resync.ahead_bytes_max < self.resync.chunk_bytes_max {
            return refuse(
                "ingest.resync.ahead_bytes_max".to_owned(),
                "must hold at least one entry of ingest.resync.chunk_bytes_max",
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
mod tests;
