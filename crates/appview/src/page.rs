//! Pages: what a rule takes out of a page is filled up from the next ones, a bounded number of
//! times. A page left short, even empty, still carries the cursor that leads on.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;

/// Times the data-plane is asked for one page.
const FETCHES_MAX: usize = 10;

/// A page of views, serialised one by one, with what else the first fetch found.
#[derive(Debug)]
pub(crate) struct Page<X = ()> {
    pub(crate) items: Vec<Box<RawValue>>,
    pub(crate) cursor: Option<String>,
    pub(crate) rest: X,
}

/// Serialises a view while what it borrows from is at hand.
pub(crate) fn raw(view: &impl Serialize) -> Result<Box<RawValue>, XrpcError> {
    Ok(serde_json::value::to_raw_value(view)?)
}

/// Serialises the views of a page.
pub(crate) fn raw_all<V: Serialize>(
    views: impl IntoIterator<Item = V>,
) -> Result<Vec<Box<RawValue>>, XrpcError> {
    views.into_iter().map(|view| raw(&view)).collect()
}

/// Fetches from `cursor` on until `limit` items are there, the end is reached, or enough was asked.
pub(crate) async fn fill_page<X, F>(
    cursor: Option<String>,
    limit: u32,
    fetch: impl Fn(Option<String>, u32) -> F,
) -> Result<Page<X>, XrpcError>
where
    F: Future<Output = Result<Page<X>, XrpcError>>,
{
    let wanted = limit as usize;
    let mut page = fetch(cursor, limit).await?;
    for _ in 1..FETCHES_MAX {
        if page.items.len() >= wanted {
            break;
        }
        let Some(cursor) = page.cursor.take() else { break };
        let missing = u32::try_from(wanted - page.items.len()).unwrap_or(limit);
        let next = fetch(Some(cursor.clone()), missing).await?;
        page.items.extend(next.items);
        // A cursor that leads nowhere would be followed for ever.
        page.cursor = next.cursor.filter(|next| *next != cursor);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::cell::RefCell;
    use std::future::ready;

    use super::*;

    /// Numbers from 1 on, of which `keep` passes the rules; the cursor is the last number seen.
    async fn check(
        keep: impl Fn(u32) -> bool,
        end: u32,
        limit: u32,
    ) -> (Vec<u32>, Option<String>, usize) {
        let fetches = RefCell::new(0);
        let fetch = |cursor: Option<String>, limit: u32| {
            *fetches.borrow_mut() += 1;
            let after: u32 = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let last = (after + limit).min(end);
            let items = raw_all((after + 1..=last).filter(|n| keep(*n))).unwrap();
            ready(Ok(Page { items, cursor: (last < end).then(|| last.to_string()), rest: after }))
        };
        let page = fill_page(None, limit, fetch).await.unwrap();
        assert_eq!(page.rest, 0, "what the first fetch found stays");
        let items = page.items.iter().map(|item| item.get().parse().unwrap()).collect();
        (items, page.cursor, fetches.into_inner())
    }

    #[tokio::test]
    async fn a_full_page_is_fetched_once() {
        assert_eq!(check(|_| true, 100, 3).await, (vec![1, 2, 3], Some("3".to_owned()), 1));
    }

    #[tokio::test]
    async fn what_rules_take_out_is_filled_up() {
        let (items, cursor, _) = check(|n| n % 2 == 0, 100, 4).await;
        assert_eq!(items, [2, 4, 6, 8]);
        assert_eq!(cursor.as_deref(), Some("8"));
    }

    #[tokio::test]
    async fn an_empty_page_keeps_its_cursor() {
        let (items, cursor, fetches) = check(|_| false, 1_000, 4).await;
        assert!(items.is_empty());
        assert_eq!((cursor.as_deref(), fetches), (Some("40"), FETCHES_MAX));
    }

    #[tokio::test]
    async fn the_end_has_no_cursor() {
        assert_eq!(check(|_| true, 2, 5).await, (vec![1, 2], None, 1));
        let (items, cursor, _) = check(|n| n > 6, 8, 3).await;
        assert_eq!((items, cursor), (vec![7, 8], None));
    }

    #[tokio::test]
    async fn a_cursor_that_stands_still_is_not_followed() {
        let stuck =
            |_, _| ready(Ok(Page { items: Vec::new(), cursor: Some("x".to_owned()), rest: () }));
        let page = fill_page(Some("x".to_owned()), 5, stuck).await.unwrap();
        assert_eq!(page.cursor, None);
    }
}
