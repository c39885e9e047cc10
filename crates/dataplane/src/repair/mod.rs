//! Repair: what an audit found is computed again and written, in one small transaction a slice.
//!
//! A finding says what to compute again, never what to write: its transaction looks at the rows as
//! they are then, so entries applied in between are no matter, and mending twice is mending once.
//! Mending one thing may show another (a row that goes takes a counter along), so it is gone through
//! until nothing is found.

use std::collections::{BTreeMap, BTreeSet};

use millrace_store::dictionary;
use millrace_store::{Store, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::apply::feed::{self as lines, Line};
use crate::apply::{Key, batch, ids, search};
use crate::audit::notices::NoticeKey;
use crate::audit::{
    AuditOptions, AuditReport, Finding, Walk, chosen, columns, counters, feed, inverse, nameless,
    notices, posts, texts,
};
use crate::collection::Collection;
use crate::progress::Progress;
use crate::worker;

/// Times everything is gone through before what is left is given up.
const PASSES_MAX: usize = 6;

/// What is computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// A row by target: the kind of edge, and the row's key.
    Inverse(&'static str, Vec<i64>),
    ActorCount(i64),
    RecordCount(ids::Subject),
    /// A post's columns, its line in the feed, its document.
    Post(Key),
    PostNotices(Key),
    Document([i64; 3]),
    Profile(i64),
    FeedItem(Line),
    RepostFeed {
        actor: i64,
        post: Key,
    },
    /// The time of an account's newest line.
    FeedHead(i64),
    PostDocument(i64),
    /// A document of a full-text table that belongs to nothing.
    Text(&'static str, i64),
    ActorText(i64),
    Notice(NoticeKey),
    /// A row that nobody can name.
    Row(&'static str, Vec<i64>),
    /// A record whose text is not one: it goes, and its account is fetched anew.
    Unreadable(&'static str, Collection, Key),
    UnknownAccount(i64),
    /// What is left of a deleted account.
    Purge(i64),
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairReport {
    /// What was found and mended.
    pub mended: AuditReport,
    /// What the last pass still found; nothing, unless something could not be mended.
    pub left: AuditReport,
    pub passes: u32,
}

/// Mends all that an audit finds.
///
/// # Errors
/// The store cannot be read or written; what was mended stays so.
pub async fn run(
    store: &Store,
    options: &AuditOptions,
    progress: &Progress,
) -> Result<RepairReport, StoreError> {
    let mut report = RepairReport::default();
    let whole = AuditOptions { sample_percent: 100, ..options.clone() };
    for _ in 0..PASSES_MAX {
        report.passes += 1;
        let found = pass(store, &whole, progress).await?;
        let clean = found.total() == 0;
        report.left = found.clone();
        if clean {
            break;
        }
        absorb(&mut report.mended, found);
        progress.drift(report.mended.total());
    }
    Ok(report)
}

fn absorb(into: &mut AuditReport, more: AuditReport) {
    into.rows = into.rows.max(more.rows);
    into.skipped = into.skipped.max(more.skipped);
    for (check, count) in more.drift {
        *into.drift.entry(check).or_default() += count;
    }
    let room = crate::audit::LISTED_MAX.saturating_sub(into.listed.len());
    into.listed.extend(more.listed.into_iter().take(room));
}

/// Goes through everything once and mends what it finds; what it found.
pub(crate) async fn pass(
    store: &Store,
    options: &AuditOptions,
    progress: &Progress,
) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport::default();
    for check in chosen(&options.only).unwrap_or_default() {
        progress.enter(&format!("checking {}", check.name()));
        let mut walk = Walk::new(check, options);
        while let Some(looked) = walk.next(store).await? {
            progress.add(looked.rows);
            let findings = report.add(looked);
            if findings.is_empty() {
                continue;
            }
            let mended: Result<(), StoreError> = store
                .write(move |tx| {
                    worker::keep_out(tx)?;
                    mend(tx, &findings)
                })
                .await;
            match mended {
                // Somebody else wrote the same rows; the next pass sees what came of it.
                Err(error @ (StoreError::Constraint { .. } | StoreError::Busy { .. })) => {
                    tracing::debug!(%error, "left to the next pass");
                }
                other => other?,
            }
        }
        report.skipped += walk.skipped;
    }
    Ok(report)
}

/// The findings of a slice by what mends them, each thing once.
#[derive(Default)]
struct Sorted {
    inverse: BTreeMap<&'static str, BTreeSet<Vec<i64>>>,
    actor_counts: BTreeSet<i64>,
    record_counts: BTreeSet<ids::Subject>,
    posts: BTreeSet<Key>,
    post_notices: BTreeSet<Key>,
    documents: BTreeSet<[i64; 3]>,
    profiles: BTreeSet<i64>,
    feed_items: BTreeSet<Line>,
    reposts: BTreeSet<(i64, Key)>,
    feed_heads: BTreeSet<i64>,
    post_documents: BTreeSet<i64>,
    texts: BTreeMap<&'static str, BTreeSet<i64>>,
    actor_texts: BTreeSet<i64>,
    notices: BTreeSet<NoticeKey>,
    rows: BTreeMap<&'static str, BTreeSet<Vec<i64>>>,
    unreadable: Vec<(Collection, Key)>,
    unknown: BTreeSet<i64>,
    purged: BTreeSet<i64>,
}

impl Sorted {
    fn of(findings: &[Finding]) -> Self {
        let mut sorted = Self::default();
        for finding in findings {
            sorted.add(finding.mend.clone());
        }
        sorted
    }

    fn add(&mut self, mend: Mend) {
        match mend {
            Mend::Inverse(name, key) => {
                self.inverse.entry(name).or_default().insert(key);
            }
            Mend::ActorCount(actor) => {
                self.actor_counts.insert(actor);
            }
            Mend::RecordCount(record) => {
                self.record_counts.insert(record);
            }
            Mend::Post(key) => {
                self.posts.insert(key);
            }
            Mend::PostNotices(key) => {
                self.post_notices.insert(key);
            }
            Mend::Document(key) => {
                self.documents.insert(key);
            }
            Mend::Profile(actor) => {
                self.profiles.insert(actor);
            }
            Mend::FeedItem(line) => {
                self.feed_items.insert(line);
            }
            Mend::RepostFeed { actor, post } => {
                self.reposts.insert((actor, post));
            }
            Mend::FeedHead(actor) => {
                self.feed_heads.insert(actor);
            }
            Mend::PostDocument(id) => {
                self.post_documents.insert(id);
            }
            Mend::Text(table, id) => {
                self.texts.entry(table).or_default().insert(id);
            }
            Mend::ActorText(actor) => {
                self.actor_texts.insert(actor);
            }
            Mend::Notice(key) => {
                self.notices.insert(key);
            }
            Mend::Row(table, key) => {
                self.rows.entry(table).or_default().insert(key);
            }
            Mend::Unreadable(_, collection, key) => self.unreadable.push((collection, key)),
            Mend::UnknownAccount(actor) => {
                self.unknown.insert(actor);
            }
            Mend::Purge(actor) => {
                self.purged.insert(actor);
            }
        }
    }
}

/// Mends what was found in a slice.
pub(crate) fn mend(tx: &mut Tx, findings: &[Finding]) -> Result<(), StoreError> {
    fn list<T: Clone>(set: &BTreeSet<T>) -> Vec<T> {
        set.iter().cloned().collect()
    }
    let sorted = Sorted::of(findings);
    for (table, keys) in &sorted.rows {
        nameless::remove(tx, table, &list(keys))?;
    }
    gone(tx, &sorted)?;
    if !sorted.unknown.is_empty() {
        crate::audit::mend_unknown(tx, &list(&sorted.unknown))?;
    }
    for (name, keys) in &sorted.inverse {
        inverse::mend(tx, name, &list(keys))?;
    }
    if !sorted.documents.is_empty() {
        columns::mend_documents(tx, &list(&sorted.documents))?;
    }
    if !sorted.profiles.is_empty() {
        columns::mend_profiles(tx, &list(&sorted.profiles))?;
    }
    if !sorted.posts.is_empty() {
        posts::mend(tx, &list(&sorted.posts))?;
    }
    if !sorted.post_notices.is_empty() {
        posts::mend_notices(tx, &list(&sorted.post_notices))?;
    }
    feed::remove(tx, &list(&sorted.feed_items))?;
    if !sorted.reposts.is_empty() {
        feed::mend_reposts(tx, &list(&sorted.reposts))?;
    }
    lines::look_anew(tx, &list(&sorted.feed_heads))?;
    texts::remove_post_documents(tx, &list(&sorted.post_documents))?;
    for (table, ids) in &sorted.texts {
        tx.delete_text(table, &list(ids))?;
    }
    search::actors(tx, &sorted.actor_texts)?;
    if !sorted.actor_counts.is_empty() {
        counters::recount_actors(tx, &list(&sorted.actor_counts))?;
    }
    if !sorted.record_counts.is_empty() {
        counters::recount_records(tx, &list(&sorted.record_counts))?;
    }
    notices::remove(tx, &list(&sorted.notices))
}

/// Records that go as if their author had deleted them.
fn gone(tx: &mut Tx, sorted: &Sorted) -> Result<(), StoreError> {
    if sorted.purged.is_empty() && sorted.unreadable.is_empty() {
        return Ok(());
    }
    // No profile is without it.
    let Some(self_key) = dictionary::find_rkey(tx, &crate::apply::ids::self_rkey())? else {
        return Ok(());
    };
    for actor in &sorted.purged {
        batch::purge(tx, *actor, self_key.0)?;
    }
    let keyed = sorted.unreadable.iter().map(|(collection, key)| match collection {
        Collection::Profile => (*collection, (key.0, self_key.0)),
        _ => (*collection, *key),
    });
    let keyed: Vec<(Collection, Key)> = keyed.collect();
    batch::forget(tx, &keyed)?;
    let authors: BTreeSet<i64> = keyed.iter().map(|(_, key)| key.0).collect();
    let authors: Vec<i64> = authors.into_iter().collect();
    let dids = crate::audit::dids(tx, &authors)?;
    dids.iter().try_for_each(|did| crate::resync::want(tx, did))
}
