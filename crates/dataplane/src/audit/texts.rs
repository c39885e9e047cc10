//! Full text against what it is made of. That each post has its document is seen with the post, in
//! `posts.rs`; here are documents without a post or an account, and the documents of accounts.

use foldhash::{HashMap, HashSet};
use millrace_store::{Param, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond};
use super::posts::is_of;
use super::{Check, Finding, Slice};
use crate::apply::post::{self, PostRow};
use crate::apply::{Key, search};
use crate::collection::Collection;
use crate::repair::Mend;
use crate::search::{ACTORS, POSTS};

/// Which documents are of which posts.
pub(super) struct PostDocuments;

impl Check for PostDocuments {
    fn name(&self) -> &'static str {
        "post_search"
    }

    fn table(&self) -> &'static str {
        "post_document"
    }

    fn width(&self) -> usize {
        1
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = format!(
            "SELECT document_id, actor_id, rkey FROM post_document {}",
            beyond(&["document_id"], "")
        );
        let documents: Vec<(i64, Key)> = tx.query(&sql, &params(after, limit), |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
        })?;
        let keys: Vec<Key> = documents.iter().map(|it| it.1).collect();
        let posts: HashMap<Key, PostRow> = post::load(tx, &keys)?;
        let mut slice = Slice { rows: documents.len() as u64, ..Slice::default() };
        for (id, key) in documents {
            slice.last = Some(vec![id]);
            if !posts.get(&key).is_some_and(|row| is_of(id, row)) {
                slice.findings.push(Finding {
                    check: "post_search",
                    subject: Subject::record(key.0, Collection::Post, key.1),
                    expected: "no such document".to_owned(),
                    found: "one without its post".to_owned(),
                    mend: Mend::PostDocument(id),
                });
            }
        }
        Ok(slice)
    }
}

/// Removes documents that are of no post. A post that loses its own gets another.
pub(crate) fn remove_post_documents(tx: &mut Tx, ids: &[i64]) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM post_document WHERE document_id IN (SELECT k.id FROM {rows:id BIGINT} AS k)",
        ids.iter().map(|id| [Param::Int(*id)]),
    )?;
    tx.delete_text(POSTS, ids)
}

/// Texts of posts that nothing names.
pub(super) struct PostTexts;
/// Texts of accounts that are not known.
pub(super) struct ActorTexts;

impl Check for PostTexts {
    fn name(&self) -> &'static str {
        "post_search"
    }

    fn table(&self) -> &'static str {
        POSTS
    }

    fn width(&self) -> usize {
        1
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        orphans(tx, self.name(), POSTS, "post_document", "document_id", after, limit)
    }
}

impl Check for ActorTexts {
    fn name(&self) -> &'static str {
        "actor_search"
    }

    fn table(&self) -> &'static str {
        ACTORS
    }

    fn width(&self) -> usize {
        1
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        orphans(tx, self.name(), ACTORS, "actor", "actor_id", after, limit)
    }
}

fn orphans(
    tx: &mut Tx,
    check: &'static str,
    texts: &'static str,
    owner: &str,
    column: &str,
    after: &[i64],
    limit: i64,
) -> Result<Slice, StoreError> {
    let ids = tx.text_ids(texts, after.first().copied().unwrap_or(i64::MIN), limit)?;
    let owned: Vec<i64> = tx.query(
        &format!(
            "SELECT o.{column} FROM {{id_list:$1}} AS k CROSS JOIN {owner} AS o WHERE o.{column} = k.id"
        ),
        &[Param::Ids(&ids)],
        |row| row.get(0),
    )?;
    let owned: HashSet<i64> = owned.into_iter().collect();
    let orphans = ids.iter().filter(|id| !owned.contains(id));
    let findings = orphans.map(|id| Finding {
        check,
        subject: Subject::Document(*id),
        expected: "no such text".to_owned(),
        found: "one that belongs to nothing".to_owned(),
        mend: Mend::Text(texts, *id),
    });
    Ok(Slice {
        rows: ids.len() as u64,
        last: ids.last().map(|id| vec![*id]),
        findings: findings.collect(),
    })
}

/// What a search finds accounts by.
pub(super) struct Actors;

impl Check for Actors {
    fn name(&self) -> &'static str {
        "actor_search"
    }

    fn table(&self) -> &'static str {
        "actor"
    }

    fn width(&self) -> usize {
        1
    }

    fn rows_max(&self) -> i64 {
        500
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = format!("SELECT actor_id FROM actor {}", beyond(&["actor_id"], ""));
        let actors: Vec<i64> = tx.query(&sql, &params(after, limit), |row| row.get(0))?;
        let documents = search::actor_documents(tx, &actors)?;
        let wrong = tx.texts_that_differ(ACTORS, &documents)?;
        let findings = wrong.into_iter().map(|actor| Finding {
            check: "actor_search",
            subject: Subject::Actor(actor),
            expected: "the words of handle and profile".to_owned(),
            found: "other words, or none".to_owned(),
            mend: Mend::ActorText(actor),
        });
        Ok(Slice {
            rows: actors.len() as u64,
            last: actors.last().map(|actor| vec![*actor]),
            findings: findings.collect(),
        })
    }
}
