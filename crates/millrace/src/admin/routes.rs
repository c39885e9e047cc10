//! Operators' routes on the internal listener, under `/api/v1/admin`. Whoever asks shows the token that
//! lies in the data folder.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, header};
use millrace_atproto::Did;
use millrace_atproto::crypto::sha256;
use millrace_dataplane::parked::{self, ListParked, Of, ParkedId, deliveries};
use millrace_dataplane::worker;
use millrace_feeds::parked as homes;
use millrace_ingest::IngestError;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_runtime::error::Diagnose as _;
use millrace_store::{Store, StoreConfig, StoreError};
use serde::{Deserialize, Serialize};

use super::schema;
use crate::disk::{Disk, DiskReport};
use crate::failure::{Failure, ProgramError};

/// Who decides here.
pub(super) const OPERATOR: &str = "operator";

/// What the routes need.
pub struct AdminState {
    /// The domains in which something may be parked.
    pub dataplane: Store,
    pub feeds: Store,
    pub own: Store,
    pub store: StoreConfig,
    pub clock: SharedClock,
    pub token: Secret,
    pub disk: Disk,
    pub ingest: millrace_ingest::Client,
}

/// The shape of every error.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error: String,
    pub message: String,
}

/// An answer that is none, as [`ErrorBody`].
pub(super) struct Refusal(StatusCode, ErrorBody);

/// The routes, guarded.
pub fn router(state: AdminState) -> Router {
    let token = state.token.clone();
    let routes = Router::new()
        .route("/api/v1/admin/dlq", get(list_parked))
        .route("/api/v1/admin/dlq/retry", post(retry_all))
        .route("/api/v1/admin/dlq/{id}", get(get_parked))
        .route("/api/v1/admin/dlq/{id}/retry", post(retry))
        .route("/api/v1/admin/dlq/{id}/discard", post(discard))
        .route("/api/v1/admin/dlq/{id}/resolve", post(resolve))
        .route("/api/v1/admin/schema", get(schema_status))
        .route("/api/v1/admin/schema/apply", post(schema_apply))
        .route("/api/v1/admin/disk", get(disk))
        .route("/api/v1/admin/scope", get(scope))
        .route("/api/v1/admin/accounts/{did}", get(account))
        .with_state(Arc::new(state));
    guarded(routes, token)
}

/// Routes that only who shows the token may ask.
pub(super) fn guarded(routes: Router, token: Secret) -> Router {
    routes.layer(middleware::from_fn_with_state(token, guard))
}

type Admin = State<Arc<AdminState>>;

async fn list_parked(
    State(admin): Admin,
    Query(question): Query<ListParked>,
) -> Result<Response, Refusal> {
    let page = match question.of {
        Of::Entries => parked::list(&admin.dataplane, question).await?,
        Of::Facts | Of::Fanout => homes::list(&admin.feeds, question).await?,
        Of::Deliveries => deliveries::list(&admin.own, question).await?,
    };
    Ok(Json(page).into_response())
}

async fn get_parked(State(admin): Admin, Path(id): Path<ParkedId>) -> Result<Response, Refusal> {
    let found = match id.of {
        Of::Entries => parked::get(&admin.dataplane, id.number).await?,
        Of::Facts | Of::Fanout => homes::get(&admin.feeds, id).await?,
        Of::Deliveries => deliveries::get(&admin.own, id.number).await?,
    };
    match found {
        Some(entry) => Ok(Json(entry).into_response()),
        None => {
            Err(refusal(StatusCode::NOT_FOUND, "NotFound", format!("nothing parked is named {id}")))
        }
    }
}

async fn retry(State(admin): Admin, Path(id): Path<ParkedId>) -> Result<Response, Refusal> {
    let touched = match id.of {
        Of::Entries => parked::retry(&admin.dataplane, id.number).await?,
        Of::Facts | Of::Fanout => homes::retry(&admin.feeds, id).await?,
        Of::Deliveries => deliveries::retry(&admin.own, id.number).await?,
    };
    Ok(Json(touched).into_response())
}

#[derive(Deserialize)]
#[serde(default)]
struct RetryAll {
    of: Of,
    projection: String,
}

impl Default for RetryAll {
    fn default() -> Self {
        Self { of: Of::Entries, projection: worker::NAME.to_owned() }
    }
}

async fn retry_all(
    State(admin): Admin,
    Query(question): Query<RetryAll>,
) -> Result<Response, Refusal> {
    let touched = match question.of {
        Of::Entries => parked::retry_all(&admin.dataplane, question.projection).await?,
        of @ (Of::Facts | Of::Fanout) => homes::retry_all(&admin.feeds, of).await?,
        Of::Deliveries => deliveries::retry_all(&admin.own).await?,
    };
    Ok(Json(touched).into_response())
}

async fn discard(State(admin): Admin, Path(id): Path<ParkedId>) -> Result<Response, Refusal> {
    let touched = match id.of {
        Of::Entries => parked::discard(&admin.dataplane, id.number).await?,
        Of::Facts | Of::Fanout => homes::discard(&admin.feeds, id).await?,
        Of::Deliveries => deliveries::discard(&admin.own, id.number, OPERATOR.to_owned()).await?,
    };
    Ok(Json(touched).into_response())
}

/// How somebody saw to it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

async fn resolve(
    State(admin): Admin,
    Path(id): Path<ParkedId>,
    Json(resolved): Json<Resolved>,
) -> Result<Response, Refusal> {
    if id.of != Of::Deliveries {
        return Err(ProgramError::NotResolved { id }.into());
    }
    let (number, note) = (id.number, resolved.note);
    let touched = deliveries::resolve(&admin.own, number, note, OPERATOR.to_owned()).await?;
    Ok(Json(touched).into_response())
}

async fn schema_status(State(admin): Admin) -> Result<Response, Refusal> {
    Ok(Json(schema::status(&admin.store, &admin.clock).await?).into_response())
}

async fn schema_apply(State(admin): Admin) -> Result<Response, Refusal> {
    Ok(Json(schema::apply(&admin.store, &admin.clock).await?).into_response())
}

async fn disk(State(admin): Admin) -> Json<DiskReport> {
    Json(admin.disk.report())
}

/// Whom ingest follows.
async fn scope(State(admin): Admin) -> Result<Response, Refusal> {
    Ok(Json(admin.ingest.scope().await?).into_response())
}

/// How much of an account is here, and whether it is followed.
async fn account(State(admin): Admin, Path(did): Path<String>) -> Result<Response, Refusal> {
    let no_did = |_| refusal(StatusCode::BAD_REQUEST, "InvalidRequest", format!("{did} is no DID"));
    let parsed = Did::parse(&did).map_err(no_did)?;
    match admin.ingest.account_state(&parsed).await? {
        Some(account) => Ok(Json(account).into_response()),
        None => {
            let message = format!("nothing is known of {did}");
            Err(refusal(StatusCode::NOT_FOUND, "NotFound", message))
        }
    }
}

/// Compares digests, so that the time taken tells nothing about the token.
async fn guard(State(token): State<Secret>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if sha256(given.as_bytes()) == sha256(token.expose().as_bytes()) {
        return next.run(request).await;
    }
    let message = "the operator's token is missing or wrong".to_owned();
    refusal(StatusCode::UNAUTHORIZED, "Unauthorized", message).into_response()
}

fn refusal(status: StatusCode, error: &str, message: String) -> Refusal {
    Refusal(status, ErrorBody { error: error.to_owned(), message })
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        refusal(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", failure.to_string())
    }
}

impl From<ProgramError> for Refusal {
    fn from(error: ProgramError) -> Self {
        refusal(StatusCode::CONFLICT, error.diagnosis().code, error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        refusal(StatusCode::SERVICE_UNAVAILABLE, error.diagnosis().code, error.to_string())
    }
}

impl From<IngestError> for Refusal {
    fn from(error: IngestError) -> Self {
        let status = match &error {
            IngestError::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        refusal(status, error.diagnosis().code, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}
