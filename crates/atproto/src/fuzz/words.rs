//! Identifiers, keys, tokens, DID documents.

use std::fmt::{Debug, Display};

use super::seeds::{NOW_US, repository};
use crate::cid::Cid;
use crate::crypto::{PublicKey, SigningKey};
use crate::datetime::{epoch_us, format_ms_us};
use crate::did_doc::Identity;
use crate::jwt::ServiceToken;
use crate::syntax::{
    AtIdentifier, AtUri, Datetime, Did, Handle, Language, Nsid, RecordKey, Tid, Uri,
};

/// What is accepted is printed as something that is accepted as the same.
pub(super) fn syntax(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    settles(text, Did::parse);
    settles(text, Handle::parse);
    settles(text, Nsid::parse);
    settles(text, RecordKey::parse);
    settles(text, AtIdentifier::parse);
    settles(text, AtUri::parse);
    settles(text, Uri::parse);
    settles(text, Language::parse);
    settles(text, Datetime::parse);
    settles(text, Tid::parse);
    settles(text, Cid::parse);
    if let Ok(tid) = Tid::parse(text) {
        assert_eq!(Tid::from_u64(tid.to_u64()), tid);
        assert_eq!(RecordKey::parse(text).ok().and_then(|key| key.as_tid()), Some(tid));
    }
    if let Ok(uri) = AtUri::parse(text)
        && let Some((did, collection, rkey)) = uri.as_record()
    {
        assert_eq!(AtUri::record(did.clone(), collection.clone(), rkey.clone()), uri);
    }
    if let Ok(nsid) = Nsid::parse(text) {
        assert_eq!(format!("{}.{}", nsid.authority(), nsid.name()), nsid.as_str());
    }
    if let Some(us) = epoch_us(text) {
        let shown = format_ms_us(us);
        assert_eq!(
            epoch_us(&shown).map(|us| us.div_euclid(1_000)),
            Some(us.div_euclid(1_000)),
            "{shown}"
        );
    }
    if let Ok(key) = PublicKey::from_did_key(text) {
        assert_eq!(key.to_did_key(), text);
        let multibase = key.to_multibase();
        assert_eq!(PublicKey::from_multibase(&multibase).ok(), Some(key));
    }
    keys(text);
}

fn keys(text: &str) {
    if let Ok(key) = PublicKey::from_multibase(text) {
        let point = key.to_point();
        assert_eq!(PublicKey::from_point(key.curve(), &point).ok(), Some(key));
    }
}

fn settles<T: Display + PartialEq + Debug, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) {
    let Ok(value) = parse(text) else { return };
    let shown = value.to_string();
    assert_eq!(parse(&shown).ok().as_ref(), Some(&value), "{shown}");
    assert!(shown.len() <= text.len(), "nothing is added");
}

/// A token that is read is checked without a panic, and is never verified by a key that did not sign it.
pub(super) fn jwt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(token) = ServiceToken::parse(text) else { return };
    let repository = repository();
    let _ = token.key_id();
    for aud in ["did:web:appview.test#bsky_appview", token.claims.aud.as_str()] {
        let lxm = token.claims.lxm.clone().unwrap_or_default();
        let checked = token.check(NOW_US, &[aud], &lxm);
        if checked.is_ok() {
            assert!(token.claims.exp > NOW_US / 1_000_000, "it is not over");
            assert!(token.claims.jti.as_deref().is_some_and(|jti| !jti.is_empty()));
        }
    }
    let other = SigningKey::from_bytes(token.header.alg, &[9; 32]).expect("a key");
    assert!(token.verify(&other.public()).is_err());
    // What is signed cannot be made up: only the seeds themselves, or with a signature written
    // otherwise, pass.
    if token.verify(&repository.key.public()).is_ok() {
        let signed = text.rsplit_once('.').map(|(signed, _)| signed);
        let seeds = super::seeds::of("jwt");
        let known =
            |seed: &Vec<u8>| signed.is_some_and(|signed| seed.starts_with(signed.as_bytes()));
        assert!(seeds.iter().any(known), "a forged token");
    }
}

/// What is read of a document is kept, and is what it says.
pub(super) fn did_doc(bytes: &[u8]) {
    let did = repository().did;
    let Ok(identity) = Identity::parse(bytes, &did) else { return };
    assert_eq!(identity.did, did);
    if let Some(pds) = &identity.pds {
        let url = url::Url::parse(pds).expect("an origin is a URL");
        assert!(matches!(url.scheme(), "http" | "https") && url.path() == "/", "{pds}");
    }
    for service in &identity.services {
        assert!(service.id.starts_with('#'), "{}", service.id);
        assert!(identity.service(&service.id, &service.kind).is_some());
    }
    let kept = serde_json::to_vec(&identity).expect("an identity serialises");
    assert_eq!(serde_json::from_slice::<Identity>(&kept).ok(), Some(identity));
}
