//! What homes could not take is seen by an operator, tried again, or given up.

use millrace_dataplane::parked::{ListParked, Of, ParkedEntry, ParkedId};
use millrace_feeds::client::Client;
use millrace_feeds::query::parked::{
    CountParkedOfHomes, DiscardParkedOfHomes, GetParkedOfHomes, ListParkedOfHomes,
    RetryAllParkedOfHomes, RetryParkedOfHomes,
};
use millrace_feeds::worker::NAME;
use millrace_log::{Headers, Topic};
use millrace_store::StoreError;
use millrace_store::parked;

use crate::harness::{Harness, actor, on_every_engine, ref_to};

on_every_engine!(
    an_item_whose_way_was_given_up_is_tried_again,
    an_item_is_given_up_for_good,
    a_parked_fact_is_shown_as_it_stands_in_the_log,
);

async fn listed(it: &Harness, of: Of) -> Vec<ParkedEntry> {
    let question = ListParked { of, limit: 10, ..ListParked::default() };
    client(it).ask(ListParkedOfHomes(question)).await.unwrap().parked
}

fn client(it: &Harness) -> Client {
    Client::Local(it.home.clone())
}

async fn count(it: &Harness) -> u64 {
    client(it).ask(CountParkedOfHomes {}).await.unwrap().entries
}

/// Alice reads here and follows Bob, two of whose posts could not be written into her home.
async fn stuck(it: &Harness) -> Vec<String> {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let posts = vec![it.post("bob", 10).await, it.post("bob", 20).await];
    it.tell(it.untold()).await;
    let parked: Result<u64, StoreError> = it
        .store
        .write(|tx| {
            tx.execute("UPDATE fanout_job SET state = 1, attempts = 10, error = 'no room'", &[])
        })
        .await;
    assert_eq!(parked.unwrap(), 2);
    it.settle().await;
    assert_eq!(it.rows().await, []);
    posts
}

fn id(entry: &ParkedEntry) -> ParkedId {
    ParkedId { of: entry.of, number: entry.id }
}

async fn an_item_whose_way_was_given_up_is_tried_again(it: Harness) {
    let posts = stuck(&it).await;
    let parked = listed(&it, Of::Fanout).await;
    assert_eq!((parked.len(), count(&it).await), (2, 2));
    assert_eq!((parked[0].error.as_str(), parked[0].attempts), ("no room", 10));
    assert_eq!(parked[0].key.as_deref(), Some(actor("bob").as_str()));
    assert!(parked[0].cause.is_some() && parked[0].remedy.is_some());
    let shown = client(&it).ask(GetParkedOfHomes { id: id(&parked[0]) }).await.unwrap().unwrap();
    let uri = ref_to("bob", &posts[0]).uri.to_string();
    assert_eq!(shown.entry.unwrap()["content"]["item"], uri);

    let touched = client(&it).ask(RetryParkedOfHomes { id: id(&parked[0]) }).await.unwrap();
    assert_eq!(touched.entries, 1);
    it.settle().await;
    assert_eq!(it.posts("alice").await, posts[..1]);
    let touched = client(&it).ask(RetryAllParkedOfHomes { of: Of::Fanout }).await.unwrap();
    assert_eq!(touched.entries, 1);
    it.settle().await;
    assert_eq!(it.fresh_posts("alice").await, [posts[1].clone(), posts[0].clone()]);
    assert_eq!(count(&it).await, 0);
    // What is there no longer is said not to be.
    let touched = client(&it).ask(RetryParkedOfHomes { id: id(&parked[0]) }).await.unwrap();
    assert_eq!(touched.entries, 0);
}

async fn an_item_is_given_up_for_good(it: Harness) {
    stuck(&it).await;
    for entry in listed(&it, Of::Fanout).await {
        let touched = client(&it).ask(DiscardParkedOfHomes { id: id(&entry) }).await.unwrap();
        assert_eq!(touched.entries, 1);
    }
    it.settle().await;
    assert_eq!((it.rows().await, it.count("fanout_job").await), (Vec::new(), 0));
}

async fn a_parked_fact_is_shown_as_it_stands_in_the_log(it: Harness) {
    let parked: Result<i64, StoreError> = it
        .store
        .write(|tx| {
            let fact = parked::ParkedEntry {
                projection: NAME,
                topic: Topic::DataplaneChanges,
                partition: 0,
                offset: 7,
                appended_us: 1,
                barrier_key: Some(b"did:plc:bob"),
                reason: "dataplane",
                error: "it did not answer",
                entry: br#"{"did":"did:plc:bob","changes":[]}"#,
                headers: &Headers::NONE,
                next_us: None,
            };
            parked::park(tx, &fact)
        })
        .await;
    let number = parked.unwrap();
    let facts = listed(&it, Of::Facts).await;
    assert_eq!((facts.len(), count(&it).await), (1, 1));
    assert_eq!((facts[0].of, facts[0].id, facts[0].offset), (Of::Facts, number, 7));
    assert!(facts[0].entry.is_none(), "a list has no contents");
    let id = id(&facts[0]);
    let shown = client(&it).ask(GetParkedOfHomes { id }).await.unwrap().unwrap();
    assert_eq!(shown.entry.unwrap()["content"]["did"], "did:plc:bob");
    assert_eq!(client(&it).ask(RetryParkedOfHomes { id }).await.unwrap().entries, 1);
    assert_eq!(client(&it).ask(DiscardParkedOfHomes { id }).await.unwrap().entries, 1);
    assert_eq!((listed(&it, Of::Facts).await.len(), count(&it).await), (0, 0));
}
