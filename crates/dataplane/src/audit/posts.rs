//! Posts: what their record says against the columns beside it, their line in the feed, their document
//! in the full text, and whom they must have been told to.
//!
//! Whether a gate allowed a post, and whether it belonged to the thread it names, was judged when it
//! came, by what was there then. Those bits are kept, not derived; they only must have something to
//! be about.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::RecordKey;
use millrace_store::{Param, Row, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond};
use super::{Check, Finding, Slice};
use crate::apply::feed::Heads;
use crate::apply::ids::{self, Ids};
use crate::apply::notify::{self, Notice};
use crate::apply::post::{self, Fields, PostRow};
use crate::apply::{Key, Put, decode, post_notices, run, search};
use crate::collection::Collection;
use crate::flags;
use crate::names::Names;
use crate::reason::Reason;
use crate::repair::Mend;
use crate::search::{POSTS, document_id};

/// Rows of a slice: each may hold a record of 128 KiB.
const ROWS_MAX: i64 = 200;

/// A stored post and what stands beside it.
struct Stored {
    row: PostRow,
    record: String,
    /// Its line in the feed: post, flags, author of the root.
    line: Option<(Key, i64, Option<i64>)>,
    document: Option<i64>,
}

/// A stored post as its record says it should be.
pub(crate) struct Expected {
    pub row: PostRow,
    pub put: Put<Fields>,
}

const COLUMNS: &str = "s.actor_id, s.rkey, s.cid, s.sort_at_us, s.indexed_at_us, s.flags,
    s.root_actor, s.root_rkey, s.parent_actor, s.parent_rkey, s.quote_actor, s.quote_rkey, s.record";

pub(super) struct Posts;

impl Check for Posts {
    fn name(&self) -> &'static str {
        "posts"
    }

    fn table(&self) -> &'static str {
        "post"
    }

    fn width(&self) -> usize {
        2
    }

    fn rows_max(&self) -> i64 {
        ROWS_MAX
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        self.look_since(tx, after, limit, i64::MIN)
    }

    fn look_since(
        &self,
        tx: &mut Tx,
        after: &[i64],
        limit: i64,
        told_since_us: i64,
    ) -> Result<Slice, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, f.post_actor, f.post_rkey, f.flags, f.root_actor, d.document_id
             FROM (SELECT * FROM post {}) AS s
             LEFT JOIN feed_item AS f ON f.actor_id = s.actor_id AND f.sort_at_us = s.sort_at_us
                AND f.rkey = s.rkey AND f.collection = {}
             LEFT JOIN post_document AS d ON d.actor_id = s.actor_id AND d.rkey = s.rkey
             ORDER BY s.actor_id, s.rkey",
            beyond(&["actor_id", "rkey"], ""),
            Collection::Post.code(),
        );
        let stored = tx.query(&sql, &params(after, limit), stored)?;
        let mut slice = Slice {
            rows: stored.len() as u64,
            last: stored.last().map(|last| vec![last.row.key.0, last.row.key.1]),
            findings: Vec::new(),
        };
        let rows: Vec<(&PostRow, &str)> =
            stored.iter().map(|it| (&it.row, it.record.as_str())).collect();
        let expected = expected(tx, &rows)?;
        let mut texts = Vec::new();
        for (stored, expected) in stored.iter().zip(&expected) {
            let Some(expected) = expected else {
                slice.findings.push(unreadable(stored.row.key));
                continue;
            };
            slice.findings.extend(differs(stored, expected));
            if let Some(document) = stored.document {
                texts.push((document, search::tokens(&expected.row, &expected.put)));
            }
        }
        let wrong = tx.texts_that_differ(POSTS, &texts)?;
        let wrong = stored.iter().filter(|it| it.document.is_some_and(|id| wrong.contains(&id)));
        slice.findings.extend(wrong.map(|it| {
            finding("post_search", it.row.key, "the words of the post", "other words, or none")
        }));
        let told = expected.iter().flatten().filter(|post| post.row.sort_at_us >= told_since_us);
        let readable: Vec<&Expected> = told.collect();
        for (key, _) in untold(tx, &readable)? {
            slice.findings.push(Finding {
                mend: Mend::PostNotices(key),
                ..finding("notifications", key, "a notification for whom it concerns", "none")
            });
        }
        Ok(slice)
    }
}

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let line = match row.get::<Option<i64>>(13)? {
        Some(actor) => Some(((actor, row.get(14)?), row.get(15)?, row.get(16)?)),
        None => None,
    };
    Ok(Stored { row: post::row(row)?, record: row.get(12)?, line, document: row.get(17)? })
}

fn finding(check: &'static str, key: Key, expected: &str, found: &str) -> Finding {
    Finding {
        check,
        subject: Subject::record(key.0, Collection::Post, key.1),
        expected: expected.to_owned(),
        found: found.to_owned(),
        mend: Mend::Post(key),
    }
}

fn unreadable(key: Key) -> Finding {
    Finding {
        mend: Mend::Unreadable("post", Collection::Post, key),
        ..finding("posts", key, "a record of its kind", "another text")
    }
}

/// What of a stored post and of what stands beside it is not as its record says.
fn differs(stored: &Stored, expected: &Expected) -> Vec<Finding> {
    let (is, should) = (&stored.row, &expected.row);
    let mut findings = Vec::new();
    let columns = [
        ("time", is.sort_at_us != should.sort_at_us),
        ("flags", is.flags != should.flags),
        ("root", is.root != should.root),
        ("parent", is.parent != should.parent),
        ("quote", is.quote != should.quote),
    ];
    let wrong: Vec<&str> = columns.iter().filter(|it| it.1).map(|it| it.0).collect();
    if !wrong.is_empty() {
        let found = format!("another {}", wrong.join(", "));
        findings.push(finding("posts", is.key, "the columns of its record", &found));
    }
    let line = (should.key, should.flags, should.root.map(|root| root.0));
    if stored.line != Some(line) {
        let found = stored.line.map_or("none", |_| "another");
        findings.push(finding("feed_items", is.key, "its line in the feed", found));
    }
    match stored.document {
        None => findings.push(finding("post_search", is.key, "a document", "none")),
        Some(id) if !is_of(id, should) => {
            findings.push(finding("post_search", is.key, "a document of its time", "another"));
        }
        Some(_) => {}
    }
    findings
}

/// Whether a post may have its document under this id.
pub(super) fn is_of(id: i64, row: &PostRow) -> bool {
    let candidate = |attempt| document_id::candidate(row.sort_at_us, row.key.0, row.key.1, attempt);
    (0..search::ATTEMPTS_MAX).any(|attempt| candidate(attempt) == id)
}

/// Bits that were judged when the post came, as far as there is something to judge.
fn judged(row: &PostRow, put: &Put<Fields>) -> i64 {
    let fields = &put.fields;
    let mut possible = 0;
    if fields.flags & flags::REPLY != 0 {
        possible |= flags::INVALID_ROOT;
    }
    if fields.root.is_some() {
        possible |= flags::VIOLATES_THREADGATE;
    }
    if fields.quote.is_some() {
        possible |= flags::VIOLATES_POSTGATE;
    }
    row.flags & possible
}

/// What the records of stored posts say; `None` where one cannot be read.
pub(crate) fn expected(
    tx: &mut Tx,
    rows: &[(&PostRow, &str)],
) -> Result<Vec<Option<Expected>>, StoreError> {
    let keys = || rows.iter().map(|(row, _)| row.key);
    let names = Names::of(tx, keys().map(|key| key.0), keys().map(|key| key.1))?;
    let read = |(row, json): &(&PostRow, &str)| {
        let did = names.did(row.key.0).ok()?;
        let rkey = RecordKey::parse(&names.rkey(row.key.1).ok()?).ok()?;
        let cid = Cid::from_bytes(&row.cid).ok()?;
        decode::stored(did, Collection::Post, &rkey, cid, json, row.indexed_at_us)
    };
    let read: Vec<Option<decode::NamedPut>> = rows.iter().map(read).collect();
    let mut named = ids::Names::default();
    read.iter().flatten().for_each(|put| put.names(&mut named));
    let ids = named.find(tx)?;
    let all_known = ids.know(&named);
    let resolved = |put: &decode::NamedPut| {
        let known = all_known || {
            let mut names = ids::Names::default();
            put.names(&mut names);
            ids.know(&names)
        };
        known.then(|| resolve(put, &ids)).flatten()
    };
    let expected = rows.iter().zip(&read).map(|((row, _), put)| {
        let put = resolved(put.as_ref()?)?;
        let fields = &put.fields;
        let row = PostRow {
            sort_at_us: fields.created_at_us.min(row.indexed_at_us),
            flags: fields.flags | judged(row, &put),
            root: fields.root,
            parent: fields.parent,
            quote: fields.quote,
            ..(*row).clone()
        };
        Some(Expected { row, put })
    });
    Ok(expected.collect())
}

fn resolve(put: &decode::NamedPut, ids: &Ids) -> Option<Put<Fields>> {
    let Put { cid, json, fields } = put.resolved(ids);
    match fields {
        run::Fields::Post(fields) => Some(Put { cid, json, fields }),
        _ => None,
    }
}

/// Whom a post must have been told to and was not.
type Untold = (Key, Vec<(i64, Reason, Option<ids::Subject>)>);

fn untold(tx: &mut Tx, posts: &[&Expected]) -> Result<Vec<Untold>, StoreError> {
    let parents: Vec<Key> = posts.iter().filter_map(|post| post.row.parent).collect();
    let parents = post::load(tx, &parents)?;
    let implied: Vec<Untold> = posts
        .iter()
        .map(|post| {
            let parent = post.row.parent.and_then(|parent| parents.get(&parent));
            (post.row.key, post_notices::implied(&post.row, &post.put, parent))
        })
        .collect();
    let pairs = implied.iter().flat_map(|(key, told)| told.iter().map(|it| (*key, it.0)));
    let missing: Vec<(Key, i64)> = tx.query_many(
        "SELECT k.author, k.post, k.recipient FROM {rows:author BIGINT, post BIGINT, recipient BIGINT} AS k
         WHERE NOT EXISTS (SELECT 1 FROM notification AS n WHERE n.author = k.author AND n.rkey = k.post
            AND n.collection = 1 AND n.actor_id = k.recipient)",
        pairs.map(|(key, recipient)| [key.0, key.1, recipient].map(Param::Int)),
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )?;
    let mut by_post: HashMap<Key, Vec<i64>> = HashMap::new();
    for (key, recipient) in missing {
        by_post.entry(key).or_default().push(recipient);
    }
    let left = implied.into_iter().filter_map(|(key, mut told)| {
        let missing = by_post.get(&key)?;
        told.retain(|it| missing.contains(&it.0));
        Some((key, told))
    });
    Ok(left.collect())
}

/// The stored posts of these keys, with what their records say.
fn load(tx: &mut Tx, keys: &[Key]) -> Result<Vec<(PostRow, Expected)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {{rows:actor BIGINT, rkey BIGINT}} AS k CROSS JOIN post AS s
         WHERE s.actor_id = k.actor AND s.rkey = k.rkey"
    );
    let rows: Vec<(PostRow, String)> =
        tx.query_many(&sql, keys.iter().map(|key| [key.0, key.1].map(Param::Int)), |row| {
            Ok((post::row(row)?, row.get(12)?))
        })?;
    let asked: Vec<(&PostRow, &str)> = rows.iter().map(|it| (&it.0, it.1.as_str())).collect();
    let expected = expected(tx, &asked)?;
    let both = rows.into_iter().zip(expected);
    Ok(both.filter_map(|((row, _), expected)| Some((row, expected?))).collect())
}

/// Writes the columns, the line in the feed and the document of these posts as their records say.
pub(crate) fn mend(tx: &mut Tx, keys: &[Key]) -> Result<(), StoreError> {
    let posts = load(tx, keys)?;
    let changed = posts.iter().filter(|(is, should)| *is != should.row);
    tx.execute_many(
        "UPDATE post SET sort_at_us = k.sort_at_us, flags = k.flags, root_actor = k.root_actor,
            root_rkey = k.root_rkey, parent_actor = k.parent_actor, parent_rkey = k.parent_rkey,
            quote_actor = k.quote_actor, quote_rkey = k.quote_rkey
         FROM {rows:actor BIGINT KEY, post BIGINT KEY, sort_at_us BIGINT, flags BIGINT, root_actor BIGINT,
            root_rkey BIGINT, parent_actor BIGINT, parent_rkey BIGINT, quote_actor BIGINT, quote_rkey BIGINT} AS k
         WHERE post.actor_id = k.actor AND post.rkey = k.post",
        changed.map(|(_, should)| {
            let row = &should.row;
            [
                Param::Int(row.key.0),
                Param::Int(row.key.1),
                Param::Int(row.sort_at_us),
                Param::Int(row.flags),
                Param::from(row.root.map(|key| key.0)),
                Param::from(row.root.map(|key| key.1)),
                Param::from(row.parent.map(|key| key.0)),
                Param::from(row.parent.map(|key| key.1)),
                Param::from(row.quote.map(|key| key.0)),
                Param::from(row.quote.map(|key| key.1)),
            ]
        }),
    )?;
    let mut before: Vec<PostRow> = posts.iter().map(|(is, _)| is.clone()).collect();
    before.extend(posts.iter().map(|(_, should)| should.row.clone()));
    let mut heads = Heads::default();
    post::remove_feed_items(tx, &before, &mut heads)?;
    post::insert_feed_items(tx, posts.iter().map(|(_, should)| &should.row), &mut heads)?;
    heads.write(tx)?;
    before.truncate(posts.len());
    let placed: Vec<(PostRow, &Put<Fields>)> =
        posts.iter().map(|(_, should)| (should.row.clone(), &should.put)).collect();
    search::posts(tx, &before, &placed)
}

/// Tells of these posts whom they must be told to.
pub(crate) fn mend_notices(tx: &mut Tx, keys: &[Key]) -> Result<(), StoreError> {
    let posts = load(tx, keys)?;
    let by_key: HashMap<Key, &Expected> =
        posts.iter().map(|(_, should)| (should.row.key, should)).collect();
    let all: Vec<&Expected> = posts.iter().map(|(_, should)| should).collect();
    let mut notices = Vec::new();
    for (key, told) in untold(tx, &all)? {
        let Some(post) = by_key.get(&key) else { continue };
        notices.extend(told.into_iter().map(|(recipient, reason, subject)| Notice {
            recipient,
            author: key.0,
            rkey: key.1,
            collection: Collection::Post,
            reason,
            subject,
            sort_at_us: post.row.sort_at_us,
            cid: post.put.cid,
            record: &post.put.json,
        }));
    }
    notify::send(tx, &notices)
}
