//! A part of a whole repository: "in the key range (after, through] exactly these records exist".
//!
//! What is stored in the range and not in the part is deleted, the rest is put; a record that is
//! stored already with the same CID costs nothing. An empty part over the whole range therefore
//! removes all of an account's records: that is how a deleted account is purged.

use millrace_atproto::syntax::RecordKey;
use millrace_store::{Param, RkeyId, StoreError, Tx};

use super::Key;
use crate::collection::Collection;
use crate::names::Names;

/// The range of repository paths a part speaks of; `None` is open.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Range<'a> {
    pub after: Option<&'a str>,
    pub through: Option<&'a str>,
}

impl Range<'_> {
    fn holds(&self, path: &str) -> bool {
        self.after.is_none_or(|after| path > after)
            && self.through.is_none_or(|through| path <= through)
    }

    /// Whether any path of the collection can lie in the range.
    fn touches(&self, collection: &str) -> bool {
        // '/' ends the collection's name and '0' is the character after it.
        self.after.is_none_or(|after| format!("{collection}0").as_str() > after)
            && self.through.is_none_or(|through| format!("{collection}/").as_str() <= through)
    }

    /// Bounds (after, through] of the record keys of a collection that are TIDs, which sort as
    /// their integers; open where the range's own bound is no TID of the collection.
    fn tids(&self, collection: &str) -> (i64, i64) {
        let tid = |path: Option<&str>| {
            let rkey = path?.strip_prefix(collection)?.strip_prefix('/')?;
            RkeyId::of_tid(&RecordKey::parse(rkey).ok()?).map(|id| id.0)
        };
        (tid(self.after).unwrap_or(-1), tid(self.through).unwrap_or(i64::MAX))
    }
}

/// Where a collection's records are, and the condition that singles them out there.
fn table(collection: Collection) -> (&'static str, &'static str) {
    match collection {
        Collection::Profile => ("profile", ""),
        Collection::Post => ("post", ""),
        Collection::Like => ("\"like\"", ""),
        Collection::Repost => ("repost", ""),
        Collection::Follow => ("follow", ""),
        Collection::Block => ("block", ""),
        Collection::ListItem => ("list_item", ""),
        Collection::ListBlock => ("list_block", ""),
        Collection::Verification => ("verification", ""),
        Collection::Generator
        | Collection::List
        | Collection::StarterPack
        | Collection::Labeler
        | Collection::Threadgate
        | Collection::Postgate
        | Collection::Status
        | Collection::NotificationDeclaration
        | Collection::ChatDeclaration
        | Collection::GermDeclaration
        | Collection::Publication => ("document", "AND collection = $4"),
    }
}

/// An actor's record keys in a collection: those that are no TIDs (below 0), and of the others only
/// the range's, since a large repository comes in very many parts.
fn stored_keys(
    tx: &mut Tx,
    actor: i64,
    collection: Collection,
    range: &Range<'_>,
    self_key: i64,
) -> Result<Vec<i64>, StoreError> {
    let (table, among) = table(collection);
    if collection == Collection::Profile {
        let sql = "SELECT actor_id FROM profile WHERE actor_id = $1";
        return tx.query(sql, &[Param::Int(actor)], |_| Ok(self_key));
    }
    let sql = format!(
        "SELECT rkey FROM {table} WHERE actor_id = $1 {among} AND rkey < 0
         UNION ALL SELECT rkey FROM {table} WHERE actor_id = $1 {among} AND rkey > $2 AND rkey <= $3"
    );
    let (after, through) = range.tids(collection.nsid());
    let mut params = vec![Param::Int(actor), Param::Int(after), Param::Int(through)];
    if !among.is_empty() {
        params.push(Param::Int(collection.code()));
    }
    tx.query(&sql, &params, |row| row.get(0))
}

/// The stored records of `actor` within `range`; `self_key` is the id of the record key `self`.
pub(crate) fn stored_in(
    tx: &mut Tx,
    actor: i64,
    range: &Range<'_>,
    self_key: i64,
) -> Result<Vec<(Collection, Key)>, StoreError> {
    let mut stored = Vec::new();
    for collection in Collection::all().filter(|collection| range.touches(collection.nsid())) {
        let rkeys = stored_keys(tx, actor, collection, range, self_key)?;
        let names = Names::of(tx, [], rkeys.iter().copied())?;
        for rkey in rkeys {
            if range.holds(&format!("{}/{}", collection.nsid(), names.rkey(rkey)?)) {
                stored.push((collection, (actor, rkey)));
            }
        }
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_open_below_and_closed_above() {
        let range =
            Range { after: Some("app.bsky.feed.like/a"), through: Some("app.bsky.feed.post/b") };
        for (path, expected) in [
            ("app.bsky.feed.like/a", false),
            ("app.bsky.feed.like/b", true),
            ("app.bsky.feed.post/b", true),
            ("app.bsky.feed.post/c", false),
            ("app.bsky.actor.profile/self", false),
        ] {
            assert_eq!(range.holds(path), expected, "{path}");
        }
        assert!(range.touches("app.bsky.feed.like") && range.touches("app.bsky.feed.post"));
        assert!(
            !range.touches("app.bsky.actor.profile") && !range.touches("app.bsky.graph.follow")
        );
        assert!(Range::default().touches("app.bsky.graph.follow") && Range::default().holds("x/y"));
    }

    #[test]
    fn bounds_that_are_tids_of_the_collection_narrow_it() {
        let (like, post) = ("app.bsky.feed.like", "app.bsky.feed.post");
        let range = Range {
            after: Some("app.bsky.feed.like/2222222222223"),
            through: Some("app.bsky.feed.post/2222222222227"),
        };
        assert_eq!((range.tids(like), range.tids(post)), ((1, i64::MAX), (-1, 5)));
        // Neither is "self", nor a TID whose top bit is set: such keys stand in the side table.
        let odd = Range {
            after: Some("app.bsky.feed.like/self"),
            through: Some("app.bsky.feed.like/jzzzzzzzzzzzz"),
        };
        assert_eq!((odd.tids(like), Range::default().tids(like)), ((-1, i64::MAX), (-1, i64::MAX)));
    }
}
