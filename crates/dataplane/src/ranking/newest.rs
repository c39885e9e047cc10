//! The newest posts, read through once for all that is made of them: topics, and the posts that people like.

use millrace_store::{Param, Row, Store, StoreError, Tx};

use super::popular::{Popular, PopularPost};
use super::topics::{Tagged, Tallies, Topic};
use crate::collection::Collection;
use crate::flags;
use crate::search::document_id;
use crate::written::Written;

/// Posts older than this do not count, nor more than the newest so many.
const WINDOW_US: i64 = 24 * 3_600_000_000;
const POSTS_MAX: usize = 50_000;
/// Posts read in one snapshot.
const SLICE_ROWS_MAX: i64 = 1_000;

/// What was made of them.
pub(super) struct Found {
    pub(super) topics: Vec<Topic>,
    pub(super) posts: Vec<PopularPost>,
}

pub(super) async fn look(store: &Store) -> Result<Found, StoreError> {
    let (mut tallies, mut popular) = (Tallies::default(), Popular::new());
    let (mut below, mut posts, mut now_us) = (i64::MAX, 0, 0);
    while posts < POSTS_MAX {
        let slice = store.read(move |tx| Slice::read(tx, below)).await?;
        posts += slice.rows;
        now_us = slice.now_us;
        slice.tagged.into_iter().for_each(|post| tallies.add(post));
        slice.popular.into_iter().for_each(|post| popular.add(post));
        match slice.next {
            Some(next) => below = next,
            None => break,
        }
        super::pause().await;
    }
    Ok(Found { topics: tallies.topics(now_us), posts: popular.sorted() })
}

struct Slice {
    now_us: i64,
    rows: usize,
    tagged: Vec<Tagged>,
    popular: Vec<PopularPost>,
    /// Below it the next one begins.
    next: Option<i64>,
}

impl Slice {
    fn read(tx: &mut Tx, below: i64) -> Result<Self, StoreError> {
        const SQL: &str = "SELECT d.document_id, p.actor_id, p.rkey, p.sort_at_us, p.flags, p.record,
                c.likes, c.replies, c.reposts, c.quotes
            FROM (SELECT document_id, actor_id, rkey FROM post_document
                  WHERE document_id >= $1 AND document_id < $2 ORDER BY document_id DESC LIMIT $3) AS d
            CROSS JOIN post AS p
            LEFT JOIN record_count AS c ON c.actor_id = p.actor_id AND c.rkey = p.rkey AND c.collection = $4
            WHERE p.actor_id = d.actor_id AND p.rkey = d.rkey";
        let now_us = tx.now_us();
        let oldest = document_id::first_at(now_us.saturating_sub(WINDOW_US));
        let (mut tagged, mut popular, mut rows, mut lowest) = (Vec::new(), Vec::new(), 0, below);
        let params = [oldest, below, SLICE_ROWS_MAX, Collection::Post.code()].map(Param::Int);
        tx.for_each(SQL, &params, |row: &Row<'_>| {
            rows += 1;
            lowest = lowest.min(row.get(0)?);
            let written = Written::of(row.text(5)?);
            // What its author labels is shown to nobody who did not ask for it.
            if written.labelled {
                return Ok(());
            }
            let (author, sort_at_us) = (row.get(1)?, row.get(3)?);
            let count =
                |column| Ok::<i64, StoreError>(row.get::<Option<i64>>(column)?.unwrap_or(0));
            let [likes, replies, reposts, quotes] = [count(6)?, count(7)?, count(8)?, count(9)?];
            let weight = likes + 2 * (replies + quotes) + 3 * reposts;
            if weight > 0 && row.get::<i64>(4)? & flags::REPLY == 0 {
                let languages = written.languages;
                popular.push(PopularPost::of((author, row.get(2)?), sort_at_us, weight, languages));
            }
            if !written.tags.is_empty() {
                tagged.push(Tagged { author, sort_at_us, tags: written.tags });
            }
            Ok(())
        })?;
        Ok(Self { now_us, rows, tagged, popular, next: (rows > 0).then_some(lowest) })
    }
}
