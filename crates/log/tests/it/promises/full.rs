//! No room left: refused with an error, nothing lost, and well again once there is room.

use futures_util::future::join_all;
use millrace_log::{Log, LogError};

use crate::site::{ONE, Site, all, everything_below, items, offsets, sized};

const DISK_BYTES: u64 = 4 << 20;

/// Appends 64 KiB at a time until refused; the refusal.
async fn fill(log: &Log) -> LogError {
    for _ in 0..DISK_BYTES >> 16 {
        if let Err(error) = log.append(ONE, sized("k", 1, 64 << 10)).await {
            return error;
        }
    }
    panic!("{DISK_BYTES} bytes were exceeded");
}

pub async fn a_full_log_refuses_and_recovers(mut site: Site) {
    site.config.disk_bytes_max = Some(DISK_BYTES);
    let mut log = site.open();
    for _ in 0..2 {
        let refusal = fill(&log).await;
        assert!(matches!(refusal, LogError::DiskFull { .. }), "{refusal:?}");
        assert!(refusal.is_transient());
        assert_eq!(refusal.code().id, "MR-LOG-007");

        // What was acknowledged is there, what was refused is not, and reading needs no room.
        let oldest = log.oldest(ONE, 0).await.unwrap();
        let tail = log.tail(ONE, 0).await.unwrap();
        assert!(tail - oldest > 40, "{oldest} to {tail}");
        assert_eq!(offsets(&all(&log, ONE, 0).await), (oldest..tail).collect::<Vec<_>>());

        log = site.reopen(log).await;
        assert!(matches!(fill(&log).await, LogError::DiskFull { .. }));
        assert_eq!(log.tail(ONE, 0).await, Ok(tail));

        log.retain(ONE, &everything_below([tail - 1])).await.unwrap();
        let appended = log.append(ONE, sized("k", 1, 64 << 10)).await.unwrap();
        assert_eq!(appended.offsets[0].offset, tail);
    }
}

pub async fn what_does_not_fit_fails_alone(mut site: Site) {
    site.config.disk_bytes_max = Some(DISK_BYTES);
    let log = site.open();
    let mut calls = Vec::new();
    for n in 0..20 {
        let small = items("k", [format!("small {n}")]);
        let large = sized("k", 1, 2 << 20);
        calls.push(log.append(ONE, if n % 4 == 3 { large } else { small }));
    }
    let answers = join_all(calls).await;
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(refused, 4, "one of five large ones fits");
    let read = all(&log, ONE, 0).await;
    assert_eq!(offsets(&read), (0..16).collect::<Vec<_>>());
    assert_eq!(read.iter().filter(|item| item.payload.starts_with(b"small")).count(), 15);
}
