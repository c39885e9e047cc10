//! `millrace.v1.FeedService`; see `proto/millrace/v1/feed.proto`.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::response::IntoResponse;
use axum::routing::{any, post};
use millrace_atproto::syntax::Did;
use millrace_dataplane::grpc;
use millrace_runtime::config::Secret;
use tonic::server::UnaryService;
use tonic::{Request, Response, Status};

use crate::client::Local;
use crate::error::FeedsError;
use crate::model::Reason;
use crate::query::Question as _;
use crate::query::home::{GetHome, HomeLine};
use crate::query::order::Mode;

/// The service's full name.
pub const SERVICE: &str = "millrace.v1.FeedService";
const LIMIT_DEFAULT: u32 = 50;

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GetFeedRequest {
    #[prost(string, tag = "1")]
    pub user_id: String,
    #[prost(uint32, optional, tag = "2")]
    pub limit: Option<u32>,
    #[prost(string, tag = "3")]
    pub cursor: String,
    #[prost(enumeration = "FeedMode", tag = "4")]
    pub mode: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum FeedMode {
    Ranked = 0,
    Chronological = 1,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetFeedResponse {
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<FeedItem>,
    #[prost(string, tag = "2")]
    pub next_cursor: String,
    #[prost(string, tag = "3")]
    pub source: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct FeedItem {
    #[prost(string, tag = "1")]
    pub post_id: String,
    #[prost(string, tag = "2")]
    pub item: String,
    #[prost(string, tag = "3")]
    pub reason: String,
    #[prost(double, tag = "4")]
    pub relevance_score: f64,
    #[prost(uint64, tag = "5")]
    pub rank_position: u64,
    #[prost(bool, tag = "6")]
    pub is_read: bool,
    #[prost(int64, tag = "7")]
    pub sort_at_us: i64,
}

/// The service; `secret` guards it when it is given.
pub fn routes(local: Arc<Local>, secret: Option<Secret>) -> Router {
    let router = Router::new()
        .route(&format!("/{SERVICE}/GetFeed"), post(get_feed))
        .route(&format!("/{SERVICE}/{{*method}}"), any(grpc::unknown))
        .with_state(local);
    grpc::guarded(router, secret)
}

async fn get_feed(State(local): State<Arc<Local>>, request: HttpRequest) -> impl IntoResponse {
    grpc::unary(GetFeed { local }, request).await
}

/// The method of that name.
struct GetFeed {
    local: Arc<Local>,
}

impl UnaryService<GetFeedRequest> for GetFeed {
    type Response = GetFeedResponse;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Self::Response>, Status>> + Send>>;

    fn call(&mut self, request: Request<GetFeedRequest>) -> Self::Future {
        let local = Arc::clone(&self.local);
        Box::pin(async move {
            feed(&local, request.into_inner()).await.map(Response::new).map_err(status)
        })
    }
}

async fn feed(local: &Local, request: GetFeedRequest) -> Result<GetFeedResponse, FeedsError> {
    let refused = |message: String| FeedsError::InvalidRequest(message);
    let actor =
        Did::parse(&request.user_id).map_err(|error| refused(format!("user_id: {error}")))?;
    let mode = match FeedMode::try_from(request.mode) {
        Ok(FeedMode::Ranked) => Mode::Ranked,
        Ok(FeedMode::Chronological) => Mode::Chronological,
        Err(_) => return Err(refused(format!("mode: there is no {}", request.mode))),
    };
    let cursor = Some(request.cursor).filter(|cursor| !cursor.is_empty());
    let limit = request.limit.unwrap_or(LIMIT_DEFAULT);
    let home = GetHome { actor, mode, limit, cursor }.answer(local).await?;
    Ok(GetFeedResponse {
        items: home.items.into_iter().map(FeedItem::from).collect(),
        next_cursor: home.cursor.unwrap_or_default(),
        source: home.source.name().to_owned(),
    })
}

impl From<HomeLine> for FeedItem {
    fn from(line: HomeLine) -> Self {
        let reason = match line.reason {
            Reason::Own => "own",
            Reason::Follow => "follow",
            Reason::Repost => "repost",
            Reason::Discover => "discover",
        };
        Self {
            item: line.repost.unwrap_or_else(|| line.post.clone()),
            post_id: line.post,
            reason: reason.to_owned(),
            relevance_score: line.relevance_score,
            rank_position: line.rank_position as u64,
            is_read: line.is_read,
            sort_at_us: line.sort_at_us,
        }
    }
}

/// What an error is to who asks by gRPC. Faults of ours are logged here, once.
fn status(error: FeedsError) -> Status {
    match error {
        FeedsError::InvalidRequest(message) => Status::invalid_argument(message),
        FeedsError::Unauthorized(message) => Status::unauthenticated(message),
        FeedsError::Unavailable(_) => Status::unavailable(error.to_string()),
        FeedsError::Internal(_) => {
            tracing::error!(%error, "a gRPC request failed");
            Status::internal("homes failed")
        }
    }
}
