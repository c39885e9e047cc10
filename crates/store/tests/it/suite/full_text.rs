//! Full text: the same tokens find the same documents on every engine.

use millrace_store::full_text::{Phrase, QUERY_TOKENS_MAX, TextQuery, TextRange};
use millrace_store::{Store, StoreError};

use crate::world::World;

const TABLE: &str = "words";
const ALL: TextRange =
    TextRange { above: i64::MIN, below: i64::MAX, descending: false, limit: 1_000 };

fn tokens(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A phrase; `*` at the end makes its last token a prefix.
fn phrase(text: &str) -> Phrase {
    Phrase { tokens: tokens(text.trim_end_matches('*')), prefix: text.ends_with('*') }
}

fn query(wanted: &[&str], unwanted: &[&str]) -> TextQuery {
    let phrases = |texts: &[&str]| texts.iter().map(|text| phrase(text)).collect();
    TextQuery { wanted: phrases(wanted), unwanted: phrases(unwanted) }
}

async fn put(store: &Store, documents: &[(i64, &str)]) {
    let documents: Vec<(i64, Vec<String>)> =
        documents.iter().map(|(id, text)| (*id, tokens(text))).collect();
    let done: Result<(), StoreError> = store.write(move |tx| tx.put_text(TABLE, &documents)).await;
    done.unwrap();
}

async fn found(store: &Store, query: TextQuery, range: TextRange) -> Vec<i64> {
    let found: Result<_, StoreError> =
        store.read(move |tx| tx.match_text(TABLE, &query, range)).await;
    found.unwrap()
}

async fn library(world: &World) -> Store {
    let store = world.store().await;
    put(
        &store,
        &[
            (1, "the wheel of the mill"),
            (2, "a mill without a wheel"),
            (3, "the miller sleeps"),
            (4, "東京 京都 都市"),
            (5, "물레 레방 방아"),
            (6, "ärger und öl"),
        ],
    )
    .await;
    store
}

pub async fn every_wanted_phrase_must_be_there(world: &World) {
    let store = library(world).await;
    for (wanted, expected) in [
        (&["mill"][..], &[1, 2][..]),
        (&["mill", "the"], &[1]),
        (&["wheel of the mill"], &[1]),
        (&["mill wheel"], &[]),
        (&["mill*"], &[1, 2, 3]),
        (&["the mill*"], &[1, 3]),
        (&["nothing"], &[]),
    ] {
        assert_eq!(found(&store, query(wanted, &[]), ALL).await, expected, "{wanted:?}");
    }
}

pub async fn unwanted_phrases_exclude(world: &World) {
    let store = library(world).await;
    assert_eq!(found(&store, query(&["mill*"], &["wheel"]), ALL).await, [3]);
    assert_eq!(found(&store, query(&["mill"], &["without a", "sleeps"]), ALL).await, [1]);
}

pub async fn tokens_of_any_script_are_found(world: &World) {
    let store = library(world).await;
    for (wanted, expected) in [("東京 京都", 4), ("東*", 4), ("레방", 5), ("ärger", 6), ("öl", 6)]
    {
        assert_eq!(found(&store, query(&[wanted], &[]), ALL).await, [expected], "{wanted}");
    }
    assert!(found(&store, query(&["arger"], &[]), ALL).await.is_empty());
    // What only programs write, among the words.
    put(&store, &[(7, "\u{e000}a17 mill")]).await;
    assert_eq!(found(&store, query(&["\u{e000}a17"], &[]), ALL).await, [7]);
    assert!(found(&store, query(&["a17"], &[]), ALL).await.is_empty());
}

pub async fn no_token_is_syntax(world: &World) {
    let store = library(world).await;
    put(&store, &[(8, "o'neill \"quoted\" a:b (c) & | ! <-> * NOT NEAR \\")]).await;
    for hostile in
        ["'", "\"", "mill' | 'x", "a:b", "(c)", "NOT", "*", "\\", "mill:*", "^x", "{", "-x"]
    {
        let asked = Phrase { tokens: vec![hostile.to_owned()], prefix: false };
        let query = TextQuery { wanted: vec![asked], unwanted: Vec::new() };
        // An answer, whatever it is, and no error.
        found(&store, query, ALL).await;
    }
    assert_eq!(found(&store, query(&["oneill"], &[]), ALL).await, [8]);
}

pub async fn pages_go_by_id_in_either_direction(world: &World) {
    let store = world.store().await;
    let documents: Vec<(i64, &str)> = (1..=9).map(|id| (id * 10, "word")).collect();
    put(&store, &documents).await;
    let page = |above, below, descending, limit| TextRange { above, below, descending, limit };
    let word = || query(&["word"], &[]);
    assert_eq!(found(&store, word(), page(0, i64::MAX, true, 2)).await, [90, 80]);
    assert_eq!(found(&store, word(), page(0, 80, true, 3)).await, [70, 60, 50]);
    assert_eq!(found(&store, word(), page(40, 80, true, 9)).await, [70, 60, 50]);
    assert_eq!(found(&store, word(), page(40, i64::MAX, false, 2)).await, [50, 60]);
}

pub async fn a_document_is_replaced_and_removed(world: &World) {
    let store = library(world).await;
    put(&store, &[(1, "another story"), (2, "mill")]).await;
    assert_eq!(found(&store, query(&["mill"], &[]), ALL).await, [2]);
    assert_eq!(found(&store, query(&["story"], &[]), ALL).await, [1]);
    let removed: Result<(), StoreError> =
        store.write(|tx| tx.delete_text(TABLE, &[1, 2, 99])).await;
    removed.unwrap();
    assert!(found(&store, query(&["mill"], &[]), ALL).await.is_empty());
    assert!(found(&store, query(&["story"], &[]), ALL).await.is_empty());
}

pub async fn a_query_that_wants_nothing_matches_nothing(world: &World) {
    let store = library(world).await;
    assert!(found(&store, query(&[], &[]), ALL).await.is_empty());
    assert!(found(&store, query(&[], &["mill"]), ALL).await.is_empty());
    let long = vec!["mill"; QUERY_TOKENS_MAX + 1].join(" ");
    assert!(found(&store, query(&[&long], &[]), ALL).await.is_empty());
}
