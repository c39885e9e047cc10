//! What holds for any input: parsers do not panic, and what they accept survives printing.

use std::fmt::Debug;
use std::str::FromStr;

use millrace_atproto::crypto::{Curve, PublicKey, SignatureError, SigningKey};
use millrace_atproto::datetime;
use millrace_atproto::did_doc::Identity;
use millrace_atproto::jwt::{Claims, ServiceToken};
use millrace_atproto::syntax::{
    AtIdentifier, AtUri, CidString, Datetime, Did, Handle, Language, Nsid, RecordKey, Tid, Uri,
};
use proptest::prelude::*;

/// Accepts or refuses; what is accepted prints as something equal.
fn total<T: FromStr + ToString + Eq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().ok(), Some(value));
    }
}

fn every_format(text: &str) {
    total::<AtIdentifier>(text);
    total::<AtUri>(text);
    total::<CidString>(text);
    total::<Datetime>(text);
    total::<Did>(text);
    total::<Handle>(text);
    total::<Language>(text);
    total::<Nsid>(text);
    total::<RecordKey>(text);
    total::<Tid>(text);
    total::<Uri>(text);
}

/// Text that is nearly of one format or another.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        "(at://)?did:[a-z]{1,4}:[a-z0-9:%._-]{0,12}(/[a-z.]{0,16}(/[a-z0-9._~:-]{0,8})?)?",
        "([a-zA-Z0-9-]{0,4}\\.){0,4}[a-z0-9-]{0,5}",
        "[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])",
        "[a-z]{2,3}(-[A-Za-z0-9]{1,8}){0,5}",
        "[2-7a-j][2-7a-z]{12}",
        "[bzfm][a-zA-Z0-9+=]{7,64}",
        "[a-z+.-]{1,8}:[ -~]{0,16}",
    ]
}

proptest! {
    #[test]
    fn formats_are_total(text in any::<String>()) {
        every_format(&text);
    }

    #[test]
    fn formats_round_trip(text in nearly()) {
        every_format(&text);
    }

    #[test]
    fn tids_keep_number_and_order(a in any::<u64>(), b in any::<u64>()) {
        let (low, high) = (Tid::from_u64(a.min(b)), Tid::from_u64(a.max(b)));
        prop_assert_eq!(Tid::parse(&low.to_string()).unwrap().to_u64(), a.min(b));
        prop_assert_eq!(low.to_string().cmp(&high.to_string()), low.cmp(&high));
        prop_assert!(low.time_us() >= 0);
    }

    #[test]
    fn datetimes_keep_milliseconds(us in -62_167_219_200_000_000..253_402_300_800_000_000_i64) {
        let text = datetime::format_ms_us(us);
        prop_assert_eq!(datetime::epoch_us(&text), Some(us - us.rem_euclid(1_000)));
    }

    #[test]
    fn any_moment_formats(us in any::<i64>()) {
        prop_assert!(Datetime::parse(&datetime::format_ms_us(us)).is_ok());
    }

    #[test]
    fn keys_are_total(text in "z[1-9A-HJ-NP-Za-km-z]{0,140}", bytes in any::<Vec<u8>>()) {
        let _ = PublicKey::from_multibase(&text);
        for curve in [Curve::K256, Curve::P256] {
            let _ = PublicKey::from_legacy_multibase(curve, &text);
            prop_assert!(PublicKey::from_point(curve, &bytes).is_err() || matches!(bytes.len(), 33 | 65));
        }
    }

    #[test]
    fn did_documents_are_total(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        let did = Did::parse("did:plc:alice").unwrap();
        let _ = Identity::parse(&bytes, &did);
        let entry = serde_json::json!({"id": text, "type": text, "serviceEndpoint": text,
            "controller": did, "publicKeyMultibase": text});
        let doc = serde_json::json!({"id": did, "alsoKnownAs": [text, entry],
            "verificationMethod": [entry, text], "service": [entry, text]});
        let identity = Identity::parse(doc.to_string().as_bytes(), &did).unwrap();
        prop_assert_eq!(identity.did, did);
    }

    #[test]
    fn tokens_are_total(text in any::<String>(), parts in "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,100}){1,3}") {
        let _ = ServiceToken::parse(&text);
        let _ = ServiceToken::parse(&parts);
    }
}

proptest! {
    // Signing is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn signatures_verify_and_only_low_s_is_strict(
        seed in any::<[u8; 32]>(), message in any::<Vec<u8>>(), noise in any::<[u8; 64]>(),
    ) {
        for curve in [Curve::K256, Curve::P256] {
            let signer = SigningKey::generate(curve, &mut |bytes| bytes.copy_from_slice(&seed));
            let key = signer.public();
            prop_assert_eq!(PublicKey::from_did_key(&key.to_did_key()), Ok(key));
            let signature = signer.sign(&message);
            prop_assert_eq!(key.verify(&message, &signature), Ok(()));
            let high = with_other_s(curve, &signature);
            prop_assert_eq!(key.verify(&message, &high), Err(SignatureError::HighS));
            prop_assert_eq!(key.verify_malleable(&message, &high), Ok(()));
            prop_assert!(key.verify_malleable(&message, &noise).is_err());
        }
    }

    #[test]
    fn minted_tokens_round_trip(
        seed in any::<[u8; 32]>(), aud in any::<String>(), exp in any::<i64>(),
        lxm in any::<Option<String>>(), jti in any::<Option<String>>(),
    ) {
        let signer = SigningKey::generate(Curve::K256, &mut |bytes| bytes.copy_from_slice(&seed));
        let claims = Claims {
            iss: Did::parse("did:plc:alice").unwrap(),
            iss_service: None,
            aud, exp, iat: Some(exp), nbf: None, lxm, jti,
        };
        let token = ServiceToken::parse(&ServiceToken::mint(&signer, None, &claims)).unwrap();
        prop_assert_eq!(&token.claims, &claims);
        prop_assert_eq!(token.verify(&signer.public()), Ok(()));
        let _ = token.check(exp, &["did:web:x.test"], "a.b.c");
    }
}

/// The same signature with S taken from the group's order: as valid, and high.
fn with_other_s(curve: Curve, signature: &[u8; 64]) -> [u8; 64] {
    let order = data_encoding::HEXLOWER
        .decode(match curve {
            Curve::K256 => b"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            Curve::P256 => b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        })
        .unwrap();
    let mut other = *signature;
    let mut borrow = 0;
    for index in (0..32).rev() {
        let digit = i16::from(order[index]) - i16::from(signature[32 + index]) - borrow;
        borrow = i16::from(digit < 0);
        other[32 + index] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    other
}
