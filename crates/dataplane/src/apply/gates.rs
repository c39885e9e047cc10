//! Gates, as the write side sees them: whether a reply or a quote was allowed when it was indexed.
//!
//! The judgement is made once and kept, so that a gate drawn tighter later leaves what was said
//! before. It depends on what was written before the post and on nothing after it, wherever the
//! borders of batches fall: [`cuts`] sees to that.

use foldhash::{HashMap, HashSet, HashSetExt};
use millrace_atproto::lexicon::AllowRule;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, RkeyId, StoreError, Tx};

use super::post::PostRow;
use super::run::Run;
use super::{Decision, Key, Write};
use crate::collection::Collection;
use crate::flags;
use crate::gate::{self, Postgate, Standing, Threadgate};
use crate::names::Names;

/// Where the run has to be cut so that every gated post is judged by what came before it: the
/// orders of the posts that begin a part. Gates are rare, and so is anything to do here.
pub(super) fn cuts(tx: &mut Tx, run: &Run) -> Result<Vec<usize>, StoreError> {
    let judged = judged(tx, run)?;
    if judged.is_empty() {
        return Ok(Vec::new());
    }
    let people: HashSet<i64> =
        judged.iter().flat_map(|post| [post.author, post.gate_owner]).collect();
    let mut matters: Vec<usize> = Vec::new();
    for gates in [Collection::Threadgate, Collection::Postgate] {
        matters.extend(run.documents.get(&gates).into_iter().flatten().map(|op| op.order));
    }
    matters.extend(run.list_items.iter().map(|op| op.order));
    matters.extend(run.follows.iter().filter(|op| people.contains(&op.key.0)).map(|op| op.order));
    // The first post of a thread says whom it mentions.
    matters.extend(run.posts.iter().filter(|op| people.contains(&op.key.0)).map(|op| op.order));
    let mut cuts = Vec::new();
    let mut cut = 0;
    for post in judged {
        if matters.iter().any(|order| (cut..post.order).contains(order)) {
            cuts.push(post.order);
            cut = post.order;
        }
    }
    Ok(cuts)
}

struct Judged {
    order: usize,
    author: i64,
    gate_owner: i64,
}

/// The run's posts that a gate concerns, in their order.
fn judged(tx: &mut Tx, run: &Run) -> Result<Vec<Judged>, StoreError> {
    let mut roots: HashSet<Key> = HashSet::new();
    let mut quoted: HashSet<Key> = HashSet::new();
    for op in &run.posts {
        if let Write::Put(put) = &op.write {
            roots.extend(put.fields.root);
            quoted.extend(put.fields.quote);
        }
    }
    let threads = gated(tx, run, Collection::Threadgate, &roots)?;
    let posts = gated(tx, run, Collection::Postgate, &quoted)?;
    let mut judged = Vec::new();
    for op in &run.posts {
        let Write::Put(put) = &op.write else { continue };
        let by_thread = put.fields.root.filter(|root| threads.contains(root));
        let by_quote = put.fields.quote.filter(|quote| posts.contains(quote));
        if let Some(gate) = by_thread.or(by_quote) {
            judged.push(Judged { order: op.order, author: op.key.0, gate_owner: gate.0 });
        }
    }
    Ok(judged)
}

/// Those of `posts` that have a gate, or may get or lose one in the run.
fn gated(
    tx: &mut Tx,
    run: &Run,
    collection: Collection,
    posts: &HashSet<Key>,
) -> Result<HashSet<Key>, StoreError> {
    let mut gated: HashSet<Key> = gate::stored(tx, collection, posts)?.into_keys().collect();
    gated.extend(run.documents.get(&collection).into_iter().flatten().map(|op| op.key));
    gated.retain(|key| posts.contains(key));
    Ok(gated)
}

/// The replies that authors of the inserted posts' threads hide, by the thread's root.
pub(super) type Hidden = HashMap<Key, HashSet<Key>>;

/// Marks the posts that a gate did not allow.
pub(super) fn judge(
    tx: &mut Tx,
    decision: &mut Decision<'_, PostRow>,
) -> Result<Hidden, StoreError> {
    let roots: HashSet<Key> = decision.inserted.iter().filter_map(|(row, _)| row.root).collect();
    let quoted: HashSet<Key> = decision.inserted.iter().filter_map(|(row, _)| row.quote).collect();
    let threadgates = parsed(tx, Collection::Threadgate, &roots, Threadgate::parse)?;
    let postgates = parsed(tx, Collection::Postgate, &quoted, Postgate::parse)?;
    for (row, _) in &mut decision.inserted {
        if let Some((root, gate)) = row.root.and_then(|root| threadgates.get_key_value(&root))
            && !may_reply(tx, row.key.0, *root, gate)?
        {
            row.flags |= flags::VIOLATES_THREADGATE;
        }
        if let Some((quote, gate)) = row.quote.and_then(|quote| postgates.get_key_value(&quote))
            && gate.disabled
            && quote.0 != row.key.0
        {
            row.flags |= flags::VIOLATES_POSTGATE;
        }
    }
    let mut hidden = Hidden::default();
    for (root, gate) in threadgates {
        hidden.insert(root, keys(tx, &gate.hidden_replies)?);
    }
    Ok(hidden)
}

fn parsed<G>(
    tx: &mut Tx,
    collection: Collection,
    posts: &HashSet<Key>,
    parse: impl Fn(&str) -> Option<G>,
) -> Result<HashMap<Key, G>, StoreError> {
    let stored = gate::stored(tx, collection, posts)?;
    Ok(stored.into_iter().filter_map(|(key, json)| Some((key, parse(&json)?))).collect())
}

fn keys(tx: &mut Tx, posts: &[AtUri]) -> Result<HashSet<Key>, StoreError> {
    let mut keys = HashSet::new();
    for uri in posts {
        keys.extend(key(tx, uri, Collection::Post)?);
    }
    Ok(keys)
}

/// The key of a record that a gate names, if anything here ever named it by DID before.
fn key(tx: &mut Tx, uri: &AtUri, collection: Collection) -> Result<Option<Key>, StoreError> {
    let Some((did, _, rkey)) =
        uri.as_record().filter(|(_, nsid, _)| nsid.as_str() == collection.nsid())
    else {
        return Ok(None);
    };
    let actor = tx.query_opt(
        "SELECT id FROM dictionary.actor WHERE did = $1",
        &[Param::Text(did.as_str())],
        |row| row.get::<i64>(0),
    )?;
    let rkey = match RkeyId::of_tid(rkey) {
        Some(id) => Some(id.0),
        None => tx.query_opt(
            "SELECT id FROM dictionary.record_key WHERE key = $1",
            &[Param::Text(rkey.as_str())],
            |row| row.get::<i64>(0),
        )?,
    };
    Ok(actor.zip(rkey))
}

fn may_reply(tx: &mut Tx, author: i64, root: Key, gate: &Threadgate) -> Result<bool, StoreError> {
    if author == root.0 {
        return Ok(true);
    }
    let Some(rules) = gate.allow.as_deref().filter(|rules| !rules.is_empty()) else {
        return Ok(gate.allow.is_none());
    };
    let standing = standing(tx, author, root, rules)?;
    Ok(gate::allows(Some(rules), &standing))
}

/// What the author of a reply is to the author of its thread, as far as the rules ask.
fn standing(
    tx: &mut Tx,
    author: i64,
    root: Key,
    rules: &[AllowRule],
) -> Result<Standing, StoreError> {
    let mut standing = Standing::default();
    for rule in rules {
        match rule {
            AllowRule::Mention => standing.mentioned = mentions(tx, root, author)?,
            AllowRule::Follower => standing.follower = follows(tx, author, root.0)?,
            AllowRule::Following => standing.following = follows(tx, root.0, author)?,
            AllowRule::List(list) => {
                if is_on(tx, list, author)? {
                    standing.lists.insert(list.clone());
                }
            }
        }
    }
    Ok(standing)
}

fn mentions(tx: &mut Tx, post: Key, actor: i64) -> Result<bool, StoreError> {
    let record: Option<String> = tx.query_opt(
        "SELECT record FROM post WHERE actor_id = $1 AND rkey = $2",
        &[Param::Int(post.0), Param::Int(post.1)],
        |row| row.get(0),
    )?;
    let Some(record) = record else { return Ok(false) };
    let names = Names::of(tx, [actor], [])?;
    let did: &Did = names.did(actor)?;
    Ok(gate::mentioned(&record).contains(did))
}

fn follows(tx: &mut Tx, actor: i64, subject: i64) -> Result<bool, StoreError> {
    exists(
        tx,
        "SELECT 1 FROM follow_by_subject WHERE subject_actor = $1 AND actor_id = $2 LIMIT 1",
        &[Param::Int(subject), Param::Int(actor)],
    )
}

fn is_on(tx: &mut Tx, list: &AtUri, actor: i64) -> Result<bool, StoreError> {
    let Some(key) = key(tx, list, Collection::List)? else { return Ok(false) };
    exists(
        tx,
        "SELECT 1 FROM list_item_by_list WHERE actor_id = $1 AND list_rkey = $2 AND subject_actor = $3 LIMIT 1",
        &[Param::Int(key.0), Param::Int(key.1), Param::Int(actor)],
    )
}

fn exists(tx: &mut Tx, sql: &str, params: &[Param<'_>]) -> Result<bool, StoreError> {
    Ok(tx.query_opt(sql, params, |_| Ok(()))?.is_some())
}
