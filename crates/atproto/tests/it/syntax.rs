//! Vectors of the string formats: all files of the `syntax` folder.

use std::fmt::Debug;
use std::str::FromStr;

use millrace_atproto::syntax::{
    AtIdentifier, AtUri, CidString, Datetime, Did, Handle, Language, Nsid, RecordKey, Tid, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fixtures;

/// Every vector parses, and what was parsed survives printing and JSON.
fn valid<T>(name: &str, vectors_min: usize)
where
    T: FromStr<Err: Debug> + ToString + Eq + Debug + Serialize + DeserializeOwned,
{
    for text in fixtures::lines(&format!("syntax/{name}_valid.txt"), vectors_min) {
        let value: T = text.parse().unwrap_or_else(|error| panic!("{name} {text:?}: {error:?}"));
        assert!(value.to_string().eq_ignore_ascii_case(&text), "{name} {text:?}");
        assert_eq!(value.to_string().parse::<T>().unwrap(), value);
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, format!("{:?}", value.to_string()));
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
    }
}

/// No vector parses, nor does it as JSON.
fn invalid<T>(name: &str, vectors_min: usize)
where
    T: FromStr + Debug + DeserializeOwned,
{
    for text in fixtures::lines(&format!("syntax/{name}_invalid.txt"), vectors_min) {
        assert!(text.parse::<T>().is_err(), "{name} {text:?}");
        let json = serde_json::to_string(&text).unwrap();
        assert!(serde_json::from_str::<T>(&json).is_err(), "{name} {text:?}");
    }
}

#[test]
fn at_identifiers() {
    valid::<AtIdentifier>("atidentifier_syntax", 11);
    invalid::<AtIdentifier>("atidentifier_syntax", 22);
}

#[test]
fn at_uris() {
    valid::<AtUri>("aturi_syntax", 23);
    invalid::<AtUri>("aturi_syntax", 72);
}

#[test]
fn cids() {
    valid::<CidString>("cid_syntax", 8);
    invalid::<CidString>("cid_syntax", 10);
}

#[test]
fn datetimes() {
    valid::<Datetime>("datetime_syntax", 35);
    invalid::<Datetime>("datetime_syntax", 45);
    invalid::<Datetime>("datetime_parse", 7);
}

#[test]
fn dids() {
    valid::<Did>("did_syntax", 24);
    invalid::<Did>("did_syntax", 18);
}

#[test]
fn handles() {
    valid::<Handle>("handle_syntax", 71);
    invalid::<Handle>("handle_syntax", 48);
}

#[test]
fn languages() {
    valid::<Language>("language_syntax", 18);
    invalid::<Language>("language_syntax", 7);
    invalid::<Language>("language_parse", 4);
}

#[test]
fn nsids() {
    valid::<Nsid>("nsid_syntax", 25);
    invalid::<Nsid>("nsid_syntax", 27);
}

#[test]
fn record_keys() {
    valid::<RecordKey>("recordkey_syntax", 16);
    invalid::<RecordKey>("recordkey_syntax", 11);
}

#[test]
fn tids() {
    valid::<Tid>("tid_syntax", 4);
    invalid::<Tid>("tid_syntax", 9);
}

#[test]
fn uris() {
    valid::<Uri>("uri_syntax", 9);
    invalid::<Uri>("uri_syntax", 12);
}
