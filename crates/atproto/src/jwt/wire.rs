//! The three parts of a token as text: base64url without padding, JSON inside the first two.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Claims, Header, TokenError};
use crate::crypto::{Curve, SIGNATURE_BYTES, SigningKey};
use crate::syntax::Did;

/// Types that are credentials for something else and must not pass as service tokens.
const TYPES_REFUSED: [&str; 3] = ["at+jwt", "refresh+jwt", "dpop+jwt"];

/// Reads the first part.
pub(super) fn decode_header(part: &str) -> Result<Header, TokenError> {
    decode_json::<HeaderJson>(part, "its header")?.accept()
}

/// Reads the second part.
pub(super) fn decode_claims(part: &str) -> Result<Claims, TokenError> {
    decode_json::<ClaimsJson>(part, "its claims")?.accept()
}

/// Reads the third part.
pub(super) fn decode_signature(part: &str) -> Result<[u8; SIGNATURE_BYTES], TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(TokenError::Malformed("its signature"))
}

/// A service token of `key`.
pub(super) fn mint(key: &SigningKey, kid: Option<&str>, claims: &Claims) -> String {
    let header = HeaderJson {
        alg: key.curve().jwt_algorithm().to_owned(),
        typ: Some("JWT".to_owned()),
        kid: kid.map(str::to_owned),
        crit: None,
    };
    sign(key, &header, &ClaimsJson::from(claims))
}

/// Any token of `key`, whose curve `header` has to name.
pub(super) fn sign(key: &SigningKey, header: &impl Serialize, claims: &impl Serialize) -> String {
    let signed = format!("{}.{}", encode_json(header), encode_json(claims));
    let signature = base64url(&key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode_json<T: for<'de> Deserialize<'de>>(
    part: &str,
    name: &'static str,
) -> Result<T, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or(TokenError::Malformed(name))
}

pub(super) fn encode_json(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("invariant: structs of text and numbers serialize");
    URL_SAFE_NO_PAD.encode(json)
}

#[derive(Serialize, Deserialize)]
struct HeaderJson {
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    /// Extensions that a reader must understand (RFC 7515 §4.1.11); none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

impl HeaderJson {
    fn accept(self) -> Result<Header, TokenError> {
        let refused = |typ: &str| {
            TYPES_REFUSED.into_iter().find(|refused| {
                let bare = typ.strip_prefix("application/").unwrap_or(typ);
                refused.eq_ignore_ascii_case(bare)
            })
        };
        if let Some(typ) = self.typ.as_deref().and_then(refused) {
            return Err(TokenError::Type(typ));
        }
        if self.crit.is_some() {
            return Err(TokenError::Malformed("its header asks for extensions"));
        }
        let alg = [Curve::K256, Curve::P256]
            .into_iter()
            .find(|curve| curve.jwt_algorithm() == self.alg)
            .ok_or(TokenError::Algorithm)?;
        Ok(Header { alg, typ: self.typ, kid: self.kid })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ClaimsJson {
    pub(super) iss: String,
    aud: String,
    #[serde(deserialize_with = "seconds")]
    pub(super) exp: i64,
    #[serde(default, deserialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub(super) iat: Option<i64>,
    #[serde(default, deserialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lxm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

impl ClaimsJson {
    pub(super) fn accept(self) -> Result<Claims, TokenError> {
        let (iss, service) = match self.iss.split_once('#') {
            Some((_, service)) if service.is_empty() || service.contains('#') => {
                return Err(TokenError::Issuer);
            }
            Some((did, service)) => (did, Some(service.to_owned())),
            None => (&*self.iss, None),
        };
        Ok(Claims {
            iss: Did::parse(iss).map_err(|_| TokenError::Issuer)?,
            iss_service: service,
            aud: self.aud,
            exp: self.exp,
            iat: self.iat,
            nbf: self.nbf,
            lxm: self.lxm,
            jti: self.jti,
        })
    }
}

impl From<&Claims> for ClaimsJson {
    fn from(claims: &Claims) -> Self {
        Self {
            iss: match &claims.iss_service {
                Some(service) => format!("{}#{service}", claims.iss),
                None => claims.iss.to_string(),
            },
            aud: claims.aud.clone(),
            exp: claims.exp,
            iat: claims.iat,
            nbf: claims.nbf,
            lxm: claims.lxm.clone(),
            jti: claims.jti.clone(),
        }
    }
}

/// Whole seconds; a fraction, which some issuers leave in, is cut off.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    number
        .as_i64()
        // A cast from float saturates, and JSON has no NaN.
        .or_else(|| number.as_f64().map(|float| float.floor() as i64))
        .ok_or_else(|| serde::de::Error::custom("not a number of seconds"))
}

fn seconds_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}
