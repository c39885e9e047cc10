//! What a DID document says about an account or a service: handle, keys, endpoints.
//!
//! Documents come from strangers: the document must be about the DID that was asked for, one bad
//! entry does not spoil the others, and everything in it is a claim (the handle until verified both
//! ways, an endpoint until the guarded HTTP client has looked at its address).
//! Source: <https://atproto.com/specs/did#did-documents>.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crypto::{Curve, PublicKey};
use crate::syntax::{Did, Handle};

/// Largest document that is read.
pub const DOC_BYTES_MAX: usize = 256 * 1024;
/// How many entries of each list of a document are looked at.
const ENTRIES_MAX: usize = 64;

const SIGNING_KEY: &str = "#atproto";
const LABELER_KEY: &str = "#atproto_label";
const PDS: (&str, &str) = ("#atproto_pds", "AtprotoPersonalDataServer");

/// Why a document is not used at all.
#[derive(Debug, thiserror::Error)]
pub enum DidDocError {
    /// Larger than [`DOC_BYTES_MAX`].
    #[error("the DID document has {bytes} bytes, more than {DOC_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not a JSON object.
    #[error("the DID document is not a JSON object")]
    NotAnObject,
    /// Not JSON.
    #[error("the DID document is not JSON")]
    Json(#[from] serde_json::Error),
    /// `id` is missing or another DID.
    #[error("the DID document is not about {expected}")]
    OtherSubject {
        /// The DID that was asked for.
        expected: Did,
    },
}

/// The parts of a DID document that the protocol uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Whose document it is.
    pub did: Did,
    /// The first syntactically valid `at://` name of `alsoKnownAs`; not verified.
    pub handle: Option<Handle>,
    /// The key of commits and service tokens: the first valid `#atproto` method.
    pub signing_key: Option<PublicKey>,
    /// Where the repository is: the origin (`https://host[:port]`) of the first valid `#atproto_pds` service.
    pub pds: Option<String>,
    /// The key of labels: the first valid `#atproto_label` method.
    pub labeler_key: Option<PublicKey>,
    /// All services with an http(s) endpoint, in the document's order.
    pub services: Vec<Service>,
}

/// A service entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// The fragment with its `#`, for example `#bsky_fg`.
    pub id: String,
    /// The entry's `type`, for example `BskyFeedGenerator`.
    pub kind: String,
    /// The http or https URL as written.
    pub endpoint: String,
}

impl Identity {
    /// Reads the document of `did`.
    ///
    /// # Errors
    /// [`DidDocError`] if it is too large, not a JSON object, or about somebody else. What is missing
    /// or malformed inside is `None` or left out.
    pub fn parse(json: &[u8], did: &Did) -> Result<Self, DidDocError> {
        if json.len() > DOC_BYTES_MAX {
            return Err(DidDocError::TooLarge { bytes: json.len() });
        }
        let doc: Value = serde_json::from_slice(json)?;
        if !doc.is_object() {
            return Err(DidDocError::NotAnObject);
        }
        if text(&doc, "id") != Some(did.as_str()) {
            return Err(DidDocError::OtherSubject { expected: did.clone() });
        }
        let services: Vec<Service> =
            entries(&doc, "service").filter_map(|entry| service(entry, did)).collect();
        Ok(Self {
            did: did.clone(),
            handle: entries(&doc, "alsoKnownAs").find_map(handle),
            signing_key: key(&doc, did, SIGNING_KEY),
            labeler_key: key(&doc, did, LABELER_KEY),
            pds: services
                .iter()
                .filter(|service| (&*service.id, &*service.kind) == PDS)
                .find_map(|service| origin(&service.endpoint)),
            services,
        })
    }

    /// The first service of this id (with its `#`) and kind.
    pub fn service(&self, id: &str, kind: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id && service.kind == kind)
    }

    /// The key that a token or label names by `key_id` (`#atproto` or `#atproto_label`).
    pub fn key(&self, key_id: &str) -> Option<&PublicKey> {
        match key_id {
            SIGNING_KEY => self.signing_key.as_ref(),
            LABELER_KEY => self.labeler_key.as_ref(),
            _ => None,
        }
    }
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

fn entries<'a>(doc: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    doc.get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .take(ENTRIES_MAX)
}

/// The `#fragment` of an entry's id, which may be written alone or behind the document's own DID.
fn fragment<'a>(entry: &'a Value, did: &Did) -> Option<&'a str> {
    let id = text(entry, "id")?;
    let fragment = id.strip_prefix(did.as_str()).unwrap_or(id);
    fragment.starts_with('#').then_some(fragment)
}

fn handle(alias: &Value) -> Option<Handle> {
    Handle::parse(alias.as_str()?.strip_prefix("at://")?).ok()
}

fn key(doc: &Value, did: &Did, id: &str) -> Option<PublicKey> {
    entries(doc, "verificationMethod")
        .filter(|method| fragment(method, did) == Some(id))
        .filter(|method| text(method, "controller") == Some(did.as_str()))
        .find_map(|method| {
            let multibase = text(method, "publicKeyMultibase")?;
            match text(method, "type")? {
                "Multikey" => PublicKey::from_multibase(multibase),
                "EcdsaSecp256k1VerificationKey2019" => {
                    PublicKey::from_legacy_multibase(Curve::K256, multibase)
                }
                "EcdsaSecp256r1VerificationKey2019" => {
                    PublicKey::from_legacy_multibase(Curve::P256, multibase)
                }
                _ => return None,
            }
            .ok()
        })
}

fn service(entry: &Value, did: &Did) -> Option<Service> {
    let endpoint = text(entry, "serviceEndpoint")?;
    origin(endpoint)?;
    Some(Service {
        id: fragment(entry, did)?.to_owned(),
        kind: text(entry, "type")?.to_owned(),
        endpoint: endpoint.to_owned(),
    })
}

/// `https://host[:port]` of a URL; `None` unless it is http(s), has a host and carries no credentials.
fn origin(endpoint: &str) -> Option<String> {
    let url = url::Url::parse(endpoint).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    const K256: &str = "zQ3shunBKsXixLxKtC5qeSG9E4J5RkGN57im31pcTzbNQnm5w";
    const K256_LEGACY: &str = "z25z9DTpsiYYJKGsWmSPJK2NFN8PcJtZig12K59UgW7q5t";
    const K256_LEGACY_DID_KEY: &str = "did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";

    fn parse(doc: &Value) -> Result<Identity, DidDocError> {
        Identity::parse(doc.to_string().as_bytes(), &Did::parse(DID).unwrap())
    }

    fn method(id: &str, controller: &str, kind: &str, multibase: &str) -> Value {
        json!({"id": id, "controller": controller, "type": kind, "publicKeyMultibase": multibase})
    }

    #[test]
    fn an_account() {
        let identity = parse(&json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": DID,
            "alsoKnownAs": ["https://example.com", "at://not a handle", "at://Alice.example.com", "at://bob.test"],
            "verificationMethod": [method(&format!("{DID}#atproto"), DID, "Multikey", K256)],
            "service": [
                {"id": "#other", "type": "Other", "serviceEndpoint": {"uri": "https://x.test"}},
                {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
                 "serviceEndpoint": "https://PDS.example.com:443/"},
                {"id": format!("{DID}#bsky_fg"), "type": "BskyFeedGenerator",
                 "serviceEndpoint": "http://localhost:3000/path"},
            ],
        }))
        .unwrap();
        assert_eq!(identity.handle.unwrap().as_str(), "alice.example.com");
        assert_eq!(identity.signing_key.unwrap().to_multibase(), K256);
        assert_eq!(identity.labeler_key, None);
        assert_eq!(identity.pds.as_deref(), Some("https://pds.example.com"));
        assert_eq!(identity.services.len(), 2);
        assert_eq!(identity.services[1].id, "#bsky_fg");
        assert_eq!(identity.services[1].endpoint, "http://localhost:3000/path");
    }

    #[test]
    fn keys_that_do_not_count() {
        let with =
            |methods: Value| parse(&json!({"id": DID, "verificationMethod": methods})).unwrap();
        let other = "did:plc:somebodyelse";
        let first_valid = with(json!([
            method(&format!("{other}#atproto"), DID, "Multikey", K256),
            method("#atproto", other, "Multikey", K256),
            method("#atproto", DID, "Unknown2030", K256),
            method("#atproto", DID, "Multikey", "znonsense"),
            "not an object",
        ]));
        assert_eq!(first_valid.signing_key, None);
        let legacy = with(json!([
            method("#atproto_label", DID, "Multikey", K256),
            method("#atproto", DID, "EcdsaSecp256k1VerificationKey2019", K256_LEGACY),
        ]));
        assert_eq!(legacy.signing_key.unwrap().to_did_key(), K256_LEGACY_DID_KEY);
        assert_eq!(legacy.key("#atproto_label").unwrap().to_multibase(), K256);
        assert_eq!(legacy.key("#other"), None);
    }

    #[test]
    fn endpoints_that_do_not_count() {
        for endpoint in
            ["ftp://pds.test", "https://user:pw@pds.test", "https://", "pds.test", "file:///etc"]
        {
            let identity = parse(&json!({"id": DID, "service": [
                {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": endpoint},
            ]}))
            .unwrap();
            assert_eq!(identity.pds, None, "{endpoint}");
            assert!(identity.services.is_empty(), "{endpoint}");
        }
    }

    #[test]
    fn documents_that_do_not_count() {
        let did = Did::parse(DID).unwrap();
        assert!(matches!(
            parse(&json!({"id": "did:plc:somebodyelse"})),
            Err(DidDocError::OtherSubject { .. })
        ));
        assert!(matches!(parse(&json!({})), Err(DidDocError::OtherSubject { .. })));
        assert!(matches!(parse(&json!([1])), Err(DidDocError::NotAnObject)));
        assert!(matches!(Identity::parse(b"{", &did), Err(DidDocError::Json(_))));
        assert!(matches!(
            Identity::parse(&vec![b' '; DOC_BYTES_MAX + 1], &did),
            Err(DidDocError::TooLarge { .. })
        ));
        // Wrong types inside are as good as absent.
        let identity = parse(&json!({"id": DID, "alsoKnownAs": 3, "service": null})).unwrap();
        assert_eq!(identity.handle, None);
    }
}
