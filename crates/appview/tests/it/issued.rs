//! What the operator says and chooses: labels issued here, and lists of verifiers and suggestions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use millrace_appview::AppviewConfig;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::label::SentLabel;
use serde_json::{Value, json};

use crate::people::{GENERATOR, Ref, did};
use crate::world::{ADMIN_TOKEN, Answer, Reach, SERVICE_DID, World};

const PROFILE: &str = "app.bsky.actor.getProfile";
const POSTS: &str = "app.bsky.feed.getPosts";
const QUERY: &str = "com.atproto.label.queryLabels";

async fn world(reach: Reach) -> World {
    let key = "01".repeat(32);
    let config = AppviewConfig {
        service_key: Some(serde_json::from_value(json!(key)).unwrap()),
        ..AppviewConfig::default()
    };
    World::open_with(reach, config).await
}

/// The operator tells the admin API something.
pub async fn tell(world: &World, path: &str, body: &Value) -> Answer {
    let request = world.request("POST", &format!("/api/v1/admin/{path}"));
    world.send(request.bearer_auth(ADMIN_TOKEN).json(body)).await
}

async fn labels(world: &World, accept: &str, nsid: &str, name: &str, value: &str) -> Vec<String> {
    let request = world.query(nsid, &[(name, value)]);
    let answer = world.send(request.header("atproto-accept-labelers", accept)).await;
    let view = if nsid == POSTS { answer.ok()["posts"][0].clone() } else { answer.ok() };
    let labels = view["labels"].as_array().unwrap().iter();
    labels
        .map(|label| {
            format!("{} {}", label["src"].as_str().unwrap(), label["val"].as_str().unwrap())
        })
        .collect()
}

async fn labels_are_issued_shown_and_taken_back(world: World) {
    let alice = world.actor("alice");
    let post = alice.posts("hello");
    let account = did("alice").to_string();
    let said = json!({ "labels": [
        { "uri": account, "val": "spam" },
        { "uri": post.uri, "val": "rude", "cid": post.cid },
        { "uri": post.uri, "val": "over", "exp": "2025-12-31T00:00:00Z" },
        { "uri": "at://did:plc:later/app.bsky.feed.post/a", "val": "rude" },
    ], "reason": "seen" });
    let issued = tell(&world, "labels/issue", &said).await.ok();
    assert_eq!(issued["labels"][0]["src"], SERVICE_DID);
    let of_account = async |accept: &str| labels(&world, accept, PROFILE, "actor", &account).await;
    let of_post = async || labels(&world, SERVICE_DID, POSTS, "uris", &post.uri).await;
    assert_eq!(of_account(SERVICE_DID).await, [format!("{SERVICE_DID} spam")]);
    assert!(of_account("").await.is_empty(), "only for who accepts it");
    assert_eq!(of_post().await, [format!("{SERVICE_DID} rude")]);
    // With a labeler's beside it.
    world.actor("labeler").says("bot", &account);
    let both = of_account(&format!("{SERVICE_DID}, {}", did("labeler"))).await;
    assert_eq!(both.len(), 2, "{both:?}");
    // Whoever does not trust us can look at the signature.
    let told = world.get(QUERY, &[("uriPatterns", &account)]).await.ok();
    assert_eq!(told["labels"].as_array().unwrap().len(), 2);
    let label = &told["labels"][0];
    let sig = STANDARD_NO_PAD.decode(label["sig"]["$bytes"].as_str().unwrap()).unwrap();
    let sent = SentLabel {
        ver: Some(1),
        src: SERVICE_DID,
        uri: &account,
        cid: None,
        val: "spam",
        neg: None,
        cts: label["cts"].as_str().unwrap(),
        exp: None,
        sig: Some(&sig),
    };
    let key = SigningKey::from_bytes(Curve::K256, &[1; 32]).unwrap();
    sent.verify(&key.public()).unwrap();
    let document = world.send(world.request("GET", "/.well-known/did.json")).await.ok();
    let methods = document["verificationMethod"].as_array().unwrap();
    assert!(methods.iter().any(|method| {
        method["id"] == format!("{SERVICE_DID}#atproto_label")
            && method["publicKeyMultibase"] == key.public().to_multibase()
    }));
    // A takedown by label, of who is trusted to.
    let redact = format!("{SERVICE_DID};redact");
    let taken = json!({ "labels": [{ "uri": account, "val": "!takedown" }] });
    tell(&world, "labels/issue", &taken).await.ok();
    let request = world.query(PROFILE, &[("actor", account.as_str())]);
    let refused = world.send(request.header("atproto-accept-labelers", redact)).await;
    assert_eq!(refused.refused(), (400, "AccountTakedown"));
    let back = json!({ "labels": [
        { "uri": account, "val": "!takedown", "neg": true },
        { "uri": account, "val": "spam", "neg": true },
    ] });
    tell(&world, "labels/issue", &back).await.ok();
    assert!(of_account(SERVICE_DID).await.is_empty());
    let listed = world
        .send(world.request("GET", "/api/v1/admin/labels").bearer_auth(ADMIN_TOKEN))
        .await
        .ok();
    assert_eq!(listed["labels"].as_array().unwrap().len(), 5, "what was taken back among it");
    for wrong in [
        json!({ "labels": [] }),
        json!({ "labels": [{ "uri": "alice.test", "val": "x" }] }),
        json!({ "labels": [{ "uri": account, "val": "" }] }),
        json!({ "labels": [{ "uri": account, "val": "x".repeat(129) }] }),
        json!({ "labels": [{ "uri": account, "val": "x", "exp": "soon" }] }),
        json!({ "labels": vec![json!({ "uri": account, "val": "x" }); 101] }),
    ] {
        assert_eq!(tell(&world, "labels/issue", &wrong).await.refused().0, 400, "{wrong}");
    }
}

async fn pages_of_all_that_is_said(world: World) {
    let alice = world.actor("alice");
    let posts: Vec<Ref> = ["a", "b", "c"].iter().map(|text| alice.posts(text)).collect();
    for post in &posts {
        world.actor("labeler").says("bot", &post.uri);
    }
    let said: Vec<Value> =
        posts.iter().map(|post| json!({ "uri": post.uri, "val": "rude" })).collect();
    tell(&world, "labels/issue", &json!({ "labels": said })).await.ok();
    let account = did("alice").to_string();
    tell(&world, "labels/issue", &json!({ "labels": [{ "uri": account, "val": "spam" }] }))
        .await
        .ok();
    let all = async |patterns: &[String], sources: &[&str], limit: &str| {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut params: Vec<(&str, &str)> =
                patterns.iter().map(|pattern| ("uriPatterns", pattern.as_str())).collect();
            params.extend(sources.iter().map(|source| ("sources", *source)));
            params.push(("limit", limit));
            if let Some(cursor) = &cursor {
                params.push(("cursor", cursor));
            }
            let page = world.get(QUERY, &params).await.ok();
            let labels = page["labels"].as_array().unwrap().iter();
            found.extend(labels.map(|label| format!("{} {}", label["uri"], label["val"])));
            match page["cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return found,
            }
        }
    };
    let records = format!("at://{account}/*");
    let of_kind = format!("at://{account}/app.bsky.feed.post/*");
    let others = format!("at://{account}/{GENERATOR}/*");
    let patterns = [account.clone(), records.clone()];
    let whole = all(&patterns, &[], "250").await;
    assert_eq!(whole.len(), 7);
    for limit in ["1", "2", "3"] {
        assert_eq!(all(&patterns, &[], limit).await, whole, "{limit} a page");
    }
    assert_eq!(all(std::slice::from_ref(&of_kind), &[SERVICE_DID], "2").await.len(), 3);
    assert_eq!(all(&[of_kind], &[did("labeler").as_str()], "2").await.len(), 3);
    assert!(all(&[others], &[], "2").await.is_empty());
    assert_eq!(all(std::slice::from_ref(&posts[0].uri), &[], "1").await.len(), 2);
}

async fn chosen_verifiers_count_beside_the_configured(world: World) {
    world.actor("alice").has_profile(json!({ "displayName": "Alice" }));
    let word = json!({
        "subject": did("alice"), "handle": "alice.test", "displayName": "Alice",
    });
    world.actor("chosen").creates("app.bsky.graph.verification", word);
    let verified = async || {
        let view = world.get(PROFILE, &[("actor", "alice.test")]).await.ok();
        view["verification"]["verifiedStatus"].as_str().map(str::to_owned)
    };
    assert_eq!(verified().await, None);
    let subjects = json!({ "subjects": [did("chosen")], "note": "we know them" });
    let list = tell(&world, "curated/verifiers/add", &subjects).await.ok();
    assert_eq!(list["items"][0]["subject"], json!(did("chosen")));
    assert_eq!(verified().await.as_deref(), Some("valid"));
    let view = world.get(PROFILE, &[("actor", "chosen.test")]).await.ok();
    assert_eq!(view["verification"]["trustedVerifierStatus"], "valid");
    tell(&world, "curated/verifiers/remove", &json!({ "subjects": [did("chosen")] })).await.ok();
    assert_eq!(verified().await, None);
}

async fn lists_have_an_order(world: World) {
    let feed = |name: &str| format!("at://{}/{GENERATOR}/{name}", did("alice"));
    let add = async |names: &[&str]| {
        let subjects: Vec<String> = names.iter().map(|name| feed(name)).collect();
        tell(&world, "curated/feeds/add", &json!({ "subjects": subjects })).await.ok()
    };
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|item| item["subject"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&add(&["a", "b"]).await), ["a", "b"]);
    assert_eq!(names(&add(&["c", "a"]).await), ["b", "c", "a"]);
    let path = "/api/v1/admin/curated/feeds";
    let shown = world.send(world.request("GET", path).bearer_auth(ADMIN_TOKEN)).await.ok();
    assert_eq!(names(&shown), ["b", "c", "a"]);
    let rest = tell(&world, "curated/feeds/remove", &json!({ "subjects": [feed("c"), "x"] })).await;
    assert_eq!(names(&rest.ok()), ["b", "a"]);
    let not_a_feed = json!({ "subjects": [did("alice")] });
    assert_eq!(tell(&world, "curated/feeds/add", &not_a_feed).await.refused().0, 400);
    let not_an_account = json!({ "subjects": [feed("a")] });
    assert_eq!(tell(&world, "curated/people/add", &not_an_account).await.refused().0, 400);
    assert_eq!(tell(&world, "curated/planets/add", &not_a_feed).await.refused().0, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_nothing_is_issued() {
    let world = World::open(Reach::Local).await;
    let said = json!({ "labels": [{ "uri": did("alice"), "val": "spam" }] });
    assert_eq!(tell(&world, "labels/issue", &said).await.refused(), (400, "InvalidRequest"));
}

/// In process and behind `/internal`.
macro_rules! both {
    ($($name:ident),+) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::world(crate::world::Reach::Local).await).await;
            })+
        }
        mod remote {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::world(crate::world::Reach::Remote).await).await;
            })+
        }
    };
}
both!(
    labels_are_issued_shown_and_taken_back,
    pages_of_all_that_is_said,
    chosen_verifiers_count_beside_the_configured,
    lists_have_an_order
);
