//! Drafts: kept, changed and given up by name; pages in order and bounded; as many as may be.

use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::draft::{
    CreateDraft, DRAFT_BYTES_MAX, DRAFTS_MAX, DeleteDraft, UpdateDraft,
};
use millrace_dataplane::query::drafts::{DraftPage, GetDrafts, PAGE_BYTES_MAX};
use millrace_store::{Param, StoreError};

use crate::entries::{START_US, did};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(kept_changed_and_given_up, pages_are_bounded_in_bytes, drafts_are_bounded);

async fn create(client: &Client, who: &str, draft: &str) -> Option<String> {
    let command = CreateDraft { actor: did(who), draft: draft.to_owned() };
    client.command(command).await.unwrap().id
}

async fn page(client: &Client, limit: u32, cursor: Option<String>) -> DraftPage {
    client.ask(GetDrafts { actor: did("alice"), limit, cursor }).await.unwrap()
}

/// The texts of Alice's drafts.
async fn drafts(client: &Client) -> Vec<String> {
    let page = page(client, 100, None).await;
    page.drafts.iter().map(|kept| kept.draft.get().to_owned()).collect()
}

async fn kept_changed_and_given_up(harness: Harness) {
    let client = &harness.client;
    // The clock of these tests stands; names differ all the same.
    let mut ids = Vec::new();
    for text in ["1", r#"{"text":"\u0000 日本語"}"#, "3"] {
        ids.push(create(client, "alice", text).await.unwrap());
    }
    create(client, "bob", "4").await.unwrap();
    assert_eq!(drafts(client).await, ["3", r#"{"text":"\u0000 日本語"}"#, "1"]);
    let found = page(client, 2, None).await;
    let kept = &found.drafts[0];
    assert_eq!((&kept.id, kept.created_at_us, kept.updated_at_us), (&ids[2], START_US, START_US));
    let rest = page(client, 2, found.cursor).await;
    assert_eq!((rest.drafts[0].id.as_str(), rest.cursor), (ids[0].as_str(), None));
    for (who, id, draft) in [("alice", &ids[1], "\"new\""), ("bob", &ids[0], "5")] {
        let command = UpdateDraft { actor: did(who), id: id.clone(), draft: draft.to_owned() };
        client.command(command).await.unwrap();
    }
    assert_eq!(drafts(client).await, ["3", "\"new\"", "1"]);
    for who in ["bob", "alice", "alice"] {
        let command = DeleteDraft { actor: did(who), id: ids[2].clone() };
        client.command(command).await.unwrap();
    }
    assert_eq!(drafts(client).await, ["\"new\"", "1"]);
    for wrong in ["{", "", "1 2", &format!("\"{}\"", "x".repeat(DRAFT_BYTES_MAX))] {
        let command = CreateDraft { actor: did("alice"), draft: wrong.to_owned() };
        let refused = client.command(command).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))));
    }
}

async fn pages_are_bounded_in_bytes(harness: Harness) {
    let client = &harness.client;
    let large = format!("\"{}\"", "x".repeat(DRAFT_BYTES_MAX - 2));
    let fits = PAGE_BYTES_MAX / DRAFT_BYTES_MAX;
    for _ in 0..=fits {
        create(client, "alice", &large).await.unwrap();
    }
    let first = page(client, 100, None).await;
    assert_eq!(first.drafts.len(), fits);
    let rest = page(client, 100, first.cursor).await;
    assert_eq!((rest.drafts.len(), rest.cursor), (1, None));
}

async fn drafts_are_bounded(harness: Harness) {
    let client = &harness.client;
    let Client::Local(local) = client else { panic!("the harness is local") };
    let fill = |tx: &mut millrace_store::Tx| -> Result<u64, StoreError> {
        let names: Vec<String> = (0..DRAFTS_MAX - 1).map(|n| n.to_string()).collect();
        let alice = did("alice");
        tx.execute_many(
            "INSERT INTO draft (did, id, draft, created_at_us, updated_at_us)
             SELECT r.a, r.b, '1', 1, 1 FROM {rows:a TEXT, b TEXT} AS r",
            names.iter().map(|name| [Param::from(&alice), Param::Text(name)]),
        )
    };
    local.own.write(fill).await.unwrap();
    let last = create(client, "alice", "2").await.unwrap();
    assert_eq!(create(client, "alice", "3").await, None);
    // What is there can be changed, and what is given up makes room.
    let command = UpdateDraft { actor: did("alice"), id: last.clone(), draft: "4".to_owned() };
    client.command(command).await.unwrap();
    assert_eq!(drafts(client).await[0], "4");
    client.command(DeleteDraft { actor: did("alice"), id: last }).await.unwrap();
    assert!(create(client, "alice", "5").await.is_some());
    assert!(create(client, "bob", "6").await.is_some());
}
