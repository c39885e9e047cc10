//! What rows must say of posts, once their names are ids.

use foldhash::HashSet;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Row, StoreError, Tx};

use super::Rows;
use crate::error::DataplaneError;
use crate::flags;
use crate::query::lookup;

type PostKey = (i64, i64);

#[derive(Default)]
pub(super) struct Only {
    /// One of these bits.
    flags: i64,
    replies: Option<bool>,
    parent: Option<PostKey>,
    root: Option<PostKey>,
    quotes: Option<HashSet<PostKey>>,
    not_quotes: HashSet<PostKey>,
    /// Whoever this account follows.
    followed_by: Option<i64>,
}

/// A post as its row says.
struct Candidate {
    document: i64,
    author: i64,
    flags: i64,
    parent: Option<PostKey>,
    root: Option<PostKey>,
    quote: Option<PostKey>,
}

impl Only {
    /// None where something is named that nothing can be found by.
    pub(super) fn of(
        tx: &mut Tx,
        rows: &Rows,
        viewer: Option<&Did>,
    ) -> Result<Option<Self>, DataplaneError> {
        let mut only = Self { replies: rows.replies, ..Self::default() };
        if rows.media {
            only.flags = flags::IMAGES | flags::VIDEO;
        }
        if rows.video {
            only.flags = flags::VIDEO;
        }
        for (named, key) in [(&rows.parent, &mut only.parent), (&rows.root, &mut only.root)] {
            let Some(uri) = named else { continue };
            *key = keys(tx, std::slice::from_ref(uri))?.into_iter().next();
            if key.is_none() {
                return Ok(None);
            }
        }
        if !rows.quotes.is_empty() {
            only.quotes = Some(keys(tx, &rows.quotes)?);
        }
        only.not_quotes = keys(tx, &rows.not_quotes)?;
        if rows.following {
            let Some(viewer) = viewer else { return Ok(None) };
            only.followed_by = lookup::actor_id(tx, viewer)?;
            if only.followed_by.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(only))
    }

    /// Whether rows have to be read.
    pub(super) fn is_needed(&self) -> bool {
        let Self { flags, replies, parent, root, quotes, not_quotes, followed_by } = self;
        *flags != 0
            || replies.is_some()
            || [parent, root].into_iter().any(Option::is_some)
            || quotes.is_some()
            || !not_quotes.is_empty()
            || followed_by.is_some()
    }

    /// Those of these documents of which rows say what they must, in the same order.
    pub(super) fn retain(&self, tx: &mut Tx, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
        if !self.is_needed() || ids.is_empty() {
            return Ok(ids.to_vec());
        }
        let mut candidates = candidates(tx, ids)?;
        candidates.retain(|candidate| self.fits(candidate));
        if let Some(viewer) = self.followed_by {
            const SQL: &str = "SELECT ids.id FROM {id_list:$1} AS ids WHERE EXISTS (
                SELECT 1 FROM follow_by_subject AS s WHERE s.subject_actor = ids.id AND s.actor_id = $2)";
            let authors = candidates.iter().map(|candidate| candidate.author);
            let followed = lookup::some_of(tx, SQL, authors, &[Param::Int(viewer)])?;
            candidates.retain(|candidate| followed.contains(&candidate.author));
        }
        let fit: HashSet<i64> = candidates.iter().map(|candidate| candidate.document).collect();
        Ok(ids.iter().copied().filter(|id| fit.contains(id)).collect())
    }

    fn fits(&self, post: &Candidate) -> bool {
        let is_reply = post.flags & flags::REPLY != 0;
        (self.flags == 0 || post.flags & self.flags != 0)
            && self.replies.is_none_or(|wanted| wanted == is_reply)
            && self.parent.is_none_or(|parent| post.parent == Some(parent))
            && self.root.is_none_or(|root| post.root == Some(root))
            && self
                .quotes
                .as_ref()
                .is_none_or(|quotes| post.quote.is_some_and(|quote| quotes.contains(&quote)))
            && post.quote.is_none_or(|quote| !self.not_quotes.contains(&quote))
    }
}

fn keys(tx: &mut Tx, uris: &[AtUri]) -> Result<HashSet<PostKey>, DataplaneError> {
    Ok(lookup::post_keys(tx, uris)?.into_iter().collect())
}

fn candidates(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Candidate>, StoreError> {
    let key = |row: &Row<'_>, at: usize| -> Result<Option<PostKey>, StoreError> {
        Ok(row.get::<Option<i64>>(at)?.zip(row.get(at + 1)?))
    };
    tx.query(
        "SELECT d.document_id, p.actor_id, p.flags, p.parent_actor, p.parent_rkey, p.root_actor, p.root_rkey,
                p.quote_actor, p.quote_rkey
         FROM {id_list:$1} AS ids CROSS JOIN post_document AS d CROSS JOIN post AS p
         WHERE d.document_id = ids.id AND p.actor_id = d.actor_id AND p.rkey = d.rkey",
        &[Param::Ids(ids)],
        |row| {
            Ok(Candidate {
                document: row.get(0)?,
                author: row.get(1)?,
                flags: row.get(2)?,
                parent: key(row, 3)?,
                root: key(row, 5)?,
                quote: key(row, 7)?,
            })
        },
    )
}
