//! What is refused, and what must not be confused.

use super::*;

fn with_source(cursor: Option<i64>, url: &str) -> IngestConfig {
    IngestConfig {
        sources: vec![SourceConfig {
            name: "relay".to_owned(),
            kind: SourceKind::Relay,
            url: url.to_owned(),
            cursor,
            ..SourceConfig::default()
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

#[test]
fn a_jetstream_takes_wishes_and_a_firehose_does_not() {
    let check = |kind, collections: &[&str], dids: &[&str], fine: bool| {
        let mut config = with_source(None, "wss://host.test");
        config.sources[0].kind = kind;
        config.sources[0].collections = collections.iter().map(|text| (*text).to_owned()).collect();
        config.sources[0].dids = dids.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(config.check().is_ok(), fine, "{kind:?} {collections:?} {dids:?}");
    };
    for kind in [SourceKind::JetstreamV1, SourceKind::JetstreamV2] {
        check(kind, &["app.bsky.feed.post", "app.bsky.graph.*"], &["did:plc:a"], true);
        check(kind, &["app.bsky.*"], &[], true);
        for bad in ["app.*", "*", "post", "app.bsky.feed.*.x", ""] {
            check(kind, &[bad], &[], false);
        }
        check(kind, &[], &["alice.test"], false);
        check(kind, &["a.b.c"; 101], &[], false);
    }
    for kind in [SourceKind::Relay, SourceKind::Pds] {
        check(kind, &[], &[], true);
        check(kind, &["app.bsky.feed.post"], &[], false);
        check(kind, &[], &["did:plc:a"], false);
    }
}

#[test]
fn a_cursor_of_v1_is_a_time() {
    for (kind, cursor, fine) in [
        (SourceKind::JetstreamV1, 0, true),
        (SourceKind::JetstreamV1, 1_725_911_162_329_308, true),
        (SourceKind::JetstreamV1, 12_345, false),
        (SourceKind::JetstreamV2, 12_345, true),
    ] {
        let mut config = with_source(Some(cursor), "wss://host.test");
        config.sources[0].kind = kind;
        assert_eq!(config.check().is_ok(), fine, "{kind:?} {cursor}");
    }
}

#[test]
fn every_host_of_a_source_is_another() {
    let mut config = with_source(None, "wss://one.test");
    config.sources[0].fallback_urls = vec!["wss://two.test".to_owned()];
    assert!(config.check().is_ok());
    config.sources[0].fallback_urls.push("https://one.test/".to_owned());
    assert!(config.check().is_err());
}

#[test]
fn a_source_of_each_kind_reads_as_in_the_documentation() {
    for text in [
        r#"{ "name": "relay", "url": "wss://bsky.network" }"#,
        r#"{ "name": "home", "kind": "pds", "url": "wss://pds.example.com", "cursor": 0 }"#,
        r#"{ "name": "jet1", "kind": "jetstream_v1", "url": "wss://jetstream1.us-east.bsky.network" }"#,
        r#"{ "name": "jet2", "kind": "jetstream_v2", "url": "wss://jetstream.us-east.bsky.network" }"#,
    ] {
        let source: SourceConfig = serde_json::from_str(text).expect("a source");
        let config = IngestConfig { sources: vec![source], ..IngestConfig::default() };
        config.check().expect("it works");
        assert!(text.contains(config.sources[0].kind.name()) || text.contains("relay"));
    }
}
