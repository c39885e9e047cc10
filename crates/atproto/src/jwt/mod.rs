//! Service tokens: short-lived JWTs by which a PDS says for whom, to whom and for which method it asks.
//!
//! ```text
//! base64url(header) . base64url(claims) . base64url(64-byte signature of the two before it)
//! ```
//! The order of use: [`ServiceToken::parse`], [`ServiceToken::check`] (cheap, refuses most wrong
//! tokens), key of the issuer's DID document, [`ServiceToken::verify`] (on a mismatch once more with a
//! fresh document), then the caller's replay cache of (iss, aud, jti) until `exp`.
//! Source: <https://atproto.com/specs/xrpc#inter-service-authentication-jwt>.
//!
//! Beside them the two tokens that an OAuth client makes ([`DpopProof`], [`ClientAssertion`]) and the
//! form in which it tells its public keys ([`PublicJwk`]).

mod client_assertion;
mod dpop;
mod error;
mod jwk;
#[cfg(test)]
mod tests;
mod wire;

use crate::crypto::{Curve, PublicKey, SIGNATURE_BYTES, SigningKey};
use crate::syntax::Did;

pub use client_assertion::ClientAssertion;
pub use dpop::DpopProof;
pub use error::TokenError;
pub use jwk::PublicJwk;

/// Longest token that is read.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How far ahead `exp` may lie; bounds the replay cache. A PDS grants an hour at most.
pub const LIFETIME_SECONDS_MAX: i64 = 3_600;
/// How far the issuer's clock may be ahead of ours.
pub const CLOCK_SKEW_SECONDS_MAX: i64 = 60;
/// The key that signs tokens unless an endpoint expects another: the account's.
pub const KEY_ID_DEFAULT: &str = "#atproto";
/// The key of a labeler, which signs what its issuer marks with `#atproto_labeler`.
pub const KEY_ID_LABEL: &str = "#atproto_label";

const LABELER_SERVICE: &str = "atproto_labeler";

/// A token that reads as one. Nothing in it is proven before [`ServiceToken::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceToken {
    /// How it is signed.
    pub header: Header,
    /// What it says.
    pub claims: Claims,
    signed: Box<str>,
    signature: [u8; SIGNATURE_BYTES],
}

/// How a token is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The curve of the key (`ES256K` or `ES256`).
    pub alg: Curve,
    /// The type as written, usually `JWT`.
    pub typ: Option<String>,
    /// The key's id as written.
    pub kid: Option<String>,
}

/// What a token says. Times are seconds since the epoch, as in the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who asks.
    pub iss: Did,
    /// The service of the issuer that asks, without `#`, if the issuer names one.
    pub iss_service: Option<String>,
    /// Who is asked: a DID, with the service's fragment unless the issuer is old.
    pub aud: String,
    /// Until when it is valid, in seconds.
    pub exp: i64,
    /// When it was made, in seconds.
    pub iat: Option<i64>,
    /// From when it is valid, in seconds; rarely present.
    pub nbf: Option<i64>,
    /// The one method it is good for.
    pub lxm: Option<String>,
    /// What tells it from every other token of its issuer.
    pub jti: Option<String>,
}

impl ServiceToken {
    /// Reads a token (without `Bearer `).
    ///
    /// # Errors
    /// [`TokenError`] if it is not a token, is of a type that is for something else, or is signed by an
    /// unknown algorithm.
    pub fn parse(token: &str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) =
            token.rsplit_once('.').ok_or(TokenError::Malformed("it has one part"))?;
        let (header, claims) =
            signed.split_once('.').ok_or(TokenError::Malformed("it has two parts"))?;
        Ok(Self {
            header: wire::decode_header(header)?,
            claims: wire::decode_claims(claims)?,
            signed: signed.into(),
            signature: wire::decode_signature(signature)?,
        })
    }

    /// Checks everything but the signature, for an endpoint that takes the account's key.
    ///
    /// `auds` are the names that this service answers to, fragment included; add the bare DID where
    /// old issuers are still served. `lxm` is the method that was called.
    ///
    /// # Errors
    /// The first [`TokenError`] that applies. [`TokenError::NoTokenId`] comes last: whoever lets such
    /// tokens pass knows that all else is right.
    pub fn check<A: AsRef<str>>(
        &self,
        now_us: i64,
        auds: &[A],
        lxm: &str,
    ) -> Result<(), TokenError> {
        self.check_for_key(KEY_ID_DEFAULT, now_us, auds, lxm)
    }

    /// As [`ServiceToken::check`], for an endpoint that takes another key of the issuer.
    ///
    /// # Errors
    /// As [`ServiceToken::check`].
    pub fn check_for_key<A: AsRef<str>>(
        &self,
        key_id: &'static str,
        now_us: i64,
        auds: &[A],
        lxm: &str,
    ) -> Result<(), TokenError> {
        if self.key_id() != Some(key_id) {
            return Err(TokenError::Key { expected: key_id });
        }
        self.check_times(now_us)?;
        if !auds.iter().any(|aud| aud.as_ref() == self.claims.aud) {
            return Err(TokenError::Audience);
        }
        if self.claims.lxm.as_deref() != Some(lxm) {
            return Err(TokenError::Method { expected: lxm.to_owned() });
        }
        match &self.claims.jti {
            Some(jti) if !jti.is_empty() => Ok(()),
            _ => Err(TokenError::NoTokenId),
        }
    }

    fn check_times(&self, now_us: i64) -> Result<(), TokenError> {
        let now = now_us.div_euclid(1_000_000);
        let latest_start = now.saturating_add(CLOCK_SKEW_SECONDS_MAX);
        if self.claims.exp <= now {
            return Err(TokenError::Expired);
        }
        if [self.claims.iat, self.claims.nbf]
            .into_iter()
            .flatten()
            .any(|start| start > latest_start)
        {
            return Err(TokenError::NotYetValid);
        }
        if self.claims.exp > latest_start.saturating_add(LIFETIME_SECONDS_MAX) {
            return Err(TokenError::LifetimeTooLong);
        }
        Ok(())
    }

    /// The id of the signing key with its `#`: `kid` (its DID, if written, must be the issuer), else
    /// what the issuer's service implies. `None` if `kid` names a key of somebody else.
    pub fn key_id(&self) -> Option<&str> {
        match (&self.header.kid, &self.claims.iss_service) {
            (Some(kid), _) => {
                let fragment = kid.strip_prefix(self.claims.iss.as_str()).unwrap_or(kid);
                fragment.starts_with('#').then_some(fragment)
            }
            (None, Some(service)) if service == LABELER_SERVICE => Some(KEY_ID_LABEL),
            (None, _) => Some(KEY_ID_DEFAULT),
        }
    }

    /// Verifies the signature; a high S is accepted, as the network's own services do for tokens.
    ///
    /// # Errors
    /// [`TokenError::Signature`], also if the key is of another curve than the token says (as after a
    /// rotation).
    pub fn verify(&self, key: &PublicKey) -> Result<(), TokenError> {
        if key.curve() != self.header.alg {
            return Err(TokenError::Signature);
        }
        key.verify_malleable(self.signed.as_bytes(), &self.signature)
            .map_err(|_| TokenError::Signature)
    }

    /// Makes and signs a token. Without `kid` it counts as signed by [`KEY_ID_DEFAULT`].
    pub fn mint(key: &SigningKey, kid: Option<&str>, claims: &Claims) -> String {
        wire::mint(key, kid, claims)
    }
}
