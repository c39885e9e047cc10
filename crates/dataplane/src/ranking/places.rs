//! One way through the counters of accounts: who is followed most, and, of those who made any, their feeds
//! and starter packs.

use foldhash::HashSet;
use millrace_store::{Param, Row, Store, StoreError, Tx};
use serde::Deserialize;

use super::best::Best;
use crate::collection::Collection;
use crate::query::lookup;
use crate::search::words;

/// Accounts looked at in one snapshot.
const SLICE_ROWS_MAX: i64 = 5_000;
/// Feeds, or starter packs, of the accounts of one slice; of more some are not seen.
const DOCUMENTS_MAX: i64 = 20_000;
/// People who are remembered, and how many are looked at to find them.
const PEOPLE_MAX: usize = 1_000;
const CANDIDATES_MAX: usize = 3 * PEOPLE_MAX;
/// Feeds that are remembered, and starter packs.
const NAMED_MAX: usize = 20_000;
/// Bytes of the words of a name; what follows is not searched.
const WORDS_BYTES_MAX: usize = 512;

/// Where an account or a record stands. The greater the better: more followers, likes or comers, and of
/// equals the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) score: i64,
    /// 0 of an account.
    pub(crate) rkey: i64,
    pub(crate) actor: i64,
}

/// A record's place and the words of its name, each after a space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) place: Place,
    pub(crate) words: String,
}

/// The best of all.
pub(super) struct Found {
    pub(super) people: Vec<Place>,
    pub(super) generators: Vec<Named>,
    pub(super) starter_packs: Vec<Named>,
}

impl Place {
    /// As a cursor has it.
    pub(crate) fn key(&self) -> (i64, i64, i64) {
        (self.score, self.rkey, self.actor)
    }
}

pub(super) async fn look(store: &Store) -> Result<Found, StoreError> {
    let mut people = Best::of(CANDIDATES_MAX);
    let (mut generators, mut starter_packs) = (Best::of(NAMED_MAX), Best::of(NAMED_MAX));
    let mut after = Some(i64::MIN);
    while let Some(from) = after {
        let slice = store.read(move |tx| Slice::read(tx, from)).await?;
        people.add(slice.found.people);
        generators.add(slice.found.generators);
        starter_packs.add(slice.found.starter_packs);
        after = slice.next;
        super::pause().await;
    }
    let candidates = people.sorted();
    let people = store.read(move |tx| of_presentable(tx, candidates)).await?;
    Ok(Found { people, generators: generators.sorted(), starter_packs: starter_packs.sorted() })
}

/// Those of `ids` whom one would suggest to somebody: active, with a verified handle and a profile.
pub(crate) fn presentable(
    tx: &mut Tx,
    ids: impl Iterator<Item = i64>,
) -> Result<HashSet<i64>, StoreError> {
    const SQL: &str = "SELECT a.actor_id FROM {id_list:$1} AS ids CROSS JOIN actor AS a CROSS JOIN profile AS p
        WHERE a.actor_id = ids.id AND a.active = 1 AND a.handle IS NOT NULL AND p.actor_id = a.actor_id";
    lookup::some_of(tx, SQL, ids, &[])
}

fn of_presentable(tx: &mut Tx, mut people: Vec<Place>) -> Result<Vec<Place>, StoreError> {
    let shown = presentable(tx, people.iter().map(|place| place.actor))?;
    people.retain(|place| shown.contains(&place.actor));
    people.truncate(PEOPLE_MAX);
    Ok(people)
}

struct Slice {
    found: Found,
    /// Where the next one begins.
    next: Option<i64>,
}

impl Slice {
    fn read(tx: &mut Tx, after: i64) -> Result<Self, StoreError> {
        let (mut people, mut last, mut rows) = (Vec::new(), after, 0);
        let (mut with_feeds, mut with_packs) = (Vec::new(), Vec::new());
        tx.for_each(
            "SELECT actor_id, followers, generators, starter_packs FROM actor_count
             WHERE actor_id > $1 ORDER BY actor_id LIMIT $2",
            &[after, SLICE_ROWS_MAX].map(Param::Int),
            |row| {
                let (actor, followers): (i64, i64) = (row.get(0)?, row.get(1)?);
                (last, rows) = (actor, rows + 1);
                if followers > 0 {
                    people.push(Place { score: followers, rkey: 0, actor });
                }
                if row.get::<i64>(2)? > 0 {
                    with_feeds.push(actor);
                }
                if row.get::<i64>(3)? > 0 {
                    with_packs.push(actor);
                }
                Ok(())
            },
        )?;
        let generators = documents(tx, LIKED, &with_feeds, Collection::Generator)?;
        let starter_packs = documents(tx, JOINED, &with_packs, Collection::StarterPack)?;
        let next = (rows == SLICE_ROWS_MAX).then_some(last);
        Ok(Self { found: Found { people, generators, starter_packs }, next })
    }
}

const LIKED: &str = "SELECT d.actor_id, d.rkey, COALESCE(c.likes, 0), d.record
    FROM {id_list:$1} AS ids CROSS JOIN document AS d
    LEFT JOIN record_count AS c ON c.actor_id = d.actor_id AND c.rkey = d.rkey AND c.collection = d.collection
    WHERE d.actor_id = ids.id AND d.collection = $2 LIMIT $3";

const JOINED: &str = "SELECT d.actor_id, d.rkey,
        (SELECT COUNT(*) FROM profile AS p WHERE p.joined_actor = d.actor_id AND p.joined_rkey = d.rkey), d.record
    FROM {id_list:$1} AS ids CROSS JOIN document AS d
    WHERE d.actor_id = ids.id AND d.collection = $2 LIMIT $3";

fn documents(
    tx: &mut Tx,
    sql: &str,
    actors: &[i64],
    collection: Collection,
) -> Result<Vec<Named>, StoreError> {
    if actors.is_empty() {
        return Ok(Vec::new());
    }
    let params = [Param::Ids(actors), Param::Int(collection.code()), Param::Int(DOCUMENTS_MAX)];
    tx.query(sql, &params, |row: &Row<'_>| {
        let place = Place { actor: row.get(0)?, rkey: row.get(1)?, score: row.get(2)? };
        Ok(Named { place, words: words_of(row.text(3)?) })
    })
}

/// How a record calls itself: a feed, or a starter pack.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Called {
    display_name: String,
    name: String,
}

fn words_of(record: &str) -> String {
    let called: Called = serde_json::from_str(record).unwrap_or_default();
    let mut text = String::new();
    for word in words::words(&called.display_name).iter().chain(&words::words(&called.name)) {
        if text.len() + word.len() >= WORDS_BYTES_MAX {
            break;
        }
        text.push(' ');
        text.push_str(word);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_name() {
        let check = |record: &str, expected: &str| assert_eq!(words_of(record), expected);
        check(r#"{"displayName":"River News!","description":"no"}"#, " river news");
        check(r#"{"name":"東京都"}"#, " 東京 京都 都");
        check(r#"{"name":7}"#, "");
        check("{}", "");
        let long = format!(r#"{{"name":"{}"}}"#, "mill ".repeat(10_000));
        assert!(words_of(&long).len() <= WORDS_BYTES_MAX);
    }
}
