//! Why a service token is refused, and the names under which the network's services say so.

use super::{LIFETIME_SECONDS_MAX, TOKEN_BYTES_MAX};

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// Not a token at all; says which part is wrong.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// An access token, refresh token or DPoP proof.
    #[error("a token of type {0} is not a service token")]
    Type(&'static str),
    /// `alg` is neither `ES256K` nor `ES256`.
    #[error("the token's algorithm is neither ES256K nor ES256")]
    Algorithm,
    /// `iss` is not a DID, with or without a service fragment.
    #[error("the token's issuer is not a DID")]
    Issuer,
    /// Signed with a key that this endpoint does not take.
    #[error("the token is not signed with the key {expected}")]
    Key {
        /// The key's id.
        expected: &'static str,
    },
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat` or `nbf` lies in the future by more than [`super::CLOCK_SKEW_SECONDS_MAX`].
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `exp` lies further ahead than [`LIFETIME_SECONDS_MAX`].
    #[error("the token's life is longer than {LIFETIME_SECONDS_MAX} s")]
    LifetimeTooLong,
    /// `aud` is none of ours.
    #[error("the token is for another audience")]
    Audience,
    /// `lxm` is absent or names another method.
    #[error("the token is not for the method {expected}")]
    Method {
        /// The method that was called.
        expected: String,
    },
    /// `jti` is absent, so a replay cannot be told; everything else was right.
    #[error("the token has no jti")]
    NoTokenId,
    /// The signature is not of the issuer's key.
    #[error("the token's signature does not match its issuer's key")]
    Signature,
}

impl TokenError {
    /// The XRPC error name that the network's services answer with.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong | Self::Malformed(_) | Self::Algorithm | Self::NoTokenId => "BadJwt",
            Self::Type(_) => "BadJwtType",
            Self::Issuer => "BadJwtIss",
            Self::Expired | Self::NotYetValid | Self::LifetimeTooLong => "JwtExpired",
            Self::Audience => "BadJwtAudience",
            Self::Method { .. } => "BadJwtLexiconMethod",
            Self::Key { .. } | Self::Signature => "BadJwtSignature",
        }
    }
}
