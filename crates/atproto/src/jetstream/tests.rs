//! Messages as both versions send them, and those that no server should.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::cid::Cid;
use crate::entry::EntryOp;

const RECORD: &str = r#"{"$type":"app.bsky.feed.like","createdAt":"2024-09-09T19:46:02.102Z","subject":{"cid":"bafyreidc6sydkkbchcyg62v77wbhzvb2mvytlmsychqgwf2xojjtirmzj4","uri":"at://did:plc:wa7b35aakoll7hugkrjtf3xf/app.bsky.feed.post/3l3pte3p2e325"}}"#;
/// What the network gave this record.
const CID: &str = "bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi";

fn v1_like(record: &str) -> String {
    format!(
        r#"{{"did":"did:plc:eygmaihciaxprqvxpfvl6flk","time_us":1725911162329308,"kind":"commit","commit":{{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.like","rkey":"3l3qo2vuowo2b","record":{record},"cid":"{CID}"}}}}"#
    )
}

fn v2(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"$type":"message","payload":{{"$type":"network.bsky.jetstream.subscribeEvents#{kind}","seq":7,"did":"did:plc:a","time":"2024-09-09T19:46:02.329308Z"{fields}}}}}"#
    )
}

fn op(message: &str) -> Result<EntryOp, OpFault> {
    match Message::parse_v1(message.as_bytes()).unwrap() {
        Message::Event(Event { body: Body::Commit(commit), .. }) => commit.op(1 << 20),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_real_like_has_the_cid_it_came_with() {
    let message = v1_like(RECORD);
    let op = op(&message).unwrap();
    assert_eq!(op.cid.unwrap().to_string(), CID);
    assert_eq!(Cid::of_dag_cbor(&op.record.unwrap()), op.cid.unwrap());
    let Message::Event(event) = Message::parse_v1(message.as_bytes()).unwrap() else { panic!() };
    assert_eq!(event.position, 1_725_911_162_329_308);
    assert!(matches!(event.did, Cow::Borrowed(_)));
}

#[test]
fn a_record_that_was_changed_on_the_way_is_found_out() {
    let fault = op(&v1_like(&RECORD.replace("2024-09-09", "2024-09-10"))).unwrap_err();
    assert_eq!(fault.reason(), "record_cid");
}

#[test]
fn records_that_are_none_are_refused_alone() {
    for (record, reason) in [
        ("[1]", "record_json"),
        (r#"{"x":1.5}"#, "record_json"),
        (r#"{"x":{"$link":"nope"}}"#, "record_json"),
        ("null", "op_shape"),
    ] {
        let fault = op(&v1_like(record)).unwrap_err();
        assert_eq!(fault.reason(), reason, "{record}");
    }
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert_eq!(op(&v1_like(&format!(r#"{{"x":{deep}}}"#))).unwrap_err().reason(), "record_json");
}

#[test]
fn paths_and_actions_are_checked() {
    let good = v1_like(RECORD);
    for (from, to, reason) in [
        ("app.bsky.feed.like\",\"rkey", "not a nsid\",\"rkey", "op_path"),
        ("3l3qo2vuowo2b", "a/b", "op_path"),
        ("\"create\"", "\"upsert\"", "op_shape"),
    ] {
        assert_eq!(op(&good.replace(from, to)).unwrap_err().reason(), reason, "{to}");
    }
    // A deletion has neither record nor CID; whatever comes with it is not looked at.
    let deletion = op(&good.replace("\"create\"", "\"delete\"")).unwrap();
    assert_eq!((deletion.cid, deletion.record), (None, None));
}

#[test]
fn v2_wraps_the_events_of_the_firehose() {
    let text = v2(
        "account",
        r#","account":{"did":"did:plc:a","seq":3,"time":"2024-09-09T19:46:01Z","active":false,"status":"deleted"}"#,
    );
    let Message::Event(event) = Message::parse_v2(text.as_bytes()).unwrap() else { panic!() };
    assert_eq!((event.position, event.time_us), (7, Some(1_725_911_162_329_308)));
    let Body::Account(account) = event.body else { panic!() };
    assert_eq!(
        (account.active, account.status.as_deref(), &*account.time),
        (false, Some("deleted"), "2024-09-09T19:46:01Z")
    );
    let text = v2("sync", r#","sync":{"rev":"3l3qo2vutsw2b","blocks":{"$bytes":"AQI"}}"#);
    let Message::Event(event) = Message::parse_v2(text.as_bytes()).unwrap() else { panic!() };
    let Body::Sync(sync) = event.body else { panic!() };
    assert_eq!((sync.rev.as_deref(), sync.blocks.as_slice()), (Some("3l3qo2vutsw2b"), &[1, 2][..]));
}

#[test]
fn info_errors_and_the_future_are_no_events() {
    let info = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#info","name":"OutdatedCursor"}}"#;
    let parsed = Message::parse_v2(info.as_bytes()).unwrap();
    assert!(matches!(parsed, Message::Info { name, .. } if name == "OutdatedCursor"));
    let error = r#"{"$type":"error","error":"ConsumerTooSlow","message":"m"}"#;
    let parsed = Message::parse_v2(error.as_bytes()).unwrap();
    assert!(matches!(parsed, Message::Error { error, .. } if error == "ConsumerTooSlow"));
    for text in [v2("labels", ""), r#"{"$type":"batch"}"#.to_owned()] {
        assert!(matches!(Message::parse_v2(text.as_bytes()).unwrap(), Message::Unknown), "{text}");
    }
    let text = r#"{"did":"did:plc:a","time_us":5,"kind":"tombstone"}"#;
    assert!(matches!(Message::parse_v1(text.as_bytes()).unwrap(), Message::Unknown));
}

#[test]
fn an_event_with_a_number_can_be_passed_alone_and_anything_else_cannot() {
    let position = |result: Result<Message<'_>, JetstreamError>| match result {
        Err(JetstreamError::Field { position, .. }) => Some(position),
        Err(_) => None,
        Ok(other) => panic!("{other:?}"),
    };
    for (text, expected) in [
        (r#"{"did":7,"time_us":5,"kind":"commit"}"#, Some(5)),
        (r#"{"did":"did:plc:a","time_us":5,"kind":"commit"}"#, Some(5)),
        (r#"{"did":"did:plc:a","time_us":5,"kind":"account","account":{}}"#, Some(5)),
        (r#"{"did":"did:plc:a","time_us":"5","kind":"commit"}"#, None),
        (r#"{"did":"did:plc:a","kind":"commit"}"#, None),
        ("[]", None),
        ("{", None),
        ("\u{0}", None),
    ] {
        assert_eq!(position(Message::parse_v1(text.as_bytes())), expected, "{text}");
    }
    for (text, expected) in [
        (v2("commit", ""), Some(7)),
        (v2("commit", r#","rev":5"#), Some(7)),
        (v2("sync", ""), Some(7)),
        (v2("sync", r#","sync":{"blocks":"AQI"}"#), Some(7)),
        (r#"{"$type":"message"}"#.to_owned(), None),
        (r#"{"seq":7}"#.to_owned(), None),
    ] {
        assert_eq!(position(Message::parse_v2(text.as_bytes())), expected, "{text}");
    }
    assert!(matches!(
        Message::parse_v1(&vec![b' '; MESSAGE_BYTES_MAX + 1]),
        Err(JetstreamError::TooLarge(_))
    ));
}

#[test]
fn every_beginning_of_a_message_is_an_error_and_no_panic() {
    for text in [v1_like(RECORD), v2("sync", r#","sync":{"blocks":{"$bytes":"AQI"}}"#)] {
        for end in 0..text.len() {
            assert!(Message::parse_v1(&text.as_bytes()[..end]).is_err());
            assert!(Message::parse_v2(&text.as_bytes()[..end]).is_err());
        }
    }
}
