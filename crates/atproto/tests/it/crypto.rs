//! Vectors of keys and signatures.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use millrace_atproto::crypto::{Curve, PublicKey, SignatureError, SigningKey};
use serde::Deserialize;

use crate::fixtures;

/// The vectors leave padding out here and there.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureVector {
    comment: String,
    message_base64: String,
    algorithm: String,
    public_key_did: String,
    public_key_multibase: String,
    signature_base64: String,
    valid_signature: bool,
    tags: Vec<String>,
}

#[test]
fn signatures() {
    for vector in fixtures::json::<SignatureVector>("crypto/signature-fixtures.json", 6) {
        let key = PublicKey::from_did_key(&vector.public_key_did).unwrap();
        let message = BASE64.decode(&vector.message_base64).unwrap();
        let signature = BASE64.decode(&vector.signature_base64).unwrap();
        let tagged = |tag: &str| vector.tags.iter().any(|t| t == tag);

        let verdict = key.verify(&message, &signature);
        let expected = if vector.valid_signature {
            Ok(())
        } else if tagged("high-s") {
            Err(SignatureError::HighS)
        } else {
            assert!(tagged("der-encoded"), "{}", vector.comment);
            Err(SignatureError::Form)
        };
        assert_eq!(verdict, expected, "{}", vector.comment);

        let malleable = key.verify_malleable(&message, &signature);
        let well_formed = vector.valid_signature || tagged("high-s");
        assert_eq!(malleable.is_ok(), well_formed, "{}", vector.comment);

        assert_eq!(key.curve().jwt_algorithm(), vector.algorithm);
        assert_eq!(key.to_did_key(), vector.public_key_did);
        let legacy =
            PublicKey::from_legacy_multibase(key.curve(), &vector.public_key_multibase).unwrap();
        assert_eq!(legacy, key, "{}", vector.comment);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyVector {
    private_key_bytes_hex: Option<String>,
    private_key_bytes_base58: Option<String>,
    public_did_key: String,
}

impl KeyVector {
    fn secret(&self) -> [u8; 32] {
        let bytes = match (&self.private_key_bytes_hex, &self.private_key_bytes_base58) {
            (Some(hex), _) => data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap(),
            (None, Some(base58)) => bs58::decode(base58).into_vec().unwrap(),
            (None, None) => panic!("a vector without a secret"),
        };
        bytes.try_into().unwrap()
    }
}

#[test]
fn did_keys() {
    for (path, curve, vectors_min) in [
        ("crypto/w3c_didkey_K256.json", Curve::K256, 5),
        ("crypto/w3c_didkey_P256.json", Curve::P256, 1),
    ] {
        for vector in fixtures::json::<KeyVector>(path, vectors_min) {
            let signer = SigningKey::from_bytes(curve, &vector.secret()).unwrap();
            assert_eq!(signer.public().to_did_key(), vector.public_did_key);
            let key = PublicKey::from_did_key(&vector.public_did_key).unwrap();
            assert_eq!(key, signer.public());
            assert_eq!(key.verify(b"message", &signer.sign(b"message")), Ok(()));
        }
    }
}
