//! Services that are told of posts: a post made at a real PDS reaches one that takes it, signed and once, whatever is
//! killed; one that refuses it holds nobody up, and an operator says what becomes of that.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parking_lot::Mutex;
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::millrace::{Engine, Split};
use crate::world::World;

const WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
const SECRET: [u8; 32] = [5; 32];

/// What came, by path.
type Taken = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

async fn take(
    State(taken): State<Taken>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    taken.lock().push((path.clone(), headers, body));
    match path.as_str() {
        "picky" => (StatusCode::UNPROCESSABLE_ENTITY, "not like this"),
        _ => (StatusCode::NO_CONTENT, ""),
    }
}

async fn listen(taken: Taken) -> Result<String> {
    let routes = Router::new().route("/{path}", axum::routing::post(take)).with_state(taken);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    millrace_runtime::supervise::spawn_detached_named("receiver", async move {
        axum::serve(listener, routes).await.expect("it serves to the end of the test");
    });
    Ok(base)
}

/// The posts that came to a path, each checked as a receiver does.
fn posts(taken: &Taken, path: &str) -> Result<Vec<(String, Value)>> {
    let taken = taken.lock().clone();
    let mut posts = Vec::new();
    for (_, headers, body) in taken.iter().filter(|(found, ..)| found == path) {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let id = header("webhook-id").context("webhook-id")?;
        let time = header("webhook-timestamp").context("webhook-timestamp")?;
        let signature = header("webhook-signature").context("webhook-signature")?;
        let signature = STANDARD.decode(signature.strip_prefix("v1,").context("v1")?)?;
        let signed = [format!("{id}.{time}.").as_bytes(), body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
        ensure!(hmac::verify(&key, &signed, &signature).is_ok(), "the signature is another's");
        ensure!(
            header("ce-id") == Some(id) && header("ce-type") == Some("POST_CREATED"),
            "{headers:?}"
        );
        ensure!(header("content-type") == Some("application/json"), "{headers:?}");
        posts.push((id.to_owned(), serde_json::from_slice(body)?));
    }
    Ok(posts)
}

async fn until_posts(taken: &Taken, path: &str, uris: &[&str]) -> Result<Vec<(String, Value)>> {
    let until = Instant::now() + WITHIN;
    loop {
        let found = posts(taken, path)?;
        let came: BTreeSet<&str> = found.iter().filter_map(|(_, it)| it["uri"].as_str()).collect();
        if uris.iter().all(|uri| came.contains(uri)) {
            return Ok(found);
        }
        ensure!(Instant::now() < until, "{path}: wanted {uris:?}, came {came:?}");
        sleep(POLL).await;
    }
}

/// What a command printed.
fn printed(output: &Output) -> Result<Value> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{told}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn a_post_reaches_who_takes_it_and_a_person_settles_what_is_refused() -> Result<()> {
    let taken = Taken::default();
    let base = listen(Arc::clone(&taken)).await?;
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    let receiver = |name: &str| {
        format!(
            "\n[[webhooks.receivers]]\nname = \"{name}\"\nurl = \"{base}/{name}\"\nsecret = \"{secret}\"\n\
             topics = [\"post.created.v1\"]\n"
        )
    };
    let settings = ["\n[feeds]\npost_events = \"all\"\n", &receiver("glad"), &receiver("picky")];
    let settings = settings.concat();
    let mut world = World::configured(&Engine::Sqlite, Split::Local, None, &settings).await?;
    let alice = world.client.create_account("alice").await?;
    let first = world.client.post(&alice, "hello, service").await?;
    world.settle().await?;
    let came = until_posts(&taken, "glad", &[&first.uri]).await?;
    ensure!(came.len() == 1, "{came:?}");
    ensure!(came[0].1["text"] == "hello, service" && came[0].1["author"] == alice.did.as_str());

    // The one that refuses it: its row says why, and stays once somebody has seen to it.
    let list = ["dlq", "list", "--of", "deliveries", "--json"];
    let until = Instant::now() + WITHIN;
    let row = loop {
        let page = printed(&world.millrace.command(&list).await?)?;
        match page["parked"].as_array().and_then(|rows| rows.first()) {
            Some(row) => break row.clone(),
            None => ensure!(Instant::now() < until, "nothing is given up: {page}"),
        }
        sleep(POLL).await;
    };
    ensure!(row["projection"] == "webhook:picky" && row["state"] == "pending", "{row}");
    ensure!(row["reason"] == "refused" && row["error"] == "status 422: not like this", "{row}");
    let id = format!("deliveries-{}", row["id"]);
    let shown = printed(&world.millrace.command(&["dlq", "show", &id, "--json"]).await?)?;
    ensure!(shown["entry"]["content"]["payload"]["uri"] == first.uri.as_str(), "{shown}");
    let resolve = ["dlq", "resolve", id.as_str(), "--note", "told by hand", "--yes"];
    let resolved = world.millrace.command(&resolve).await?;
    ensure!(resolved.status.success(), "{}", String::from_utf8_lossy(&resolved.stderr));
    let page = printed(&world.millrace.command(&list).await?)?;
    ensure!(page["parked"].as_array().is_some_and(Vec::is_empty), "{page}");
    let settled = ["dlq", "list", "--settled", "--json"];
    let page = printed(&world.millrace.command(&settled).await?)?;
    let row = &page["parked"][0];
    ensure!(row["state"] == "resolved" && row["actor"] == "operator", "{page}");
    ensure!(row["resolution"] == "told by hand", "{page}");
    // Of what else may be parked nothing stays.
    let refused = world.millrace.command(&["dlq", "resolve", "1", "--yes"]).await?;
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success() && told.contains("discard"), "{told}");

    // Whatever is killed, nothing is lost, and nothing that was noted comes again.
    world.millrace.kill9().await?;
    let second = world.client.post(&alice, "hello again").await?;
    world.millrace.launch().await?;
    world.millrace.ready().await?;
    world.settle().await?;
    let came = until_posts(&taken, "glad", &[&first.uri, &second.uri]).await?;
    let ids: BTreeSet<&String> = came.iter().map(|(id, _)| id).collect();
    ensure!(ids.len() == 2 && came.len() == 2, "{came:?}");
    // What was settled is no matter for what follows.
    until_posts(&taken, "picky", &[&second.uri]).await?;
    world.end().await
}
