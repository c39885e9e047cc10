//! Tokens minted, changed, and checked.
#![expect(clippy::unwrap_used, reason = "tests")]
use serde_json::json;

use super::wire::{ClaimsJson, encode_json};
use super::*;

const NOW_S: i64 = 1_800_000_000;
const AUD: &str = "did:web:appview.test#bsky_appview";
const LXM: &str = "app.bsky.feed.getTimeline";

fn key(curve: Curve) -> SigningKey {
    SigningKey::generate(curve, &mut |bytes| bytes.fill(9))
}

fn claims() -> Claims {
    Claims {
        iss: Did::parse("did:plc:alice").unwrap(),
        iss_service: None,
        aud: AUD.to_owned(),
        exp: NOW_S + 60,
        iat: Some(NOW_S),
        nbf: None,
        lxm: Some(LXM.to_owned()),
        jti: Some("a1b2".to_owned()),
    }
}

fn check(kid: Option<&str>, change: impl FnOnce(&mut Claims)) -> Result<(), TokenError> {
    let mut claims = claims();
    change(&mut claims);
    let token = ServiceToken::mint(&key(Curve::K256), kid, &claims);
    let token = ServiceToken::parse(&token)?;
    assert_eq!(token.claims, claims);
    token.check(NOW_S * 1_000_000 + 500_000, &[AUD, "did:web:appview.test"], LXM)
}

fn with_header(header: &serde_json::Value) -> Result<ServiceToken, TokenError> {
    let token = ServiceToken::mint(&key(Curve::K256), None, &claims());
    let (_, rest) = token.split_once('.').unwrap();
    ServiceToken::parse(&format!("{}.{rest}", encode_json(header)))
}

#[test]
fn minted_tokens_verify() {
    for curve in [Curve::K256, Curve::P256] {
        let text = ServiceToken::mint(&key(curve), Some(KEY_ID_DEFAULT), &claims());
        let token = ServiceToken::parse(&text).unwrap();
        assert_eq!(token.header.alg, curve);
        assert_eq!(token.header.typ.as_deref(), Some("JWT"));
        token.verify(&key(curve).public()).unwrap();
        let stranger = SigningKey::generate(curve, &mut |bytes| bytes.fill(1)).public();
        assert_eq!(token.verify(&stranger), Err(TokenError::Signature));
    }
}

#[test]
fn changed_tokens_do_not_verify() {
    let public = key(Curve::K256).public();
    let text = ServiceToken::mint(&key(Curve::K256), None, &claims());
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let mut other = claims();
    other.iss = Did::parse("did:plc:mallory").unwrap();
    let forged = encode_json(&ClaimsJson::from(&other));
    let forged = ServiceToken::parse(&format!("{header}.{forged}.{signature}")).unwrap();
    assert_eq!(forged.verify(&public), Err(TokenError::Signature));
    let p256 = ServiceToken::mint(&key(Curve::P256), None, &claims());
    let p256 = ServiceToken::parse(&p256).unwrap();
    assert_eq!(p256.verify(&public), Err(TokenError::Signature));
}

#[test]
fn times() {
    assert_eq!(check(None, |_| ()), Ok(()));
    assert_eq!(check(None, |c| c.iat = None), Ok(()));
    assert_eq!(check(None, |c| c.exp = NOW_S), Err(TokenError::Expired));
    assert_eq!(check(None, |c| c.exp = i64::MIN), Err(TokenError::Expired));
    assert_eq!(check(None, |c| c.exp = i64::MAX), Err(TokenError::LifetimeTooLong));
    assert_eq!(check(None, |c| c.iat = Some(NOW_S + 60)), Ok(()));
    assert_eq!(check(None, |c| c.iat = Some(NOW_S + 61)), Err(TokenError::NotYetValid));
    assert_eq!(check(None, |c| c.nbf = Some(NOW_S + 61)), Err(TokenError::NotYetValid));
}

#[test]
fn audience_method_and_id() {
    let bare = |c: &mut Claims| c.aud = "did:web:appview.test".to_owned();
    assert_eq!(check(None, bare), Ok(()));
    let other = |c: &mut Claims| c.aud = "did:web:appview.test#other".to_owned();
    assert_eq!(check(None, other), Err(TokenError::Audience));
    let method = Err(TokenError::Method { expected: LXM.to_owned() });
    assert_eq!(check(None, |c| c.lxm = None), method);
    assert_eq!(check(None, |c| c.lxm = Some("a.b.c".to_owned())), method);
    assert_eq!(check(None, |c| c.jti = None), Err(TokenError::NoTokenId));
}

#[test]
fn keys() {
    let refused = Err(TokenError::Key { expected: KEY_ID_DEFAULT });
    assert_eq!(check(Some("#atproto"), |_| ()), Ok(()));
    assert_eq!(check(Some("did:plc:alice#atproto"), |_| ()), Ok(()));
    assert_eq!(check(Some("did:plc:mallory#atproto"), |_| ()), refused);
    assert_eq!(check(Some("#atproto_label"), |_| ()), refused);
    assert_eq!(check(Some("atproto"), |_| ()), refused);
    let labeler = |c: &mut Claims| c.iss_service = Some(LABELER_SERVICE.to_owned());
    assert_eq!(check(None, labeler), refused);
    let mut by_labeler = claims();
    labeler(&mut by_labeler);
    let token = ServiceToken::mint(&key(Curve::K256), None, &by_labeler);
    let token = ServiceToken::parse(&token).unwrap();
    assert_eq!(token.check_for_key(KEY_ID_LABEL, NOW_S * 1_000_000, &[AUD], LXM), Ok(()));
}

#[test]
fn headers() {
    assert!(with_header(&json!({"alg": "ES256K"})).is_ok());
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "refresh+jwt", "dpop+jwt"] {
        let error = with_header(&json!({"alg": "ES256K", "typ": typ})).unwrap_err();
        assert_eq!(error.code(), "BadJwtType", "{typ}");
    }
    for alg in ["none", "HS256", "es256k", ""] {
        assert_eq!(with_header(&json!({"alg": alg})).unwrap_err(), TokenError::Algorithm);
    }
    assert!(with_header(&json!({"alg": "ES256K", "crit": ["exp"]})).is_err());
    assert!(with_header(&json!({"typ": "JWT"})).is_err());
}

#[test]
fn fractions_of_seconds_are_cut_off() {
    let parsed: ClaimsJson = serde_json::from_value(json!({
        "iss": "did:plc:alice", "aud": AUD, "exp": 12.9, "iat": 1e300, "nbf": u64::MAX,
    }))
    .unwrap();
    assert_eq!(parsed.exp, 12);
    assert_eq!(parsed.iat, Some(i64::MAX));
    assert_eq!(parsed.nbf, Some(i64::MAX));
}

#[test]
fn malformed_tokens() {
    for token in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "e30.e30.e30", "é.é.é"] {
        assert!(ServiceToken::parse(token).is_err(), "{token}");
    }
    let long = "a".repeat(TOKEN_BYTES_MAX + 1);
    assert_eq!(ServiceToken::parse(&long), Err(TokenError::TooLong));
    for iss in ["alice.test", "did:plc:alice#", "did:plc:alice#a#b", ""] {
        let mut json = ClaimsJson::from(&claims());
        json.iss = iss.to_owned();
        assert_eq!(json.accept().unwrap_err(), TokenError::Issuer, "{iss}");
    }
}
