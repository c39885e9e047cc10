//! Waiting for the tail.

use futures_util::future::join_all;
use futures_util::poll;
use millrace_runtime::supervise::spawn_detached_named;

use crate::site::{ONE, Site, THREE, items, key_in, sized};

pub async fn what_is_there_is_not_waited_for(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 3, 10)).await.unwrap();
    for from in [-1, 0, 2] {
        assert!(poll!(Box::pin(log.wait(ONE, 0, from))).is_ready(), "{from}");
    }
    assert!(poll!(Box::pin(log.wait(ONE, 0, 3))).is_pending());
    let log = site.reopen(log).await;
    assert!(poll!(Box::pin(log.wait(ONE, 0, 2))).is_ready());
}

pub async fn an_append_wakes_all_who_wait(site: Site) {
    let log = site.open();
    let elsewhere = key_in(&log, THREE, 0);
    let here = key_in(&log, THREE, 2);
    let mut waiting = Box::pin(join_all((0..20).map(|_| log.wait(THREE, 2, 0))));
    assert!(poll!(waiting.as_mut()).is_pending());
    log.append(THREE, items(&elsewhere, ["another partition"])).await.unwrap();
    assert!(poll!(waiting.as_mut()).is_pending());
    log.append(THREE, items(&here, ["this one"])).await.unwrap();
    assert!(waiting.await.into_iter().all(|woken| woken.is_ok()));
}

/// A consumer that reads to the tail and then waits must get every item, whenever the append falls.
pub async fn no_wake_up_is_lost(site: Site) {
    let log = site.open();
    let consumer = spawn_detached_named("consumer", {
        let log = log.clone();
        async move {
            let mut next = 0;
            while next < 500 {
                log.wait(ONE, 0, next).await.unwrap();
                let read = log.read(ONE, 0, next, 64).await.unwrap();
                assert!(!read.is_empty(), "woken for nothing");
                next += read.len() as i64;
            }
        }
    });
    for n in 0..500 {
        log.append(ONE, items("k", [format!("{n}")])).await.unwrap();
        if n % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    consumer.await.unwrap();
}
