//! The log's metrics.

use millrace_log::PAYLOAD_BYTES_MAX;

use crate::site::{ONE, Site, everything_below, sized};

pub async fn the_log_counts_what_it_does(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 3, 68)).await.unwrap();
    log.append(ONE, sized("k", 1, 68)).await.unwrap();
    log.append(ONE, sized("k", 1, PAYLOAD_BYTES_MAX + 1)).await.unwrap_err();
    log.read(ONE, 0, 1, 1 << 20).await.unwrap();
    log.retain(ONE, &everything_below([2])).await.unwrap();
    let text = site.registry.encode();
    for line in [
        r#"millrace_log_appended_items_total{topic="network.entries.v1"} 4"#,
        r#"millrace_log_appended_bytes_total{topic="network.entries.v1"} 400"#,
        r#"millrace_log_append_failures_total{code="MR-LOG-002"} 1"#,
        r#"millrace_log_read_items_total{topic="network.entries.v1"} 3"#,
        r#"millrace_log_read_bytes_total{topic="network.entries.v1"} 204"#,
        r#"millrace_log_removed_items_total{topic="network.entries.v1"} 2"#,
        r#"millrace_log_removed_bytes_total{topic="network.entries.v1"} 200"#,
        r#"millrace_log_oldest_offset{topic="network.entries.v1",partition="0"} 2"#,
        r#"millrace_log_tail_offset{topic="network.entries.v1",partition="0"} 4"#,
        "millrace_log_commit_seconds_count 2",
        "millrace_log_commit_items_sum 4",
    ] {
        assert!(text.lines().any(|found| found.trim_end_matches(".0") == line), "{line}\n{text}");
    }
}
