//! Asking the program over HTTP, as nobody in particular or as an account of the network, whose PDS would
//! sign the same token.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::jwt::{Claims, ServiceToken};
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::SharedClock;
use millrace_sim::oracle::{Found, Question};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::program::SERVICE_DID;
use crate::millrace::Millrace;

/// How long a token is good for, seconds.
const TOKEN_S: i64 = 60;
/// Pages of one list before it counts as endless.
const PAGES_MAX: usize = 10_000;
/// Longest a program may be too busy to answer a question, and when it is asked again.
const BUSY_FOR_AT_MOST: Duration = Duration::from_secs(30);
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// Tokens made so far: each has its own number.
static TOKENS: AtomicU64 = AtomicU64::new(0);

/// Somebody who asks.
#[derive(Clone)]
pub struct Viewer {
    pub did: Did,
    pub key: SigningKey,
}

/// A way to ask one program.
#[derive(Clone)]
pub struct Asker {
    http: reqwest::Client,
    appview_url: String,
    internal_url: String,
    clock: SharedClock,
    /// Items of a page, unless a question says otherwise.
    limit: u32,
}

impl Asker {
    pub fn new(millrace: &Millrace, clock: SharedClock, limit: u32) -> Result<Self> {
        Ok(Self {
            http: crate::world::http_client()?,
            appview_url: millrace.appview_url(),
            internal_url: millrace.internal_url(),
            clock,
            limit,
        })
    }

    /// All pages of an answer.
    pub async fn ask(&self, viewer: Option<&Viewer>, question: &Question) -> Result<Found> {
        let mut pages = Vec::new();
        let mut cursor: Option<String> = None;
        let mut seen = HashSet::new();
        loop {
            let mut params = question.params.clone();
            if question.field.is_some() && params.iter().all(|(name, _)| *name != "limit") {
                params.push(("limit", self.limit.to_string()));
            }
            params.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
            let page = match self.get(viewer, question.nsid, &params).await? {
                Ok(page) => page,
                Err(refused) => return Ok(refused),
            };
            let next = page["cursor"].as_str().map(str::to_owned);
            pages.push(page);
            if next.is_none() || question.field.is_none() {
                return Ok(Found::Answered(pages));
            }
            if pages.len() == PAGES_MAX || !seen.insert(next.clone()) {
                bail!("{question:?}: the pages do not end: {next:?}");
            }
            cursor = next;
        }
    }

    /// One answer, or how it was refused.
    pub async fn get(
        &self,
        viewer: Option<&Viewer>,
        nsid: &'static str,
        params: &[(&'static str, String)],
    ) -> Result<std::result::Result<Value, Found>> {
        let until = Instant::now() + BUSY_FOR_AT_MOST;
        let answer = loop {
            let url = format!("{}/xrpc/{nsid}", self.appview_url);
            let mut request = self.http.get(url).query(params);
            if let Some(viewer) = viewer {
                request = request.bearer_auth(self.token(viewer, nsid));
            }
            let answer = request.send().await.with_context(|| nsid.to_owned())?;
            // Who is too busy says so, and may be asked again; to stay so is wrong.
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE || Instant::now() > until {
                break answer;
            }
            sleep(BUSY_PAUSE).await;
        };
        let status = answer.status();
        let body = answer.text().await?;
        if status.is_success() {
            let page = serde_json::from_str(&body);
            return Ok(Ok(page.with_context(|| format!("{nsid} answered {body}"))?));
        }
        let error = serde_json::from_str::<Value>(&body).ok();
        let error = error.and_then(|error| error["error"].as_str().map(str::to_owned));
        Ok(Err(Found::Refused { status: status.as_u16(), error: error.unwrap_or(body) }))
    }

    /// Profiles of accounts, as anybody sees them.
    pub async fn profiles(&self, dids: &[&str]) -> Result<Vec<Value>> {
        let params: Vec<_> = dids.iter().map(|did| ("actors", (*did).to_owned())).collect();
        match self.get(None, "app.bsky.actor.getProfiles", &params).await? {
            Ok(mut answer) => match answer["profiles"].take() {
                Value::Array(profiles) => Ok(profiles),
                other => bail!("profiles: {other}"),
            },
            Err(refused) => bail!("{refused:?}"),
        }
    }

    /// A procedure of a viewer's.
    pub async fn tell(&self, viewer: &Viewer, nsid: &'static str, input: Value) -> Result<()> {
        let request = self.http.post(format!("{}/xrpc/{nsid}", self.appview_url));
        let request = request.bearer_auth(self.token(viewer, nsid)).json(&input);
        let answer = request.send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("{nsid} {input}: {status} {}", answer.text().await?);
        }
        Ok(())
    }

    /// What one part of the program would ask the other.
    pub async fn internal(&self, name: &str, question: Value) -> Result<Value> {
        let url = format!("{}/{name}", self.internal_url);
        let answer = self.http.post(url).json(&question).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }

    /// How much of an account is here, as ingest knows it; null before its first event.
    pub async fn account_state(&self, did: &Did) -> Result<Value> {
        self.internal("getAccountState", json!({"did": did.as_str()})).await
    }

    fn token(&self, viewer: &Viewer, nsid: &str) -> String {
        let now_s = self.clock.now_us().div_euclid(1_000_000);
        let claims = Claims {
            iss: viewer.did.clone(),
            iss_service: None,
            aud: SERVICE_DID.to_owned(),
            exp: now_s + TOKEN_S,
            iat: Some(now_s),
            nbf: None,
            lxm: Some(nsid.to_owned()),
            jti: Some(format!("token-{}", TOKENS.fetch_add(1, Ordering::Relaxed))),
        };
        ServiceToken::mint(&viewer.key, None, &claims)
    }
}
