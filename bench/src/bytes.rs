//! Bytes of a row on disk: pages of the table and of what makes it findable the other way round, divided by its
//! rows. Read from the SQLite file of a store that was closed.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};

/// Bytes of one row of each kind.
#[derive(Clone, Copy, Debug)]
pub struct RowBytes {
    /// With `like_by_subject`.
    pub like: f64,
    /// With `follow_by_subject`.
    pub follow: f64,
    /// With `feed_item`, its record as JSON, and its counters; without search.
    pub post: f64,
    /// What search keeps of a post.
    pub post_search: f64,
    /// The whole file, by entry.
    pub file: f64,
    /// The log's file, by entry.
    pub log: f64,
    /// Rows of likes, follows and posts.
    pub rows: [u64; 3],
}

/// Tables that hold a post, and those that find it by its words.
const POST_TABLES: [&str; 3] = ["post", "feed_item", "feed_head"];
const SEARCH_TABLES: &str = "post_document post_text%";

/// Measures a data folder whose program has ended.
pub fn measure(data: &Path, entries: u64) -> Result<RowBytes> {
    let path = data.join("dataplane.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let file = Connection::open_with_flags(&path, flags).context("opening the store")?;
    let likes = rows(&file, "like")?;
    let follows = rows(&file, "follow")?;
    let posts = rows(&file, "post")?;
    let of =
        |tables: &[&str]| -> Result<f64> { tables.iter().map(|table| pages(&file, table)).sum() };
    let search: Vec<&str> = SEARCH_TABLES.split(' ').collect();
    Ok(RowBytes {
        like: of(&["like", "like_by_subject"])? / likes as f64,
        follow: of(&["follow", "follow_by_subject"])? / follows as f64,
        post: of(&POST_TABLES)? / posts as f64,
        post_search: of(&search)? / posts as f64,
        file: std::fs::metadata(&path)?.len() as f64 / entries as f64,
        log: std::fs::metadata(data.join("log.db"))?.len() as f64 / entries as f64,
        rows: [likes, follows, posts],
    })
}

/// Bytes of a line of a home, with its index, in a data folder whose program has ended; and how many there are.
pub fn of_home_line(data: &Path) -> Result<(f64, u64)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let file = Connection::open_with_flags(data.join("feeds.db"), flags)?;
    let lines = rows(&file, "user_feeds")?;
    Ok((pages(&file, "user_feeds")? / lines as f64, lines))
}

/// Bytes of the pages of a table and its indexes.
fn pages(file: &Connection, table: &str) -> Result<f64> {
    let sql = "SELECT coalesce(sum(s.pgsize), 0) FROM sqlite_schema t
               JOIN dbstat s ON s.name = t.name AND s.aggregate = TRUE
               WHERE t.tbl_name LIKE ?1 AND t.rootpage > 0";
    let bytes: i64 = file.query_row(sql, [table], |row| row.get(0))?;
    Ok(bytes as f64)
}

fn rows(file: &Connection, table: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM \"{table}\"");
    let rows: i64 = file.query_row(&sql, [], |row| row.get(0))?;
    u64::try_from(rows.max(1)).context("a count")
}
