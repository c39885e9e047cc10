//! The data model's vectors: JSON and DAG-CBOR agree, invalid data is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use millrace_atproto::cbor::{
    decode, encode, from_json, record_from_json, to_json, validate_record,
};
use millrace_atproto::cid::Cid;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::fixtures;

#[derive(Deserialize)]
struct Encoded {
    json: Json,
    cbor_base64: String,
    cid: Cid,
}

#[derive(Deserialize)]
struct Noted {
    note: String,
    json: Json,
}

#[test]
fn json_and_cbor_agree() {
    for vector in fixtures::json::<Encoded>("data-model/data-model-fixtures.json", 3) {
        let bytes = STANDARD_NO_PAD.decode(&vector.cbor_base64).unwrap();
        let value = record_from_json(&vector.json).unwrap();
        assert_eq!(encode(&value), bytes);
        assert_eq!(Cid::of_dag_cbor(&bytes), vector.cid);
        assert_eq!(validate_record(&bytes), Ok(()));

        let decoded = decode(&bytes).unwrap();
        assert_eq!(decoded, value);
        let json: Json = serde_json::from_str(&to_json(&decoded)).unwrap();
        assert_eq!(json, vector.json);
    }
}

#[test]
fn valid_data_is_accepted() {
    for vector in fixtures::json::<Noted>("data-model/data-model-valid.json", 5) {
        let value = record_from_json(&vector.json)
            .unwrap_or_else(|error| panic!("{}: {error}", vector.note));
        let bytes = encode(&value);
        assert_eq!(decode(&bytes).unwrap(), value, "{}", vector.note);
        let json = serde_json::from_str(&to_json(&value)).unwrap();
        assert_eq!(from_json(&json).unwrap(), value, "{}", vector.note);
    }
}

#[test]
fn invalid_data_is_refused() {
    for vector in fixtures::json::<Noted>("data-model/data-model-invalid.json", 12) {
        assert!(record_from_json(&vector.json).is_err(), "{}", vector.note);
    }
}
