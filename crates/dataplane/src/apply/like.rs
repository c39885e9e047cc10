//! `app.bsky.feed.like`: adds to its subject's likes, and its subject's author is told of it.
//!
//! A like is an [edge](super::edge): what is stored, and that an account likes a subject once
//! however many records say so, is there.

use millrace_store::{Row, StoreError, Tx};

use super::change::Target;
use super::edge::{self, EdgeKind};
use super::ids::Subject;
use super::{Effects, Op, notify};
use crate::collection::Collection;
use crate::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Like;

impl EdgeKind for Like {
    const COLLECTION: Collection = Collection::Like;
    const TABLE: &'static str = "\"like\"";
    const BY_TARGET: &'static str = "like_by_subject";
    const COLUMNS: &'static [&'static str] = Subject::COLUMNS;
    type Target = Subject;

    fn values(subject: Subject) -> Vec<i64> {
        subject.values()
    }

    fn read(row: &Row<'_>, first: usize) -> Result<Subject, StoreError> {
        Subject::read(row, first)
    }

    fn named(subject: Subject, _: i64) -> Target {
        Target::Record(subject)
    }
}

pub(crate) fn apply(
    tx: &mut Tx,
    ops: &[Op<edge::Fields<Subject>>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let applied = edge::apply::<Like>(tx, ops, effects)?;
    for ((subject, _), change) in &applied.pairs {
        effects.counters.record(*subject).likes += change;
    }
    notify::send(tx, &applied.notices(Reason::Like, Reason::LikeViaRepost))
}

#[cfg(test)]
mod tests {

    use foldhash::{HashMap, HashMapExt};
    use millrace_atproto::cid::Cid;

    use super::super::edge::{Applied, EdgeRow, Pair};
    use super::super::{Decision, Key, Put, Write, decide, pairs};
    use super::*;

    const POST: Subject = Subject { actor: 7, collection: 1, rkey: 100 };

    type Fields = edge::Fields<Subject>;
    type LikeRow = EdgeRow<Like>;

    fn put(rkey: i64, target: Subject) -> Op<Fields> {
        put_via(rkey, target, None)
    }

    fn put_via(rkey: i64, target: Subject, via: Option<Subject>) -> Op<Fields> {
        let cid = Cid::of_dag_cbor(format!("{target:?}{via:?}").as_bytes());
        let fields = Fields { target, via, created_at_us: 5 };
        let put = Put { cid, json: "{}".to_owned(), fields };
        Op { key: (1, rkey), at_us: 9, order: 0, write: Write::Put(put) }
    }

    fn delete(rkey: i64) -> Op<Fields> {
        Op { key: (1, rkey), at_us: 9, order: 0, write: Write::Delete }
    }

    fn stored(op: &Op<Fields>) -> HashMap<Key, LikeRow> {
        let decision = decide::<LikeRow>(HashMap::new(), std::slice::from_ref(op));
        decision.inserted.into_iter().map(|(row, _)| (row.key, row)).collect()
    }

    /// The pairs that begin and end, where [`POST`] has so many likes of account 1 before.
    fn changed_pairs(
        decision: &Decision<'_, LikeRow>,
        records_before: i64,
    ) -> HashMap<Pair<Like>, i64> {
        let of_post = |row: &&LikeRow| (row.target, row.key.0) == (POST, 1);
        let mut records = records_before;
        let present = |records: &mut i64, _: &[Pair<Like>]| {
            Ok((*records > 0).then_some((POST, 1)).into_iter().collect())
        };
        let write = |records: &mut i64| {
            *records -= decision.removed.iter().filter(of_post).count() as i64;
            Ok(())
        };
        pairs::changed(&mut records, decision, present, write).expect("nothing fails here")
    }

    /// Rows removed, rows inserted, change of the number of likers of [`POST`].
    #[track_caller]
    fn check(
        existing: HashMap<Key, LikeRow>,
        records_before: i64,
        ops: &[Op<Fields>],
        expected: (usize, usize, i64),
    ) {
        let decision = decide(existing, ops);
        let changes = changed_pairs(&decision, records_before);
        let change = changes.get(&(POST, 1)).copied().unwrap_or(0);
        assert_eq!((decision.removed.len(), decision.inserted.len(), change), expected);
    }

    #[test]
    fn counts_an_account_once() {
        let other = Subject { rkey: 101, ..POST };
        check(HashMap::new(), 0, &[put(1, POST)], (0, 1, 1));
        check(HashMap::new(), 0, &[put(1, POST), put(2, POST)], (0, 2, 1));
        check(HashMap::new(), 1, &[put(2, POST)], (0, 1, 0));
        check(stored(&put(1, POST)), 1, &[put(1, POST)], (0, 0, 0));
        check(stored(&put(1, POST)), 1, &[put(1, other)], (1, 1, -1));
        check(stored(&put(1, POST)), 1, &[delete(1)], (1, 0, -1));
        check(stored(&put(1, POST)), 2, &[delete(1)], (1, 0, 0));
        check(stored(&put(1, POST)), 1, &[delete(1), put(2, POST)], (1, 1, 0));
        check(HashMap::new(), 0, &[delete(1)], (0, 0, 0));
    }

    #[test]
    fn tells_the_author_when_a_pair_begins_only() {
        type Rows = HashMap<Key, LikeRow>;
        let told = |existing: Rows, ops: &[Op<Fields>], before: i64| {
            let decision = decide(existing, ops);
            let pairs = changed_pairs(&decision, before);
            let records = pairs::in_both(&decision).into_iter().map(|pair| (pair, before));
            let begun = pairs::begun(ops, &decision, &pairs, records.collect());
            let applied = Applied { decision, pairs, begun };
            let notices = applied.notices(Reason::Like, Reason::LikeViaRepost);
            notices.iter().map(|n| (n.recipient, n.rkey, n.reason)).collect::<Vec<_>>()
        };
        let none = HashMap::new;
        let first = || stored(&put(1, POST));
        assert_eq!(told(none(), &[put(1, POST), put(2, POST)], 0), [(7, 1, Reason::Like)]);
        assert_eq!(told(none(), &[put(2, POST)], 1), []);
        assert_eq!(told(none(), &[put(1, Subject { actor: 1, ..POST })], 0), []);
        // It ends and begins anew, or is said a second time before the first is taken back.
        assert_eq!(told(first(), &[delete(1), put(2, POST)], 1), [(7, 2, Reason::Like)]);
        assert_eq!(told(first(), &[put(2, POST), delete(1)], 1), []);
        assert_eq!(told(first(), &[delete(1), put(2, POST)], 2), []);
        // An edit is told of in the place of what it replaces.
        let repost = Subject { actor: 8, collection: 5, rkey: 3 };
        assert_eq!(
            told(first(), &[put_via(1, POST, Some(repost))], 1),
            [(7, 1, Reason::Like), (8, 1, Reason::LikeViaRepost)]
        );
    }
}
