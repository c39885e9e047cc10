//! What searches find: a document for each post and for each account with a name.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet, HashSetExt};
use millrace_store::{Param, StoreError, Tx};
use serde::Deserialize;

use super::post::{Fields, PostRow};
use super::{Key, Put, key_params};
use crate::search::{ACTORS, POSTS, document_id, marks, words};

/// Times another id is tried for a post whose id is taken. Ids are scattered over a million places
/// a millisecond; a post that finds none is not found either.
pub(crate) const ATTEMPTS_MAX: u32 = 32;

/// Takes the removed posts out of the full text and puts the inserted ones in.
pub(crate) fn posts(
    tx: &mut Tx,
    removed: &[PostRow],
    inserted: &[(PostRow, &Put<Fields>)],
) -> Result<(), StoreError> {
    remove(tx, removed)?;
    let mut waiting: Vec<&(PostRow, &Put<Fields>)> = inserted.iter().collect();
    for attempt in 0..ATTEMPTS_MAX {
        if waiting.is_empty() {
            break;
        }
        let placed = place(tx, &waiting, attempt)?;
        waiting.retain(|(row, _)| !placed.contains(&row.key));
    }
    Ok(())
}

fn remove(tx: &mut Tx, removed: &[PostRow]) -> Result<(), StoreError> {
    let ids = tx.query_many(
        "SELECT d.document_id FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN post_document AS d
         WHERE d.actor_id = k.actor AND d.rkey = k.rkey",
        removed.iter().map(|row| key_params(&row.key)),
        |row| row.get(0),
    )?;
    tx.execute_many(
        "DELETE FROM post_document WHERE document_id IN (SELECT k.id FROM {rows:id BIGINT} AS k)",
        ids.iter().map(|id| [Param::Int(*id)]),
    )?;
    tx.delete_text(POSTS, &ids)
}

/// Gives those of `posts` whose next id is free their documents; their keys.
fn place(
    tx: &mut Tx,
    posts: &[&(PostRow, &Put<Fields>)],
    attempt: u32,
) -> Result<HashSet<Key>, StoreError> {
    let id = |row: &PostRow| document_id::candidate(row.sort_at_us, row.key.0, row.key.1, attempt);
    let mut taken = HashSet::new();
    let wanted = posts.iter().filter(|(row, _)| taken.insert(id(row)));
    let placed: HashMap<i64, Key> = tx
        .query_many(
            "INSERT INTO post_document (document_id, actor_id, rkey) {values:BIGINT,BIGINT,BIGINT}
             ON CONFLICT (document_id) DO NOTHING RETURNING document_id, actor_id, rkey",
            wanted.map(|(row, _)| [id(row), row.key.0, row.key.1].map(Param::Int)),
            |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
        )?
        .into_iter()
        .collect();
    let documents: Vec<(i64, Vec<String>)> = posts
        .iter()
        .filter(|(row, _)| placed.get(&id(row)) == Some(&row.key))
        .map(|(row, put)| (id(row), tokens(row, put)))
        .collect();
    tx.put_text(POSTS, &documents)?;
    Ok(placed.into_values().collect())
}

/// What a search finds a post by.
pub(crate) fn tokens(row: &PostRow, put: &Put<Fields>) -> Vec<String> {
    let mut tokens = put.fields.words.to_vec();
    tokens.push(marks::author(row.key.0));
    tokens.extend(put.fields.mentions.iter().map(|actor| marks::mention(*actor)));
    tokens
}

/// What a search for people reads of a profile.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Profile {
    display_name: String,
    description: String,
}

/// Writes the documents of accounts whose handle or profile changed.
pub(crate) fn actors(tx: &mut Tx, changed: &BTreeSet<i64>) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = changed.iter().copied().collect();
    let mut documents = actor_documents(tx, &ids)?;
    tx.delete_text(ACTORS, &ids)?;
    documents.retain(|(_, tokens)| !tokens.is_empty());
    tx.put_text(ACTORS, &documents)
}

/// What a search finds accounts by; nothing of those that have neither handle nor profile.
pub(crate) fn actor_documents(
    tx: &mut Tx,
    ids: &[i64],
) -> Result<Vec<(i64, Vec<String>)>, StoreError> {
    let found: Vec<(i64, Option<String>, Option<String>)> = tx.query(
        "SELECT a.actor_id, a.handle, p.record FROM {id_list:$1} AS ids CROSS JOIN actor AS a
         LEFT JOIN profile AS p ON p.actor_id = a.actor_id WHERE a.actor_id = ids.id",
        &[Param::Ids(ids)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let mut documents = Vec::with_capacity(found.len());
    for (id, handle, profile) in found {
        let profile: Profile =
            profile.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let mut tokens = words::words(handle.as_deref().unwrap_or_default());
        tokens.extend(words::words(&profile.display_name));
        tokens.extend(words::words(&profile.description));
        documents.push((id, tokens));
    }
    Ok(documents)
}
