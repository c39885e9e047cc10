//! The data-plane's routes: `POST /internal/<method>` with JSON, one route a question.
//!
//! A shared secret, when configured, is demanded as a bearer token; without one the listener
//! must be on loopback (`config check` sees to that).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use millrace_runtime::config::Secret;
use millrace_runtime::internal;

use crate::client::Local;
use crate::error::DataplaneError;
use crate::query::{OwnCommand, Question};
use crate::query::{actor_feeds, actor_likes, list_feed, quotes, reposts};
use crate::query::{
    actors, author_feed, follows, hydrate, likes, notifications, posts, profiles, progress, record,
    relationships, thread, timeline,
};
use crate::query::{
    blocks, known_followers, lists, mute, mutes, search_actors, search_posts, starter_packs,
};

/// Largest question, bytes.
pub const QUESTION_BYTES_MAX: usize = 4 << 20;

/// The routes under `/internal/`; `secret` guards them when it is given.
pub fn routes(local: Arc<Local>, secret: Option<Secret>) -> Router {
    let router = Router::new();
    let router = question::<profiles::GetProfile>(router);
    let router = question::<profiles::GetProfiles>(router);
    let router = question::<actors::GetActors>(router);
    let router = question::<actors::GetRepoRev>(router);
    let router = question::<author_feed::GetAuthorFeed>(router);
    let router = question::<timeline::GetTimeline>(router);
    let router = question::<posts::GetPost>(router);
    let router = question::<posts::GetPosts>(router);
    let router = question::<thread::GetPostThread>(router);
    let router = question::<likes::GetLikes>(router);
    let router = question::<reposts::GetRepostedBy>(router);
    let router = question::<reposts::GetReposts>(router);
    let router = question::<quotes::GetQuotes>(router);
    let router = question::<actor_likes::GetActorLikes>(router);
    let router = question::<actor_feeds::GetActorFeeds>(router);
    let router = question::<actor_feeds::GetFeedGenerators>(router);
    let router = question::<list_feed::GetListFeed>(router);
    let router = question::<follows::GetFollowers>(router);
    let router = question::<follows::GetFollows>(router);
    let router = question::<relationships::GetRelationships>(router);
    let router = question::<known_followers::GetKnownFollowers>(router);
    let router = question::<blocks::GetBlocks>(router);
    let router = question::<blocks::GetListBlocks>(router);
    let router = question::<mutes::GetMutes>(router);
    let router = question::<mutes::GetListMutes>(router);
    let router = question::<lists::GetLists>(router);
    let router = question::<lists::GetListItems>(router);
    let router = question::<lists::GetListMembership>(router);
    let router = question::<search_actors::SearchActors>(router);
    let router = question::<search_posts::SearchPosts>(router);
    let router = question::<starter_packs::GetActorStarterPacks>(router);
    let router = question::<starter_packs::GetStarterPackContents>(router);
    let router = question::<hydrate::Hydrate>(router);
    let router = question::<record::GetRecord>(router);
    let router = question::<notifications::ListNotifications>(router);
    let router = question::<notifications::GetUnreadCount>(router);
    let router = question::<progress::GetSourceProgress>(router);
    let router = command::<notifications::UpdateSeen>(router);
    let router = command::<mute::MuteActor>(router);
    let router = command::<mute::UnmuteActor>(router);
    let router = command::<mute::MuteActorList>(router);
    let router = command::<mute::UnmuteActorList>(router);
    let router = command::<mute::MuteThread>(router);
    let router = command::<mute::UnmuteThread>(router);
    let router = router
        .route("/internal/{method}", axum::routing::any(unknown))
        .layer(axum::extract::DefaultBodyLimit::max(QUESTION_BYTES_MAX))
        .with_state(local);
    internal::guarded(router, secret)
}

fn question<Q: Question>(router: Router<Arc<Local>>) -> Router<Arc<Local>> {
    let handler = |State(local): State<Arc<Local>>, body: Bytes| async move {
        let question: Q = parsed(&body)?;
        local.ask(question).await.map(Json)
    };
    router.route(&format!("/internal/{}", Q::NAME), post(handler))
}

fn command<C: OwnCommand>(router: Router<Arc<Local>>) -> Router<Arc<Local>> {
    let handler = |State(local): State<Arc<Local>>, body: Bytes| async move {
        let command: C = parsed(&body)?;
        local.command(command).await.map(Json)
    };
    router.route(&format!("/internal/{}", C::NAME), post(handler))
}

/// What is not a question here, by name or by verb.
async fn unknown(Path(method): Path<String>) -> Response {
    let method: String = method.chars().take(64).collect();
    internal::refusal(404, "MethodNotFound", format!("there is no internal method {method}"))
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, DataplaneError> {
    internal::parsed(body).map_err(DataplaneError::InvalidRequest)
}

impl IntoResponse for DataplaneError {
    fn into_response(self) -> Response {
        let (error, status) = self.wire();
        internal::refusal(status, error, self.to_string())
    }
}
