//! What a PDS refuses somebody who signed in, or is signing in with an app password.

use std::time::Duration;

use serde::Deserialize;

use crate::http::{HttpError, Response};
use crate::oauth::{OAuthError, challenged, shortened};

/// Why a PDS did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// The access token has ended or was revoked: the grant is renewed and the call asked again.
    #[error("the access token is not accepted any more")]
    Expired,
    /// The session is over: its person has to sign in again.
    #[error("the session is over: {0}")]
    Over(String),
    /// Name and password do not fit.
    #[error("name or password are wrong")]
    WrongPassword,
    /// The account demands the code that its server has sent by mail.
    #[error("a sign-in code is needed")]
    CodeNeeded,
    /// The account was taken down.
    #[error("the account was taken down")]
    Takendown,
    /// The session is of somebody else than was named, or its PDS is not the account's.
    #[error("the server answered for another account")]
    OtherAccount,
    /// It asks for fewer requests.
    #[error("rate limited{}", retry_after.map(|wait| format!(", retry after {} s", wait.as_secs())).unwrap_or_default())]
    RateLimited {
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// Another XRPC error.
    #[error("status {status}: {error}: {message}")]
    Xrpc {
        /// HTTP status.
        status: u16,
        /// The error's name.
        error: String,
        /// The message, shortened.
        message: String,
    },
    /// Whom or which server was meant could not be found out.
    #[error(transparent)]
    Account(#[from] Box<OAuthError>),
    /// No answer.
    #[error(transparent)]
    Http(HttpError),
    /// What was asked or answered is not what the method promises.
    #[error("not understood: {0}")]
    Invalid(String),
}

#[derive(Deserialize, Default)]
struct Told {
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: Option<String>,
}

impl SessionError {
    /// Whether the session is over, so that its person has to sign in again.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Over(_) | Self::OtherAccount | Self::Takendown)
    }

    /// Whether the same may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } => true,
            Self::Xrpc { status, .. } => *status >= 500,
            Self::Account(error) => error.is_transient(),
            Self::Http(error) => {
                error.is_retryable() || matches!(error, HttpError::NoSuchHost { .. })
            }
            _ => false,
        }
    }

    /// What a failed request means.
    pub(super) fn of(error: HttpError) -> Self {
        match error {
            HttpError::RateLimited { retry_after, .. } => Self::RateLimited { retry_after },
            error => Self::Http(error),
        }
    }

    /// What an answer other than 2xx means.
    pub(super) fn answered(answer: &Response, now_us: i64) -> Self {
        let told: Told = serde_json::from_slice(&answer.body).unwrap_or_default();
        match (answer.status, told.error.as_str()) {
            (_, "AccountTakedown") => Self::Takendown,
            (429, _) => Self::RateLimited { retry_after: answer.retry_after(now_us) },
            (400 | 401, "ExpiredToken") | (401, "invalid_token") => Self::Expired,
            (401, _) if challenged(answer, "invalid_token") => Self::Expired,
            (status, error) => Self::Xrpc {
                status,
                error: shortened(error),
                message: shortened(&told.message.unwrap_or_default()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use ::http::header::WWW_AUTHENTICATE;
    use ::http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn an_ended_token_is_told_apart() {
        let check =
            |status: u16, challenge: Option<&'static str>, body: &'static str, expected: &str| {
                let mut headers = HeaderMap::new();
                if let Some(challenge) = challenge {
                    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
                }
                let answer = Response { status, headers, body: body.into() };
                let error = SessionError::answered(&answer, 0);
                assert_eq!(error.to_string(), expected, "{status} {body}");
            };
        let expired = "the access token is not accepted any more";
        check(401, Some(r#"DPoP error="invalid_token", error_description="x""#), "", expired);
        check(401, None, r#"{"error":"invalid_token"}"#, expired);
        check(400, None, r#"{"error":"ExpiredToken","message":"Token has expired"}"#, expired);
        check(403, None, r#"{"error":"ExpiredToken"}"#, "status 403: ExpiredToken: ");
        check(
            400,
            None,
            r#"{"error":"InvalidToken","message":"bad"}"#,
            "status 400: InvalidToken: bad",
        );
        check(401, Some(r#"Basic error="invalid_token""#), "{}", "status 401: : ");
        check(401, None, r#"{"error":"AccountTakedown"}"#, "the account was taken down");
        check(429, None, "{}", "rate limited");
        check(502, None, "<html>", "status 502: : ");
    }
}
