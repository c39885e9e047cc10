//! The XRPC methods: one file each, and what they share. A request to `/xrpc/<nsid>` passes
//! parameters → caller → labelers → the method's own answer, in that order. The revision of the
//! caller's repository is that of the first snapshot the answer is made of, so that it never runs
//! ahead of what the answer shows.

mod call;
mod method;

mod app_bsky_actor;
mod app_bsky_ageassurance;
mod app_bsky_bookmark;
mod app_bsky_contact;
mod app_bsky_draft;
mod app_bsky_embed;
mod app_bsky_feed;
mod app_bsky_graph;
mod app_bsky_labeler;
mod app_bsky_notification;
mod app_bsky_unspecced;
mod com_atproto_admin;
mod com_atproto_identity;
mod com_atproto_label;
mod com_atproto_repo;
mod com_atproto_temp;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use millrace_atproto::{Did, Nsid};
use millrace_net::{HttpClient, PdsClient, Resolver};
use millrace_runtime::clock::SharedClock;

pub(crate) use app_bsky_feed::feed_page;
pub(crate) use app_bsky_notification::told;
pub(crate) use call::Call;
pub(crate) use method::{Json, JsonObject, Procedure, Query};

use crate::auth::Authenticator;
use crate::error::XrpcError;
use crate::label_stream::LabelStream;
use crate::looks::Looks;
use crate::metrics::Metrics;
use crate::readers::Readers;
use crate::request::rates::Rates;
use crate::routes::{ROUTES, Route};
use crate::urls::MediaUrls;
use method::{Handler, procedure, query, subscription};

/// What the methods need.
pub(crate) struct Api {
    pub(crate) dataplane: millrace_dataplane::Client,
    /// Homes, where they are made.
    pub(crate) feeds: Option<millrace_feeds::Client>,
    /// Pages of homes that are found without them.
    pub(crate) pages: millrace_feeds::metrics::Pages,
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) resolver: Resolver,
    /// Feed generators are asked with it.
    pub(crate) feed_servers: HttpClient,
    /// PDSs are asked for records that are not kept here.
    pub(crate) pds: PdsClient,
    /// Shared with presentations that leave the async threads.
    pub(crate) urls: Arc<MediaUrls>,
    /// Who this service is.
    pub(crate) service_did: Did,
    /// Who declares the feeds that are offered here.
    pub(crate) feed_publisher: Option<Did>,
    /// Devices an account may register; nobody may register any where it is 0.
    pub(crate) push_devices: u32,
    pub(crate) moderation_did: Option<Did>,
    pub(crate) trusted_labelers: Vec<Did>,
    pub(crate) trusted_verifiers: Vec<Did>,
    pub(crate) clock: SharedClock,
    pub(crate) body_bytes_max: usize,
    pub(crate) feed_timeout_ms: u64,
    pub(crate) metrics: Metrics,
    pub(crate) readers: Readers,
    pub(crate) looks: Arc<Looks>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) label_stream: LabelStream,
}

/// Every method that is served; who may call it stands in [`ROUTES`].
const HANDLERS: &[(&str, Handler)] = &[
    query::<app_bsky_actor::get_profile::GetProfile>(),
    query::<app_bsky_actor::get_profiles::GetProfiles>(),
    query::<app_bsky_actor::get_suggestions::GetSuggestions>(),
    query::<app_bsky_actor::search_actors::SearchActors>(),
    query::<app_bsky_actor::search_actors_typeahead::SearchActorsTypeahead>(),
    procedure::<app_bsky_ageassurance::begin::Begin>(),
    query::<app_bsky_ageassurance::get_config::GetConfig>(),
    query::<app_bsky_ageassurance::get_state::GetState>(),
    procedure::<app_bsky_bookmark::create_bookmark::CreateBookmark>(),
    procedure::<app_bsky_bookmark::delete_bookmark::DeleteBookmark>(),
    query::<app_bsky_bookmark::get_bookmarks::GetBookmarks>(),
    procedure::<app_bsky_contact::dismiss_match::DismissMatch>(),
    query::<app_bsky_contact::get_matches::GetMatches>(),
    query::<app_bsky_contact::get_sync_status::GetSyncStatus>(),
    procedure::<app_bsky_contact::import_contacts::ImportContacts>(),
    procedure::<app_bsky_contact::remove_data::RemoveData>(),
    procedure::<app_bsky_contact::send_notification::SendNotification>(),
    procedure::<app_bsky_contact::start_phone_verification::StartPhoneVerification>(),
    procedure::<app_bsky_contact::verify_phone::VerifyPhone>(),
    procedure::<app_bsky_draft::create_draft::CreateDraft>(),
    procedure::<app_bsky_draft::delete_draft::DeleteDraft>(),
    query::<app_bsky_draft::get_drafts::GetDrafts>(),
    procedure::<app_bsky_draft::update_draft::UpdateDraft>(),
    query::<app_bsky_embed::get_embed_external_view::GetEmbedExternalView>(),
    query::<app_bsky_feed::own_feeds::DescribeFeedGenerator>(),
    query::<app_bsky_feed::own_feeds::GetFeedSkeleton>(),
    query::<app_bsky_feed::get_actor_feeds::GetActorFeeds>(),
    query::<app_bsky_feed::get_actor_likes::GetActorLikes>(),
    query::<app_bsky_feed::get_author_feed::GetAuthorFeed>(),
    query::<app_bsky_feed::get_feed::GetFeed>(),
    query::<app_bsky_feed::get_feed_generator::GetFeedGenerator>(),
    query::<app_bsky_feed::get_feed_generators::GetFeedGenerators>(),
    query::<app_bsky_feed::get_likes::GetLikes>(),
    query::<app_bsky_feed::get_list_feed::GetListFeed>(),
    query::<app_bsky_feed::get_post_thread::GetPostThread>(),
    query::<app_bsky_feed::get_posts::GetPosts>(),
    query::<app_bsky_feed::get_quotes::GetQuotes>(),
    query::<app_bsky_feed::get_reposted_by::GetRepostedBy>(),
    query::<app_bsky_feed::get_suggested_feeds::GetSuggestedFeeds>(),
    query::<app_bsky_feed::get_timeline::GetTimeline>(),
    query::<app_bsky_feed::search_posts::SearchPosts>(),
    query::<app_bsky_feed::search_posts_v2::SearchPostsV2>(),
    query::<app_bsky_graph::get_actor_starter_packs::GetActorStarterPacks>(),
    query::<app_bsky_graph::get_blocks::GetBlocks>(),
    query::<app_bsky_graph::get_followers::GetFollowers>(),
    query::<app_bsky_graph::get_follows::GetFollows>(),
    query::<app_bsky_graph::get_known_followers::GetKnownFollowers>(),
    query::<app_bsky_graph::get_list::GetList>(),
    query::<app_bsky_graph::get_list_blocks::GetListBlocks>(),
    query::<app_bsky_graph::get_list_mutes::GetListMutes>(),
    query::<app_bsky_graph::get_lists::GetLists>(),
    query::<app_bsky_graph::get_lists_with_membership::GetListsWithMembership>(),
    query::<app_bsky_graph::get_mutes::GetMutes>(),
    query::<app_bsky_graph::get_relationships::GetRelationships>(),
    query::<app_bsky_graph::get_starter_pack::GetStarterPack>(),
    query::<app_bsky_graph::get_starter_packs::GetStarterPacks>(),
    query::<app_bsky_graph::get_starter_packs_with_membership::GetStarterPacksWithMembership>(),
    query::<app_bsky_graph::get_suggested_follows_by_actor::GetSuggestedFollowsByActor>(),
    procedure::<app_bsky_graph::mute_actor::MuteActor>(),
    procedure::<app_bsky_graph::mute_actor_list::MuteActorList>(),
    procedure::<app_bsky_graph::mute_thread::MuteThread>(),
    query::<app_bsky_graph::search_starter_packs::SearchStarterPacks>(),
    query::<app_bsky_graph::search_starter_packs_v2::SearchStarterPacksV2>(),
    procedure::<app_bsky_graph::unmute_actor::UnmuteActor>(),
    procedure::<app_bsky_graph::unmute_actor_list::UnmuteActorList>(),
    procedure::<app_bsky_graph::unmute_thread::UnmuteThread>(),
    query::<app_bsky_labeler::get_services::GetServices>(),
    query::<app_bsky_notification::get_preferences::GetPreferences>(),
    query::<app_bsky_notification::get_unread_count::GetUnreadCount>(),
    query::<app_bsky_notification::list_activity_subscriptions::ListActivitySubscriptions>(),
    query::<app_bsky_notification::list_notifications::ListNotifications>(),
    procedure::<app_bsky_notification::put_activity_subscription::PutActivitySubscription>(),
    procedure::<app_bsky_notification::put_preferences::PutPreferences>(),
    procedure::<app_bsky_notification::put_preferences_v2::PutPreferencesV2>(),
    procedure::<app_bsky_notification::register_push::RegisterPush>(),
    procedure::<app_bsky_notification::unregister_push::UnregisterPush>(),
    procedure::<app_bsky_notification::update_seen::UpdateSeen>(),
    query::<app_bsky_unspecced::get_age_assurance_state::GetAgeAssuranceState>(),
    query::<app_bsky_unspecced::get_config::GetConfig>(),
    query::<app_bsky_unspecced::get_onboarding_suggested_starter_packs::GetOnboardingSuggestedStarterPacks>(),
    query::<app_bsky_unspecced::get_popular_feed_generators::GetPopularFeedGenerators>(),
    query::<app_bsky_unspecced::get_post_thread_other_v2::GetPostThreadOtherV2>(),
    query::<app_bsky_unspecced::get_post_thread_v2::GetPostThreadV2>(),
    query::<app_bsky_unspecced::get_suggested_feeds::GetSuggestedFeeds>(),
    query::<app_bsky_unspecced::get_suggested_onboarding_users::GetSuggestedOnboardingUsers>(),
    query::<app_bsky_unspecced::get_suggested_starter_packs::GetSuggestedStarterPacks>(),
    query::<app_bsky_unspecced::get_suggested_users::GetSuggestedUsers>(),
    query::<app_bsky_unspecced::get_suggested_users_for_discover::GetSuggestedUsersForDiscover>(),
    query::<app_bsky_unspecced::get_suggested_users_for_explore::GetSuggestedUsersForExplore>(),
    query::<app_bsky_unspecced::get_suggested_users_for_see_more::GetSuggestedUsersForSeeMore>(),
    query::<app_bsky_unspecced::get_tagged_suggestions::GetTaggedSuggestions>(),
    query::<app_bsky_unspecced::get_trending_topics::GetTrendingTopics>(),
    query::<app_bsky_unspecced::get_trends::GetTrends>(),
    procedure::<app_bsky_unspecced::init_age_assurance::InitAgeAssurance>(),
    query::<com_atproto_admin::get_account_infos::GetAccountInfos>(),
    query::<com_atproto_admin::get_subject_status::GetSubjectStatus>(),
    procedure::<com_atproto_admin::update_subject_status::UpdateSubjectStatus>(),
    query::<com_atproto_identity::resolve_handle::ResolveHandle>(),
    query::<com_atproto_label::query_labels::QueryLabels>(),
    subscription::<com_atproto_label::subscribe_labels::SubscribeLabels>(),
    query::<com_atproto_repo::get_record::GetRecord>(),
    query::<com_atproto_temp::fetch_labels::FetchLabels>(),
];

/// The methods by NSID, as one listener serves them.
struct Methods {
    api: Arc<Api>,
    by_nsid: HashMap<&'static str, (Route, Handler)>,
}

pub(crate) fn router(api: Arc<Api>) -> Router {
    let methods = Arc::new(Methods { api, by_nsid: by_nsid() });
    Router::new().route("/xrpc/{*nsid}", any(dispatch)).with_state(methods)
}

fn by_nsid() -> HashMap<&'static str, (Route, Handler)> {
    let route = |nsid: &str| ROUTES.iter().find(|route| route.nsid() == Some(nsid));
    let served = HANDLERS.iter().map(|(nsid, handler)| {
        let route = route(nsid).expect("invariant: every method stands in the table of routes");
        (*nsid, (*route, *handler))
    });
    served.collect()
}

async fn dispatch(State(methods): State<Arc<Methods>>, request: Request) -> Response {
    let answer =
        find(&methods, &request).map(|(route, handler)| handler(&methods.api, route, request));
    match answer {
        Ok(answer) => answer.await,
        Err(error) => error.into_response(),
    }
}

/// The method a request means.
fn find(methods: &Methods, request: &Request) -> Result<(Route, Handler), XrpcError> {
    let nsid = request.uri().path().strip_prefix("/xrpc/").unwrap_or_default();
    let Some((route, handler)) = methods.by_nsid.get(nsid) else {
        Nsid::parse(nsid).map_err(|_| XrpcError::invalid("invalid xrpc path"))?;
        return Err(XrpcError::MethodNotImplemented);
    };
    let (verb, expected) = (request.method().as_str(), route.verb.as_str());
    if verb != expected && !(verb == "HEAD" && expected == "GET") {
        return Err(XrpcError::invalid(format!(
            "Incorrect HTTP method ({verb}) expected {expected}"
        )));
    }
    Ok((*route, *handler))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Access;

    #[test]
    fn every_method_of_the_table_is_served_and_no_other() {
        let ours = ROUTES.iter().filter(|route| route.access != Access::Acting);
        let mut in_table: Vec<&str> = ours.filter_map(Route::nsid).collect();
        let mut served: Vec<&str> = by_nsid().into_keys().collect();
        in_table.sort_unstable();
        served.sort_unstable();
        assert_eq!(served, in_table);
        assert_eq!(served.len(), HANDLERS.len());
    }
}
