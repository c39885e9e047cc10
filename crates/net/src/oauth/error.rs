//! Why nobody could be signed in, or a session could not go on. Each situation and each lie has its own
//! variant; none holds a token.

use millrace_atproto::{Did, Handle};

use super::client::ClientFault;
use super::endpoint::Endpoint;
use super::metadata::MetadataFault;
use super::origin::{Origin, OriginFault};
use crate::http::HttpError;
use crate::identity::ResolveError;

/// Why nobody could be signed in, or a session could not go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OAuthError {
    // whom, and where
    /// What was typed is no name of an account or server.
    #[error("neither a handle, nor a DID, nor the URL of a server")]
    Input,
    /// A server named is not one that may be asked.
    #[error("the server cannot be asked: {0}")]
    Server(OriginFault),
    /// The account's name leads nowhere, or not now.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A handle names an account that does not say it is its own.
    #[error("{handle} names {did}, whose document does not name it")]
    HandleUnproven {
        /// The handle.
        handle: Handle,
        /// The DID it names.
        did: Did,
    },
    /// The account's document names no PDS.
    #[error("{did} has no PDS")]
    NoPds {
        /// The account.
        did: Did,
    },
    /// A server says of itself what may not be believed, or does not speak this profile.
    #[error("{server}: metadata refused: {fault}")]
    Metadata {
        /// The server asked.
        server: Origin,
        /// What is wrong.
        fault: MetadataFault,
    },
    /// No answer, or none that can be used.
    #[error(transparent)]
    Http(HttpError),
    /// The client is not what it has to be, or asks for more than it declared.
    #[error(transparent)]
    Client(#[from] ClientFault),

    // what an authorization server answers
    /// It refuses, in its words.
    #[error("{endpoint} refused: {error}: {description}")]
    Refused {
        /// What was asked.
        endpoint: Endpoint,
        /// HTTP status.
        status: u16,
        /// The error's name, as `invalid_grant`.
        error: String,
        /// The server's words, shortened.
        description: String,
    },
    /// Its answer is not one.
    #[error("{endpoint}: answer not understood: {reason}")]
    Answer {
        /// What was asked.
        endpoint: Endpoint,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It gives out no nonce, though the profile demands it.
    #[error("{issuer} gives out no DPoP nonce")]
    NoNonce {
        /// The server.
        issuer: Origin,
    },

    // what the browser brings back
    /// The callback is not one: a parameter is missing, too long, or there twice.
    #[error("callback refused: {0}")]
    Callback(&'static str),
    /// It is about another sign-in.
    #[error("callback refused: its state is not the one that was sent")]
    State,
    /// It came too late.
    #[error("callback refused: it took longer than is waited for")]
    Expired,
    /// It does not say which server it comes from.
    #[error("callback refused: it does not name its issuer")]
    NoIssuer,
    /// It comes from another server than the one asked (mix-up).
    #[error("callback refused: it names the issuer {told:?} instead of {expected}")]
    Issuer {
        /// The server asked.
        expected: Origin,
        /// What the callback says, shortened.
        told: String,
    },
    /// The person, or the server for them, said no.
    #[error("sign-in refused: {error}: {description}")]
    Denied {
        /// The error's name, as `access_denied`.
        error: String,
        /// The server's words, shortened.
        description: String,
    },
    /// The sign-in was begun as another client (`client_id` changed since).
    #[error("the sign-in was begun by another client")]
    OtherClient,

    // what the tokens say
    /// Tokens of another type than DPoP.
    #[error("tokens refused: their type is not DPoP")]
    TokenType,
    /// `sub` is missing or no DID.
    #[error("tokens refused: they are not of a DID")]
    NoSub,
    /// Tokens of somebody else.
    #[error("tokens refused: they are of {told} instead of {expected}")]
    Sub {
        /// Who was meant.
        expected: Did,
        /// Whose they are.
        told: Did,
    },
    /// The account's PDS names another authorization server: this one may not speak for it.
    #[error("tokens refused: {issuer} does not speak for {did}, {named} does")]
    NotAuthoritative {
        /// The account.
        did: Did,
        /// Who gave the tokens.
        issuer: Origin,
        /// Who may.
        named: Origin,
    },
    /// The scope granted does not contain `atproto`.
    #[error("tokens refused: their scope does not contain atproto")]
    Scope,

    // a session that goes on
    /// It has no refresh token.
    #[error("the session cannot be renewed: it has no refresh token")]
    NoRefreshToken,
    /// The key that the session began with is not among the client's any more.
    #[error("the session cannot be renewed: the client's key {key_id} is gone")]
    ClientKeyGone {
        /// The key's id.
        key_id: String,
    },
    /// The server takes no tokens back; they end by themselves.
    #[error("{issuer} takes no tokens back")]
    NoRevocation {
        /// The server.
        issuer: Origin,
    },
}

impl OAuthError {
    /// Whether the session is over, so that its person has to sign in again. Everything else may pass:
    /// the grant is kept and tried again later.
    pub fn session_is_over(&self) -> bool {
        match self {
            Self::Refused { endpoint, error, .. } => {
                *endpoint == Endpoint::Token && error == "invalid_grant"
            }
            Self::OtherClient
            | Self::TokenType
            | Self::NoSub
            | Self::Sub { .. }
            | Self::NotAuthoritative { .. }
            | Self::Scope
            | Self::NoRefreshToken
            | Self::ClientKeyGone { .. } => true,
            Self::Resolve(ResolveError::Tombstoned { .. }) => true,
            _ => false,
        }
    }

    /// Whether the server does not take the client's proof, of whose key it may not know yet.
    pub(super) fn is_unknown_key(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "invalid_client")
    }

    /// Whether the same may succeed a little later: no answer, a busy or failing server.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Resolve(error) => error.is_transient(),
            Self::Http(error) => {
                error.is_retryable() || matches!(error, HttpError::NoSuchHost { .. })
            }
            Self::Metadata { fault: MetadataFault::Status(status), .. } => {
                *status == 429 || *status >= 500
            }
            Self::Refused { status, error, .. } => {
                *status == 429 || error == "temporarily_unavailable" || error == "server_error"
            }
            Self::Denied { error, .. } => {
                error == "temporarily_unavailable" || error == "server_error"
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_come_back_ends_a_session() {
        let refused = |endpoint, status, error: &str| OAuthError::Refused {
            endpoint,
            status,
            error: error.to_owned(),
            description: String::new(),
        };
        let status = |status| {
            OAuthError::Http(HttpError::Status {
                host: "a.example".to_owned(),
                status,
                retry_after: None,
                body: "".into(),
            })
        };
        let check = |error: &OAuthError, over: bool, transient: bool| {
            assert_eq!(
                (error.session_is_over(), error.is_transient()),
                (over, transient),
                "{error}"
            );
        };
        check(&refused(Endpoint::Token, 400, "invalid_grant"), true, false);
        check(&refused(Endpoint::Par, 400, "invalid_grant"), false, false);
        // The server could not read our own metadata: ours to mend, and no reason to sign people out.
        check(&refused(Endpoint::Token, 400, "invalid_client"), false, false);
        check(&refused(Endpoint::Token, 429, "slow_down"), false, true);
        check(&status(503), false, true);
        check(&status(404), false, false);
        check(&OAuthError::NoRefreshToken, true, false);
        check(&OAuthError::ClientKeyGone { key_id: "k".to_owned() }, true, false);
        check(&OAuthError::Scope, true, false);
        check(&OAuthError::Input, false, false);
    }
}
