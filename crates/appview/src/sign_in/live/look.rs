//! Looks for what is new of one account, as long as somebody has a page of it open.

use millrace_atproto::Did;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::notifications::GetUnreadCount;
use millrace_dataplane::query::timeline::GetTimeline;
use millrace_runtime::clock::Stopwatch;
use tokio::sync::watch;

use super::{COUNTED_MAX, Inner, Newest, News};

/// How much longer than a look the pause behind it is at least: an account whose timeline takes long is looked for
/// less often.
const PAUSE: u32 = 20;

/// Looks until nobody listens.
pub(super) async fn on(inner: &Inner, did: &Did, news: &watch::Sender<News>) {
    loop {
        let took = {
            let Ok(_turn) = inner.looks.acquire().await else { return };
            let stopwatch = Stopwatch::start();
            match look(inner, did).await {
                Ok((unread, newest)) => {
                    news.send_if_modified(|news| {
                        let found = News { unread: Some(unread), newest, ended: news.ended };
                        let is_new = found != *news;
                        *news = found;
                        is_new
                    });
                }
                // Whoever listens keeps what it knows; it is looked again.
                Err(error) => tracing::debug!(%error, "what is new cannot be looked up now"),
            }
            stopwatch.elapsed()
        };
        tokio::time::sleep(inner.look_every.max(took * PAUSE)).await;
    }
}

async fn look(inner: &Inner, did: &Did) -> Result<(i64, Vec<Newest>), DataplaneError> {
    let unread = GetUnreadCount { actor: did.clone(), priority: None };
    let unread = inner.dataplane.ask(unread).await?.count;
    let timeline = GetTimeline { actor: did.clone(), limit: COUNTED_MAX, cursor: None };
    let items = inner.dataplane.ask(timeline).await?.items;
    let own = format!("at://{did}/");
    let others = items
        .into_iter()
        .map(|item| Newest { sort_at_us: item.sort_at_us, uri: item.repost.unwrap_or(item.uri) })
        // Who wrote it knows of it.
        .filter(|item| !item.uri.starts_with(&own));
    Ok((unread, others.collect()))
}
