//! The same questions over `/internal`, as another process asks them.

use std::time::Duration;

use millrace_atproto::Did;
use millrace_ingest::{Client, IngestError, Remote, SyncState, routes};
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
    assert_eq!(client.list_rejected(5).await.unwrap(), bed.client.list_rejected(5).await.unwrap());
    client.request_resync(&alice.did).await.unwrap();
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;

    let refused = remote("guess").list_sources().await.unwrap_err();
    assert!(matches!(refused, IngestError::Unavailable(_)), "{refused}");
    bed.stop().await;
}
