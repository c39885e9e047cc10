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
    /// What was the newest when it began.
    began_at: Option<Option<Newest>>,
    /// New items that it knows of.
    new: usize,
    ended: u64,
    heartbeat: Pin<Box<Sleep>>,
    has_begun: bool,
}

/// What a page reads.
pub(super) fn events(page: Page) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let ended = page.news.borrow().ended;
    let heartbeat = Box::pin(tokio::time::sleep(HEARTBEAT));
    let told =
        Told { page, unread: None, began_at: None, new: 0, ended, heartbeat, has_begun: false };
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
        let began_at = self.began_at.get_or_insert_with(|| newest.first().cloned());
        let new = newer(&newest, began_at.as_ref());
        if std::mem::replace(&mut self.new, new) == new {
            return None;
        }
        let newest = newest.first().filter(|_| new > 0)?;
        let newest = format_ms_us(newest.sort_at_us);
        Some(event("timeline", &json!({ "count": new, "newest": newest })))
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

/// Items that were not there yet.
fn newer(newest: &[Newest], began_at: Option<&Newest>) -> usize {
    let is_new = |item: &&Newest| {
        began_at.is_none_or(|began| item.sort_at_us >= began.sort_at_us && *item != began)
    };
    newest.iter().take_while(is_new).count()
}

fn event(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_since_is_new() {
        let item = |at: i64| Newest { sort_at_us: at, uri: format!("at://x/{at}") };
        let items = [item(5), item(4), item(2)];
        assert_eq!(newer(&items, None), 3);
        assert_eq!(newer(&items, Some(&item(5))), 0);
        assert_eq!(newer(&items, Some(&item(2))), 2);
        // What it began at is gone.
        assert_eq!(newer(&items, Some(&item(3))), 2);
        assert_eq!(newer(&items, Some(&item(9))), 0);
        assert_eq!(newer(&[], Some(&item(9))), 0);
    }
}
