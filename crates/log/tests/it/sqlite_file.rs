//! Only of the SQLite engine: a file that is not ours, not readable, or damaged. Told with a code, never
//! mended, never changed.

use std::fs;
use std::path::PathBuf;

use millrace_log::{Append, Headers, LogError};
use rusqlite::Connection;

use crate::site::{Engine, ONE, Site, all, run, sized};

fn site() -> Site {
    Site::sqlite()
}

fn file(site: &Site) -> PathBuf {
    site.folder.path().join("log.db")
}

/// A closed log of 200 items of 4 kB, changed by `change`.
async fn changed(site: &Site, change: impl FnOnce(&Connection)) {
    let log = site.open();
    log.append(ONE, sized("k", 200, 4_000)).await.unwrap();
    log.close().await;
    change(&Connection::open(file(site)).unwrap());
}

#[test]
fn another_kind_of_file_is_refused_and_kept() {
    let site = site();
    let text = "not a database ".repeat(1_000);
    fs::write(file(&site), &text).unwrap();
    let refusal = site.try_open().err().unwrap();
    assert!(matches!(refusal, LogError::Foreign { .. }), "{refusal:?}");
    assert_eq!(refusal.code().id, "MR-LOG-008");
    assert_eq!(fs::read_to_string(file(&site)).unwrap(), text);
}

#[test]
fn another_program_s_database_is_refused_and_kept() {
    let site = site();
    let other = Connection::open(file(&site)).unwrap();
    other
        .execute_batch("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')")
        .unwrap();
    other.close().unwrap();
    let before = fs::read(file(&site)).unwrap();
    let refusal = site.try_open().err().unwrap();
    assert!(matches!(refusal, LogError::Foreign { .. }), "{refusal:?}");
    assert_eq!(fs::read(file(&site)).unwrap(), before);
}

#[test]
fn an_empty_file_becomes_a_log() {
    let site = site();
    fs::write(file(&site), b"").unwrap();
    site.try_open().map(drop).unwrap();
    site.try_open().map(drop).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let site = site();
    site.open();
    let log = Connection::open(file(&site)).unwrap();
    log.pragma_update(None, "user_version", 2).unwrap();
    log.close().unwrap();
    let refusal = site.try_open().err().unwrap();
    assert_eq!(refusal, LogError::NewerFormat { path: file(&site), found: 2, known: 1 });
    assert_eq!(refusal.code().id, "MR-LOG-009");
}

/// As files were made before items had headers.
#[test]
fn a_file_without_headers_gets_their_column() {
    run("sqlite", Engine::Sqlite, async |site| {
        changed(&site, |log| {
            let table = "SELECT name FROM sqlite_schema WHERE name LIKE 'item%'";
            let mut tables = log.prepare(table).unwrap();
            let tables: Vec<String> =
                tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            for table in tables {
                log.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN headers")).unwrap();
            }
        })
        .await;
        let log = site.open();
        let mut headers = Headers::NONE;
        headers.push("name", "value").unwrap();
        let item = Append::new("k", "payload").with_headers(headers.clone());
        log.append(ONE, vec![item]).await.unwrap();
        let read = all(&log, ONE, 0).await;
        assert_eq!(read.len(), 201);
        assert!(read[..200].iter().all(|item| item.headers.is_empty()));
        assert_eq!(read[200].headers, headers);
        log.close().await;
        // A program that knows nothing of headers goes on.
        let before = Connection::open(file(&site)).unwrap();
        before
            .execute_batch(
                "INSERT INTO item_1_0 (offset, appended_us, payload) VALUES (201, 1, x'00');
                 UPDATE partition SET next_offset = 202 WHERE topic = 1",
            )
            .unwrap();
        before.close().unwrap();
        assert!(site.open().read(ONE, 0, 201, 1).await.unwrap()[0].headers.is_empty());
    });
}

#[test]
fn a_lost_end_is_found_at_open() {
    run("sqlite", Engine::Sqlite, async |site| {
        changed(&site, |log| {
            log.execute("DELETE FROM item_1_0 WHERE offset = 199", []).unwrap();
        })
        .await;
        let refusal = site.try_open().err().unwrap();
        assert!(matches!(refusal, LogError::Corrupt { .. }), "{refusal:?}");
        assert_eq!(refusal.code().id, "MR-LOG-010");
    });
}

#[test]
fn a_hole_is_found_by_its_reader() {
    run("sqlite", Engine::Sqlite, async |site| {
        changed(&site, |log| {
            log.execute("DELETE FROM item_1_0 WHERE offset = 100", []).unwrap();
        })
        .await;
        let log = site.open();
        for from in [90, 100] {
            let answer = log.read(ONE, 0, from, 1 << 20).await;
            assert!(matches!(answer, Err(LogError::Corrupt { .. })), "{answer:?}");
        }
        assert_eq!(log.read(ONE, 0, 101, 1 << 20).await.unwrap().len(), 99);
    });
}

#[test]
fn a_missing_table_is_damage() {
    run("sqlite", Engine::Sqlite, async |site| {
        changed(&site, |log| log.execute_batch("DROP TABLE item_2_1").unwrap()).await;
        let refusal = site.try_open().err().unwrap();
        assert!(matches!(refusal, LogError::Corrupt { .. }), "{refusal:?}");
    });
}

/// Every page in turn is overwritten: the log may refuse to open or to read, or not notice what it never
/// reads, but what it does give is right.
#[test]
fn overwritten_pages_never_pass_for_items() {
    run("sqlite", Engine::Sqlite, async |site| {
        changed(&site, |_| ()).await;
        let good = fs::read(file(&site)).unwrap();
        let mut refused = 0;
        for page in 0..good.len() / 8_192 {
            let mut bad = good.clone();
            bad[page * 8_192..(page + 1) * 8_192].fill(0xa5);
            fs::write(file(&site), bad).unwrap();
            let answer = match site.try_open() {
                Ok(log) => log.read(ONE, 0, 0, usize::MAX).await,
                Err(refusal) => Err(refusal),
            };
            match answer {
                Ok(items) => assert_eq!(items.len(), 200, "page {page}"),
                Err(LogError::Corrupt { .. } | LogError::Foreign { .. }) => refused += 1,
                Err(other) => panic!("page {page}: {other:?}"),
            }
        }
        assert!(refused > 50, "{refused} pages were found out");
    });
}

#[test]
fn a_file_held_by_another_is_in_use() {
    let site = site();
    site.open();
    let other = Connection::open(file(&site)).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let refusal = site.try_open().err().unwrap();
    assert_eq!(refusal, LogError::InUse { path: file(&site) });
    assert_eq!(refusal.code().id, "MR-LOG-011");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let mut site = site();
    let in_the_way = site.folder.path().join("file");
    fs::write(&in_the_way, b"").unwrap();
    site.config.dir = Some(in_the_way.join("folder"));
    let refusal = site.try_open().err().unwrap();
    assert!(matches!(refusal, LogError::Io { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("folder"), "{refusal}");
}

#[test]
fn a_log_not_closed_is_read_from_its_wal() {
    run("sqlite", Engine::Sqlite, async |site| {
        let log = site.open();
        log.append(ONE, sized("k", 20, 4_000)).await.unwrap();
        // What lies on disk at this moment is what a crash would leave.
        let mut left = Site::sqlite();
        left.config.dir = Some(left.folder.path().join("copy"));
        fs::create_dir(left.config.dir()).unwrap();
        for name in ["log.db", "log.db-wal"] {
            fs::copy(site.folder.path().join(name), left.config.dir().join(name)).unwrap();
        }
        assert_eq!(all(&left.open(), ONE, 0).await, all(&log, ONE, 0).await);
    });
}
