//! A page of the dashboard in somebody's browser, as far as its requests go.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use millrace_runtime::clock::Stopwatch;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::client::Account;
use crate::world::World;

/// How long what was written may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

pub struct Page {
    pub http: Client,
    pub origin: String,
    pub cookie: String,
}

impl Page {
    /// Of a program that only its own machine reaches.
    pub async fn of(world: &World) -> Result<Self> {
        let mut page = Self::at(Client::builder().no_proxy(), world.millrace.appview_url())?;
        // Whoever comes by the name is sent to the address, under which people sign in.
        let home = page.http.get(format!("{}/dashboard/", page.origin)).send().await?;
        ensure!(home.status() == StatusCode::TEMPORARY_REDIRECT, "{}", home.status());
        let to = home.headers().get(LOCATION).context("a place")?.to_str()?;
        page.origin = to.strip_suffix("/dashboard/").context("the dashboard")?.to_owned();
        page.may_sign_in().await?;
        Ok(page)
    }

    /// Where people sign in, as a browser with these settings finds it.
    pub fn at(http: ClientBuilder, origin: String) -> Result<Self> {
        let http = http.redirect(redirect::Policy::none()).build()?;
        Ok(Self { http, origin, cookie: String::new() })
    }

    /// By OAuth, here.
    pub async fn may_sign_in(&self) -> Result<()> {
        let session = self.get("/api/v1/session").await?;
        ensure!(session["signInAt"] == self.origin && session["speaksOauth"] == true, "{session}");
        Ok(())
    }

    pub fn sent(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("sec-fetch-site", "same-origin").header(COOKIE, &self.cookie)
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.sent(self.http.get(format!("{}{path}", self.origin))).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Response> {
        let request = self.http.post(format!("{}{path}", self.origin)).json(body);
        Ok(self.sent(request).header("origin", &self.origin).send().await?)
    }

    /// Shows a cookie of this answer from now on.
    pub fn keeps(&mut self, answer: &Response, name: &str) -> Result<()> {
        let lines = answer.headers().get_all(SET_COOKIE).iter();
        let mut lines = lines.filter_map(|line| line.to_str().ok());
        let line = lines.find(|line| line.starts_with(name));
        let line = line.with_context(|| format!("no cookie {name}: {}", answer.status()))?;
        line.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        Ok(())
    }

    /// Of a program that only its own machine reaches, signed in by an app password made for it.
    pub async fn signed_in(world: &mut World, who: &Account) -> Result<Self> {
        let named = json!({"name": "tests"});
        let made =
            world.client.procedure(who, "com.atproto.server.createAppPassword", named).await?;
        let who = json!({"identifier": who.handle, "password": made["password"]});
        let mut page = Self::of(world).await?;
        let answer = page.post("/api/v1/session/app-password", &who).await?;
        page.keeps(&answer, "millrace-session=")?;
        Ok(page)
    }

    /// A new token of a program that acts for who is signed in.
    pub async fn token(&self, scopes: &[&str]) -> Result<String> {
        let wanted = json!({"name": "a program", "scopes": scopes});
        let made = self.post("/api/v1/session/tokens/make", &wanted).await?;
        let made: Value = made.json().await?;
        Ok(made["secret"].as_str().context("a token")?.to_owned())
    }

    /// Signs in at the account's own server, whose pages `browser` shows; `cookies` begins the names of the cookies.
    pub async fn signs_in(&mut self, account: &Account, cookies: &str) -> Result<()> {
        let who = json!({"identifier": account.handle, "returnTo": "/dashboard/home"});
        let answer = self.post("/api/v1/session/sign-in", &who).await?;
        let refused = format!("{}", answer.status());
        self.keeps(&answer, &format!("{cookies}millrace-sign-in="))?;
        let begun: Value = answer.json().await.context(refused)?;
        let url = begun["authorizeUrl"].as_str().context("a URL")?;
        let password = format!("{}-pass", account.name);
        let query = Browser::new()?.agree(url, &account.did, &account.handle, &password).await?;
        let callback = format!("{}/oauth/callback?{query}", self.origin);
        let begun = self.cookie.clone();
        let back = self.http.get(&callback).header(COOKIE, &begun).send().await?;
        ensure!(back.headers().get(LOCATION).context("a place")? == "/dashboard/home");
        let again = self.http.get(&callback).header(COOKIE, &begun).send().await?;
        let to = again.headers().get(LOCATION).context("a place")?.to_str()?;
        ensure!(to.starts_with("/dashboard/sign-in?error=SignInNotFound"), "{to}");
        self.keeps(&back, &format!("{cookies}millrace-session="))
    }

    /// Writes a post at the account's PDS, and sees it here.
    pub async fn writes(&self, did: &str, text: &str) -> Result<()> {
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
