//! What is taken down here: gone from every answer at once, for everybody but who moderates, and back when
//! the takedown is lifted.

use millrace_atproto::AtUri;
use millrace_atproto::syntax::CidString;
use millrace_dataplane::query::takedown::{LiftTakedown, TakeDown, TakedownSubject};
use serde_json::{Value, json};

use crate::people::{PROFILE, Ref, blob, blob_cid, did};
use crate::world::{MODERATION_DID, PASSWORD, World, near_and_far};

near_and_far!(
    an_account_is_gone_from_every_answer,
    records_are_gone_one_by_one,
    what_an_account_says_of_itself,
    blobs_are_not_shown,
    who_moderates_sees_all,
);

const GET_PROFILE: &str = "app.bsky.actor.getProfile";
const GET_RECORD: &str = "com.atproto.repo.getRecord";
const NOTIFICATIONS: &str = "app.bsky.notification.listNotifications";
const UNREAD: &str = "app.bsky.notification.getUnreadCount";
const THREAD: &str = "app.bsky.feed.getPostThread";
const TIMELINE: &str = "app.bsky.feed.getTimeline";
const POSTS: &str = "app.bsky.feed.getPosts";

impl World {
    /// As the moderation service says it.
    pub async fn takes_down(&self, subject: &TakedownSubject) {
        let (reference, reason, by) = ("1".to_owned(), String::new(), MODERATION_DID.to_owned());
        let command = TakeDown { subject: subject.clone(), reference, reason, by };
        self.dataplane.command(command).await.unwrap();
    }

    pub async fn lifts(&self, subject: &TakedownSubject) {
        let command = LiftTakedown { subject: subject.clone() };
        self.dataplane.command(command).await.unwrap();
    }
}

fn account(name: &str) -> TakedownSubject {
    TakedownSubject::Account { did: did(name) }
}

fn record(record: &Ref) -> TakedownSubject {
    TakedownSubject::Record { uri: AtUri::parse(&record.uri).unwrap() }
}

/// The URIs of the posts of a feed, or of a list of posts.
fn uris(answer: &Value) -> Vec<String> {
    let items = answer.get("feed").or_else(|| answer.get("posts")).unwrap().as_array().unwrap();
    let uri = |item: &Value| item.get("post").unwrap_or(item)["uri"].as_str().unwrap().to_owned();
    items.iter().map(uri).collect()
}

fn len(answer: &Value, name: &str) -> usize {
    answer[name].as_array().unwrap().len()
}

async fn an_account_is_gone_from_every_answer(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    bob.has_profile(json!({ "displayName": "Bob" }));
    let hello = alice.posts("hello");
    let reply = bob.replies(&hello, "a reply");
    let quote = alice.quotes(&reply, "a quote");
    alice.follows("bob");
    bob.follows("alice");
    bob.likes(&hello);
    let list = bob.makes_list("modlist", "names");
    bob.adds(&list, "carol");
    alice.blocks_list(&list);
    let feed = bob.offers_feed(&did("feeds"), "feed");
    world.actor("carol");
    let bob_did = did("bob").to_string();
    let seen = async || {
        let get = async |nsid: &str, name: &str, value: &str| {
            world.get_as("alice", nsid, &[(name, value)]).await
        };
        let thread = get(THREAD, "uri", &hello.uri).await.ok();
        let quoted = get(POSTS, "uris", &quote.uri).await.ok();
        let carol = get(GET_PROFILE, "actor", did("carol").as_str()).await.ok();
        json!([
            get(GET_PROFILE, "actor", &bob_did).await.status.as_u16(),
            len(&get("app.bsky.actor.getProfiles", "actors", &bob_did).await.ok(), "profiles"),
            get("app.bsky.feed.getAuthorFeed", "actor", &bob_did).await.status.as_u16(),
            uris(&get(TIMELINE, "limit", "50").await.ok()).contains(&reply.uri),
            len(&thread["thread"], "replies"),
            quoted["posts"][0]["embed"]["record"]["$type"],
            len(&get("app.bsky.feed.getLikes", "uri", &hello.uri).await.ok(), "likes"),
            len(&get("app.bsky.graph.getFollowers", "actor", "alice.test").await.ok(), "followers"),
            len(&get("app.bsky.actor.searchActors", "q", "bob").await.ok(), "actors"),
            uris(&get("app.bsky.feed.searchPosts", "q", "reply").await.ok()).len(),
            len(&get("app.bsky.feed.getFeedGenerators", "feeds", &feed.uri).await.ok(), "feeds"),
            get("app.bsky.graph.getList", "list", &list.uri).await.status.as_u16(),
            carol["viewer"].get("blockingByList").is_some(),
            len(&get(NOTIFICATIONS, "limit", "50").await.ok(), "notifications"),
            get(UNREAD, "", "").await.ok()["count"],
            get(GET_RECORD, "repo", &bob_did).await.status.as_u16(),
        ])
    };
    let view = "app.bsky.embed.record#viewRecord";
    let before = seen().await;
    assert_eq!(before, json!([200, 1, 200, true, 1, view, 1, 1, 1, 1, 1, 200, true, 3, 3, 400]));
    world.takes_down(&account("bob")).await;
    let refused = world.get_as("alice", GET_PROFILE, &[("actor", &bob_did)]).await;
    assert_eq!(refused.refused(), (400, "AccountTakedown"));
    let not_found = "app.bsky.embed.record#viewNotFound";
    let hidden = json!([400, 0, 400, false, 0, not_found, 0, 0, 0, 0, 0, 400, false, 0, 0, 400]);
    assert_eq!(seen().await, hidden);
    let parts: Vec<&str> = reply.uri.trim_start_matches("at://").split('/').collect();
    let asked = [("repo", parts[0]), ("collection", parts[1]), ("rkey", parts[2])];
    assert_eq!(world.get(GET_RECORD, &asked).await.refused(), (400, "InvalidRequest"));
    world.lifts(&account("bob")).await;
    assert_eq!(seen().await, before);
    world.get(GET_RECORD, &asked).await.ok();
}

async fn records_are_gone_one_by_one(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let hello = alice.posts("hello");
    let reply = bob.replies(&hello, "a reply");
    let repost = bob.reposts(&hello);
    let like = bob.likes(&hello);
    let list = bob.makes_list("curatelist", "names");
    let pack = bob.makes_starter_pack("pack", &list, &[]);
    let get = async |nsid: &str, name: &str, value: &str| {
        world.get_as("alice", nsid, &[(name, value)]).await
    };
    let feed = async || uris(&get("app.bsky.feed.getAuthorFeed", "actor", "bob.test").await.ok());
    assert_eq!(feed().await, [hello.uri.clone(), reply.uri.clone()]);
    world.takes_down(&record(&repost)).await;
    assert_eq!(feed().await, std::slice::from_ref(&reply.uri));
    world.takes_down(&record(&reply)).await;
    assert!(feed().await.is_empty());
    assert_eq!(len(&get(THREAD, "uri", &hello.uri).await.ok()["thread"], "replies"), 0);
    assert_eq!(get(THREAD, "uri", &reply.uri).await.refused().1, "NotFound");
    // What was liked and by whom is told; of what is down nothing is.
    assert_eq!(get(UNREAD, "", "").await.ok()["count"], 1);
    assert_eq!(len(&get(NOTIFICATIONS, "", "").await.ok(), "notifications"), 1);
    world.takes_down(&record(&like)).await;
    assert_eq!(len(&get(NOTIFICATIONS, "", "").await.ok(), "notifications"), 0);
    let parts: Vec<&str> = like.uri.trim_start_matches("at://").split('/').collect();
    let asked = [("repo", parts[0]), ("collection", parts[1]), ("rkey", parts[2])];
    assert_eq!(world.get(GET_RECORD, &asked).await.refused(), (400, "RecordNotFound"));
    let packs = async || {
        len(&get("app.bsky.graph.getStarterPacks", "uris", &pack.uri).await.ok(), "starterPacks")
    };
    assert_eq!(packs().await, 1);
    let offered = bob.offers_feed(&did("feeds"), "feed");
    let found = async || {
        let refused = get("app.bsky.feed.getFeed", "feed", &offered.uri).await;
        refused.body["message"] != "could not find feed"
    };
    assert!(found().await, "nobody answers for it, but it is there");
    world.takes_down(&record(&offered)).await;
    assert!(!found().await);
    world.takes_down(&record(&pack)).await;
    assert_eq!(packs().await, 0);
    for subject in [&repost, &reply, &like, &pack] {
        world.lifts(&record(subject)).await;
    }
    assert_eq!(feed().await, [hello.uri.clone(), reply.uri.clone()]);
    world.get(GET_RECORD, &asked).await.ok();
}

async fn what_an_account_says_of_itself(world: World) {
    let alice = world.actor("alice");
    alice.has_profile(json!({ "displayName": "Alice", "description": "rude" }));
    let status = "app.bsky.actor.status";
    let live = json!({
        "$type": status, "status": "app.bsky.actor.status#live", "createdAt": "2026-01-01T00:00:00Z",
    });
    let (status, _) = alice.puts(status, "self", &live);
    let profile = Ref { uri: format!("at://{}/{PROFILE}/self", did("alice")), cid: String::new() };
    let seen =
        async |who: &str| world.get_as(who, GET_PROFILE, &[("actor", "alice.test")]).await.ok();
    assert_eq!(seen("bob").await["displayName"], "Alice");
    assert!(seen("bob").await.get("status").is_some());
    assert_eq!(seen("alice").await["status"]["isDisabled"], false);
    world.takes_down(&record(&profile)).await;
    world.takes_down(&record(&status)).await;
    for who in ["alice", "bob"] {
        let view = seen(who).await;
        assert_eq!(view["handle"], "alice.test");
        assert!(view.get("displayName").is_none() && view.get("description").is_none());
    }
    assert!(seen("bob").await.get("status").is_none());
    assert_eq!(seen("alice").await["status"]["isDisabled"], true, "the account is told");
}

async fn blobs_are_not_shown(world: World) {
    let alice = world.actor("alice");
    alice.has_profile(json!({ "avatar": blob("face") }));
    let image = |seed: &str| json!({ "image": blob(seed), "alt": seed });
    let embed =
        |images: Value| json!({ "embed": { "$type": "app.bsky.embed.images", "images": images } });
    let two = alice.posts_with("two", embed(json!([image("good"), image("bad")])));
    let one = alice.posts_with("one", embed(json!([image("bad")])));
    let subject = |seed: &str| TakedownSubject::Blob {
        did: did("alice"),
        cid: CidString::parse(&blob_cid(seed)).unwrap(),
    };
    let posts = async || {
        let asked = [("uris", two.uri.as_str()), ("uris", one.uri.as_str())];
        world.get(POSTS, &asked).await.ok()["posts"].clone()
    };
    assert_eq!(len(&posts().await[0]["embed"], "images"), 2);
    world.takes_down(&subject("bad")).await;
    world.takes_down(&subject("face")).await;
    let shown = posts().await;
    assert_eq!(shown[0]["embed"]["images"][0]["alt"], "good");
    assert_eq!(len(&shown[0]["embed"], "images"), 1);
    assert!(shown[1].get("embed").is_none(), "a post without its only image has its text");
    assert!(shown[0]["author"].get("avatar").is_none());
    world.lifts(&subject("bad")).await;
    world.lifts(&subject("face")).await;
    assert_eq!(len(&posts().await[0]["embed"], "images"), 2);
    assert!(posts().await[0]["author"].get("avatar").is_some());
}

async fn who_moderates_sees_all(world: World) {
    let bob = world.actor("bob");
    bob.has_profile(json!({ "displayName": "Bob" }));
    let post = bob.posts("hello");
    for subject in [account("bob"), record(&post)] {
        world.takes_down(&subject).await;
    }
    world
        .takes_down(&record(&Ref {
            uri: format!("at://{}/{PROFILE}/self", did("bob")),
            cid: String::new(),
        }))
        .await;
    let params = [("actor", "bob.test")];
    let by_operator = world.query(GET_PROFILE, &params).basic_auth("admin", Some(PASSWORD));
    assert_eq!(world.send(by_operator).await.ok()["displayName"], "Bob");
    let by_service = world.get_as(MODERATION_DID, GET_PROFILE, &params).await.ok();
    assert_eq!(by_service["displayName"], "Bob");
    let posts = world.get_as(MODERATION_DID, POSTS, &[("uris", &post.uri)]).await.ok();
    assert_eq!(uris(&posts), [post.uri]);
    assert_eq!(world.get_as("alice", GET_PROFILE, &params).await.refused().1, "AccountTakedown");
}
