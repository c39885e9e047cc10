//! The table of routes, walked whole as every role.

use millrace_appview::routes::{Access, ROUTES, RepoRev, Role, Route, Verb};
use millrace_atproto::jwt::Claims;
use parking_lot::Mutex;
use serde_json::json;

use crate::feed_server::FeedServer;
use crate::pds::{APP_PASSWORD, Pds};
use crate::people::{blob_cid, did};
use crate::sign_in::Alice;
use crate::world::{
    ADMIN_TOKEN, Answer, MODERATION_DID, PASSWORD, SERVICE_DID, World, near_and_far,
};

near_and_far!(
    every_route_as_every_role,
    every_route_refuses_other_verbs,
    every_body_is_bounded_in_bytes_and_depth,
);

/// Records that requests name, by URI.
pub struct Known {
    post: String,
    list: String,
    starter_pack: String,
    feed: String,
    /// A home, as this service offers it.
    own_feed: String,
    /// Numbers of parked entries that nothing was done to yet.
    parked: Mutex<Vec<i64>>,
}

/// Alice, signed in, and her programs.
struct Signed {
    alice: Alice,
    reader: String,
    writer: String,
    poster: String,
    ended: String,
}

impl Signed {
    async fn in_to(world: &World) -> Self {
        let pds = Pds::start(world, "alice").await;
        let alice = Alice::signs_in(world, &pds).await;
        let token = async |scope: &str| alice.token(world, &[scope]).await;
        let (reader, writer) = (token("read").await, token("write").await);
        let poster = token("post").await;
        let (ended, id) = alice.token_and_id(world, &["read"]).await;
        alice.revokes(world, &id).await;
        Self { alice, reader, writer, poster, ended }
    }
}

impl Known {
    pub async fn of(world: &World, feeds: &FeedServer) -> Self {
        let alice = world.actor("alice");
        let feed = alice.offers_feed(&feeds.did, "a feed").uri;
        let list = alice.makes_list("curatelist", "friends");
        let starter_pack = alice.makes_starter_pack("start here", &list, &[]).uri;
        let post = alice.posts("hello").uri;
        world.poison(Role::ALL.len() * 4).await;
        let parked = (1..=i64::try_from(Role::ALL.len() * 4).unwrap()).collect();
        let own_feed = format!("at://{}/app.bsky.feed.generator/home", did("publisher"));
        Self { post, list: list.uri, starter_pack, feed, own_feed, parked: Mutex::new(parked) }
    }
}

impl Known {
    /// A path with its blanks filled in; every entry is used once, for one may be discarded once.
    fn filled(&self, path: &str) -> String {
        if !path.contains('{') {
            return path.to_owned();
        }
        let id = if path.contains("/parked/{id}") { self.parked.lock().pop().unwrap() } else { 0 };
        path.replace("{did}", did("alice").as_str())
            .replace("{id}", &id.to_string())
            .replace("{uri}", &self.post.replace('/', "%2F"))
            .replace("{list}", "people")
            .replace("{preset}", "avatar")
            .replace("{image}", &blob_cid("seen"))
            .replace("{*path}", "profile/alice.test")
    }
}

/// Labels are signed with a key, which this service does not have.
const ISSUE: &str = "/api/v1/admin/labels/issue";

/// Entries of the log do not stay once they are settled.
const RESOLVE: &str = "/api/v1/admin/parked/{id}/resolve";

const POSTS: &str = "/api/v1/posts";
const MEDIA: &str = "/api/v1/media";

const FOLLOW: &str = "com.atproto.label.subscribeLabels";

/// Methods that say there is no such service: who pushes, who finds contacts, who verifies ages.
fn needs_another_service(nsid: &str) -> bool {
    nsid.starts_with("app.bsky.contact.")
        || [
            "app.bsky.notification.registerPush",
            "app.bsky.ageassurance.begin",
            "app.bsky.unspecced.initAgeAssurance",
        ]
        .contains(&nsid)
}

/// The name of a draft that is not there.
const DRAFT: &str = "3jzfcijpj2z2a";

/// A request that is right in all but its caller.
pub fn request(world: &World, route: &Route, known: &Known) -> reqwest::RequestBuilder {
    let post = known.post.as_str();
    let request = world.request(route.verb.as_str(), &known.filled(route.path));
    if route.path.starts_with("/api/v1/admin/curated/") && route.verb == Verb::Post {
        return request.json(&json!({ "subjects": [did("alice")] }));
    }
    if route.path == RESOLVE {
        return request.json(&json!({ "note": "by hand" }));
    }
    if route.path == ISSUE {
        let label = json!({ "uri": did("alice"), "val": "spam" });
        return request.json(&json!({ "labels": [label] }));
    }
    if route.path == "/api/v1/feed/seen" {
        return request.json(&json!({ "uris": [known.post] }));
    }
    if route.path == PUSH && route.verb != Verb::Get {
        let mut browser = json!({ "endpoint": "https://push.example.com/a" });
        if route.verb == Verb::Post {
            browser["keys"] = json!({ "p256dh": "a", "auth": "b" });
        }
        return request.json(&browser);
    }
    if route.path == MEDIA {
        let image = include_bytes!("../../../../tests/it/posting.png").to_vec();
        return request.header("content-type", "image/png").body(image);
    }
    if (route.path, route.verb) == (POSTS, Verb::Post) {
        return request.json(&json!({ "content": "hello", "visibility": "PRIVATE" }));
    }
    if route.verb == Verb::Patch {
        return request.json(&json!({ "content": "hello again" }));
    }
    if route.path == "/api/v1/admin/backfills/begin" {
        return request.json(&json!({ "kind": "dids", "dids": [did("alice")] }));
    }
    if ["/api/v1/admin/sessions/end", "/api/v1/admin/tokens/end"].contains(&route.path) {
        return request.json(&json!({ "did": did("erin") }));
    }
    if route.path.starts_with("/api/v1/admin/takedowns/") {
        let subject = json!({ "kind": "account", "did": did("erin") });
        return request.json(&json!({ "subject": subject }));
    }
    match route.path {
        "/api/v1/session/tokens/make" => {
            return request.json(&json!({ "name": "a program", "scopes": ["read"] }));
        }
        // Not her own, or everything that comes after would find her signed out.
        ERASE => return request.json(&json!({ "did": did("bob") })),
        "/api/v1/session/sign-in" => return request.json(&json!({ "identifier": did("alice") })),
        "/api/v1/session/app-password" => {
            let body = json!({ "identifier": did("alice"), "password": APP_PASSWORD });
            return request.json(&body);
        }
        _ if route.access == Access::Acting && route.verb == Verb::Post => {
            return request.json(&json!({}));
        }
        _ => {}
    }
    let alice = did("alice");
    let params: Vec<(&str, &str)> = match route.nsid() {
        Some("app.bsky.actor.getProfiles") => vec![("actors", alice.as_str())],
        Some("app.bsky.feed.getPosts") => vec![("uris", post)],
        Some("app.bsky.labeler.getServices") => vec![("dids", alice.as_str())],
        Some(
            "app.bsky.feed.getLikes"
            | "app.bsky.feed.getPostThread"
            | "app.bsky.feed.getQuotes"
            | "app.bsky.feed.getRepostedBy",
        ) => vec![("uri", post)],
        Some("app.bsky.feed.getFeed" | "app.bsky.feed.getFeedGenerator") => {
            vec![("feed", known.feed.as_str())]
        }
        Some("app.bsky.feed.getFeedSkeleton") => vec![("feed", known.own_feed.as_str())],
        Some("app.bsky.feed.getFeedGenerators") => vec![("feeds", known.feed.as_str())],
        Some("app.bsky.feed.getListFeed") => vec![("list", known.list.as_str())],
        Some("app.bsky.ageassurance.begin" | "app.bsky.unspecced.initAgeAssurance") => {
            let body = json!({ "email": "a@example.com", "language": "en", "countryCode": "NO" });
            return request.json(&body);
        }
        Some("app.bsky.ageassurance.getState") => vec![("countryCode", "NO")],
        Some(nsid) if nsid.starts_with("app.bsky.contact.") && route.verb == Verb::Post => {
            return request.json(&json!({
                "subject": did("bob"), "token": "t", "contacts": ["1"], "phone": "1", "code": "1",
                "from": did("alice"), "to": did("bob"),
            }));
        }
        Some("app.bsky.embed.getEmbedExternalView") => {
            vec![("url", "https://news.example/"), ("uris", post)]
        }
        Some(nsid) if nsid.starts_with("app.bsky.unspecced.") => vec![("anchor", post)],
        Some("app.bsky.graph.searchStarterPacks" | "app.bsky.graph.searchStarterPacksV2") => {
            vec![("q", "here")]
        }
        Some("app.bsky.feed.searchPosts") => vec![("q", "hello")],
        Some("app.bsky.feed.searchPostsV2") => vec![("query", "hello")],
        Some("com.atproto.identity.resolveHandle") => vec![("handle", "alice.test")],
        Some("com.atproto.repo.getRecord") => {
            vec![
                ("repo", "alice.test"),
                ("collection", "app.bsky.feed.post"),
                ("rkey", post.rsplit('/').next().unwrap()),
            ]
        }
        Some("app.bsky.notification.updateSeen") => {
            return request.json(&json!({ "seenAt": "2026-01-01T00:00:00Z" }));
        }
        Some("app.bsky.bookmark.createBookmark" | "app.bsky.bookmark.deleteBookmark") => {
            return request.json(&json!({ "uri": post, "cid": blob_cid("seen") }));
        }
        Some("app.bsky.bookmark.getBookmarks") => vec![],
        Some("app.bsky.notification.putActivitySubscription") => {
            let subscription = json!({ "post": true, "reply": false });
            let body = json!({ "subject": did("bob"), "activitySubscription": subscription });
            return request.json(&body);
        }
        Some("app.bsky.notification.registerPush" | "app.bsky.notification.unregisterPush") => {
            return request.json(&json!({
                "serviceDid": SERVICE_DID, "token": "t", "platform": "web", "appId": "a",
            }));
        }
        Some("app.bsky.notification.putPreferences") => {
            return request.json(&json!({ "priority": false }));
        }
        Some("app.bsky.notification.putPreferencesV2") => return request.json(&json!({})),
        Some("app.bsky.draft.createDraft") => {
            return request.json(&json!({ "draft": { "posts": [{ "text": "x" }] } }));
        }
        Some("app.bsky.draft.updateDraft") => {
            let draft = json!({ "posts": [{ "text": "x" }] });
            return request.json(&json!({ "draft": { "id": DRAFT, "draft": draft } }));
        }
        Some("app.bsky.draft.deleteDraft") => return request.json(&json!({ "id": DRAFT })),
        Some("app.bsky.draft.getDrafts") => vec![],
        Some("app.bsky.graph.muteActor" | "app.bsky.graph.unmuteActor") => {
            return request.json(&json!({ "actor": did("bob") }));
        }
        Some("app.bsky.graph.muteActorList" | "app.bsky.graph.unmuteActorList") => {
            return request.json(&json!({ "list": known.list }));
        }
        Some("app.bsky.graph.muteThread" | "app.bsky.graph.unmuteThread") => {
            return request.json(&json!({ "root": post }));
        }
        Some("app.bsky.graph.getList") => vec![("list", known.list.as_str())],
        Some("app.bsky.graph.getStarterPack") => {
            vec![("starterPack", known.starter_pack.as_str())]
        }
        Some("app.bsky.graph.getStarterPacks") => vec![("uris", known.starter_pack.as_str())],
        Some("com.atproto.admin.getAccountInfos") => vec![("dids", alice.as_str())],
        Some("com.atproto.admin.getSubjectStatus") => vec![("did", alice.as_str())],
        Some("com.atproto.admin.updateSubjectStatus") => {
            let subject = json!({ "$type": "com.atproto.admin.defs#repoRef", "did": did("bob") });
            return request.json(&json!({ "subject": subject, "takedown": { "applied": false } }));
        }
        Some("com.atproto.label.queryLabels") => vec![("uriPatterns", alice.as_str())],
        Some(nsid) if nsid.starts_with("app.bsky.notification.") => vec![],
        Some(_) => vec![("actor", alice.as_str())],
        None => vec![],
    };
    request.query(&params)
}

async fn call(world: &World, route: &Route, role: Role, known: &Known, signed: &Signed) -> Answer {
    let request = match (route.path, role) {
        // A token is revoked once.
        (REVOKE, Role::SignedIn) => {
            let (_, id) = signed.alice.token_and_id(world, &["read"]).await;
            world.request("POST", &REVOKE.replace("{id}", &id))
        }
        _ => request(world, route, known),
    };
    let nsid = route.nsid().unwrap_or("com.example.none");
    let changed = |change: &dyn Fn(&mut Claims)| world.token_with("alice", nsid, |c| change(c));
    let request = match role {
        Role::Anonymous => request,
        Role::User => request.bearer_auth(world.token("alice", nsid)),
        Role::OtherMethod => request.bearer_auth(world.token("alice", "com.example.other")),
        Role::OtherService => {
            request.bearer_auth(changed(&|claims| claims.aud = "did:web:other.test".to_owned()))
        }
        Role::Expired => request.bearer_auth(changed(&|claims| claims.exp = 1)),
        Role::ModerationService => request.bearer_auth(world.token(MODERATION_DID, nsid)),
        Role::OperatorByPassword => request.basic_auth("admin", Some(PASSWORD)),
        Role::OperatorByToken => request.bearer_auth(ADMIN_TOKEN),
        // Their session ends by it.
        Role::SignedIn if ["/api/v1/session/sign-out", APP_SIGN_IN].contains(&route.path) => {
            let browser = Alice::signs_in(world, &signed.alice.pds).await;
            browser.from(request, "same-origin")
        }
        Role::SignedIn => signed.alice.from(request, "same-origin"),
        Role::OtherSite => signed.alice.from(request, "cross-site"),
        Role::Reader => request.bearer_auth(&signed.reader),
        Role::Writer => request.bearer_auth(&signed.writer),
        Role::Poster => request.bearer_auth(&signed.poster),
        Role::EndedToken => request.bearer_auth(&signed.ended),
    };
    if (route.path, role) == (LIVE, Role::SignedIn) {
        // It does not end.
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        return Answer { status, headers, body: json!({}), text: String::new() };
    }
    world.send(request).await
}

const LIVE: &str = "/api/v1/session/live";
const PUSH: &str = "/api/v1/push";
const REVOKE: &str = "/api/v1/session/tokens/{id}/revoke";
const ERASE: &str = "/api/v1/session/erase";
const APP_SIGN_IN: &str = "/api/v1/session/app-password";

/// Whether a role's token is good, if not for this.
fn is_program(role: Role) -> bool {
    matches!(role, Role::Reader | Role::Writer | Role::Poster)
}

/// The status of the answer to a request that is right in all but its caller.
fn expected(route: &Route, role: Role) -> u16 {
    let takes_programs = matches!(
        route.access,
        Access::Optional | Access::OptionalForFeed | Access::User | Access::Acting | Access::Person
    );
    let is_alice = matches!(role, Role::User | Role::SignedIn | Role::Reader);
    match (route.admits(role), route.nsid()) {
        (false, _) if takes_programs && is_program(role) => 403,
        (false, _) => 401,
        // Nobody signs in but by a page of ours; without a key only by an app password.
        (true, None) if route.path.starts_with("/api/v1/session/sign-in") => {
            if role == Role::SignedIn { 501 } else { 403 }
        }
        (true, None) if route.path == APP_SIGN_IN && role != Role::SignedIn => 403,
        (true, None) if route.path.starts_with("/oauth/") && route.path != "/oauth/callback" => 404,
        // Likes are told to who likes, and to nobody else.
        (true, Some("app.bsky.feed.getActorLikes")) if !is_alice => 400,
        (true, None) if [ISSUE, ERASE, RESOLVE].contains(&route.path) => 400,
        (true, Some(nsid)) if needs_another_service(nsid) || nsid == FOLLOW => 501,
        (true, None) if route.path == MEDIA => 201,
        (true, None) if (route.path, route.verb) == (POSTS, Verb::Post) => 201,
        // Here nothing is pushed.
        (true, None) if route.path == PUSH => {
            if route.verb == Verb::Post {
                400
            } else {
                200
            }
        }
        // Her PDS says nothing of it by the network.
        (true, None) if matches!(route.verb, Verb::Patch | Verb::Delete) => 202,
        // Nobody hosts alice.
        (true, None) if route.path.starts_with("/img/") => 404,
        // Labels are asked for otherwise.
        (true, Some("com.atproto.temp.fetchLabels")) => 400,
        (true, _) => 200,
    }
}

async fn every_route_as_every_role(world: World) {
    let feeds = FeedServer::start(&world, "feeds").await;
    let known = Known::of(&world, &feeds).await;
    let signed = Signed::in_to(&world).await;
    for route in ROUTES {
        for role in Role::ALL {
            let answer = call(&world, route, role, &known, &signed).await;
            let expected = expected(route, role);
            let (status, place) = (answer.status.as_u16(), format!("{} as {role:?}", route.path));
            assert_eq!(status, expected, "{place}: {}", answer.text);
            // Of the accounts that ask only alice has a repository here.
            let is_alice =
                matches!(role, Role::User | Role::OtherService | Role::SignedIn | Role::Reader);
            let has_viewer = is_alice && expected == 200;
            let has_rev = route.repo_rev != RepoRev::Never && has_viewer;
            assert_eq!(answer.header("atproto-repo-rev").is_some(), has_rev, "{place}");
            let has_labelers = route.labels && expected == 200;
            assert_eq!(
                answer.header("atproto-content-labelers").is_some(),
                has_labelers,
                "{place}"
            );
            if expected >= 300 {
                answer.refused();
            }
        }
    }
}

/// Routes beside the methods that read no body.
const BODILESS: [&str; 8] = [
    "/resync",
    "/parked/retry",
    "/{id}/retry",
    "/{id}/discard",
    "/{id}/pause",
    "/{id}/resume",
    "/{id}/cancel",
    "/{id}/revoke",
];

/// Bytes of a body that a route takes.
fn bytes_max(route: &Route) -> usize {
    match (route.access, route.path) {
        (_, "/api/v1/session/sign-in" | APP_SIGN_IN) => 2_048,
        (_, "/xrpc/com.atproto.repo.uploadBlob") => 16 << 20,
        (_, MEDIA) => 2_000_000,
        (Access::Acting, _) if route.nsid().is_some() => 1_000_000,
        _ => 100 * 1_024,
    }
}

async fn every_body_is_bounded_in_bytes_and_depth(world: World) {
    let alice = Alice::signs_in(&world, &Pds::start(&world, "alice").await).await;
    let reads = |route: &&Route| {
        matches!(route.verb, Verb::Post | Verb::Patch)
            && !BODILESS.iter().any(|end| route.path.ends_with(end))
    };
    for route in ROUTES.iter().filter(reads) {
        let path = route.path.replace("{list}", "people");
        let bytes_max = bytes_max(route);
        // What a blob is the PDS knows.
        let is_right = if path.ends_with("uploadBlob") { 200 } else { 400 };
        for (bytes, expected) in [(bytes_max, is_right), (bytes_max + 1, 413)] {
            let kind = if route.path == MEDIA { "image/png" } else { "application/json" };
            let request = world.request(route.verb.as_str(), &path).header("content-type", kind);
            let request = match route.access {
                Access::User => request.bearer_auth(world.token("alice", route.nsid().unwrap())),
                Access::Anyone | Access::Person | Access::SignedIn | Access::Acting => {
                    alice.from(request, "same-origin")
                }
                _ => request.bearer_auth(ADMIN_TOKEN),
            };
            let answer = world.send(request.body("[".repeat(bytes))).await;
            assert_eq!(answer.status, expected, "{path} {bytes}: {}", answer.text);
        }
    }
}

async fn every_route_refuses_other_verbs(world: World) {
    for route in ROUTES {
        let of_path = ROUTES.iter().filter(|other| other.path == route.path);
        let known: Vec<&str> = of_path.map(|other| other.verb.as_str()).collect();
        for verb in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if known.contains(&verb) {
                continue;
            }
            let answer = world.send(world.request(verb, route.path)).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"), "{verb} {}", route.path);
        }
    }
}
