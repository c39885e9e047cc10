//! Somebody signs in at Millrace with the account of a real PDS, by an app password and by OAuth: reads here, writes
//! there, is told what is new, and is signed out everywhere.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use millrace_runtime::clock::Stopwatch;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::millrace::{Engine, Split};
use crate::world::World;

/// How long what was written may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn sqlite_local() -> Result<()> {
    told(&Engine::Sqlite, Split::Local).await
}

#[tokio::test]
async fn postgres_remote() -> Result<()> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(());
    };
    let database = crate::postgres::Database::create(&server).await?;
    told(&Engine::Postgres(database.url().to_owned()), Split::Remote).await
}

/// A page of the dashboard in somebody's browser.
struct Page {
    http: reqwest::Client,
    origin: String,
    cookie: String,
}

impl Page {
    async fn of(world: &World) -> Result<Self> {
        let none = redirect::Policy::none();
        let http = reqwest::Client::builder().no_proxy().redirect(none).build()?;
        let mut page = Self { http, origin: world.millrace.appview_url(), cookie: String::new() };
        // Whoever comes by the name is sent to the address, under which people sign in.
        let home = page.http.get(format!("{}/dashboard/", page.origin)).send().await?;
        ensure!(home.status() == StatusCode::TEMPORARY_REDIRECT, "{}", home.status());
        let to = home.headers().get(LOCATION).context("a place")?.to_str()?;
        page.origin = to.strip_suffix("/dashboard/").context("the dashboard")?.to_owned();
        let session = page.get("/api/v1/session").await?;
        ensure!(session["signInAt"] == page.origin && session["speaksOauth"] == true, "{session}");
        Ok(page)
    }

    fn sent(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("sec-fetch-site", "same-origin").header(COOKIE, &self.cookie)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.sent(self.http.get(format!("{}{path}", self.origin))).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Response> {
        let request = self.http.post(format!("{}{path}", self.origin)).json(body);
        Ok(self.sent(request).header("origin", &self.origin).send().await?)
    }

    fn keeps(&mut self, answer: &Response, name: &str) -> Result<()> {
        let lines = answer.headers().get_all(SET_COOKIE).iter();
        let mut lines = lines.filter_map(|line| line.to_str().ok());
        let line = lines.find(|line| line.starts_with(name));
        let line = line.with_context(|| format!("no cookie {name}: {}", answer.status()))?;
        line.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        Ok(())
    }

    /// Writes a post at the account's PDS, and sees it here.
    async fn writes(&self, did: &str, text: &str) -> Result<()> {
        let record = json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": "2024-01-01T00:00:00.000Z"});
        let input = json!({"repo": did, "collection": "app.bsky.feed.post", "record": record});
        let written = self.post("/xrpc/com.atproto.repo.createRecord", &input).await?;
        ensure!(written.status().is_success(), "{}", written.text().await?);
        let waited = Stopwatch::start();
        loop {
            let timeline = self.get("/xrpc/app.bsky.feed.getTimeline").await?;
            if timeline.to_string().contains(text) {
                return Ok(());
            }
            ensure!(waited.elapsed() < SEEN_WITHIN, "{text} is not seen: {timeline}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn told(engine: &Engine, split: Split) -> Result<()> {
    let mut world = World::start(engine, split).await?;
    let alice = world.client.create_account("alice").await?;
    let named = json!({"name": "tests"});
    let made =
        world.client.procedure(&alice, "com.atproto.server.createAppPassword", named).await?;
    let who = json!({"identifier": alice.handle, "password": made["password"]});

    let mut by_password = Page::of(&world).await?;
    let answer = by_password.post("/api/v1/session/app-password", &who).await?;
    by_password.keeps(&answer, "millrace-session=")?;
    by_password.writes(&alice.did, "by an app password").await?;

    let mut by_oauth = Page::of(&world).await?;
    let who = json!({"identifier": alice.handle, "returnTo": "/dashboard/home"});
    let answer = by_oauth.post("/api/v1/session/sign-in", &who).await?;
    by_oauth.keeps(&answer, "millrace-sign-in=")?;
    let begun: Value = answer.json().await?;
    let url = begun["authorizeUrl"].as_str().context("a URL")?;
    let query = Browser::new()?.agree(url, &alice.did, &alice.handle, "alice-pass").await?;
    let callback = format!("{}/oauth/callback?{query}", by_oauth.origin);
    let back = by_oauth.http.get(&callback).header(COOKIE, &by_oauth.cookie).send().await?;
    ensure!(back.headers().get(LOCATION).context("a place")? == "/dashboard/home");
    let again = by_oauth.http.get(&callback).header(COOKIE, &by_oauth.cookie).send().await?;
    let to = again.headers().get(LOCATION).context("a place")?.to_str()?;
    ensure!(to.starts_with("/dashboard/sign-in?error=SignInNotFound"), "{to}");
    by_oauth.keeps(&back, "millrace-session=")?;
    by_oauth.writes(&alice.did, "by OAuth").await?;

    let live = format!("{}/api/v1/session/live", by_oauth.origin);
    let mut live = by_oauth.sent(by_oauth.http.get(live)).send().await?;
    let everywhere = json!({"everywhere": true});
    let out = by_oauth.post("/api/v1/session/sign-out", &everywhere).await?;
    ensure!(out.status().is_success(), "{}", out.text().await?);
    while live.chunk().await?.is_some() {}
    for page in [&by_password, &by_oauth] {
        let input = json!({"repo": alice.did, "collection": "app.bsky.feed.post", "record": {}});
        let refused = page.post("/xrpc/com.atproto.repo.createRecord", &input).await?;
        ensure!(refused.status() == StatusCode::UNAUTHORIZED, "{}", refused.text().await?);
    }
    world.end().await
}
