//! Ids that the dictionary never gave: nobody can say whose rows those are.

use millrace_store::{StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond, list};
use super::{Check, Finding, Slice};
use crate::collection::Collection;
use crate::repair::Mend;

/// A table whose rows name accounts and record keys by id. Ids of record keys below 0 stand in the
/// dictionary's side table, and so do codes of collections.
pub(crate) struct Nameless {
    table: &'static str,
    collection: Option<Collection>,
    pub(crate) key: &'static [&'static str],
    actors: &'static [&'static str],
    keys: &'static [&'static str],
}

const RECORD: &[&str] = &["actor_id", "rkey"];

const fn edge(
    table: &'static str,
    collection: Collection,
    actors: &'static [&'static str],
    keys: &'static [&'static str],
) -> Nameless {
    Nameless { table, collection: Some(collection), key: RECORD, actors, keys }
}

const WHO: &[&str] = &["actor_id", "subject_actor"];
const WHAT: &[&str] = &["rkey", "subject_rkey", "subject_collection"];

pub(crate) static CHECKS: [Nameless; 13] = [
    Nameless {
        table: "actor",
        collection: None,
        key: &["actor_id"],
        actors: &["actor_id"],
        keys: &[],
    },
    Nameless {
        table: "profile",
        collection: None,
        key: &["actor_id"],
        actors: &["actor_id"],
        keys: &[],
    },
    edge("post", Collection::Post, &["actor_id"], &["rkey"]),
    edge("\"like\"", Collection::Like, WHO, WHAT),
    edge("repost", Collection::Repost, WHO, WHAT),
    edge("follow", Collection::Follow, WHO, &["rkey"]),
    edge("block", Collection::Block, WHO, &["rkey"]),
    edge("list_item", Collection::ListItem, WHO, &["rkey", "list_rkey"]),
    edge("list_block", Collection::ListBlock, &["actor_id", "list_actor"], &["rkey", "list_rkey"]),
    edge("verification", Collection::Verification, WHO, &["rkey"]),
    Nameless {
        table: "document",
        collection: None,
        key: &["actor_id", "collection", "rkey"],
        actors: &["actor_id"],
        keys: &["rkey"],
    },
    Nameless {
        table: "notification",
        collection: None,
        key: &["actor_id", "sort_at_us", "author", "rkey", "collection", "reason"],
        actors: &["actor_id", "author", "subject_actor"],
        keys: &["rkey", "subject_rkey", "subject_collection"],
    },
    // Values tell a labeler's labels of one subject apart; all of them have the same names.
    Nameless {
        table: "label",
        collection: None,
        key: &["subject_actor", "subject_collection", "subject_rkey", "src"],
        actors: &["subject_actor", "src"],
        keys: &["subject_rkey", "subject_collection"],
    },
];

impl Check for Nameless {
    fn name(&self) -> &'static str {
        "names"
    }

    fn table(&self) -> &'static str {
        self.table
    }

    fn width(&self) -> usize {
        self.key.len()
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let actors = self.actors.iter().map(|column| {
            format!(
                "(s.{column} IS NOT NULL AND NOT EXISTS
                    (SELECT 1 FROM dictionary.actor AS d WHERE d.id = s.{column}))"
            )
        });
        let keys = self.keys.iter().map(|column| {
            format!(
                "(s.{column} < 0 AND NOT EXISTS
                    (SELECT 1 FROM dictionary.record_key AS d WHERE d.id = s.{column}))"
            )
        });
        let nameless: Vec<String> = actors.chain(keys).collect();
        let sql = format!(
            "SELECT {}, CAST(CASE WHEN {} THEN 1 ELSE 0 END AS BIGINT) FROM (SELECT * FROM {} {}) AS s ORDER BY {}",
            list(self.key, "s."),
            nameless.join(" OR "),
            self.table,
            beyond(self.key, ""),
            list(self.key, "s."),
        );
        let width = self.key.len();
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let key: Result<Vec<i64>, _> = (0..width).map(|column| row.get(column)).collect();
            let key = key?;
            if row.get::<bool>(width)? {
                slice.findings.push(Finding {
                    check: "names",
                    subject: self.subject(&key),
                    expected: "ids that have a name".to_owned(),
                    found: format!("an id without one, in {}", self.table.trim_matches('"')),
                    mend: Mend::Row(self.table, key.clone()),
                });
            }
            slice.last = Some(key);
            Ok(())
        })?;
        Ok(slice)
    }
}

impl Nameless {
    fn subject(&self, key: &[i64]) -> Subject {
        let at = |name: &str| {
            let at = self.key.iter().position(|column| *column == name);
            at.and_then(|at| key.get(at)).copied()
        };
        let actor =
            at("author").or_else(|| at("actor_id")).or_else(|| at("src")).unwrap_or_default();
        let collection = self.collection.map(Collection::code).or_else(|| at("collection"));
        match collection.zip(at("rkey")) {
            Some((collection, rkey)) => Subject::Record { actor, collection, rkey },
            None => Subject::Actor(actor),
        }
    }
}

/// Removes these rows of `table`. What followed from them is found as drift, and mended, afterwards.
pub(crate) fn remove(tx: &mut Tx, table: &str, keys: &[Vec<i64>]) -> Result<(), StoreError> {
    let Some(it) = CHECKS.iter().find(|it| it.table == table) else { return Ok(()) };
    let sql = format!(
        "DELETE FROM {table} WHERE ({}) IN (SELECT {} FROM {{rows:{}}} AS k)",
        list(it.key, ""),
        list(it.key, "k."),
        super::naming::typed(it.key)
    );
    let rows = keys
        .iter()
        .map(|key| key.iter().copied().map(millrace_store::Param::Int).collect::<Vec<_>>());
    tx.execute_many(&sql, rows)?;
    Ok(())
}
