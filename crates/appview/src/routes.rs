//! Who may call what: the one table of public routes. The router serves what stands here and
//! nothing else, a test walks the table as every role, and the reference page is made from it.

/// The HTTP verb of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; credentials are not looked at.
    Anyone,
    /// Everybody; credentials, when given, must be right.
    Optional,
    /// As `Optional`; a token may also be for the feed generator that the method asks on the
    /// caller's behalf.
    OptionalForFeed,
    /// An account: by a service token of its PDS, by a page of ours in its browser, or by the token of a program
    /// with the scope `read`, or `write` where the verb is POST.
    User,
    /// An account that signed in here, by a page of ours in its browser, or by the token of a program with the scope
    /// `read`, or `write` where the verb is POST.
    Person,
    /// An account that signed in here, by a page of ours in its browser.
    SignedIn,
    /// The same, or by the token of a program with the scope `post`: the account's own PDS is asked.
    Acting,
    /// The operator, or the moderation service by a service token of its own.
    Moderation,
    /// The operator: the admin token, or Basic `admin:<password>`.
    Operator,
}

/// As whom a request may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Without credentials.
    Anonymous,
    /// An account, by a service token of its PDS.
    User,
    /// An account, by a token for another method …
    OtherMethod,
    /// … or for another service …
    OtherService,
    /// … or one that has expired.
    Expired,
    /// An account that signed in here, by a page of ours in its browser …
    SignedIn,
    /// … or with its cookie, sent from another site's page.
    OtherSite,
    /// A program of an account, by a token with the scope `read` …
    Reader,
    /// … `write` …
    Writer,
    /// … `post` …
    Poster,
    /// … or with one that was revoked or has expired.
    EndedToken,
    /// The moderation service, by a service token of its own.
    ModerationService,
    OperatorByPassword,
    OperatorByToken,
}

impl Role {
    pub const ALL: [Self; 14] = [
        Self::Anonymous,
        Self::User,
        Self::OtherMethod,
        Self::OtherService,
        Self::Expired,
        Self::SignedIn,
        Self::OtherSite,
        Self::Reader,
        Self::Writer,
        Self::Poster,
        Self::EndedToken,
        Self::ModerationService,
        Self::OperatorByPassword,
        Self::OperatorByToken,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::OtherMethod => "token for another method",
            Self::OtherService => "token for another service",
            Self::Expired => "expired token",
            Self::SignedIn => "signed in",
            Self::OtherSite => "signed in, from another site",
            Self::Reader => "program, `read`",
            Self::Writer => "program, `write`",
            Self::Poster => "program, `post`",
            Self::EndedToken => "program, ended token",
            Self::ModerationService => "moderation service",
            Self::OperatorByPassword => "operator by password",
            Self::OperatorByToken => "operator by token",
        }
    }
}

/// When the answer carries `Atproto-Repo-Rev`, the revision of the viewer's repository up to
/// which its records are visible here. A PDS adds to the answer what its user wrote since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoRev {
    Never,
    OnAnswers,
    /// Also on errors: a thread not found may be one the user has just begun.
    OnErrorsToo,
}

/// A public route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub verb: Verb,
    pub path: &'static str,
    pub access: Access,
    pub repo_rev: RepoRev,
    /// The answer is made of views that labelers may label: the labeler headers apply.
    pub labels: bool,
}

impl Route {
    const fn get(path: &'static str, access: Access) -> Self {
        Self { verb: Verb::Get, path, access, repo_rev: RepoRev::Never, labels: false }
    }

    const fn post(path: &'static str, access: Access) -> Self {
        Self { verb: Verb::Post, ..Self::get(path, access) }
    }

    const fn patch(path: &'static str, access: Access) -> Self {
        Self { verb: Verb::Patch, ..Self::get(path, access) }
    }

    const fn delete(path: &'static str, access: Access) -> Self {
        Self { verb: Verb::Delete, ..Self::get(path, access) }
    }

    const fn labelled(self) -> Self {
        Self { labels: true, ..self }
    }

    const fn with_rev(self, repo_rev: RepoRev) -> Self {
        Self { repo_rev, ..self }
    }

    /// Whether who comes as this role is let in; else the answer is 401, or 403 to a program whose token is good
    /// for something else.
    pub fn admits(&self, role: Role) -> bool {
        use Role::{
            Anonymous, ModerationService, OperatorByPassword, OperatorByToken, OtherService,
            OtherSite, Poster, SignedIn, User,
        };
        let scoped = match self.verb {
            Verb::Get => Role::Reader,
            Verb::Post | Verb::Patch | Verb::Delete => Role::Writer,
        };
        let is_account = matches!(role, User | SignedIn | ModerationService) || role == scoped;
        // A cookie that another site's page had a browser send is nobody's.
        let is_nobody = matches!(role, Anonymous | OtherSite);
        match self.access {
            Access::Anyone => true,
            Access::Optional => is_account || is_nobody || role == OperatorByPassword,
            Access::OptionalForFeed => {
                let like = Self { access: Access::Optional, ..*self };
                role == OtherService || like.admits(role)
            }
            Access::User => is_account,
            Access::Person => role == SignedIn || role == scoped,
            Access::SignedIn => role == SignedIn,
            Access::Acting => matches!(role, SignedIn | Poster),
            Access::Moderation => {
                matches!(role, ModerationService | OperatorByPassword | OperatorByToken)
            }
            Access::Operator => matches!(role, OperatorByPassword | OperatorByToken),
        }
    }

    /// The method's NSID, if this is one.
    pub fn nsid(&self) -> Option<&'static str> {
        self.path.strip_prefix("/xrpc/").filter(|name| name.contains('.'))
    }
}

use Access::{
    Acting, Anyone, Moderation, Operator, Optional, OptionalForFeed, Person, SignedIn, User,
};
use RepoRev::{OnAnswers, OnErrorsToo};

/// The route of a path.
pub(crate) fn of(verb: Verb, path: &str) -> Route {
    let of_path = ROUTES.iter().find(|route| route.verb == verb && route.path == path);
    *of_path.expect("invariant: every route stands in the table")
}

/// Every public route.
pub const ROUTES: &[Route] = &[
    Route::get("/", Anyone),
    Route::get("/robots.txt", Anyone),
    Route::get("/health", Anyone),
    Route::get("/ready", Anyone),
    Route::get("/xrpc/_health", Anyone),
    Route::get("/.well-known/did.json", Anyone),
    Route::get("/img/{preset}/plain/{did}/{image}", Anyone),
    Route::get("/xrpc/app.bsky.actor.getProfile", Optional).labelled().with_rev(OnAnswers),
    Route::get("/xrpc/app.bsky.actor.getProfiles", Optional).labelled().with_rev(OnAnswers),
    Route::get("/xrpc/app.bsky.actor.getSuggestions", Optional).labelled(),
    Route::get("/xrpc/app.bsky.actor.searchActors", Optional).labelled(),
    Route::get("/xrpc/app.bsky.actor.searchActorsTypeahead", Optional).labelled(),
    Route::post("/xrpc/app.bsky.ageassurance.begin", User),
    Route::get("/xrpc/app.bsky.ageassurance.getConfig", Optional),
    Route::get("/xrpc/app.bsky.ageassurance.getState", User),
    Route::post("/xrpc/app.bsky.bookmark.createBookmark", User),
    Route::post("/xrpc/app.bsky.bookmark.deleteBookmark", User),
    Route::get("/xrpc/app.bsky.bookmark.getBookmarks", User).labelled(),
    Route::post("/xrpc/app.bsky.contact.dismissMatch", User),
    Route::get("/xrpc/app.bsky.contact.getMatches", User).labelled(),
    Route::get("/xrpc/app.bsky.contact.getSyncStatus", User),
    Route::post("/xrpc/app.bsky.contact.importContacts", User).labelled(),
    Route::post("/xrpc/app.bsky.contact.removeData", User),
    Route::post("/xrpc/app.bsky.contact.sendNotification", Operator),
    Route::post("/xrpc/app.bsky.contact.startPhoneVerification", User),
    Route::post("/xrpc/app.bsky.contact.verifyPhone", User),
    Route::post("/xrpc/app.bsky.draft.createDraft", User),
    Route::post("/xrpc/app.bsky.draft.deleteDraft", User),
    Route::get("/xrpc/app.bsky.draft.getDrafts", User),
    Route::post("/xrpc/app.bsky.draft.updateDraft", User),
    Route::get("/xrpc/app.bsky.embed.getEmbedExternalView", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.describeFeedGenerator", Anyone),
    Route::get("/xrpc/app.bsky.feed.getFeedSkeleton", User),
    Route::get("/xrpc/app.bsky.feed.getActorFeeds", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getActorLikes", Optional).labelled().with_rev(OnAnswers),
    Route::get("/xrpc/app.bsky.feed.getAuthorFeed", Optional).labelled().with_rev(OnAnswers),
    Route::get("/xrpc/app.bsky.feed.getFeed", OptionalForFeed).labelled(),
    Route::get("/xrpc/app.bsky.feed.getFeedGenerator", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getFeedGenerators", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getLikes", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getListFeed", Optional).labelled().with_rev(OnAnswers),
    Route::get("/xrpc/app.bsky.feed.getPostThread", Optional).labelled().with_rev(OnErrorsToo),
    Route::get("/xrpc/app.bsky.feed.getPosts", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getQuotes", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getRepostedBy", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getSuggestedFeeds", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.searchPosts", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.searchPostsV2", Optional).labelled(),
    Route::get("/xrpc/app.bsky.feed.getTimeline", User).labelled().with_rev(OnAnswers),
    Route::get("/xrpc/app.bsky.graph.getActorStarterPacks", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getBlocks", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getFollowers", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getFollows", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getKnownFollowers", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getList", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getListBlocks", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getListMutes", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getLists", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getListsWithMembership", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getMutes", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getRelationships", Anyone),
    Route::get("/xrpc/app.bsky.graph.getStarterPack", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getStarterPacks", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.getStarterPacksWithMembership", User).labelled(),
    Route::get("/xrpc/app.bsky.graph.getSuggestedFollowsByActor", Optional).labelled(),
    Route::post("/xrpc/app.bsky.graph.muteActor", User),
    Route::post("/xrpc/app.bsky.graph.muteActorList", User),
    Route::post("/xrpc/app.bsky.graph.muteThread", User),
    Route::get("/xrpc/app.bsky.graph.searchStarterPacks", Optional).labelled(),
    Route::get("/xrpc/app.bsky.graph.searchStarterPacksV2", Optional).labelled(),
    Route::post("/xrpc/app.bsky.graph.unmuteActor", User),
    Route::post("/xrpc/app.bsky.graph.unmuteActorList", User),
    Route::post("/xrpc/app.bsky.graph.unmuteThread", User),
    Route::get("/xrpc/app.bsky.labeler.getServices", Optional).labelled(),
    Route::get("/xrpc/app.bsky.notification.getPreferences", User),
    Route::get("/xrpc/app.bsky.notification.getUnreadCount", User),
    Route::get("/xrpc/app.bsky.notification.listActivitySubscriptions", User).labelled(),
    Route::get("/xrpc/app.bsky.notification.listNotifications", User).labelled(),
    Route::post("/xrpc/app.bsky.notification.putActivitySubscription", User),
    Route::post("/xrpc/app.bsky.notification.putPreferences", User),
    Route::post("/xrpc/app.bsky.notification.putPreferencesV2", User),
    Route::post("/xrpc/app.bsky.notification.registerPush", User),
    Route::post("/xrpc/app.bsky.notification.unregisterPush", User),
    Route::post("/xrpc/app.bsky.notification.updateSeen", User),
    Route::get("/xrpc/app.bsky.unspecced.getAgeAssuranceState", User),
    Route::get("/xrpc/app.bsky.unspecced.getConfig", Anyone),
    Route::get("/xrpc/app.bsky.unspecced.getOnboardingSuggestedStarterPacks", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getPopularFeedGenerators", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getPostThreadOtherV2", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getPostThreadV2", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedFeeds", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedOnboardingUsers", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedStarterPacks", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedUsers", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedUsersForDiscover", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedUsersForExplore", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getSuggestedUsersForSeeMore", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getTaggedSuggestions", Anyone).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getTrendingTopics", Optional).labelled(),
    Route::get("/xrpc/app.bsky.unspecced.getTrends", Optional).labelled(),
    Route::post("/xrpc/app.bsky.unspecced.initAgeAssurance", User),
    Route::get("/xrpc/com.atproto.admin.getAccountInfos", Optional),
    Route::get("/xrpc/com.atproto.admin.getSubjectStatus", Moderation),
    Route::post("/xrpc/com.atproto.admin.updateSubjectStatus", Moderation),
    Route::get("/xrpc/com.atproto.identity.resolveHandle", Anyone),
    Route::get("/xrpc/com.atproto.label.queryLabels", Anyone),
    Route::get("/xrpc/com.atproto.label.subscribeLabels", Anyone),
    Route::get("/xrpc/com.atproto.repo.getRecord", Optional),
    Route::get("/xrpc/com.atproto.temp.fetchLabels", Anyone),
    Route::get("/xrpc/app.bsky.actor.getPreferences", Acting),
    Route::post("/xrpc/app.bsky.actor.putPreferences", Acting),
    Route::post("/xrpc/com.atproto.moderation.createReport", Acting),
    Route::post("/xrpc/com.atproto.repo.applyWrites", Acting),
    Route::post("/xrpc/com.atproto.repo.createRecord", Acting),
    Route::post("/xrpc/com.atproto.repo.deleteRecord", Acting),
    Route::post("/xrpc/com.atproto.repo.putRecord", Acting),
    Route::post("/xrpc/com.atproto.repo.uploadBlob", Acting),
    Route::get("/api/v1/posts", Person).labelled(),
    Route::post("/api/v1/posts", Acting),
    Route::get("/api/v1/posts/{uri}", Person),
    Route::patch("/api/v1/posts/{uri}", Acting),
    Route::delete("/api/v1/posts/{uri}", Acting),
    Route::post("/api/v1/media", Acting),
    Route::get("/api/v1/openapi.json", Anyone),
    Route::post("/api/v1/feed/seen", Person),
    Route::get("/api/v1/notifications", Person).labelled(),
    Route::get("/api/v1/notifications/unread", Person),
    Route::get("/api/v1/push", Person),
    Route::post("/api/v1/push", Person),
    Route::delete("/api/v1/push", Person),
    Route::get("/oauth/client-metadata.json", Anyone),
    Route::get("/oauth/jwks.json", Anyone),
    Route::get("/oauth/callback", Anyone),
    Route::get("/api/v1/session", Anyone),
    Route::post("/api/v1/session/sign-in", Anyone),
    Route::post("/api/v1/session/app-password", Anyone),
    Route::get("/api/v1/session/live", SignedIn),
    Route::get("/api/v1/session/browsers", SignedIn),
    Route::post("/api/v1/session/sign-out", SignedIn),
    Route::get("/api/v1/session/data", SignedIn),
    Route::post("/api/v1/session/erase", SignedIn),
    Route::get("/api/v1/session/tokens", SignedIn),
    Route::post("/api/v1/session/tokens/make", SignedIn),
    Route::post("/api/v1/session/tokens/{id}/revoke", SignedIn),
    Route::get("/api/v1/admin/overview", Operator),
    Route::get("/api/v1/admin/feeds", Operator),
    Route::get("/api/v1/admin/sources", Operator),
    Route::get("/api/v1/admin/hosts", Operator),
    Route::get("/api/v1/admin/accounts/{did}", Operator),
    Route::post("/api/v1/admin/accounts/{did}/resync", Operator),
    Route::get("/api/v1/admin/backfills", Operator),
    Route::post("/api/v1/admin/backfills/begin", Operator),
    Route::post("/api/v1/admin/backfills/{id}/pause", Operator),
    Route::post("/api/v1/admin/backfills/{id}/resume", Operator),
    Route::post("/api/v1/admin/backfills/{id}/cancel", Operator),
    Route::get("/api/v1/admin/parked", Operator),
    Route::post("/api/v1/admin/parked/retry", Operator),
    Route::get("/api/v1/admin/parked/{id}", Operator),
    Route::post("/api/v1/admin/parked/{id}/retry", Operator),
    Route::post("/api/v1/admin/parked/{id}/discard", Operator),
    Route::post("/api/v1/admin/parked/{id}/resolve", Operator),
    Route::get("/api/v1/admin/rejected", Operator),
    Route::get("/api/v1/admin/labels", Operator),
    Route::post("/api/v1/admin/labels/issue", Operator),
    Route::get("/api/v1/admin/curated/{list}", Operator),
    Route::post("/api/v1/admin/curated/{list}/add", Operator),
    Route::post("/api/v1/admin/curated/{list}/remove", Operator),
    Route::get("/api/v1/admin/sessions", Operator),
    Route::post("/api/v1/admin/sessions/end", Operator),
    Route::get("/api/v1/admin/tokens", Operator),
    Route::post("/api/v1/admin/tokens/end", Operator),
    Route::get("/api/v1/admin/takedowns", Operator),
    Route::post("/api/v1/admin/takedowns/apply", Operator),
    Route::post("/api/v1/admin/takedowns/lift", Operator),
    Route::get("/dashboard", Anyone),
    Route::get("/dashboard/", Anyone),
    Route::get("/dashboard/{*path}", Anyone),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_unique_and_revisions_belong_to_methods_that_know_a_viewer() {
        let mut paths: Vec<(&str, &str)> =
            ROUTES.iter().map(|route| (route.path, route.verb.as_str())).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), ROUTES.len());
        for route in ROUTES {
            let knows_viewer = matches!(route.access, Optional | OptionalForFeed | User);
            assert!(route.repo_rev == RepoRev::Never || knows_viewer, "{}", route.path);
        }
    }
}
