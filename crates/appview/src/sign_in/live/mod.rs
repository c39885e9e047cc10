//! What a page of somebody who is signed in is told by itself (`GET /api/v1/session/live`, server-sent events): how
//! many notifications are unread, and how many items of others came into the timeline since the page began to listen,
//! at most [`COUNTED_MAX`].
//!
//! ```text
//! event: unread          event: timeline
//! data: {"count":3}      data: {"count":2,"newest":"2026-01-01T00:00:00.000Z"}
//! ```
//!
//! One look an account (`look.rs`), however many pages it has open. Must stay true: pages are bounded in number, all
//! together and of one account; a page is told nothing that its session does not let it see any more; all streams end
//! when the process drains; an account that nobody has a page of is not looked for.

mod look;
mod stream;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use millrace_atproto::Did;
use millrace_dataplane::Client;
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{SignInState, SignedIn};
use crate::config::LimitsConfig;
use crate::error::XrpcError;
use crate::metrics::Metrics;
use crate::session::Sessions;

/// Accounts that are looked for at the same time: what this may take of the data-plane.
const LOOKS_MAX: usize = 4;
/// New items of a timeline that are counted: beyond, it is that many or more.
const COUNTED_MAX: u32 = 30;
/// Proxies that gather answers are told not to.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Who is told. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    dataplane: Client,
    sessions: Arc<Sessions>,
    places: Arc<Semaphore>,
    of_account_max: u32,
    looks: Semaphore,
    look_every: Duration,
    accounts: Mutex<HashMap<Did, Account>>,
    metrics: Metrics,
    shutdown: Shutdown,
}

/// An account that somebody has a page of.
struct Account {
    pages: u32,
    news: watch::Sender<News>,
    /// Ends the looking.
    gone: Shutdown,
}

/// What is known of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct News {
    unread: Option<i64>,
    /// Of others, the newest first.
    newest: Vec<Newest>,
    /// Counts how often a session of it was ended here.
    ended: u64,
}

/// One of the newest items of a timeline: a post, or the repost that brought one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Newest {
    sort_at_us: i64,
    uri: String,
}

/// A page that is told; its place is free again when it is dropped.
struct Page {
    live: Live,
    did: Did,
    /// The browser's token: whether it is still signed in is looked up by it.
    token: Secret,
    news: watch::Receiver<News>,
    _place: OwnedSemaphorePermit,
}

impl Live {
    pub(crate) fn new(
        dataplane: Client,
        sessions: Arc<Sessions>,
        limits: &LimitsConfig,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> Self {
        let places = limits.live_pages_max.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            dataplane,
            sessions,
            places: Arc::new(Semaphore::new(places)),
            of_account_max: limits.account_live_pages_max.max(1),
            looks: Semaphore::new(LOOKS_MAX),
            look_every: Duration::from_millis(limits.live_look_ms.max(1)),
            accounts: Mutex::default(),
            metrics,
            shutdown,
        }))
    }

    /// A session of the account was ended here: pages look whether it was theirs.
    pub(super) fn session_ended(&self, did: &Did) {
        if let Some(account) = self.0.accounts.lock().get(did.as_str()) {
            account.news.send_modify(|news| news.ended += 1);
        }
    }

    /// Sessions of everybody were ended here.
    pub(super) fn sessions_ended(&self) {
        for account in self.0.accounts.lock().values() {
            account.news.send_modify(|news| news.ended += 1);
        }
    }

    fn open(&self, did: Did, token: Secret) -> Result<Page, XrpcError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| XrpcError::Busy)?;
        let mut accounts = self.0.accounts.lock();
        let account = accounts.entry(did.clone()).or_insert_with(|| self.looked_for(&did));
        let most = self.0.of_account_max;
        if account.pages >= most {
            return Err(XrpcError::TooMany(format!("{most} pages of this account listen already")));
        }
        account.pages += 1;
        let news = account.news.subscribe();
        drop(accounts);
        self.0.metrics.live_pages.inc();
        Ok(Page { live: self.clone(), did, token, news, _place: place })
    }

    fn looked_for(&self, did: &Did) -> Account {
        let (news, _) = watch::channel(News::default());
        let gone = Shutdown::new();
        let account = Account { pages: 0, news: news.clone(), gone: gone.clone() };
        let (inner, did) = (Arc::clone(&self.0), did.clone());
        spawn_detached_named("live", async move {
            inner.shutdown.or(gone.or(look::on(&inner, &did, &news))).await;
        });
        account
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.live.0.metrics.live_pages.dec();
        let mut accounts = self.live.0.accounts.lock();
        let Some(account) = accounts.get_mut(self.did.as_str()) else { return };
        account.pages -= 1;
        if account.pages == 0 {
            account.gone.cancel();
            accounts.remove(self.did.as_str());
        }
    }
}

pub(super) async fn live(
    State(state): State<SignInState>,
    SignedIn { did, .. }: SignedIn,
    headers: HeaderMap,
) -> Result<Response, XrpcError> {
    let token = state.signed.cookies.of_session(&headers).unwrap_or_default();
    let page = state.live.open(did, Secret::from(token))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(stream::events(page))).into_response())
}
