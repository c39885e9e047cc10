//! What an account's own PDS answers: a page of ours, or a program with the scope `post`, asks here, and the account's
//! PDS is asked in its name. Only the methods below; everything that a PDS does beside them is between it and its
//! user.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::{HeaderValue, header};
use millrace_atproto::Nsid;
use millrace_net::HttpError;
use millrace_net::session::{Call, SessionError as PdsError};
use url::form_urlencoded;

use super::SignInState;
use super::acting::ActError;
use crate::error::XrpcError;
use crate::request::body;
use crate::request::rates::with_tally;
use crate::routes::Verb;

/// A method that is passed on.
pub(super) struct Method {
    pub(super) nsid: &'static str,
    verb: Verb,
    /// The moderation service answers it, by way of the PDS.
    is_report: bool,
    is_blob: bool,
}

const fn procedure(nsid: &'static str) -> Method {
    Method { nsid, verb: Verb::Post, is_report: false, is_blob: false }
}

/// All of them; they stand in the table of routes too.
pub(super) const METHODS: &[Method] = &[
    procedure("com.atproto.repo.createRecord"),
    procedure("com.atproto.repo.putRecord"),
    procedure("com.atproto.repo.deleteRecord"),
    procedure("com.atproto.repo.applyWrites"),
    Method { is_blob: true, ..procedure("com.atproto.repo.uploadBlob") },
    Method { is_report: true, ..procedure("com.atproto.moderation.createReport") },
    Method { verb: Verb::Get, ..procedure("app.bsky.actor.getPreferences") },
    procedure("app.bsky.actor.putPreferences"),
];

impl Method {
    pub(super) fn route(&'static self) -> MethodRouter<SignInState> {
        let answer = async move |State(state): State<SignInState>, request: Request| {
            self.answer(&state, request).await
        };
        match self.verb {
            Verb::Get => get(answer),
            // XRPC has no others.
            Verb::Post | Verb::Patch | Verb::Delete => post(answer),
        }
    }

    async fn answer(&self, state: &SignInState, request: Request) -> Result<Response, XrpcError> {
        let sender = (request.headers(), request.extensions());
        let (actor, tally) = state.rates.count_actor(&state.signed, sender).await?;
        let _place = match self.is_blob {
            true => Some(state.uploads.try_acquire().map_err(|_| XrpcError::Busy)?),
            false => None,
        };
        let call = self.call(request).await?;
        let answer = state.acting.send(&actor.grant_id, &call).await;
        let answer = answer.map_err(|error| self.unanswered(error))?;
        // Whatever the PDS calls it: a page of its making would be one of ours.
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        Ok(with_tally((headers, answer.body), tally))
    }

    /// Why there is no answer. A write that the PDS was asked for is not asked for again.
    fn unanswered(&self, error: ActError) -> XrpcError {
        match error {
            ActError::Pds(error) if self.verb == Verb::Post && may_have_acted(&error) => {
                let message =
                    format!("it is not known whether the account's server did this: {error}");
                XrpcError::bad_gateway("UpstreamFailure", &message)
            }
            error => error.into(),
        }
    }

    async fn call(&self, request: Request) -> Result<Call, XrpcError> {
        let nsid = Nsid::parse(self.nsid).expect("invariant: the table has names of methods");
        let (parts, body) = request.into_parts();
        if self.verb == Verb::Get {
            let query = parts.uri.query().unwrap_or_default();
            let pairs = form_urlencoded::parse(query.as_bytes());
            let call = Call::query(nsid);
            return Ok(pairs.fold(call, |call, (name, value)| call.param(&name, value)));
        }
        let bytes_max = if self.is_blob { BLOB_BYTES_MAX } else { RECORD_BYTES_MAX };
        let body = body::read(body, bytes_max).await?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.ok_or_else(|| XrpcError::invalid("the body's type is not said"))?;
        let call = Call::procedure(nsid).bytes(kind, body)?;
        match parts.headers.get("atproto-proxy").and_then(|to| to.to_str().ok()) {
            Some(to) if self.is_report => Ok(call.proxied(to)?),
            _ => Ok(call),
        }
    }
}

/// Whether a PDS that was asked may have done so, though it did not say it.
fn may_have_acted(error: &PdsError) -> bool {
    match error {
        PdsError::Http(error) => {
            matches!(error, HttpError::Timeout { .. } | HttpError::Truncated { .. })
        }
        PdsError::Xrpc { status, .. } => *status >= 500,
        _ => false,
    }
}

/// What a PDS takes as JSON when records are written.
const RECORD_BYTES_MAX: usize = 1_000_000;
/// Bytes of a blob on its way; the PDS has a bound of its own.
const BLOB_BYTES_MAX: usize = 16 << 20;
/// Blobs on their way at the same time: what they hold of memory is this many times their bound.
pub(crate) const UPLOADS_MAX: usize = 8;
