//! The data-plane's routes: `POST /internal/<method>` with JSON, one route a question, and the
//! description of them all at `/internal/openapi.json`.
//!
//! A shared secret, when configured, is demanded as a bearer token; without one the listener
//! must be on loopback (`config check` sees to that).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use millrace_runtime::config::Secret;
use millrace_runtime::internal;

use crate::client::Local;
use crate::error::DataplaneError;
use crate::openapi::{self, Description};
use crate::parked::ListParked;
use crate::query::hydrating::Hydrating;
use crate::query::{OwnCommand, Question, WorkerCommand};
use crate::query::{actor_feeds, actor_likes, list_feed, quotes, reposts};
use crate::query::{
    actors, author_feed, feed_seen, follows, home_items, home_sources, hydrate, likes,
    notifications, parked, posts, preferences, profiles, progress, record, relationships, standing,
    thread, timeline,
};
use crate::query::{
    blocks, bookmark, bookmarks, curated, draft, drafts, issued_label, issued_sequence,
    known_followers, labels, limited_post, lists, media, mute, mutes, owned, post_intent, push,
    push_news, search_actors, search_posts, search_posts_v2, starter_packs, subscription,
    suggested_actors, suggestions, takedown, trends, web_push,
};

/// Largest question, bytes.
pub const QUESTION_BYTES_MAX: usize = 4 << 20;

/// Every internal method.
fn methods() -> Methods {
    Methods::default()
        .question::<profiles::GetProfile>()
        .question::<profiles::GetProfiles>()
        .question::<actors::GetActors>()
        .question::<actors::GetRepoRev>()
        .question::<author_feed::GetAuthorFeed>()
        .question::<Hydrating<author_feed::GetAuthorFeed>>()
        .question::<timeline::GetTimeline>()
        .question::<Hydrating<timeline::GetTimeline>>()
        .question::<home_items::GetHomeItems>()
        .question::<home_sources::GetHomeSources>()
        .question::<limited_post::GetLimitedPosts>()
        .question::<media::GetMedia>()
        .question::<post_intent::GetPostIntent>()
        .question::<posts::GetPost>()
        .question::<posts::GetPosts>()
        .question::<thread::GetPostThread>()
        .question::<Hydrating<thread::GetPostThread>>()
        .question::<likes::GetLikes>()
        .question::<reposts::GetRepostedBy>()
        .question::<reposts::GetReposts>()
        .question::<quotes::GetQuotes>()
        .question::<Hydrating<quotes::GetQuotes>>()
        .question::<actor_likes::GetActorLikes>()
        .question::<Hydrating<actor_likes::GetActorLikes>>()
        .question::<actor_feeds::GetActorFeeds>()
        .question::<actor_feeds::GetFeedGenerators>()
        .question::<list_feed::GetListFeed>()
        .question::<Hydrating<list_feed::GetListFeed>>()
        .question::<follows::GetFollowers>()
        .question::<follows::GetFollows>()
        .question::<relationships::GetRelationships>()
        .question::<known_followers::GetKnownFollowers>()
        .question::<blocks::GetBlocks>()
        .question::<blocks::GetListBlocks>()
        .question::<mutes::GetMutes>()
        .question::<mutes::GetListMutes>()
        .question::<bookmarks::GetBookmarks>()
        .question::<lists::GetLists>()
        .question::<lists::GetListItems>()
        .question::<lists::GetListMembership>()
        .question::<search_actors::SearchActors>()
        .question::<search_posts::SearchPosts>()
        .question::<Hydrating<search_posts::SearchPosts>>()
        .question::<search_posts_v2::SearchPostsV2>()
        .question::<Hydrating<search_posts_v2::SearchPostsV2>>()
        .question::<starter_packs::GetActorStarterPacks>()
        .question::<starter_packs::GetStarterPackContents>()
        .question::<suggestions::GetSuggestedFeeds>()
        .question::<suggestions::GetSuggestedStarterPacks>()
        .question::<suggested_actors::GetSuggestedActors>()
        .question::<suggested_actors::GetSuggestedFollows>()
        .question::<trends::GetTrends>()
        .question::<hydrate::Hydrate>()
        .question::<labels::QueryLabels>()
        .question::<record::GetRecord>()
        .question::<notifications::ListNotifications>()
        .question::<notifications::GetUnreadCount>()
        .question::<progress::GetSourceProgress>()
        .question::<standing::GetStanding>()
        .question::<ListParked>()
        .question::<parked::GetParked>()
        .question::<parked::CountDeliveries>()
        .question::<parked::GetDelivery>()
        .command::<parked::RetryDelivery>()
        .command::<parked::RetryAllDeliveries>()
        .command::<parked::DiscardDelivery>()
        .command::<parked::ResolveDelivery>()
        .question::<preferences::GetNotificationPreferences>()
        .command::<preferences::PutNotificationPreferences>()
        .command::<preferences::PutNotificationPriority>()
        .question::<subscription::ListActivitySubscriptions>()
        .command::<subscription::PutActivitySubscription>()
        .command::<notifications::UpdateSeen>()
        .command::<limited_post::DeleteLimitedPost>()
        .command::<limited_post::PutLimitedPost>()
        .command::<media::KeepMedia>()
        .command::<post_intent::IntendPost>()
        .command::<post_intent::LeasePostIntents>()
        .command::<post_intent::SettlePostIntent>()
        .command::<feed_seen::MarkFeedSeen>()
        .command::<mute::MuteActor>()
        .command::<mute::UnmuteActor>()
        .command::<mute::MuteActorList>()
        .command::<mute::UnmuteActorList>()
        .command::<mute::MuteThread>()
        .command::<mute::UnmuteThread>()
        .command::<bookmark::CreateBookmark>()
        .command::<bookmark::DeleteBookmark>()
        .question::<owned::GetOwned>()
        .command::<owned::EraseOwned>()
        .question::<drafts::GetDrafts>()
        .command::<draft::CreateDraft>()
        .command::<draft::UpdateDraft>()
        .command::<draft::DeleteDraft>()
        .question::<web_push::GetPushKey>()
        .question::<web_push::GetPushSessions>()
        .question::<web_push::GetPushDue>()
        .question::<push_news::GetPushNews>()
        .command::<web_push::PutWebPush>()
        .command::<web_push::DeleteWebPush>()
        .command::<web_push::EndPushSessions>()
        .command::<web_push::NotePushed>()
        .command::<push::RegisterPush>()
        .command::<push::UnregisterPush>()
        .question::<curated::GetCurated>()
        .command::<curated::Curate>()
        .command::<curated::Uncurate>()
        .question::<issued_label::ListIssuedLabels>()
        .question::<issued_sequence::GetIssuedSequence>()
        .command::<issued_label::IssueLabels>()
        .question::<takedown::GetTakedown>()
        .question::<takedown::ListTakedowns>()
        .command::<takedown::TakeDown>()
        .command::<takedown::LiftTakedown>()
        .command::<crate::interest::NoteReader>()
        .instruction::<parked::RetryParked>()
        .instruction::<parked::RetryAllParked>()
        .instruction::<parked::DiscardParked>()
}

/// The routes under `/internal/`; `secret` guards them when it is given.
pub fn routes(local: Arc<Local>, secret: Option<Secret>) -> Router {
    let Methods { router, description, .. } = methods();
    let described = Json(description.document(secret.is_some()));
    let router = router
        .route("/internal/openapi.json", get(async move || described))
        .route("/internal/{method}", axum::routing::any(unknown))
        .layer(axum::extract::DefaultBodyLimit::max(QUESTION_BYTES_MAX))
        .with_state(local);
    internal::guarded(router, secret)
}

/// Routes, and what the description of them says.
#[derive(Default)]
struct Methods {
    router: Router<Arc<Local>>,
    description: Description,
    #[cfg(any(test, feature = "fuzz"))]
    bodies: Vec<crate::fuzz::Target>,
}

/// What must hold for every body, a method each.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn bodies() -> Vec<crate::fuzz::Target> {
    methods().bodies
}

impl Methods {
    fn question<Q: Question>(mut self) -> Self {
        let handler = |State(local): State<Arc<Local>>, body: Bytes| async move {
            let question: Q = parsed(&body)?;
            local.ask(question).await.map(Json)
        };
        self.description.add::<Q, Q::Answer>(Q::NAME);
        #[cfg(any(test, feature = "fuzz"))]
        self.bodies.push(crate::fuzz::body::<Q>);
        Self { router: self.router.route(&openapi::path(Q::NAME), post(handler)), ..self }
    }

    fn command<C: OwnCommand>(mut self) -> Self {
        let handler = |State(local): State<Arc<Local>>, body: Bytes| async move {
            let command: C = parsed(&body)?;
            local.command(command).await.map(Json)
        };
        self.description.add::<C, C::Answer>(C::NAME);
        #[cfg(any(test, feature = "fuzz"))]
        self.bodies.push(crate::fuzz::body::<C>);
        Self { router: self.router.route(&openapi::path(C::NAME), post(handler)), ..self }
    }

    fn instruction<C: WorkerCommand>(mut self) -> Self {
        let handler = |State(local): State<Arc<Local>>, body: Bytes| async move {
            let command: C = parsed(&body)?;
            local.instruct(command).await.map(Json)
        };
        self.description.add::<C, C::Answer>(C::NAME);
        #[cfg(any(test, feature = "fuzz"))]
        self.bodies.push(crate::fuzz::body::<C>);
        Self { router: self.router.route(&openapi::path(C::NAME), post(handler)), ..self }
    }
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
