//! What a scrape shows, and that it stays bounded.

use super::*;

#[test]
fn a_scrape_shows_every_kind() {
    let registry = Registry::new();
    registry.counter("millrace_net_requests_total", "Requests sent.").add(3);
    registry.gauge("millrace_log_queue_bytes", "Bytes waiting").set(12);
    registry
        .counter_with("millrace_ingest_rejected", "Frames refused", &["reason"])
        .with(&["stale"])
        .inc();
    registry.histogram("millrace_store_read_seconds", "Time of reads", &[0.1, 1.0]).observe(0.5);
    insta::assert_snapshot!(registry.encode(), @r#"
    # HELP millrace_net_requests Requests sent.
    # TYPE millrace_net_requests counter
    millrace_net_requests_total 3
    # HELP millrace_log_queue_bytes Bytes waiting.
    # TYPE millrace_log_queue_bytes gauge
    millrace_log_queue_bytes 12.0
    # HELP millrace_ingest_rejected Frames refused.
    # TYPE millrace_ingest_rejected counter
    millrace_ingest_rejected_total{reason="stale"} 1
    # HELP millrace_store_read_seconds Time of reads.
    # TYPE millrace_store_read_seconds histogram
    millrace_store_read_seconds_sum 0.5
    millrace_store_read_seconds_count 1
    millrace_store_read_seconds_bucket{le="0.1"} 0
    millrace_store_read_seconds_bucket{le="1.0"} 1
    millrace_store_read_seconds_bucket{le="+Inf"} 1
    # EOF
    "#);
}

#[test]
fn the_same_name_is_the_same_series() {
    let registry = Registry::new();
    registry.counter("millrace_log_appends", "Appends").inc();
    registry.clone().counter("millrace_log_appends_total", "Appends").inc();
    assert_eq!(registry.counter("millrace_log_appends", "Appends").get(), 2);
    assert_eq!(registry.encode().matches("# TYPE millrace_log_appends ").count(), 1);
}

#[test]
#[should_panic(expected = "metric millrace_x has one kind")]
fn a_name_has_one_kind() {
    let registry = Registry::new();
    registry.counter("millrace_x", "X");
    registry.gauge("millrace_x", "X");
}

#[test]
#[should_panic(expected = "metric millrace_x has one set of labels")]
fn a_name_has_one_set_of_labels() {
    let registry = Registry::new();
    registry.counter_with("millrace_x", "X", &["a"]);
    registry.counter_with("millrace_x", "X", &["b"]);
}

#[test]
fn label_values_are_bounded_in_number_and_length() {
    let registry = Registry::new();
    let hosts = registry.counter_with("millrace_net_hosts", "Hosts", &["host"]);
    for n in 0..2 * SERIES_MAX {
        hosts.with(&[&format!("{n}.example.com")]).inc();
    }
    assert_eq!(hosts.with(&[OTHER]).get(), SERIES_MAX as u64);
    assert_eq!(registry.encode().matches("_total{").count(), SERIES_MAX + 1);

    let named = registry.counter_with("millrace_net_names", "Names", &["name"]);
    named.with(&[&"é".repeat(1000)]).inc();
    assert_eq!(named.with(&[&"é".repeat(48)]).get(), 1);
}

#[test]
fn gauges_are_refreshed_before_a_scrape_and_can_be_removed() {
    let registry = Registry::new();
    let depth = registry.gauge_with("millrace_boards_depth", "Depth", &["board"]);
    let refreshed = depth.with(&["a"]);
    registry.before_encode(move || refreshed.set(7));
    assert!(registry.encode().contains(r#"millrace_boards_depth{board="a"} 7.0"#));
    depth.remove(&["a"]);
    assert!(!registry.encode().contains(r#"board="a""#));
}

#[test]
fn the_process_is_described() {
    let scrape = Registry::new().with_process_metrics(1_700_000_000_000_000).encode();
    assert!(scrape.contains("process_start_time_seconds 1700000000.0"), "{scrape}");
    #[cfg(target_os = "linux")]
    assert!(scrape.contains("process_resident_memory_bytes"), "{scrape}");
}
