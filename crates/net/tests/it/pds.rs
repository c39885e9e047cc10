//! What a PDS or relay answers, and what it refuses.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, RawQuery};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::routing::get;
use futures_util::stream;
use millrace_atproto::{Cid, Did, Nsid, RecordKey, Tid};
use millrace_net::{HttpConfig, HttpError, PdsClient, PdsError};
use serde_json::{Value, json};

use crate::server::{Server, client};

const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const REV: &str = "3jzfcijpj2z2a";

fn alice() -> Did {
    Did::parse(ALICE).unwrap()
}

fn asker() -> PdsClient {
    PdsClient::new(client(HttpConfig::default()).0)
}

/// A server with one method, which answers `body` with `status`.
async fn answering(method: &str, status: u16, body: Value) -> Server {
    let status = StatusCode::from_u16(status).unwrap();
    let answer = move || async move { (status, body.to_string()) };
    Server::http(Router::new().route(&format!("/xrpc/{method}"), get(answer))).await
}

#[tokio::test]
async fn a_repository_arrives_whole_even_by_way_of_a_relay() {
    let repo = |RawQuery(query): RawQuery| async move {
        assert_eq!(
            query.as_deref(),
            Some("did=did%3Aplc%3Aewvi7nxzyoun6zhxrhs64oiz&since=3jzfcijpj2z2a")
        );
        let chunks = (0..100_u8).map(|n| Ok::<_, Infallible>(Bytes::from(vec![n; 1000])));
        Body::from_stream(stream::iter(chunks))
    };
    let pds = Server::http(Router::new().route("/xrpc/com.atproto.sync.getRepo", get(repo))).await;
    let there = pds.url("");
    let redirect = move |RawQuery(query): RawQuery| async move {
        let to = format!("{there}/xrpc/com.atproto.sync.getRepo?{}", query.unwrap_or_default());
        (StatusCode::FOUND, [(LOCATION, to)])
    };
    let relay =
        Server::http(Router::new().route("/xrpc/com.atproto.sync.getRepo", get(redirect))).await;

    let since = Tid::parse(REV).unwrap();
    let mut stream = asker().get_repo(&relay.url(""), &alice(), Some(since)).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next_chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(bytes.len(), 100_000);
    assert!(
        bytes
            .chunks(1000)
            .enumerate()
            .all(|(n, chunk)| chunk.iter().all(|byte| usize::from(*byte) == n))
    );
}

#[tokio::test]
async fn a_repository_cut_short_is_retryable() {
    let server = Server::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin").await;
    let mut stream = asker().get_repo(&server.url(""), &alice(), None).await.unwrap();
    assert_eq!(stream.next_chunk().await.unwrap().unwrap(), "begin");
    let error = stream.next_chunk().await.unwrap_err();
    assert!(matches!(error, PdsError::Http(HttpError::Truncated { .. })), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn refusals_are_told_in_the_protocols_words() {
    let check = async |status: u16, error: &str, expected: fn(&PdsError) -> bool| {
        let body = json!({ "error": error, "message": "because" });
        let server = answering("com.atproto.sync.getRepo", status, body).await;
        let told = asker().get_repo(&server.url(""), &alice(), None).await.unwrap_err();
        assert!(expected(&told), "{error}: {told:?}");
    };
    check(400, "RepoNotFound", |told| matches!(told, PdsError::RepoNotFound)).await;
    check(400, "RepoTakendown", |told| matches!(told, PdsError::RepoTakendown)).await;
    check(400, "RepoSuspended", |told| matches!(told, PdsError::RepoSuspended)).await;
    check(400, "RepoDeactivated", |told| matches!(told, PdsError::RepoDeactivated)).await;
    check(400, "InvalidRequest", |told| matches!(told, PdsError::Xrpc { status: 400, .. })).await;
    check(500, "InternalServerError", PdsError::is_retryable).await;
}

#[tokio::test]
async fn a_busy_host_says_how_long() {
    let busy = || async { (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "12")], "{}") };
    let server =
        Server::http(Router::new().route("/xrpc/com.atproto.sync.getRepo", get(busy))).await;
    let error = asker().get_repo(&server.url(""), &alice(), None).await.unwrap_err();
    assert!(matches!(error, PdsError::RateLimited { .. }), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(12)));
}

#[tokio::test]
async fn a_status_is_about_the_account_asked_for() {
    let body = json!({ "did": ALICE, "active": false, "status": "deactivated" });
    let server = answering("com.atproto.sync.getRepoStatus", 200, body).await;
    let status = asker().get_repo_status(&server.url(""), &alice()).await.unwrap();
    assert_eq!(
        (status.active, status.status.as_deref(), status.rev),
        (false, Some("deactivated"), None)
    );

    let other = Did::parse("did:plc:other").unwrap();
    let error = asker().get_repo_status(&server.url(""), &other).await.unwrap_err();
    assert!(matches!(error, PdsError::Invalid(_)), "{error}");
}

#[tokio::test]
async fn the_latest_commit_is_parsed() {
    let cid = Cid::of_dag_cbor(b"\xa0");
    let body = json!({ "cid": cid.to_string(), "rev": REV });
    let server = answering("com.atproto.sync.getLatestCommit", 200, body).await;
    let latest = asker().get_latest_commit(&server.url(""), &alice()).await.unwrap();
    assert_eq!((latest.cid, latest.rev.to_string().as_str()), (cid, REV));

    let server =
        answering("com.atproto.sync.getLatestCommit", 200, json!({ "cid": "x", "rev": "y" })).await;
    let error = asker().get_latest_commit(&server.url(""), &alice()).await.unwrap_err();
    assert!(matches!(error, PdsError::Invalid(_)) && !error.is_retryable(), "{error}");
}

#[derive(serde::Deserialize)]
struct Page {
    limit: u16,
    cursor: Option<String>,
}

#[tokio::test]
async fn accounts_are_listed_page_by_page_past_those_that_make_no_sense() {
    let head = Cid::of_dag_cbor(b"\xa0").to_string();
    let list = move |Query(page): Query<Page>| async move {
        assert_eq!(page.limit, 1000);
        let repo = |did: &str| json!({ "did": did, "head": head, "rev": REV, "active": true });
        let page = match page.cursor.as_deref() {
            None => json!({ "cursor": "2", "repos": [
                repo(ALICE), repo("not a did"), { "did": "did:plc:b", "head": head, "rev": "bad" },
                { "did": "did:plc:gone", "head": head, "rev": REV, "active": false, "status": "takendown" },
            ] }),
            Some("2") => json!({ "cursor": "2", "repos": [repo("did:plc:c")] }),
            Some(other) => panic!("asked for {other}"),
        };
        page.to_string()
    };
    let server =
        Server::http(Router::new().route("/xrpc/com.atproto.sync.listRepos", get(list))).await;
    let pds = asker();
    let first = pds.list_repos(&server.url(""), None, u16::MAX).await.unwrap();
    let dids: Vec<&str> = first.repos.iter().map(|repo| repo.did.as_str()).collect();
    assert_eq!((dids.as_slice(), first.skipped), ([ALICE, "did:plc:gone"].as_slice(), 2));
    assert_eq!(first.repos[1].status.as_deref(), Some("takendown"));
    let second = pds.list_repos(&server.url(""), first.cursor.as_deref(), u16::MAX).await.unwrap();
    assert_eq!(
        (second.repos.len(), second.cursor),
        (1, None),
        "a cursor that stands still is the end"
    );
}

#[tokio::test]
async fn a_record_comes_with_its_proof() {
    let record = |RawQuery(query): RawQuery| async move {
        assert!(query.unwrap().ends_with("&collection=app.bsky.feed.post&rkey=a%3Ab"));
        "car bytes"
    };
    let server =
        Server::http(Router::new().route("/xrpc/com.atproto.sync.getRecord", get(record))).await;
    let collection = Nsid::parse("app.bsky.feed.post").unwrap();
    let rkey = RecordKey::parse("a:b").unwrap();
    let bytes = asker().get_record(&server.url(""), &alice(), &collection, &rkey).await.unwrap();
    assert_eq!(bytes, "car bytes");
}

#[tokio::test]
async fn a_server_describes_itself() {
    let body = json!({ "did": "did:web:pds.example.com", "availableUserDomains": [".example.com"], "links": {} });
    let server = answering("com.atproto.server.describeServer", 200, body).await;
    let server = asker().describe_server(&server.url("/ignored/path?x=1")).await.unwrap();
    assert_eq!(server.available_user_domains, [".example.com"]);
    assert!(!server.invite_code_required);
}

#[tokio::test]
async fn a_base_that_is_no_server_is_refused() {
    for base in ["", "pds.example.com", "file:///etc", "https://10.0.0.1", "https://[::1]:1/"] {
        let client = asker();
        let error = client.describe_server(base).await.unwrap_err();
        let strict = matches!(
            error,
            PdsError::Http(
                HttpError::Url { .. } | HttpError::Forbidden { .. } | HttpError::Connect { .. }
            )
        );
        assert!(strict, "{base}: {error:?}");
    }
}
