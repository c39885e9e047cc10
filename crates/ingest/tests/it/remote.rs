//! The same questions over `/internal`, as another process asks them.

use std::time::Duration;

use millrace_atproto::Did;
use millrace_ingest::{
    AddToBackfill, BackfillChange, BackfillKind, BeginBackfill, ChangeBackfill, Client,
    IngestError, ListRejected, Remote, SyncState, routes,
};
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::TaskSet;
use std::sync::Arc;
use tempfile::tempdir;
use tokio::net::TcpListener;

use crate::bed::{Bed, config};
use crate::person::Person;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_client_gets_the_same_answers() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit(Person::bent(alice.post("bad"), |frame| frame.rev = "not a tid"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;

    let Client::Local(local) = &bed.client else { panic!("local") };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = url::Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let router = routes(Arc::clone(local), Some(Secret::from("secret")));
    let mut tasks = TaskSet::new();
    tasks.spawn("internal", async move { axum::serve(listener, router).await.unwrap() });
    let remote = |secret: &str| {
        let remote =
            Remote::new(base.clone(), Some(Secret::from(secret)), Duration::from_secs(10)).unwrap();
        Client::Remote(Arc::new(remote))
    };

    let client = remote("secret");
    assert_eq!(client.list_sources().await.unwrap(), bed.client.list_sources().await.unwrap());
    assert_eq!(client.account_state(&alice.did).await.unwrap(), bed.account(&alice.did).await);
    let nobody = Did::parse("did:plc:nobody").unwrap();
    assert_eq!(client.account_state(&nobody).await.unwrap(), None);
    let latest = ListRejected::latest(5);
    let kept = client.list_rejected(latest.clone()).await.unwrap();
    assert_eq!(kept, bed.client.list_rejected(latest).await.unwrap());
    assert_eq!(kept.len(), 1);
    for (reason, before, found) in
        [(Some("rev"), None, 1), (Some("signature"), None, 0), (None, Some(kept[0].id), 0)]
    {
        let reason = reason.map(str::to_owned);
        let question = ListRejected { limit: 5, reason, before };
        assert_eq!(client.list_rejected(question).await.unwrap().len(), found);
    }
    the_same_at_a_glance(&client, &bed).await;
    client.request_resync(&alice.did).await.unwrap();
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;

    let begin = BeginBackfill {
        kind: BackfillKind::Dids,
        list: None,
        dids: vec![nobody],
        more: true,
        again: false,
    };
    let id = client.begin_backfill(begin).await.unwrap().id;
    let add = AddToBackfill { id, dids: Vec::new(), more: false };
    assert!(!client.add_to_backfill(add).await.unwrap().listing);
    let change = ChangeBackfill { id, change: BackfillChange::Cancel };
    assert!(client.change_backfill(change).await.unwrap().state.has_ended());
    let told = client.list_backfills().await.unwrap();
    assert_eq!(told, bed.client.list_backfills().await.unwrap());
    let over = client.change_backfill(change).await.unwrap_err();
    assert!(matches!(over, IngestError::InvalidRequest(_)), "{over}");

    let refused = remote("guess").list_sources().await.unwrap_err();
    assert!(matches!(refused, IngestError::Unavailable(_)), "{refused}");
    bed.stop().await;
}

/// What is counted, and the hosts, once they have been counted because somebody asked.
async fn the_same_at_a_glance(client: &Client, bed: &Bed) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let (here, there) = loop {
        let pair = (bed.client.status().await.unwrap(), client.status().await.unwrap());
        let is_counted = pair.1.accounts.is_some() && pair.1.recent.len() > 1;
        if is_counted && bed.client.list_hosts().await.unwrap().counted_us.is_some() {
            break pair;
        }
        assert!(tokio::time::Instant::now() < deadline, "never counted: {pair:?}");
        tokio::task::yield_now().await;
    };
    assert_eq!(here.counts, there.counts);
    assert_eq!(here.log, there.log);
    assert!(there.running);
    assert_eq!((there.log_engine.as_str(), there.store_engine.as_str()), ("SQLite", "SQLite"));
    let counts = &there.counts;
    assert_eq!((counts.events, counts.verified, counts.unverified), (2, 1, 0));
    assert_eq!(counts.rejected.get("rev"), Some(&1));
    assert_eq!(counts.events_by_source.values().sum::<u64>(), 2);
    assert!(there.log[0].tail > 0 && there.log[0].oldest == 0);
    let hosts = client.list_hosts().await.unwrap();
    assert_eq!(hosts, bed.client.list_hosts().await.unwrap());
    let accounts: u64 = hosts.hosts.iter().map(|host| host.accounts).sum();
    let counted = there.accounts.unwrap();
    assert_eq!(accounts + hosts.unknown_accounts, counted.by_state.values().sum::<u64>());
    assert_eq!(accounts + hosts.unknown_accounts, 1);
}
