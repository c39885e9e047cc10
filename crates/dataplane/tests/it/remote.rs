//! The same questions over `/internal`: equal answers, one error shape, a guarded door.

use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::syntax::{AtIdentifier, AtUri};
use millrace_dataplane::client::{Client, Local, Remote};
use millrace_dataplane::query::posts::GetPost;
use millrace_dataplane::query::profiles::GetProfile;
use millrace_dataplane::query::timeline::GetTimeline;
use millrace_dataplane::{DataplaneError, rpc};
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::TaskSet;
use millrace_sim::records;
use tokio::net::TcpListener;

use crate::entries::{self, POST, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    remote_answers_as_local,
    errors_keep_their_kind,
    a_secret_is_demanded,
    a_data_plane_that_is_gone_is_unavailable
);

/// A listener that serves until it is dropped.
struct Served {
    base: url::Url,
    _task: TaskSet<()>,
}

async fn serve(harness: &Harness, secret: Option<&str>) -> Served {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let local: Arc<Local> = Arc::clone(local);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let router = rpc::routes(local, secret.map(Secret::new));
    let mut task = TaskSet::new();
    task.spawn("internal", async move { axum::serve(listener, router).await.unwrap() });
    Served { base: url::Url::parse(&base).unwrap(), _task: task }
}

fn client(base: url::Url, secret: Option<&str>) -> Client {
    let remote = Remote::new(base, secret.map(Secret::new), Duration::from_secs(10)).unwrap();
    Client::Remote(Arc::new(remote))
}

fn profile_of_alice() -> GetProfile {
    GetProfile { actor: AtIdentifier::Did(did("alice")) }
}

async fn remote_answers_as_local(harness: Harness) {
    let alice = did("alice");
    let record = records::post("with \u{0} and \"quotes\" and 日本語", START_US, None, None, None);
    harness
        .apply(&[entries::commit(&alice, 1, vec![entries::put(POST, &tid(1).to_string(), record)])])
        .await;
    let served = serve(&harness, None).await;
    let remote = client(served.base.clone(), None);
    let uri = AtUri::parse(&entries::uri(&alice, POST, &tid(1).to_string())).unwrap();
    let asked = GetPost { uri };
    let (here, there) =
        (harness.client.ask(asked.clone()).await.unwrap(), remote.ask(asked).await.unwrap());
    assert_eq!(serde_json::to_string(&here).unwrap(), serde_json::to_string(&there).unwrap());
    assert!(there.record.value.get().contains("\\u0000"), "a NUL is kept in the record");
}

async fn errors_keep_their_kind(harness: Harness) {
    let served = serve(&harness, None).await;
    let remote = client(served.base.clone(), None);
    for client in [&harness.client, &remote] {
        let unknown = client.ask(profile_of_alice()).await.unwrap_err();
        assert!(
            matches!(&unknown, DataplaneError::NotFound(message) if message.contains("alice")),
            "{unknown}"
        );
        let cursor = Some("not ours".to_owned());
        let bad =
            client.ask(GetTimeline { actor: did("alice"), limit: 5, cursor }).await.unwrap_err();
        assert!(matches!(bad, DataplaneError::InvalidRequest(_)), "{bad}");
        let over = client
            .ask(GetTimeline { actor: did("alice"), limit: 101, cursor: None })
            .await
            .unwrap_err();
        assert!(matches!(over, DataplaneError::InvalidRequest(_)), "{over}");
    }
    let raw = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, body, status, name) in [
        ("internal/getProfile", "{", 400, "InvalidRequest"),
        ("internal/getProfile", r#"{"actor":"not an actor"}"#, 400, "InvalidRequest"),
        ("internal/getProfile", r#"{"actor":"did:web:x","other":1}"#, 400, "InvalidRequest"),
        ("internal/nothing", "{}", 404, "MethodNotFound"),
    ] {
        let response = raw.post(served.base.join(path).unwrap()).body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{path} {body}");
        let answer: serde_json::Value =
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["error"], name, "{path} {body}");
        assert!(!answer["message"].as_str().unwrap_or_default().is_empty());
    }
}

async fn a_secret_is_demanded(harness: Harness) {
    let served = serve(&harness, Some("right")).await;
    for (given, known) in [(Some("right"), true), (Some("wrong"), false), (None, false)] {
        let error = client(served.base.clone(), given).ask(profile_of_alice()).await.unwrap_err();
        assert_eq!(matches!(error, DataplaneError::NotFound(_)), known, "{given:?}: {error}");
        assert_eq!(matches!(error, DataplaneError::Unauthorized(_)), !known, "{given:?}: {error}");
    }
}

async fn a_data_plane_that_is_gone_is_unavailable(harness: Harness) {
    let served = serve(&harness, None).await;
    let base = served.base.clone();
    drop(served);
    let error = client(base, None).ask(profile_of_alice()).await.unwrap_err();
    assert!(matches!(error, DataplaneError::Unavailable(_)), "{error}");
}
