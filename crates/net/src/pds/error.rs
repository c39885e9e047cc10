//! What a PDS or relay refuses, in the protocol's words.

use std::time::Duration;

use serde::Deserialize;

use crate::http::HttpError;

/// Why a PDS or relay did not answer a sync question.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PdsError {
    /// It does not host this account.
    #[error("repository not found")]
    RepoNotFound,
    /// The account was taken down.
    #[error("repository taken down")]
    RepoTakendown,
    /// The account is suspended.
    #[error("repository suspended")]
    RepoSuspended,
    /// The account was deactivated by its owner.
    #[error("repository deactivated")]
    RepoDeactivated,
    /// The account exists, the record does not.
    #[error("record not found")]
    RecordNotFound,
    /// The server does not know the method.
    #[error("method not implemented")]
    MethodNotImplemented,
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
    /// No XRPC answer at all.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is not what the method promises.
    #[error("answer not understood: {0}")]
    Invalid(String),
}

/// Characters of an error's message that are kept.
const MESSAGE_CHARS_MAX: usize = 300;

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    #[serde(default)]
    message: Option<String>,
}

impl PdsError {
    /// What an HTTP failure means in the protocol's words.
    pub(crate) fn of(error: HttpError) -> Self {
        match &error {
            HttpError::RateLimited { retry_after, .. } => {
                Self::RateLimited { retry_after: *retry_after }
            }
            HttpError::Json { reason, .. } => Self::Invalid(reason.clone()),
            HttpError::Status { status, body, .. } => match serde_json::from_slice(body) {
                // A wait that a busy server names must not be lost.
                Ok(_) if error.retry_after().is_some() => Self::Http(error),
                Ok(told) => Self::named(*status, told),
                Err(_) if *status == 501 => Self::MethodNotImplemented,
                Err(_) => Self::Http(error),
            },
            _ => Self::Http(error),
        }
    }

    fn named(status: u16, told: ErrorBody) -> Self {
        match told.error.as_str() {
            "RepoNotFound" => Self::RepoNotFound,
            "RepoTakendown" => Self::RepoTakendown,
            "RepoSuspended" => Self::RepoSuspended,
            "RepoDeactivated" => Self::RepoDeactivated,
            "RecordNotFound" => Self::RecordNotFound,
            "MethodNotImplemented" => Self::MethodNotImplemented,
            _ => Self::Xrpc {
                status,
                error: shortened(&told.error),
                message: shortened(&told.message.unwrap_or_default()),
            },
        }
    }

    /// Whether the same question may be answered later. A body cut short is retryable.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } => true,
            Self::Xrpc { status, .. } => *status >= 500,
            Self::Http(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Http(error) => error.retry_after(),
            _ => None,
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after_s: Option<u64>, body: &'static str) -> PdsError {
        PdsError::of(HttpError::Status {
            host: "pds.example".to_owned(),
            status,
            retry_after: retry_after_s.map(Duration::from_secs),
            body: body.into(),
        })
    }

    #[test]
    fn error_bodies_become_situations() {
        let check = |status, body, expected: &str, retryable| {
            let error = answered(status, None, body);
            assert_eq!((error.to_string().as_str(), error.is_retryable()), (expected, retryable));
        };
        check(400, r#"{"error":"RepoNotFound","message":"no"}"#, "repository not found", false);
        check(400, r#"{"error":"RepoTakendown"}"#, "repository taken down", false);
        check(400, r#"{"error":"RepoSuspended"}"#, "repository suspended", false);
        check(400, r#"{"error":"RepoDeactivated"}"#, "repository deactivated", false);
        check(404, r#"{"error":"RecordNotFound"}"#, "record not found", false);
        check(501, r#"{"error":"MethodNotImplemented"}"#, "method not implemented", false);
        check(501, "<html>", "method not implemented", false);
        check(
            400,
            r#"{"error":"InvalidRequest","message":"bad"}"#,
            "status 400: InvalidRequest: bad",
            false,
        );
        check(500, r#"{"error":"InternalServerError"}"#, "status 500: InternalServerError: ", true);
        check(502, "<html>", "pds.example: status 502", true);
        check(404, "<html>", "pds.example: status 404", false);
    }

    #[test]
    fn the_wait_a_busy_server_names_is_kept() {
        let error = answered(503, Some(7), r#"{"error":"Busy"}"#);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(error.is_retryable());
    }
}
