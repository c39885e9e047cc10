//! One page: what it is told, until its session ends, the process drains, or it goes.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use millrace_atproto::datetime::format_ms_us;
use serde_json::json;
use tokio::time::{Instant, Sleep};

use super::{Newest, News, Page};

/// How often something is sent in any case, so that nobody on the way takes the connection for dead, and how often it
/// is looked whether another process ended the session.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A comment, which pages do not see.
const NOTHING: Bytes = Bytes::from_static(b":\n\n");

/// How far a page was told.
struct Told {
    page: Page,
    unread: Option<i64>,
    /// What was the newest when it began, or when it was told last.
    newest: Option<Option<Newest>>,
    ended: u64,
    heartbeat: Pin<Box<Sleep>>,
    has_begun: bool,
}

/// What a page reads.
pub(super) fn events(page: Page) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let ended = page.news.borrow().ended;
    let heartbeat = Box::pin(tokio::time::sleep(HEARTBEAT));
    let told = Told { page, unread: None, newest: None, ended, heartbeat, has_begun: false };
    stream::unfold(told, |mut told| async move {
        let bytes = told.next().await?;
        Some((Ok(bytes), told))
    })
}

impl Told {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Some(NOTHING);
        }
        loop {
            let news = self.page.news.borrow_and_update().clone();
            if news.ended != self.ended {
                self.ended = news.ended;
                self.is_signed_in().await.then_some(())?;
            }
            if let Some(event) = self.event(news) {
                return Some(event);
            }
            let shutdown = self.page.live.0.shutdown.clone();
            tokio::select! {
                () = shutdown.cancelled() => return None,
                changed = self.page.news.changed() => changed.ok()?,
                () = &mut self.heartbeat => {
                    self.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
                    return self.is_signed_in().await.then_some(NOTHING);
                }
            }
        }
    }

    /// What is new since it was told last.
    fn event(&mut self, News { unread, newest, .. }: News) -> Option<Bytes> {
        // Nothing is known before the first look.
        let count = unread?;
        if self.unread != unread {
            self.unread = unread;
            return Some(event("unread", &json!({ "count": count })));
        }
        let before = self.newest.replace(newest.clone());
        if before.is_none_or(|before| before == newest) {
            return None;
        }
        let newest = newest.map(|newest| format_ms_us(newest.sort_at_us));
        Some(event("timeline", &json!({ "newest": newest })))
    }

    async fn is_signed_in(&self) -> bool {
        let Page { live, did, token, .. } = &self.page;
        match live.0.sessions.browser(token.expose()).await {
            Ok(browser) => browser.is_some_and(|browser| browser.did == did.as_str()),
            // It is looked again.
            Err(error) => {
                tracing::debug!(%error, "who is signed in cannot be looked up now");
                true
            }
        }
    }
}

fn event(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
