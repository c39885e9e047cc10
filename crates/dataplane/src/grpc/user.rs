//! `millrace.v1.UserService`; see `proto/millrace/v1/user.proto`.

use std::pin::Pin;
use std::sync::Arc;

use millrace_atproto::syntax::Did;
use tonic::server::UnaryService;
use tonic::{Request, Response, Status};

use crate::client::Local;
use crate::error::DataplaneError;
use crate::query::every_follower::{self, Followers};

/// The service's full name.
pub const SERVICE: &str = "millrace.v1.UserService";

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GetFollowersRequest {
    #[prost(string, tag = "1")]
    pub user_id: String,
    #[prost(uint32, optional, tag = "2")]
    pub limit: Option<u32>,
    #[prost(string, tag = "3")]
    pub cursor: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GetFollowersResponse {
    #[prost(message, repeated, tag = "1")]
    pub followers: Vec<Follower>,
    #[prost(string, tag = "2")]
    pub next_cursor: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Follower {
    #[prost(string, tag = "1")]
    pub user_id: String,
    #[prost(string, tag = "2")]
    pub uri: String,
}

/// The method of that name.
pub(super) struct GetFollowers {
    pub(super) local: Arc<Local>,
}

impl UnaryService<GetFollowersRequest> for GetFollowers {
    type Response = GetFollowersResponse;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Self::Response>, Status>> + Send>>;

    fn call(&mut self, request: Request<GetFollowersRequest>) -> Self::Future {
        let local = Arc::clone(&self.local);
        Box::pin(async move { Ok(Response::new(followers(&local, request.into_inner()).await?)) })
    }
}

async fn followers(
    local: &Local,
    request: GetFollowersRequest,
) -> Result<GetFollowersResponse, DataplaneError> {
    let GetFollowersRequest { user_id, limit, cursor } = request;
    let user = did("user_id", &user_id)?;
    let after = if cursor.is_empty() { None } else { Some(did("cursor", &cursor)?) };
    let limit = limit.unwrap_or(every_follower::LIMIT_DEFAULT);
    let page = move |tx: &mut _| every_follower::page(tx, &user, limit, after.as_ref());
    let Followers { followers, next } = local.store.read(page).await?;
    let followers = followers.into_iter();
    let followers =
        followers.map(|edge| Follower { user_id: edge.did.to_string(), uri: edge.uri }).collect();
    let next_cursor = next.map(|did| did.to_string()).unwrap_or_default();
    Ok(GetFollowersResponse { followers, next_cursor })
}

/// A field that must be a DID.
fn did(field: &str, text: &str) -> Result<Did, DataplaneError> {
    Did::parse(text).map_err(|error| DataplaneError::InvalidRequest(format!("{field}: {error}")))
}
