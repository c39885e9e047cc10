//! The table of routes, walked whole with every kind of caller.

use millrace_appview::routes::{Access, ROUTES, Route, Verb};
use parking_lot::Mutex;
use serde_json::json;

use crate::feed_server::FeedServer;
use crate::people::{blob_cid, did};
use crate::world::{ADMIN_TOKEN, Answer, PASSWORD, SERVICE_DID, World, near_and_far};

near_and_far!(every_route_with_every_caller, every_route_refuses_other_verbs);

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    Account,
    BrokenToken,
    OperatorByPassword,
    OperatorByToken,
}

const CALLERS: [Caller; 5] = [
    Caller::Nobody,
    Caller::Account,
    Caller::BrokenToken,
    Caller::OperatorByPassword,
    Caller::OperatorByToken,
];

/// What the table promises: let in, or refused with 401.
fn is_let_in(access: Access, caller: Caller) -> bool {
    match access {
        Access::Anyone => true,
        Access::Optional | Access::OptionalForFeed => {
            matches!(caller, Caller::Nobody | Caller::Account | Caller::OperatorByPassword)
        }
        Access::User => caller == Caller::Account,
        Access::Operator => matches!(caller, Caller::OperatorByPassword | Caller::OperatorByToken),
    }
}

/// Records that requests name, by URI.
struct Known {
    post: String,
    list: String,
    starter_pack: String,
    feed: String,
    /// Numbers of parked entries that nothing was done to yet.
    parked: Mutex<Vec<i64>>,
}

impl Known {
    async fn of(world: &World, feeds: &FeedServer) -> Self {
        let alice = world.actor("alice");
        let feed = alice.offers_feed(&feeds.did, "a feed").uri;
        let list = alice.makes_list("curatelist", "friends");
        let starter_pack = alice.makes_starter_pack("start here", &list, &[]).uri;
        let post = alice.posts("hello").uri;
        world.poison(CALLERS.len() * 3).await;
        let parked = (1..=i64::try_from(CALLERS.len() * 3).unwrap()).collect();
        Self { post, list: list.uri, starter_pack, feed, parked: Mutex::new(parked) }
    }
}

impl Known {
    /// A path with its blanks filled in; every entry is used once, for one may be discarded once.
    fn filled(&self, path: &str) -> String {
        if !path.contains('{') {
            return path.to_owned();
        }
        let id = if path.contains("{id}") { self.parked.lock().pop().unwrap() } else { 0 };
        path.replace("{did}", did("alice").as_str())
            .replace("{id}", &id.to_string())
            .replace("{*path}", "profile/alice.test")
    }
}

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
fn request(world: &World, route: &Route, known: &Known) -> reqwest::RequestBuilder {
    let post = known.post.as_str();
    let request = world.request(route.verb.as_str(), &known.filled(route.path));
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
        Some("com.atproto.label.queryLabels") => vec![("uriPatterns", alice.as_str())],
        Some(nsid) if nsid.starts_with("app.bsky.notification.") => vec![],
        Some(_) => vec![("actor", alice.as_str())],
        None => vec![],
    };
    request.query(&params)
}

async fn call(world: &World, route: &Route, caller: Caller, known: &Known) -> Answer {
    let request = request(world, route, known);
    let nsid = route.nsid().unwrap_or("com.example.none");
    let request = match caller {
        Caller::Nobody => request,
        Caller::Account => request.bearer_auth(world.token("alice", nsid)),
        Caller::BrokenToken => request.bearer_auth(world.token("alice", "com.example.other")),
        Caller::OperatorByPassword => request.basic_auth("admin", Some(PASSWORD)),
        Caller::OperatorByToken => request.bearer_auth(ADMIN_TOKEN),
    };
    world.send(request).await
}

async fn every_route_with_every_caller(world: World) {
    let feeds = FeedServer::start(&world, "feeds").await;
    let known = Known::of(&world, &feeds).await;
    for route in ROUTES {
        for caller in CALLERS {
            let answer = call(&world, route, caller, &known).await;
            let expected = match is_let_in(route.access, caller) {
                false => 401,
                // Likes are told to who likes, and to nobody else.
                true if route.nsid() == Some("app.bsky.feed.getActorLikes") => {
                    if caller == Caller::Account { 200 } else { 400 }
                }
                true if route.nsid().is_some_and(needs_another_service) => 501,
                // Labels are asked for otherwise.
                true if route.nsid() == Some("com.atproto.temp.fetchLabels") => 400,
                true => 200,
            };
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{} as {caller:?}: {}",
                route.path,
                answer.text
            );
            let knows_viewer = caller == Caller::Account && expected == 200;
            let has_rev =
                route.repo_rev != millrace_appview::routes::RepoRev::Never && knows_viewer;
            assert_eq!(
                answer.header("atproto-repo-rev").is_some(),
                has_rev,
                "{} as {caller:?}",
                route.path
            );
            let has_labelers = route.labels && expected == 200;
            assert_eq!(
                answer.header("atproto-content-labelers").is_some(),
                has_labelers,
                "{} as {caller:?}",
                route.path
            );
            if expected != 200 {
                answer.refused();
            }
        }
    }
}

async fn every_route_refuses_other_verbs(world: World) {
    for route in ROUTES {
        let other = if route.verb == Verb::Get { "POST" } else { "GET" };
        for verb in [other, "PUT", "DELETE"] {
            let answer = world.send(world.request(verb, route.path)).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"), "{verb} {}", route.path);
        }
    }
}
