//! Values in, values out: the same on every engine.

use millrace_store::{Param, Row, StoreError, Tx};

use crate::world::World;

/// Stores one item and reads one of its columns back.
async fn round_trip<T: Send + 'static>(
    world: &World,
    column: &'static str,
    put: impl FnOnce(&mut Tx, &str) -> Result<u64, StoreError> + Send + 'static,
    get: impl Fn(&Row<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let store = world.store().await;
    let value = store
        .write(move |tx| {
            put(tx, &format!("INSERT INTO item (id, {column}) VALUES (1, $1)"))?;
            tx.query_one(&format!("SELECT {column} FROM item WHERE id = 1"), &[], get)
        })
        .await;
    store.close().await;
    value.unwrap()
}

pub async fn whole_numbers_keep_64_bits(world: &World) {
    let store = world.store().await;
    let numbers = [i64::MIN, -1, 0, 1, (1 << 53) + 1, i64::MAX];
    let rows = numbers;
    let found: Vec<i64> = store
        .write(move |tx| {
            for number in rows {
                tx.execute("INSERT INTO tally (id, n) VALUES ($1, $1)", &[number.into()])?;
            }
            tx.query(
                "SELECT n FROM tally WHERE n IN {id_list:$1} ORDER BY id",
                &[Param::Ids(&rows)],
                |row| row.get(0),
            )
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, numbers);
}

pub async fn booleans_are_zero_and_one(world: &World) {
    let (number, truth) = round_trip(
        world,
        "flag",
        |tx, sql| tx.execute(sql, &[true.into()]),
        |row| Ok((row.get::<i64>(0)?, row.get::<bool>(0)?)),
    )
    .await;
    assert_eq!((number, truth), (1, true));
}

pub async fn reals_and_blobs_come_back_as_they_went(world: &World) {
    let store = world.store().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let put = bytes.clone();
    let found: (f64, Vec<u8>, Vec<u8>) = store
        .write(move |tx| {
            let sql = "INSERT INTO item (id, size, body) VALUES ($1, $2, $3)";
            tx.execute(sql, &[1_i64.into(), 0.1_f64.into(), (&put).into()])?;
            tx.execute(sql, &[2_i64.into(), (-1e300_f64).into(), Param::Blob(b"")])?;
            tx.query_one(
                "SELECT a.size, a.body, b.body FROM item a, item b WHERE a.id = 1 AND b.id = 2",
                &[],
                |row| {
                    assert_eq!(row.blob(1)?.len(), 256);
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                },
            )
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, (0.1, bytes, Vec::new()));
}

pub async fn null_is_null_in_every_type(world: &World) {
    let store = world.store().await;
    store
        .write(|tx| {
            tx.execute(
                "INSERT INTO item (id, name, size, flag, body) VALUES (1, $1, $2, $3, $4)",
                &[Param::Null; 4],
            )?;
            tx.query_one("SELECT name, size, flag, body FROM item", &[], |row| {
                assert_eq!(row.get::<Option<String>>(0)?, None);
                assert_eq!(row.get::<Option<f64>>(1)?, None);
                assert_eq!(row.get::<Option<i64>>(2)?, None);
                assert_eq!(row.get::<Option<bool>>(2)?, None);
                assert_eq!(row.get::<Option<Vec<u8>>>(3)?, None);
                assert!(row.get::<String>(0).is_err(), "NULL is no text");
                Ok(())
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
}

pub async fn a_statement_takes_null_first_and_a_value_later(world: &World) {
    let store = world.store().await;
    let found: Vec<Option<i64>> = store
        .write(|tx| {
            let sql = "INSERT INTO item (id, flag) SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT)";
            tx.execute(sql, &[1_i64.into(), None::<i64>.into()])?;
            tx.execute(sql, &[2_i64.into(), Some(7_i64).into()])?;
            tx.execute(sql, &[3_i64.into(), None::<i64>.into()])?;
            // A parameter whose type only the value tells.
            let sql = "SELECT count(*) FROM item WHERE $1 IS NULL OR flag = $1";
            let counts = [None, Some(7_i64), None]
                .map(|flag| tx.query_one(sql, &[flag.into()], |row| row.get::<i64>(0)));
            assert_eq!(counts.map(Result::unwrap), [3, 1, 3]);
            tx.query("SELECT flag FROM item ORDER BY id", &[], |row| row.get(0))
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, [None, Some(7), None]);
}

pub async fn nul_is_stripped_from_text(world: &World) {
    let store = world.store().await;
    let found: Vec<String> = store
        .write(|tx| {
            tx.execute("INSERT INTO item (id, name) VALUES (1, $1)", &["a\0b\0".into()])?;
            let rows = [[Param::Int(2), Param::Text("\0")], [Param::Int(3), Param::Text("c")]];
            tx.execute_many("INSERT INTO item (id, name) {values:BIGINT,TEXT}", rows)?;
            let asked = ["a\0b".to_owned(), "\0".to_owned()];
            tx.query(
                "SELECT name FROM item WHERE name IN {text_list:$1} ORDER BY id",
                &[Param::Texts(&asked)],
                |row| row.get(0),
            )
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, ["ab", ""]);
}

pub async fn parameters_are_bound_by_number(world: &World) {
    let store = world.store().await;
    let found: (String, String, String) = store
        .read(|tx| {
            tx.query_one(
                "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT) WHERE $3 = $3",
                &["one".into(), "two".into(), "three".into()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, ("two".into(), "one".into(), "two".into()));
}

pub async fn an_empty_id_list_matches_nothing(world: &World) {
    let store = world.store().await;
    store
        .write(|tx| {
            tx.execute("INSERT INTO tally (id, n) VALUES (1, 1)", &[])?;
            let none: [i64; 0] = [];
            let sql = "SELECT count(*) FROM tally WHERE id IN {id_list:$1}";
            assert_eq!(tx.query_one(sql, &[Param::Ids(&none)], |row| row.get::<i64>(0))?, 0);
            let sql = "SELECT count(*) FROM {text_list:$1} AS t";
            assert_eq!(tx.query_one(sql, &[Param::Texts(&[])], |row| row.get::<i64>(0))?, 0);
            Ok(())
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
}

pub async fn ten_thousand_ids_are_one_parameter(world: &World) {
    let store = world.store().await;
    let count: i64 = store
        .write(|tx| {
            let rows = (0..10_000_i64).map(|id| [Param::Int(id * 2), Param::Int(id)]);
            tx.execute_many("INSERT INTO tally (id, n) {values:BIGINT,BIGINT}", rows)?;
            let ids: Vec<i64> = (0..10_000).collect();
            tx.query_one(
                "SELECT count(*) FROM {id_list:$1} AS ids JOIN tally t ON t.id = ids.id",
                &[(&ids).into()],
                |row| row.get(0),
            )
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(count, 5_000);
}

pub async fn a_text_list_takes_any_text(world: &World) {
    let store = world.store().await;
    let texts: Vec<String> = [
        "",
        "it's",
        "\"quoted\"",
        "back\\slash",
        "{curly,braces}",
        "NULL",
        "東京 🦀",
        "line\nbreak",
    ]
    .map(str::to_owned)
    .to_vec();
    let asked = texts.clone();
    let mut found: Vec<String> = store
        .read(move |tx| {
            tx.query("SELECT t.value FROM {text_list:$1} AS t", &[(&asked).into()], |row| {
                row.get(0)
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    let mut expected = texts;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

pub async fn text_is_compared_by_bytes(world: &World) {
    let store = world.store().await;
    let words = ["b", "A", "é", "a", "Z", "_", "did:plc:B", "did:plc:a"];
    let found: Vec<String> = store
        .write(move |tx| {
            let rows = (0_i64..).zip(words).map(|(id, word)| [id.into(), word.into()]);
            tx.execute_many("INSERT INTO item (id, name) {values:BIGINT,TEXT}", rows)?;
            tx.query("SELECT name FROM item WHERE name > 'B' ORDER BY name", &[], |row| row.get(0))
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, ["Z", "_", "a", "b", "did:plc:B", "did:plc:a", "é"]);
}

pub async fn like_is_case_sensitive(world: &World) {
    let store = world.store().await;
    let found: Vec<String> = store
        .write(|tx| {
            let rows = [[Param::Int(1), "alice".into()], [Param::Int(2), "Alice".into()]];
            tx.execute_many("INSERT INTO item (id, name) {values:BIGINT,TEXT}", rows)?;
            tx.query("SELECT name FROM item WHERE name LIKE $1", &["al%".into()], |row| row.get(0))
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, ["alice"]);
}

pub async fn comparisons_come_back_as_booleans(world: &World) {
    let store = world.store().await;
    let found: (bool, i64, bool) = store
        .read(|tx| {
            tx.query_one("SELECT 1 = 1, 1, EXISTS (SELECT 1 FROM item)", &[], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(found, (true, 1, false));
}

pub async fn large_values_fit(world: &World) {
    let text = "x".repeat(2 << 20);
    let put = text.clone();
    let found: String = round_trip(
        world,
        "name",
        move |tx, sql| tx.execute(sql, &[(&put).into()]),
        |row| row.get(0),
    )
    .await;
    assert_eq!(found, text);
}

pub async fn a_foreign_key_is_enforced(world: &World) {
    let store = world.store().await;
    let refused: Result<u64, StoreError> =
        store.write(|tx| tx.execute("INSERT INTO part (id, item) VALUES (1, 404)", &[])).await;
    assert!(matches!(refused, Err(StoreError::Constraint { .. })), "{refused:?}");
}

pub async fn the_wrong_number_of_parameters_is_refused(world: &World) {
    let store = world.store().await;
    for params in [&[][..], &[Param::Int(1), Param::Int(2)]] {
        let refused: Result<Vec<i64>, StoreError> = store
            .read(move |tx| tx.query("SELECT n FROM tally WHERE id = $1", params, |row| row.get(0)))
            .await;
        assert!(matches!(refused, Err(StoreError::Sql { .. })), "{refused:?}");
    }
}

pub async fn a_column_of_another_type_is_an_error(world: &World) {
    let store = world.store().await;
    store
        .read(|tx| {
            tx.query_one("SELECT 'text', 1, 2.5e0", &[], |row| {
                let wrong = [
                    row.get::<i64>(0).err(),
                    row.get::<bool>(0).err(),
                    row.get::<Vec<u8>>(0).err(),
                    row.get::<String>(1).err(),
                    row.get::<i64>(7).err(),
                ];
                for error in wrong {
                    assert!(matches!(error, Some(StoreError::Column { .. })), "{error:?}");
                }
                assert!(
                    (row.get::<f64>(1)? - 1.0).abs() < f64::EPSILON,
                    "a whole number is a real one"
                );
                Ok(())
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
}

pub async fn one_row_means_one_row(world: &World) {
    let store = world.store().await;
    store
        .read(|tx| {
            let one = "SELECT 1";
            let none = "SELECT 1 WHERE 1 = 0";
            let get = |row: &Row<'_>| row.get::<i64>(0);
            assert_eq!(tx.query_one(one, &[], get)?, 1);
            assert_eq!(tx.query_opt(one, &[], get)?, Some(1));
            assert_eq!(tx.query_opt(none, &[], get)?, None);
            let refused = tx.query_one(none, &[], get);
            assert!(matches!(refused, Err(StoreError::RowCount { rows: 0, .. })), "{refused:?}");
            Ok(())
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    let two: Result<Option<i64>, StoreError> =
        store.read(|tx| tx.query_opt("SELECT 1 UNION ALL SELECT 2", &[], |row| row.get(0))).await;
    assert!(matches!(two, Err(StoreError::RowCount { .. })), "{two:?}");
}

pub async fn an_unknown_token_is_refused(world: &World) {
    let store = world.store().await;
    let refused: Result<Vec<i64>, StoreError> =
        store.read(|tx| tx.query("SELECT {nothing}", &[], |row| row.get(0))).await;
    assert!(matches!(refused, Err(StoreError::Sql { .. })), "{refused:?}");
}

pub async fn a_scan_hands_over_row_by_row(world: &World) {
    let store = world.store().await;
    let (count, sum) = store
        .write(|tx| {
            let rows = (0..3_000_i64).map(|id| [Param::Int(id), Param::Int(1)]);
            tx.execute_many("INSERT INTO tally (id, n) {values:BIGINT,BIGINT}", rows)?;
            let (mut count, mut sum) = (0_i64, 0_i64);
            tx.for_each("SELECT id FROM tally WHERE n = $1 ORDER BY id", &[1_i64.into()], |row| {
                count += 1;
                sum += row.get::<i64>(0)?;
                Ok(())
            })?;
            Ok((count, sum))
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!((count, sum), (3_000, 2_999 * 3_000 / 2));
}
