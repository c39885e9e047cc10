//! Rows by target against rows by key: of every edge there is one of each, and of nothing else.

use millrace_store::{Param, StoreError, Tx};

use super::naming::{Subject, beyond, list, typed};
use super::{Check, Finding, Slice};
use crate::collection::Collection;
use crate::repair::Mend;

/// The two tables of a kind of edge.
#[derive(Debug)]
pub(crate) struct Inverse {
    name: &'static str,
    collection: Collection,
    base: &'static str,
    table: &'static str,
    /// The inverse's key; `actor_id` and `rkey` are those of the record.
    key: &'static [&'static str],
    /// Whether the inverse has the record's time.
    timed: bool,
}

const LIKES: Inverse = Inverse {
    name: "likes",
    collection: Collection::Like,
    base: "\"like\"",
    table: "like_by_subject",
    key: &["subject_actor", "subject_rkey", "subject_collection", "actor_id", "rkey"],
    timed: true,
};
const REPOSTS: Inverse = Inverse {
    name: "reposts",
    collection: Collection::Repost,
    base: "repost",
    table: "repost_by_subject",
    ..LIKES
};
const FOLLOWS: Inverse = Inverse {
    name: "follows",
    collection: Collection::Follow,
    base: "follow",
    table: "follow_by_subject",
    key: &["subject_actor", "actor_id", "rkey"],
    timed: true,
};
const BLOCKS: Inverse = Inverse {
    name: "blocks",
    collection: Collection::Block,
    base: "block",
    table: "block_by_subject",
    ..FOLLOWS
};
const LIST_ITEMS: Inverse = Inverse {
    name: "list_items",
    collection: Collection::ListItem,
    base: "list_item",
    table: "list_item_by_list",
    key: &["actor_id", "list_rkey", "subject_actor", "rkey"],
    timed: true,
};
const VERIFICATIONS: Inverse = Inverse {
    name: "verifications",
    collection: Collection::Verification,
    base: "verification",
    table: "verification_by_subject",
    key: &["subject_actor", "actor_id", "rkey"],
    timed: false,
};

static INVERSES: [Inverse; 6] = [LIKES, REPOSTS, FOLLOWS, BLOCKS, LIST_ITEMS, VERIFICATIONS];

/// Records without a row by target, or with one that says something else.
pub(super) struct Missing(usize);
/// Rows by target without a record.
pub(super) struct Surplus(usize);

pub(super) static MISSING: [Missing; 6] =
    [Missing(0), Missing(1), Missing(2), Missing(3), Missing(4), Missing(5)];
pub(super) static SURPLUS: [Surplus; 6] =
    [Surplus(0), Surplus(1), Surplus(2), Surplus(3), Surplus(4), Surplus(5)];

impl Inverse {
    /// `a.x = b.x AND …` over the target and the record's key.
    fn same(&self, a: &str, b: &str) -> String {
        let same: Vec<String> =
            self.key.iter().map(|column| format!("{a}.{column} = {b}.{column}")).collect();
        same.join(" AND ")
    }

    /// The time an inverse row of `alias` should have.
    fn time(&self, alias: &str) -> String {
        if !self.timed {
            return "CAST(0 AS BIGINT)".to_owned();
        }
        format!(
            "CASE WHEN {alias}.created_at_us < {alias}.indexed_at_us THEN {alias}.created_at_us ELSE {alias}.indexed_at_us END"
        )
    }

    fn finding(&self, key: &[i64], expected: &str, found: &str) -> Finding {
        let column = |name: &str| {
            let at = self.key.iter().position(|column| *column == name);
            at.and_then(|at| key.get(at)).copied().unwrap_or_default()
        };
        Finding {
            check: self.name,
            subject: Subject::record(column("actor_id"), self.collection, column("rkey")),
            expected: expected.to_owned(),
            found: found.to_owned(),
            mend: Mend::Inverse(self.name, key.to_vec()),
        }
    }
}

impl Check for Missing {
    fn name(&self) -> &'static str {
        INVERSES[self.0].name
    }

    fn table(&self) -> &'static str {
        let it = &INVERSES[self.0];
        it.base
    }

    fn width(&self) -> usize {
        2
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let it = &INVERSES[self.0];
        let found = if it.timed { "i.sort_at_us" } else { "i.actor_id * 0" };
        let sql = format!(
            "SELECT s.actor_id, s.rkey, {}, {found}, {} FROM (SELECT * FROM {} {}) AS s
             LEFT JOIN {} AS i ON {} ORDER BY s.actor_id, s.rkey",
            it.time("s"),
            list(it.key, "s."),
            it.base,
            beyond(&["actor_id", "rkey"], ""),
            it.table,
            it.same("i", "s"),
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            slice.last = Some(vec![row.get(0)?, row.get(1)?]);
            let expected: i64 = row.get(2)?;
            let found: Option<i64> = row.get(3)?;
            if found != Some(expected) {
                let key: Result<Vec<i64>, _> =
                    (0..it.key.len()).map(|column| row.get(4 + column)).collect();
                let found = found.map_or("none", |_| "one with another time");
                slice.findings.push(it.finding(&key?, "its row by target", found));
            }
            Ok(())
        })?;
        Ok(slice)
    }
}

impl Check for Surplus {
    fn name(&self) -> &'static str {
        INVERSES[self.0].name
    }

    fn table(&self) -> &'static str {
        INVERSES[self.0].table
    }

    fn width(&self) -> usize {
        INVERSES[self.0].key.len()
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let it = &INVERSES[self.0];
        let sql = format!(
            "SELECT b.actor_id, {} FROM (SELECT * FROM {} {}) AS s
             LEFT JOIN {} AS b ON {} ORDER BY {}",
            list(it.key, "s."),
            it.table,
            beyond(it.key, ""),
            it.base,
            it.same("b", "s"),
            list(it.key, "s."),
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let key: Result<Vec<i64>, _> =
                (0..it.key.len()).map(|column| row.get(1 + column)).collect();
            let key = key?;
            if row.get::<Option<i64>>(0)?.is_none() {
                slice.findings.push(it.finding(&key, "no row by target", "one without a record"));
            }
            slice.last = Some(key);
            Ok(())
        })?;
        Ok(slice)
    }
}

/// The parameters of [`beyond`].
pub(super) fn params(after: &[i64], limit: i64) -> Vec<Param<'static>> {
    after.iter().chain([&limit]).map(|value| Param::Int(*value)).collect()
}

/// Writes the rows by target under these keys as their records say: one, or none.
pub(crate) fn mend(tx: &mut Tx, name: &str, keys: &[Vec<i64>]) -> Result<(), StoreError> {
    let Some(it) = INVERSES.iter().find(|it| it.name == name) else { return Ok(()) };
    let rows = || keys.iter().map(|key| key.iter().copied().map(Param::Int).collect::<Vec<_>>());
    let sql = format!(
        "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {{rows:{}}} AS k)",
        it.table,
        list(it.key, ""),
        list(it.key, "k."),
        typed(it.key)
    );
    tx.execute_many(&sql, rows())?;
    let (time, value) = match it.timed {
        true => (", sort_after_us", format!(", {} - (b.rkey >> 10)", it.time("b"))),
        false => ("", String::new()),
    };
    let sql = format!(
        "INSERT INTO {} ({}{time}) SELECT {}{value} FROM {{rows:{}}} AS k CROSS JOIN {} AS b WHERE {}",
        it.table,
        list(it.key, ""),
        list(it.key, "b."),
        typed(it.key),
        it.base,
        it.same("b", "k"),
    );
    tx.execute_many(&sql, rows())?;
    Ok(())
}
