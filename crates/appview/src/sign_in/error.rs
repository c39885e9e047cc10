//! What went wrong while signing in or acting, as XRPC says it.

use http::StatusCode;
use millrace_net::oauth::OAuthError;
use millrace_net::session::SessionError as PdsError;

use super::acting::ActError;
use crate::auth::AuthError;
use crate::error::XrpcError;
use crate::session::SessionError;

impl From<SessionError> for XrpcError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::TooMany => Self::Busy,
            SessionError::TooManyTokens(_) => Self::named("TooManyTokens", error.to_string()),
            SessionError::Invalid(message) => Self::InvalidRequest(message),
            SessionError::NotUnderWay => Self::named("SignInNotFound", error.to_string()),
            SessionError::OtherBrowser => Self::named("OtherBrowser", error.to_string()),
            SessionError::Over | SessionError::Unreadable(_) => Self::Auth(AuthError::SignedOut),
            SessionError::Later(message) => Self::bad_gateway("UpstreamFailure", &message),
            SessionError::Store(error) => Self::Internal(error.to_string()),
        }
    }
}

impl From<OAuthError> for XrpcError {
    fn from(error: OAuthError) -> Self {
        let message = error.to_string();
        match error {
            OAuthError::Input => Self::InvalidRequest(message),
            OAuthError::Denied { .. } => Self::named("SignInDenied", message),
            _ if error.is_transient() => Self::bad_gateway("UpstreamFailure", &message),
            _ => Self::named("SignInFailed", message),
        }
    }
}

impl From<PdsError> for XrpcError {
    fn from(error: PdsError) -> Self {
        let message = error.to_string();
        match error {
            PdsError::Expired | PdsError::Over(_) => Self::Auth(AuthError::SignedOut),
            PdsError::WrongPassword => Self::named("AuthenticationRequired", message),
            PdsError::CodeNeeded => Self::named("AuthFactorTokenRequired", message),
            PdsError::Takendown => Self::named("AccountTakedown", message),
            PdsError::OtherAccount => Self::named("SignInFailed", message),
            PdsError::Account(error) => Self::from(*error),
            PdsError::Invalid(message) => Self::InvalidRequest(message),
            PdsError::RateLimited { .. } => Self::Upstream {
                status: StatusCode::TOO_MANY_REQUESTS,
                name: "RateLimitExceeded".to_owned(),
                message,
            },
            PdsError::Xrpc { status, error, message } => Self::Upstream {
                status: StatusCode::from_u16(status)
                    .ok()
                    .filter(StatusCode::is_client_error)
                    .unwrap_or(StatusCode::BAD_GATEWAY),
                name: if error.is_empty() { "UpstreamFailure".to_owned() } else { error },
                message,
            },
            PdsError::Http(_) => Self::bad_gateway("UpstreamFailure", &message),
        }
    }
}

impl From<ActError> for XrpcError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Session(error) => error.into(),
            ActError::Pds(error) => error.into(),
        }
    }
}
