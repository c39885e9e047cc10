//! Audit: counts everything that is derived again from what it is derived of, and says where the two
//! differ.
//!
//! A [`Check`] goes through one table in the order of its key, some rows at a time. Each slice is one
//! read: one snapshot in which rows and what follows from them were written together, so that writes
//! beside it are no drift, and one short question, so that nobody waits for it. What a check computes
//! it computes with what `apply/` writes with, or with SQL that knows nothing of how rows came.
//!
//! What must stay true: memory is bounded by a slice; a finding names how it is mended
//! ([`crate::repair`]), and mended rows are found no more. Start at `inverse.rs`.

mod accounts;
pub mod background;
pub(crate) mod columns;
pub(crate) mod counters;
pub(crate) mod feed;
mod feed_heads;
pub(crate) mod inverse;
pub(crate) mod nameless;
mod naming;
pub(crate) mod notices;
pub(crate) mod posts;
mod slice;
pub(crate) mod texts;

use std::collections::BTreeMap;

use millrace_runtime::error::{Diagnose, Diagnosis};
use millrace_store::{Store, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::progress::Progress;
use crate::repair::Mend;
use naming::Subject;

pub use background::Background;

/// Drift that is listed one by one; the rest is counted.
pub const LISTED_MAX: usize = 1_000;

/// What to audit, and how gently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditOptions {
    /// Names of tables or checks; none: all of them.
    pub only: Vec<String>,
    /// Of a hundred slices so many are looked at.
    pub sample_percent: u32,
    /// Most rows of a slice.
    pub slice_rows_max: u32,
    /// Notifications of what is older may have been forgotten, by retention: that they are not there
    /// is no drift. Microseconds.
    pub told_since_us: i64,
}

impl Default for AuditOptions {
    fn default() -> Self {
        let (sample_percent, slice_rows_max) = (100, 2_000);
        Self { only: Vec::new(), sample_percent, slice_rows_max, told_since_us: i64::MIN }
    }
}

/// One thing that is not as it follows from the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Which check found it.
    pub check: String,
    /// DID or AT URI.
    pub subject: String,
    pub expected: String,
    pub found: String,
}

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Rows looked at.
    pub rows: u64,
    /// Rows that took longer to judge than a read may take.
    pub skipped: u64,
    /// How much drift each check found.
    pub drift: BTreeMap<String, u64>,
    /// The first [`LISTED_MAX`] of it.
    pub listed: Vec<Drift>,
}

impl AuditReport {
    /// How much drift there is in all.
    pub fn total(&self) -> u64 {
        self.drift.values().sum()
    }

    /// Counts what a slice shows; its findings are handed back.
    pub(crate) fn add(&mut self, slice: Looked) -> Vec<Finding> {
        self.rows += slice.rows;
        for finding in &slice.findings {
            *self.drift.entry(finding.check.to_owned()).or_default() += 1;
        }
        let room = LISTED_MAX.saturating_sub(self.listed.len());
        self.listed.extend(slice.named.into_iter().take(room));
        slice.findings
    }
}

/// Something that is not as it should be, by ids, and what mends it.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub check: &'static str,
    pub subject: Subject,
    pub expected: String,
    pub found: String,
    pub mend: Mend,
}

/// What a check made of a slice.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    pub rows: u64,
    /// The key of the last row; `None` when there was none.
    pub last: Option<Vec<i64>>,
    pub findings: Vec<Finding>,
}

/// A slice with its findings named.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub rows: u64,
    pub last: Option<Vec<i64>>,
    pub findings: Vec<Finding>,
    pub named: Vec<Drift>,
}

/// One table, gone through in the order of its key.
pub(crate) trait Check: Sync {
    /// What it finds is counted under this name, unless a finding says another.
    fn name(&self) -> &'static str;

    /// The table it goes through.
    fn table(&self) -> &'static str;

    /// Columns of the key it goes by.
    fn width(&self) -> usize;

    /// Most rows of a slice, where they are heavier than others.
    fn rows_max(&self) -> i64 {
        i64::MAX
    }

    /// Judges the rows beyond `after`, at most `limit` of them.
    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError>;

    /// As [`Check::look`], where notifications of what is older than `told_since_us` may be forgotten.
    fn look_since(
        &self,
        tx: &mut Tx,
        after: &[i64],
        limit: i64,
        _told_since_us: i64,
    ) -> Result<Slice, StoreError> {
        self.look(tx, after, limit)
    }
}

/// Every check, in an order in which what one mends is what later ones count by.
pub(crate) fn checks() -> Vec<&'static dyn Check> {
    let mut checks: Vec<&'static dyn Check> = Vec::new();
    checks.extend(nameless::CHECKS.iter().map(|it| it as &dyn Check));
    checks.extend(accounts::UNKNOWN.iter().map(|it| it as &dyn Check));
    checks.push(&accounts::Deleted);
    checks.extend(inverse::MISSING.iter().map(|it| it as &dyn Check));
    checks.extend(inverse::SURPLUS.iter().map(|it| it as &dyn Check));
    checks.push(&columns::Documents);
    checks.push(&columns::Profiles);
    checks.push(&posts::Posts);
    checks.push(&feed::Items);
    checks.push(&feed::Reposts);
    checks.push(&feed_heads::Heads);
    checks.push(&feed_heads::Headless);
    checks.push(&texts::PostDocuments);
    checks.push(&texts::PostTexts);
    checks.push(&texts::ActorTexts);
    checks.push(&texts::Actors);
    checks.push(&counters::ActorCounts);
    checks.push(&counters::RecordCounts);
    checks.extend(counters::UNCOUNTED.iter().map(|it| it as &dyn Check));
    checks.push(&notices::Notices);
    checks
}

/// The checks that `only` names; an unknown name is an error that lists the known ones.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<&'static dyn Check>, UnknownCheck> {
    let mut checks = checks();
    let names = |check: &&dyn Check| [check.name(), check.table().trim_matches('"')];
    if let Some(unknown) =
        only.iter().find(|name| !checks.iter().any(|check| names(check).contains(&name.as_str())))
    {
        let mut known: Vec<&str> = checks.iter().flat_map(names).collect();
        known.sort_unstable();
        known.dedup();
        return Err(UnknownCheck { name: unknown.clone(), known: known.join(", ") });
    }
    if !only.is_empty() {
        checks.retain(|check| names(check).iter().any(|name| only.iter().any(|it| it == name)));
    }
    Ok(checks)
}

/// A name that is neither a table's nor a check's.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no table or check `{name}`; there are: {known}")]
pub struct UnknownCheck {
    name: String,
    known: String,
}

impl Diagnose for UnknownCheck {
    fn diagnosis(&self) -> Diagnosis {
        crate::codes::NO_SUCH_CHECK.diagnosis(self.to_string())
    }
}

/// Whether every one of these names is a table's or a check's.
///
/// # Errors
/// The first that is not, with those that are.
pub fn check_names(only: &[String]) -> Result<(), UnknownCheck> {
    chosen(only).map(|_| ())
}

/// Goes through everything once. Unknown names in `options` audit nothing: see [`check_names`].
///
/// # Errors
/// The store cannot be read.
pub async fn run(
    store: &Store,
    options: &AuditOptions,
    progress: &Progress,
) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport::default();
    for check in chosen(&options.only).unwrap_or_default() {
        progress.enter(check.name());
        let mut walk = slice::Walk::new(check, options);
        while let Some(looked) = walk.next(store).await? {
            progress.add(looked.rows);
            report.add(looked);
            progress.drift(report.total());
        }
        report.skipped += walk.skipped;
    }
    Ok(report)
}

pub(crate) use accounts::mend_unknown;
pub(crate) use naming::dids;
pub(crate) use slice::Walk;
