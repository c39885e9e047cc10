//! A record and what is told of it: once an account, and never in the record's way.

use millrace_dataplane::query::notifications::ListNotifications;
use millrace_dataplane::query::posts::GetPosts;
use millrace_store::testing::Engine;
use millrace_store::{StoreError, Tx};
use serde_json::json;

use crate::entries::did;
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};

on_every_engine!(
    a_record_tells_an_account_once,
    a_notification_that_cannot_be_written_fails_no_record,
);

const LIKE: &str = "app.bsky.feed.like";
const POST: &str = "app.bsky.feed.post";

async fn told(town: &Town, who: &str) -> Vec<(String, String)> {
    let question = ListNotifications {
        actor: did(who),
        reasons: Vec::new(),
        priority: None,
        limit: 50,
        cursor: None,
    };
    let told = town.harness.client.ask(question).await.unwrap().notifications;
    told.into_iter().map(|told| (told.reason, told.uri)).collect()
}

async fn a_record_tells_an_account_once(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    // It answers her, quotes her and mentions her.
    let facet = json!([{
        "index": { "byteStart": 0, "byteEnd": 1 },
        "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": did("alice") }],
    }]);
    let reply = json!({ "root": strong(&root), "parent": strong(&root) });
    let embed = json!({ "$type": "app.bsky.embed.record", "record": strong(&root) });
    let record = json!({ "text": "x", "facets": facet, "reply": reply, "embed": embed });
    let uri = town.put("bob", POST, "3kaaaaaaaaaaa", record.clone()).await;
    let once = [("mention".to_owned(), uri)];
    assert_eq!(told(&town, "alice").await, once);
    // It comes again, and as a part of his whole repository.
    town.put("bob", POST, "3kaaaaaaaaaaa", record).await;
    assert_eq!(told(&town, "alice").await, once);
}

/// Likes tell nobody any more: the store refuses it.
async fn refuse_likes(harness: &Harness) {
    let sql = match harness.engine {
        Engine::Sqlite => {
            "CREATE TRIGGER refused BEFORE INSERT ON notification WHEN NEW.reason = 1
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        }
        Engine::Postgres => "ALTER TABLE notification ADD CONSTRAINT refused CHECK (reason <> 1)",
    };
    let refuse = move |tx: &mut Tx| -> Result<u64, StoreError> { tx.execute(sql, &[]) };
    harness.store.write(refuse).await.unwrap();
}

async fn a_notification_that_cannot_be_written_fails_no_record(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    refuse_likes(&town.harness).await;
    town.write("bob", LIKE, json!({ "subject": strong(&post) })).await;
    let reply = town.reply("carol", &post, &post).await;
    assert_eq!(told(&town, "alice").await, [("reply".to_owned(), reply)]);
    let asked = GetPosts { uris: vec![at(&post)] };
    let posts = town.harness.client.ask(asked).await.unwrap().posts;
    assert_eq!(posts[0].like_count, 1, "the like is there");
}
