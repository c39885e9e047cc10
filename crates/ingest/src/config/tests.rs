//! What is refused, and what must not be confused.

use super::*;

fn with_source(cursor: Option<i64>, url: &str) -> IngestConfig {
    IngestConfig {
        sources: vec![SourceConfig {
            name: "relay".to_owned(),
            kind: SourceKind::Relay,
            url: url.to_owned(),
            cursor,
            insecure: false,
        }],
        ..IngestConfig::default()
    }
}

#[test]
fn an_absent_cursor_and_zero_stay_apart() {
    let parse = |text: &str| -> SourceConfig { serde_json::from_str(text).expect("a source") };
    assert_eq!(parse(r#"{"name":"a","url":"wss://x.test"}"#).cursor, None);
    assert_eq!(parse(r#"{"name":"a","url":"wss://x.test","cursor":0}"#).cursor, Some(0));
}

#[test]
fn cursors_outside_the_protocols_range_are_refused() {
    for (cursor, fine) in [
        (None, true),
        (Some(0), true),
        (Some(SEQ_MAX), true),
        (Some(-1), false),
        (Some(SEQ_MAX + 1), false),
    ] {
        assert_eq!(with_source(cursor, "wss://relay.test").check().is_ok(), fine, "{cursor:?}");
    }
}

#[test]
fn plain_ws_is_for_loopback() {
    assert!(with_source(None, "ws://127.0.0.1:2470").check().is_ok());
    assert!(with_source(None, "ws://[::1]:2470").check().is_ok());
    assert!(with_source(None, "ws://localhost:2470").check().is_ok());
    assert!(with_source(None, "ws://relay.test").check().is_err());
    assert!(with_source(None, "ftp://relay.test").check().is_err());
}

#[test]
fn a_name_is_used_once() {
    let mut config = with_source(None, "wss://relay.test");
    config.sources.push(config.sources[0].clone());
    assert!(config.check().is_err());
}

#[test]
fn the_example_names_every_setting_and_loads() {
    let text = millrace_runtime::config::example::<IngestConfig>();
    for key in
        ["verify", "backfill", "inflight_bytes_max", "[connection]", "[resync]", "[identity]"]
    {
        assert!(text.contains(key), "{key} is missing in:\n{text}");
    }
}

#[test]
fn a_list_of_dids_must_be_one() {
    let config = IngestConfig {
        backfill: Backfill::Dids(vec!["alice.test".to_owned()]),
        ..IngestConfig::default()
    };
    assert!(config.check().is_err());
}

#[test]
fn backfill_reads_a_word_or_a_list() {
    let parse = |text: &str| -> Backfill { serde_json::from_str(text).expect("backfill") };
    assert!(parse(r#""all""#).is_all());
    assert!(!parse(r#""none""#).is_all());
    assert_eq!(parse(r#"["did:plc:a"]"#), Backfill::Dids(vec!["did:plc:a".to_owned()]));
}
