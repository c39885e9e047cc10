//! Counters against what they count. The same sums say what a counter should be, and are what mends it.

use millrace_store::{Param, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond, list};
use super::{Check, Finding, Slice};
use crate::apply::counters::ActorCounters;
use crate::apply::document::{DECLARATIONS, GATES};
use crate::apply::ids;
use crate::collection::Collection;
use crate::flags;
use crate::repair::Mend;

const RECORD_COLUMNS: [&str; 5] = ["likes", "replies", "reposts", "quotes", "items"];
const RECORD_KEY: [&str; 3] = ["actor_id", "rkey", "collection"];

/// What [`ActorCounters::COLUMNS`] should be for the account `k.actor_id`.
fn of_actor() -> [String; 10] {
    let documents = |collections: &[Collection]| {
        let codes: Vec<String> = collections.iter().map(|it| it.code().to_string()).collect();
        format!(
            "(SELECT count(*) FROM document AS d WHERE d.actor_id = k.actor_id AND d.collection IN ({}))",
            codes.join(", ")
        )
    };
    let rows =
        |table: &str| format!("(SELECT count(*) FROM {table} AS r WHERE r.actor_id = k.actor_id)");
    [
        "(SELECT count(DISTINCT f.actor_id) FROM follow_by_subject AS f WHERE f.subject_actor = k.actor_id)".to_owned(),
        "(SELECT count(DISTINCT f.subject_actor) FROM follow AS f WHERE f.actor_id = k.actor_id)".to_owned(),
        rows("post"),
        documents(&[Collection::List]),
        documents(&[Collection::Generator]),
        documents(&[Collection::StarterPack]),
        rows("block"),
        rows("list_block"),
        documents(&GATES),
        documents(&DECLARATIONS),
    ]
}

/// What [`RECORD_COLUMNS`] should be for the record `k`.
fn of_record() -> [String; 5] {
    let (post, list) = (Collection::Post.code(), Collection::List.code());
    let barred = flags::VIOLATES_THREADGATE;
    let edges = |table: &str| {
        format!(
            "(SELECT count(DISTINCT e.actor_id) FROM {table} AS e WHERE e.subject_actor = k.actor_id
               AND e.subject_rkey = k.rkey AND e.subject_collection = k.collection)"
        )
    };
    [
        edges("like_by_subject"),
        format!(
            "(SELECT count(*) FROM post AS p WHERE p.parent_actor = k.actor_id AND p.parent_rkey = k.rkey
               AND (p.flags & {barred}) = 0 AND k.collection = {post})"
        ),
        edges("repost_by_subject"),
        format!(
            "(SELECT count(*) FROM post AS p WHERE p.quote_actor = k.actor_id AND p.quote_rkey = k.rkey
               AND k.collection = {post})"
        ),
        format!(
            "(SELECT count(DISTINCT e.subject_actor) FROM list_item_by_list AS e
              WHERE e.actor_id = k.actor_id AND e.list_rkey = k.rkey AND k.collection = {list})"
        ),
    ]
}

pub(super) struct ActorCounts;
pub(super) struct RecordCounts;

impl Check for ActorCounts {
    fn name(&self) -> &'static str {
        "actor_counts"
    }

    fn table(&self) -> &'static str {
        "actor_count"
    }

    fn width(&self) -> usize {
        1
    }

    fn rows_max(&self) -> i64 {
        500
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = counted("actor_count", &["actor_id"], &ActorCounters::COLUMNS, &of_actor());
        compare(tx, &sql, after, limit, &ActorCounters::COLUMNS, |key, expected, found| {
            let actor = key.first().copied().unwrap_or_default();
            actor_finding(actor, expected, found)
        })
    }
}

impl Check for RecordCounts {
    fn name(&self) -> &'static str {
        "record_counts"
    }

    fn table(&self) -> &'static str {
        "record_count"
    }

    fn width(&self) -> usize {
        3
    }

    fn rows_max(&self) -> i64 {
        500
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = counted("record_count", &RECORD_KEY, &RECORD_COLUMNS, &of_record());
        compare(tx, &sql, after, limit, &RECORD_COLUMNS, record_finding)
    }
}

fn actor_finding(actor: i64, expected: String, found: String) -> Finding {
    let subject = Subject::Actor(actor);
    Finding { check: "actor_counts", subject, expected, found, mend: Mend::ActorCount(actor) }
}

fn record_finding(key: &[i64], expected: String, found: String) -> Finding {
    let at = |column: usize| key.get(column).copied().unwrap_or_default();
    let (actor, rkey, collection) = (at(0), at(1), at(2));
    Finding {
        check: "record_counts",
        subject: Subject::Record { actor, collection, rkey },
        expected,
        found,
        mend: Mend::RecordCount(ids::Subject { actor, collection, rkey }),
    }
}

/// Key, what is counted, and what should be, of the rows beyond the parameters.
fn counted(table: &str, key: &[&str], columns: &[&str], expected: &[String]) -> String {
    format!(
        "SELECT {}, {}, {} FROM (SELECT * FROM {table} {}) AS k ORDER BY {}",
        list(key, "k."),
        list(columns, "k."),
        expected.join(", "),
        beyond(key, ""),
        list(key, "k."),
    )
}

fn compare(
    tx: &mut Tx,
    sql: &str,
    after: &[i64],
    limit: i64,
    columns: &[&str],
    finding: impl Fn(&[i64], String, String) -> Finding,
) -> Result<Slice, StoreError> {
    let (width, count) = (after.len(), columns.len());
    let mut slice = Slice::default();
    tx.for_each(sql, &params(after, limit), |row| {
        slice.rows += 1;
        let ints = |from: usize, count: usize| -> Result<Vec<i64>, StoreError> {
            (from..from + count).map(|column| row.get(column)).collect()
        };
        let key = ints(0, width)?;
        let (found, expected) = (ints(width, count)?, ints(width + count, count)?);
        if found != expected {
            let differs = |values: &[i64]| {
                let all = columns.iter().zip(found.iter().zip(&expected)).zip(values);
                let differing = all.filter(|((_, (found, expected)), _)| found != expected);
                let said: Vec<String> =
                    differing.map(|((column, _), value)| format!("{column} {value}")).collect();
                said.join(", ")
            };
            slice.findings.push(finding(&key, differs(&expected), differs(&found)));
        }
        slice.last = Some(key);
        Ok(())
    })?;
    Ok(slice)
}

/// Things that are counted and have no counter.
pub(super) struct Uncounted {
    table: &'static str,
    /// Its columns that say what is counted, which an index of the table begins with.
    key: &'static [&'static str],
    among: &'static str,
    counter: Counter,
}

enum Counter {
    Actor,
    /// Of a record of any collection, or of this one.
    Record(Option<Collection>),
}

const SUBJECT: &[&str] = &["subject_actor", "subject_rkey", "subject_collection"];

pub(super) static UNCOUNTED: [Uncounted; 11] = [
    Uncounted {
        table: "follow_by_subject",
        key: &["subject_actor"],
        among: "",
        counter: Counter::Actor,
    },
    Uncounted { table: "follow", key: &["actor_id"], among: "", counter: Counter::Actor },
    Uncounted { table: "post", key: &["actor_id"], among: "", counter: Counter::Actor },
    Uncounted { table: "block", key: &["actor_id"], among: "", counter: Counter::Actor },
    Uncounted { table: "list_block", key: &["actor_id"], among: "", counter: Counter::Actor },
    Uncounted {
        table: "document",
        key: &["actor_id"],
        among: "collection IN (6, 7, 8, 9, 13, 14, 16, 17, 18, 19) AND ",
        counter: Counter::Actor,
    },
    Uncounted { table: "like_by_subject", key: SUBJECT, among: "", counter: Counter::Record(None) },
    Uncounted {
        table: "repost_by_subject",
        key: SUBJECT,
        among: "",
        counter: Counter::Record(None),
    },
    Uncounted {
        table: "post",
        key: &["parent_actor", "parent_rkey"],
        among: "parent_actor IS NOT NULL AND (flags & 16) = 0 AND ",
        counter: Counter::Record(Some(Collection::Post)),
    },
    Uncounted {
        table: "post",
        key: &["quote_actor", "quote_rkey"],
        among: "quote_actor IS NOT NULL AND ",
        counter: Counter::Record(Some(Collection::Post)),
    },
    Uncounted {
        table: "list_item_by_list",
        key: &["actor_id", "list_rkey"],
        among: "",
        counter: Counter::Record(Some(Collection::List)),
    },
];

impl Check for Uncounted {
    fn name(&self) -> &'static str {
        match self.counter {
            Counter::Actor => "actor_counts",
            Counter::Record(_) => "record_counts",
        }
    }

    fn table(&self) -> &'static str {
        self.table
    }

    fn width(&self) -> usize {
        self.key.len()
    }

    fn rows_max(&self) -> i64 {
        500
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let key = |at: usize| format!("k.{}", self.key.get(at).copied().unwrap_or_default());
        let counter = match self.counter {
            Counter::Actor => format!("actor_count AS c WHERE c.actor_id = {}", key(0)),
            Counter::Record(collection) => format!(
                "record_count AS c WHERE c.actor_id = {} AND c.rkey = {} AND c.collection = {}",
                key(0),
                key(1),
                collection.map_or_else(|| key(2), |collection| collection.code().to_string())
            ),
        };
        let sql = format!(
            "SELECT {}, CAST(CASE WHEN EXISTS (SELECT 1 FROM {counter}) THEN 1 ELSE 0 END AS BIGINT)
             FROM (SELECT DISTINCT {} FROM {} {}) AS k ORDER BY {}",
            list(self.key, "k."),
            list(self.key, ""),
            self.table,
            beyond(self.key, self.among),
            list(self.key, "k."),
        );
        let width = self.key.len();
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let key: Result<Vec<i64>, _> = (0..width).map(|column| row.get(column)).collect();
            let key = key?;
            if !row.get::<bool>(width)? {
                let (expected, found) = ("a counter".to_owned(), "none".to_owned());
                let mut record = key.clone();
                slice.findings.push(match self.counter {
                    Counter::Actor => {
                        actor_finding(key.first().copied().unwrap_or_default(), expected, found)
                    }
                    Counter::Record(collection) => {
                        record.extend(collection.map(Collection::code));
                        record_finding(&record, expected, found)
                    }
                });
            }
            slice.last = Some(key);
            Ok(())
        })?;
        Ok(slice)
    }
}

/// Counts these accounts' counters anew.
pub(crate) fn recount_actors(tx: &mut Tx, actors: &[i64]) -> Result<(), StoreError> {
    let rows = || actors.iter().map(|actor| [Param::Int(*actor)]);
    recount(tx, "actor_count", &["actor_id"], &ActorCounters::COLUMNS, &of_actor(), rows)
}

/// Counts these records' counters anew.
pub(crate) fn recount_records(tx: &mut Tx, records: &[ids::Subject]) -> Result<(), StoreError> {
    let rows = || {
        records.iter().map(|record| [record.actor, record.rkey, record.collection].map(Param::Int))
    };
    recount(tx, "record_count", &RECORD_KEY, &RECORD_COLUMNS, &of_record(), rows)
}

/// A counter that stands at nothing needs no row.
fn recount<R: AsRef<[Param<'static>]>, I: Iterator<Item = R>>(
    tx: &mut Tx,
    table: &str,
    key: &[&str],
    columns: &[&str],
    expected: &[String],
    rows: impl Fn() -> I,
) -> Result<(), StoreError> {
    let typed = super::naming::typed(key);
    let own = list(key, "");
    let sql = format!(
        "DELETE FROM {table} WHERE ({own}) IN (SELECT {} FROM {{rows:{typed}}} AS k)",
        list(key, "k.")
    );
    tx.execute_many(&sql, rows())?;
    let named: Vec<String> =
        expected.iter().zip(columns).map(|(sum, column)| format!("{sum} AS {column}")).collect();
    let some: Vec<String> = columns.iter().map(|column| format!("e.{column}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({own}, {}) SELECT {}, {} FROM
           (SELECT {}, {} FROM {{rows:{typed}}} AS k) AS e WHERE {} > 0",
        list(columns, ""),
        list(key, "e."),
        list(columns, "e."),
        list(key, "k."),
        named.join(", "),
        some.join(" + "),
    );
    tx.execute_many(&sql, rows())?;
    Ok(())
}
