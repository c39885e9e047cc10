//! Questions over HTTP, as a PDS asks them: each with a token of its own, most about something that was not
//! asked before. The time of an answer is that until its last byte.

mod questions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::TaskSet;
use serde_json::Value;

use crate::people::Tokens;

pub use questions::{Kind, Question, Subjects};

/// One answer in so many is read and must hold something.
const READ_ONE_IN: usize = 20;

/// How long answers took, in milliseconds, in order.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    pub fn percentile(&self, percent: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() as f64 * percent / 100.0).ceil() as usize;
        self.0.get(at.saturating_sub(1).min(last)).copied().unwrap_or(f64::NAN)
    }

    pub fn merged<'a>(all: impl IntoIterator<Item = &'a Times>) -> Self {
        Self::of(all.into_iter().flat_map(|times| times.0.iter().copied()).collect())
    }

    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }
}

/// Whom to ask.
#[derive(Clone)]
pub struct Service {
    pub url: String,
    pub tokens: Arc<Tokens>,
    http: reqwest::Client,
}

/// A question with the token it is asked with.
struct Ready {
    url: String,
    token: Option<String>,
    /// The list in the answer that must not be empty.
    list: &'static str,
}

impl Service {
    pub fn new(url: &str, tokens: Tokens) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().http1_only().build()?;
        Ok(Self { url: url.to_owned(), tokens: Arc::new(tokens), http })
    }

    fn ready(&self, question: &Question) -> Ready {
        let Question { method, params, viewer, list } = question;
        let token = viewer.as_ref().and_then(|viewer| self.tokens.mint(viewer, method));
        Ready { url: format!("{}/xrpc/{method}?{params}", self.url), token, list }
    }

    /// Asks them all, so many at a time. Whatever is no answer is an error.
    pub async fn ask(&self, questions: &[Question], at_a_time: usize) -> Result<Times> {
        let ready: Arc<Vec<Ready>> = Arc::new(questions.iter().map(|it| self.ready(it)).collect());
        let next = Arc::new(AtomicUsize::new(0));
        let mut askers = TaskSet::new();
        for asker in 0..at_a_time {
            let (ready, next, http) = (Arc::clone(&ready), Arc::clone(&next), self.http.clone());
            askers.spawn(format!("bench.ask.{asker}"), async move {
                let mut times = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(question) = ready.get(at) else { return anyhow::Ok(times) };
                    times.push(one(&http, question, at % READ_ONE_IN == 0).await?);
                }
            });
        }
        let mut times = Vec::new();
        while let Some(asked) = askers.join_next().await {
            times.extend(asked?.1?);
        }
        Ok(Times::of(times))
    }

    /// One question until it is answered, for a service that is only starting.
    pub async fn answers(&self, question: &Question) -> bool {
        let ready = self.ready(question);
        one(&self.http, &ready, true).await.is_ok()
    }
}

async fn one(http: &reqwest::Client, question: &Ready, read: bool) -> Result<f64> {
    let watch = Stopwatch::start();
    let mut request = http.get(&question.url);
    if let Some(token) = &question.token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    let elapsed_ms = watch.elapsed().as_secs_f64() * 1e3;
    let url = &question.url;
    ensure!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&body));
    if read && !question.list.is_empty() {
        let body: Value = serde_json::from_slice(&body).with_context(|| url.clone())?;
        let list = &body[question.list];
        let some = list.as_array().map_or(list.is_object(), |list| !list.is_empty());
        ensure!(some, "{url}: the answer holds no {}", question.list);
    }
    Ok(elapsed_ms)
}
