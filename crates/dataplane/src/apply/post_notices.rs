//! Who is told of a post: the accounts it mentions, the author it quotes, the authors of the
//! posts it answers, up to [`REPLY_DEPTH`] posts away.
//!
//! A reply may be indexed before the post it answers; when that one arrives, the authors above
//! are told of the replies that were waiting below it.

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_atproto::cid::Cid;
use millrace_store::{StoreError, Tx};

use super::gates::Hidden;
use super::ids::Subject;
use super::notify::{self, Notice};
use super::post::{Fields, PostRow, load};
use super::{Key, Put, key_params};
use crate::collection::Collection;
use crate::flags;
use crate::reason::Reason;

/// The author of a post this many levels above a reply is not told any more.
const REPLY_DEPTH: usize = 5;

/// A reply that is stored already, with what a notification shows of it.
struct Waiting {
    key: Key,
    /// Levels below the post that just arrived.
    depth: usize,
    sort_at_us: i64,
    violates_threadgate: bool,
    cid: Cid,
    json: String,
}

/// Tells of the inserted posts. Those of `edited` were there before, so nothing waited for them.
pub(crate) fn send(
    tx: &mut Tx,
    inserted: &[(PostRow, &Put<Fields>)],
    edited: &HashSet<Key>,
    hidden: &Hidden,
) -> Result<(), StoreError> {
    if inserted.is_empty() {
        return Ok(());
    }
    let ancestors = load_ancestors(tx, inserted)?;
    let mut notices = Vec::new();
    for (row, put) in inserted {
        let told = recipients(row, put, &ancestors, hidden);
        notices.extend(told.into_iter().map(|(recipient, reason, subject)| Notice {
            recipient,
            author: row.key.0,
            rkey: row.key.1,
            collection: Collection::Post,
            reason,
            subject,
            sort_at_us: row.sort_at_us,
            cid: put.cid,
            record: &put.json,
        }));
    }
    notify::send(tx, &notices)?;
    let new: HashSet<Key> =
        inserted.iter().map(|(row, _)| row.key).filter(|key| !edited.contains(key)).collect();
    let answered = answered(tx, &new)?;
    for (row, _) in inserted.iter().filter(|(row, _)| answered.contains(&row.key)) {
        let waiting = waiting_below(tx, row.key, &new)?;
        notify::send(tx, &late_notices(row, &waiting, &ancestors))?;
    }
    Ok(())
}

/// Those of the posts to which replies are stored.
fn answered(tx: &mut Tx, new: &HashSet<Key>) -> Result<HashSet<Key>, StoreError> {
    let keys = tx.query_many(
        "SELECT k.actor, k.rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k
         WHERE EXISTS (SELECT 1 FROM post AS p WHERE p.parent_actor = k.actor AND p.parent_rkey = k.rkey)",
        new.iter().map(key_params),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(keys.into_iter().collect())
}

fn subject(key: Key) -> Subject {
    Subject { actor: key.0, collection: Collection::Post.code(), rkey: key.1 }
}

/// The post itself and the posts above it that are stored, nearest first.
fn chain(row: &PostRow, ancestors: &HashMap<Key, PostRow>) -> Vec<Key> {
    let mut chain = vec![row.key];
    let mut parent = row.parent;
    while let Some(found) = parent.and_then(|key| ancestors.get(&key)) {
        if chain.len() == REPLY_DEPTH || chain.contains(&found.key) {
            break;
        }
        chain.push(found.key);
        parent = found.parent;
    }
    chain
}

/// Accounts to be told of a post, each once, for the first reason that holds.
fn recipients(
    row: &PostRow,
    put: &Put<Fields>,
    ancestors: &HashMap<Key, PostRow>,
    hidden: &Hidden,
) -> Vec<(i64, Reason, Option<Subject>)> {
    let mut told = HashSet::from_iter([row.key.0]);
    let mut recipients = Vec::new();
    let mut tell = |recipient: i64, reason: Reason, subject: Option<Subject>| {
        if told.insert(recipient) {
            recipients.push((recipient, reason, subject));
        }
    };
    for mentioned in &put.fields.mentions {
        tell(*mentioned, Reason::Mention, None);
    }
    if let Some(quote) = row.quote.filter(|_| row.flags & flags::VIOLATES_POSTGATE == 0) {
        tell(quote.0, Reason::Quote, Some(subject(quote)));
    }
    if row.flags & flags::VIOLATES_THREADGATE != 0 {
        return recipients;
    }
    let hidden = row.root.and_then(|root| hidden.get(&root));
    for answered in chain(row, ancestors).into_iter().skip(1) {
        tell(answered.0, Reason::Reply, Some(subject(answered)));
        // What is said below a hidden reply is of no concern to those above it.
        if hidden.is_some_and(|hidden| hidden.contains(&answered)) {
            break;
        }
    }
    recipients
}

/// Notices of replies that were stored before the post they answer.
fn late_notices<'a>(
    row: &PostRow,
    waiting: &'a [Waiting],
    ancestors: &HashMap<Key, PostRow>,
) -> Vec<Notice<'a>> {
    let chain = chain(row, ancestors);
    let mut notices = Vec::new();
    for reply in waiting.iter().filter(|reply| !reply.violates_threadgate) {
        let mut told = HashSet::from_iter([reply.key.0]);
        for (_, answered) in
            chain.iter().enumerate().filter(|(height, _)| reply.depth + height < REPLY_DEPTH)
        {
            if told.insert(answered.0) {
                notices.push(Notice {
                    recipient: answered.0,
                    author: reply.key.0,
                    rkey: reply.key.1,
                    collection: Collection::Post,
                    reason: Reason::Reply,
                    subject: Some(subject(*answered)),
                    sort_at_us: reply.sort_at_us,
                    cid: reply.cid,
                    record: &reply.json,
                });
            }
        }
    }
    notices
}

/// Whom a stored post must have been told to: those it mentions and quotes, and the author of the post
/// it answers, if that one was there first. Who stands further above depends on what was there when.
pub(crate) fn implied(
    row: &PostRow,
    put: &Put<Fields>,
    parent: Option<&PostRow>,
) -> Vec<(i64, Reason, Option<Subject>)> {
    let parent = parent.filter(|parent| parent.indexed_at_us <= row.indexed_at_us);
    let above = parent.map(|parent| (parent.key, PostRow { parent: None, ..parent.clone() }));
    recipients(row, put, &above.into_iter().collect(), &Hidden::new())
}

/// The rows above the inserted posts, level by level.
fn load_ancestors(
    tx: &mut Tx,
    inserted: &[(PostRow, &Put<Fields>)],
) -> Result<HashMap<Key, PostRow>, StoreError> {
    let mut known: HashMap<Key, PostRow> = HashMap::new();
    let mut wanted: Vec<Key> = inserted.iter().filter_map(|(row, _)| row.parent).collect();
    for _ in 1..REPLY_DEPTH {
        wanted.retain(|key| !known.contains_key(key));
        if wanted.is_empty() {
            break;
        }
        let level = load(tx, &wanted)?;
        wanted = level.values().filter_map(|row| row.parent).collect();
        known.extend(level);
    }
    Ok(known)
}

/// Most waiting replies that are looked at below one post.
const WAITING_MAX: usize = 1_000;

/// Replies below a post that were stored before. Whoever stands above one of `new` is told of it, and of
/// what waits below it, because of that one: so each reply is told of for the nearest post.
fn waiting_below(tx: &mut Tx, key: Key, new: &HashSet<Key>) -> Result<Vec<Waiting>, StoreError> {
    let mut found: Vec<Waiting> = Vec::new();
    let mut level = vec![key];
    for depth in 1..REPLY_DEPTH {
        if level.is_empty() || found.len() >= WAITING_MAX {
            break;
        }
        let replies = tx.query_many(
            "SELECT p.actor_id, p.rkey, p.sort_at_us, p.cid, p.record, p.flags
             FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN post AS p
             WHERE p.parent_actor = k.actor AND p.parent_rkey = k.rkey LIMIT 1000",
            level.iter().map(key_params),
            |row| {
                let cid = Cid::from_bytes(row.blob(3)?).ok();
                let key: Key = (row.get(0)?, row.get(1)?);
                let (sort_at_us, json) = (row.get(2)?, row.get(4)?);
                let violates_threadgate = row.get::<i64>(5)? & flags::VIOLATES_THREADGATE != 0;
                let waiting =
                    |cid| Waiting { key, depth, sort_at_us, violates_threadgate, cid, json };
                Ok(cid.map(waiting))
            },
        )?;
        let room = WAITING_MAX - found.len();
        let seen: HashSet<Key> = found.iter().map(|reply| reply.key).chain([key]).collect();
        let new: Vec<Waiting> = replies
            .into_iter()
            .flatten()
            .filter(|reply| !seen.contains(&reply.key) && !new.contains(&reply.key))
            .take(room)
            .collect();
        level = new.iter().map(|reply| reply.key).collect();
        found.extend(new);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: Key, parent: Option<Key>) -> PostRow {
        PostRow::for_test(key, parent)
    }

    fn put(mentions: Vec<i64>) -> Put<Fields> {
        let fields = Fields {
            created_at_us: 0,
            flags: 0,
            root: None,
            parent: None,
            quote: None,
            mentions,
            words: [].into(),
        };
        Put { cid: Cid::of_dag_cbor(b"x"), json: "{}".to_owned(), fields }
    }

    #[test]
    fn tells_each_account_once_and_never_the_author() {
        let ancestors = HashMap::from_iter([
            ((2, 20), row((2, 20), Some((3, 30)))),
            ((3, 30), row((3, 30), Some((1, 10)))),
            ((1, 10), row((1, 10), None)),
        ]);
        let mut reply = row((1, 11), Some((2, 20)));
        reply.quote = Some((3, 31));
        let told = |reply: &PostRow, hidden: &Hidden| -> Vec<(i64, Reason)> {
            let told = recipients(reply, &put(vec![4, 4, 1]), &ancestors, hidden);
            told.into_iter().map(|told| (told.0, told.1)).collect()
        };
        let (mention, quote, answer) =
            ((4, Reason::Mention), (3, Reason::Quote), (2, Reason::Reply));
        assert_eq!(told(&reply, &Hidden::new()), [mention, quote, answer]);
        // The gate of the post it quotes, that of its thread, and a hidden reply above it.
        let flagged = |flags: i64| {
            let mut reply = reply.clone();
            reply.flags = flags;
            reply
        };
        let quote_barred = flagged(flags::VIOLATES_POSTGATE);
        assert_eq!(told(&quote_barred, &Hidden::new()), [mention, answer, (3, Reason::Reply)]);
        let barred = flagged(flags::VIOLATES_THREADGATE);
        assert_eq!(told(&barred, &Hidden::new()), [mention, quote]);
        let mut below_hidden = quote_barred;
        below_hidden.root = Some((1, 10));
        let hidden = Hidden::from_iter([((1, 10), HashSet::from_iter([(2, 20)]))]);
        assert_eq!(told(&below_hidden, &hidden), [mention, answer]);
    }

    #[test]
    fn the_chain_ends_at_its_depth_and_in_a_cycle() {
        let line: HashMap<Key, PostRow> =
            (1..=9).map(|n| ((n, 0), row((n, 0), Some((n + 1, 0))))).collect();
        assert_eq!(chain(&row((0, 0), Some((1, 0))), &line).len(), REPLY_DEPTH);
        let cycle = HashMap::from_iter([
            ((1, 0), row((1, 0), Some((0, 0)))),
            ((0, 0), row((0, 0), Some((1, 0)))),
        ]);
        assert_eq!(chain(&row((0, 0), Some((1, 0))), &cycle), [(0, 0), (1, 0)]);
    }

    #[test]
    fn late_parents_are_told_of_waiting_replies() {
        let ancestors = HashMap::from_iter([((3, 30), row((3, 30), None))]);
        let arrived = row((2, 20), Some((3, 30)));
        let waiting = [1, 4].map(|depth| Waiting {
            key: (9, depth as i64),
            depth,
            sort_at_us: 0,
            violates_threadgate: false,
            cid: Cid::of_dag_cbor(b"x"),
            json: String::new(),
        });
        let told: Vec<(i64, i64)> = late_notices(&arrived, &waiting, &ancestors)
            .iter()
            .map(|notice| (notice.recipient, notice.rkey))
            .collect();
        assert_eq!(told, [(2, 1), (3, 1), (2, 4)]);
    }
}
