//! What the origin's checklist names is there: the columns of the table of homes, and the indexes, which are used.

use millrace_store::StoreError;
use millrace_store::testing::Engine;

use crate::harness::{Harness, on_every_engine};

on_every_engine!(the_columns_are_there, questions_use_the_indexes);

async fn the_columns_are_there(it: Harness) {
    let columns = "SELECT user_id, post_actor, post_rkey, relevance_score, score_updated_at_us, is_read, read_at_us,
        rank_position, created_at_us FROM user_feeds";
    assert_eq!(it.query(columns, |row| row.get::<i64>(0)).await, Vec::<i64>::new());
    // A score outside of 0 and 1 cannot be written (F1).
    let wrong: Result<u64, StoreError> = it
        .store
        .write(|tx| {
            tx.execute(
                "INSERT INTO user_feeds (user_id, item_actor, item_rkey, item_collection, post_actor, post_rkey, reason,
                    sort_at_us, parts, rank_key, relevance_score, score_updated_at_us, score_version, created_at_us)
                 VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1, 1.0, 1.5, 1, 1, 1)",
                &[],
            )
        })
        .await;
    wrong.unwrap_err();
}

async fn questions_use_the_indexes(it: Harness) {
    // So many lines that a planner that knows of them takes an index.
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.add_readers("bob", 3_000).await;
    it.post("bob", 10).await;
    it.settle().await;
    if it.engine == Engine::Postgres {
        let analyzed: Result<u64, StoreError> =
            it.store.write(|tx| tx.execute("ANALYZE user_feeds", &[])).await;
        analyzed.unwrap();
    }
    let plan = async |question: &str| {
        let explain = match it.engine {
            Engine::Sqlite => format!("EXPLAIN QUERY PLAN {question}"),
            Engine::Postgres => format!("EXPLAIN {question}"),
        };
        let column = if it.engine == Engine::Sqlite { 3 } else { 0 };
        let asked: Result<Vec<String>, StoreError> =
            it.store.read(move |tx| tx.query(&explain, &[], |row| row.get(column))).await;
        asked.unwrap().join("\n")
    };
    let home = plan("SELECT rank_key FROM user_feeds WHERE user_id = 1000001").await;
    let key = ["USING PRIMARY KEY", "user_feeds_pkey"];
    assert!(key.iter().any(|name| home.contains(name)), "{home}");
    let post = plan("SELECT user_id FROM user_feeds WHERE post_actor = 5 AND post_rkey = 7").await;
    assert!(post.contains("user_feeds_by_post"), "{post}");
    let due =
        plan("SELECT post_actor FROM post_stats WHERE due_us <= 5 ORDER BY due_us LIMIT 5").await;
    assert!(it.engine == Engine::Postgres || due.contains("post_stats_due"), "{due}");
}
