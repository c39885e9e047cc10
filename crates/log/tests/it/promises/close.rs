//! After the end: everything is answered, nothing hangs.

use futures_util::future::join_all;
use futures_util::poll;
use millrace_log::LogError;

use crate::site::{ONE, Site, all, everything_below, items, offsets, sized};

pub async fn a_closed_log_says_so(site: Site) {
    let log = site.open();
    let clone = log.clone();
    log.append(ONE, items("k", ["x"])).await.unwrap();
    log.close().await;
    log.close().await;
    assert_eq!(clone.append(ONE, items("k", ["y"])).await, Err(LogError::Closed));
    assert_eq!(clone.read(ONE, 0, 0, 100).await, Err(LogError::Closed));
    assert_eq!(clone.wait(ONE, 0, 0).await, Err(LogError::Closed));
    assert_eq!(clone.tail(ONE, 0).await, Err(LogError::Closed));
    assert_eq!(clone.oldest(ONE, 0).await, Err(LogError::Closed));
    assert_eq!(clone.retain(ONE, &everything_below([1])).await, Err(LogError::Closed));
    let log = site.open();
    assert_eq!(offsets(&all(&log, ONE, 0).await), [0]);
}

pub async fn closing_answers_those_who_wait(site: Site) {
    let log = site.open();
    let mut waiting = Box::pin(log.wait(ONE, 0, 0));
    assert!(poll!(waiting.as_mut()).is_pending());
    log.close().await;
    assert_eq!(waiting.await, Err(LogError::Closed));
}

pub async fn what_was_admitted_is_finished(site: Site) {
    let log = site.open();
    let mut calls = Box::pin(join_all((0..50).map(|_| log.append(ONE, sized("k", 1, 10_000)))));
    assert!(poll!(calls.as_mut()).is_pending());
    log.close().await;
    let answers = calls.await;
    let log = site.open();
    let kept = log.tail(ONE, 0).await.unwrap();
    let acknowledged = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(acknowledged as i64, kept);
    assert_eq!(acknowledged, 50, "all were in the queue before the log was closed");
}
