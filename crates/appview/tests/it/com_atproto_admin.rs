//! What moderation services ask and say: accounts as they are, and what is taken down.

use millrace_atproto::Did;
use millrace_atproto::jwt::{Claims, ServiceToken};
use serde_json::{Value, json};

use crate::directory::label_key;
use crate::people::{blob_cid, did};
use crate::world::{
    ADMIN_TOKEN, Answer, MODERATION_DID, PASSWORD, SERVICE_DID, World, near_and_far,
};

near_and_far!(
    accounts_are_taken_down_and_restored,
    records_and_blobs_too,
    who_may_take_down,
    the_moderation_service_may_be_a_labeler,
    questions_that_are_wrong_are_refused,
    infos_of_accounts,
);

const INFOS: &str = "com.atproto.admin.getAccountInfos";
const STATUS: &str = "com.atproto.admin.getSubjectStatus";
const UPDATE: &str = "com.atproto.admin.updateSubjectStatus";
const PROFILE: &str = "app.bsky.actor.getProfile";

fn repo(who: &str) -> Value {
    json!({ "$type": "com.atproto.admin.defs#repoRef", "did": did(who) })
}

async fn update(world: &World, subject: &Value, takedown: Value) -> Answer {
    let body = json!({ "subject": subject, "takedown": takedown });
    world.post_as(MODERATION_DID, UPDATE, &body).await
}

async fn status(world: &World, params: &[(&str, &str)]) -> Value {
    world.get_as(MODERATION_DID, STATUS, params).await.ok()
}

async fn accounts_are_taken_down_and_restored(world: World) {
    world.actor("bob");
    let bob = did("bob").to_string();
    let at_first = json!({ "subject": repo("bob"), "takedown": { "applied": false } });
    assert_eq!(status(&world, &[("did", &bob)]).await, at_first);
    let said = update(&world, &repo("bob"), json!({ "applied": true, "ref": "test-repo" })).await;
    let takedown = json!({ "applied": true, "ref": "test-repo" });
    assert_eq!(said.ok(), json!({ "subject": repo("bob"), "takedown": takedown }));
    // At once: nothing is remembered of before.
    let refused = world.get(PROFILE, &[("actor", "bob.test")]).await;
    assert_eq!(refused.refused(), (400, "AccountTakedown"));
    let now = json!({ "subject": repo("bob"), "takedown": takedown });
    assert_eq!(status(&world, &[("did", &bob)]).await, now);
    // Saying nothing of it changes nothing.
    let nothing = json!({ "subject": repo("bob") });
    assert_eq!(world.post_as(MODERATION_DID, UPDATE, &nothing).await.ok(), nothing);
    assert_eq!(status(&world, &[("did", &bob)]).await, now);
    update(&world, &repo("bob"), json!({ "applied": false })).await.ok();
    assert_eq!(status(&world, &[("did", &bob)]).await, at_first);
    world.get(PROFILE, &[("actor", "bob.test")]).await.ok();
    // What comes later can be taken down before.
    update(&world, &repo("later"), json!({ "applied": true })).await.ok();
    let of_later = status(&world, &[("did", did("later").as_str())]).await;
    assert_eq!(of_later["takedown"], json!({ "applied": true, "ref": "TAKEDOWN" }));
    world.actor("later");
    let refused = world.get(PROFILE, &[("actor", "later.test")]).await;
    assert_eq!(refused.refused(), (400, "AccountTakedown"));
}

async fn records_and_blobs_too(world: World) {
    let post = world.actor("carol").posts("hello");
    let like = world.actor("bob").likes(&post);
    let cid = blob_cid("image");
    let strong = |uri: &str, cid: &str| json!({ "$type": "com.atproto.repo.strongRef", "uri": uri, "cid": cid });
    let blob = json!({
        "$type": "com.atproto.admin.defs#repoBlobRef", "did": did("carol"), "cid": cid,
    });
    let carol = did("carol").to_string();
    let subjects = [
        (strong(&post.uri, &post.cid), vec![("uri", post.uri.as_str())]),
        (strong(&like.uri, &like.cid), vec![("uri", like.uri.as_str())]),
        (blob, vec![("did", carol.as_str()), ("blob", cid.as_str())]),
    ];
    for (subject, params) in &subjects {
        for applied in [true, false] {
            let takedown = json!({ "applied": applied, "ref": "x" });
            update(&world, subject, takedown).await.ok();
            let found = status(&world, params).await;
            assert_eq!(&found["subject"], subject);
            assert_eq!(found["takedown"]["applied"], applied);
            assert_eq!(found["takedown"].get("ref").is_some(), applied);
        }
    }
}

async fn who_may_take_down(world: World) {
    world.actor("alice");
    let bob = did("bob").to_string();
    let body = json!({ "subject": repo("bob"), "takedown": { "applied": true } });
    let call = |request: reqwest::RequestBuilder| world.send(request.json(&body));
    let request = || world.request("POST", &format!("/xrpc/{UPDATE}"));
    let refused = [
        (request(), "AuthMissing"),
        (request().basic_auth("admin", Some("wrong")), "AuthenticationRequired"),
        (request().bearer_auth("wrong"), "BadJwt"),
        (request().bearer_auth(world.token("alice", UPDATE)), "UntrustedIss"),
        (request().bearer_auth(world.token(MODERATION_DID, STATUS)), "BadJwtLexiconMethod"),
        (
            request().bearer_auth(world.token_with(MODERATION_DID, UPDATE, |claims| {
                claims.aud = did("alice").to_string();
            })),
            "BadJwtAudience",
        ),
        (
            request()
                .bearer_auth(world.token_with(MODERATION_DID, UPDATE, |claims| claims.exp = 1)),
            "JwtExpired",
        ),
    ];
    for (request, name) in refused {
        assert_eq!(call(request).await.refused(), (401, name));
    }
    // Alice's signature under the moderation service's claims.
    let theirs = world.token(MODERATION_DID, UPDATE);
    let (claims, _) = theirs.rsplit_once('.').unwrap();
    let alices = world.token("alice", UPDATE);
    let (_, signature) = alices.rsplit_once('.').unwrap();
    let forged = request().bearer_auth(format!("{claims}.{signature}"));
    assert_eq!(call(forged).await.refused(), (401, "BadJwtSignature"));
    let asked = world.query(STATUS, &[("did", &bob)]).basic_auth("admin", Some(PASSWORD));
    assert_eq!(world.send(asked).await.refused(), (400, "NotFound"));
    let token = world.token(MODERATION_DID, UPDATE);
    call(request().bearer_auth(&token)).await.ok();
    assert_eq!(call(request().bearer_auth(&token)).await.refused(), (401, "BadJwt"), "replayed");
    call(request().basic_auth("admin", Some(PASSWORD))).await.ok();
    call(request().bearer_auth(ADMIN_TOKEN)).await.ok();
}

async fn the_moderation_service_may_be_a_labeler(world: World) {
    world.actor("bob");
    let moderation = Did::parse(MODERATION_DID).unwrap();
    world.directory.register(&moderation, 1);
    let claims = |iss: &Did, lxm: &str| Claims {
        iss: iss.clone(),
        iss_service: Some("atproto_labeler".to_owned()),
        aud: SERVICE_DID.to_owned(),
        exp: world.now_us() / 1_000_000 + 60,
        iat: None,
        nbf: None,
        lxm: Some(lxm.to_owned()),
        jti: Some(format!("{iss}{lxm}{}", world.now_us())),
    };
    let asked =
        |token: String| world.query(STATUS, &[("did", did("bob").as_str())]).bearer_auth(token);
    let token = ServiceToken::mint(&label_key(&moderation), None, &claims(&moderation, STATUS));
    world.send(asked(token)).await.ok();
    // Views are for it too, and show all.
    world.actor("bob").is(false, Some("deactivated"));
    let token = ServiceToken::mint(&label_key(&moderation), None, &claims(&moderation, PROFILE));
    world.send(world.query(PROFILE, &[("actor", "bob.test")]).bearer_auth(token)).await.ok();
    // Not with the account's key, and nobody else.
    let key = world.directory.key(&moderation).unwrap();
    let mut other = claims(&moderation, STATUS);
    other.jti = Some("other".to_owned());
    let wrong_key = ServiceToken::mint(&key, None, &other);
    assert_eq!(world.send(asked(wrong_key)).await.refused(), (401, "BadJwtSignature"));
    let labeler = did("labeler");
    world.directory.register(&labeler, 1);
    let token = ServiceToken::mint(&label_key(&labeler), None, &claims(&labeler, STATUS));
    assert_eq!(world.send(asked(token)).await.refused(), (401, "UntrustedIss"));
    let token = ServiceToken::mint(&label_key(&labeler), None, &claims(&labeler, PROFILE));
    let stranger = world.query(PROFILE, &[("actor", "bob.test")]).bearer_auth(token);
    assert_eq!(world.send(stranger).await.refused().0, 401);
}

async fn questions_that_are_wrong_are_refused(world: World) {
    let ask = async |params: &[(&str, &str)]| {
        world.get_as(MODERATION_DID, STATUS, params).await.refused().1.to_owned()
    };
    assert_eq!(ask(&[]).await, "InvalidRequest");
    assert_eq!(ask(&[("blob", &blob_cid("x"))]).await, "InvalidRequest");
    assert_eq!(ask(&[("did", "bob")]).await, "InvalidRequest");
    assert_eq!(ask(&[("did", did("nobody").as_str())]).await, "NotFound");
    assert_eq!(ask(&[("uri", "at://did:plc:x/app.bsky.feed.post/a")]).await, "NotFound");
    assert_eq!(ask(&[("uri", "at://did:plc:x")]).await, "NotFound");
    for subject in [
        json!({ "$type": "com.example.other", "did": did("bob") }),
        json!({ "did": did("bob") }),
        json!({ "$type": "com.atproto.admin.defs#repoRef", "did": "bob" }),
        json!({ "$type": "com.atproto.repo.strongRef", "uri": "at://bob.test/a.b.c/d", "cid": "x" }),
        json!("bob"),
    ] {
        let answer = update(&world, &subject, json!({ "applied": true })).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{subject}");
    }
    let long = json!({ "applied": true, "ref": "x".repeat(513) });
    assert_eq!(update(&world, &repo("bob"), long).await.refused(), (400, "InvalidRequest"));
}

async fn infos_of_accounts(world: World) {
    world.actor("alice").has_profile(json!({ "displayName": "Alice" }));
    world.actor("bob");
    world.actor("carol").is(false, Some("deactivated"));
    world.actor("gone").is(false, Some("deleted"));
    update(&world, &repo("bob"), json!({ "applied": true })).await.ok();
    let names =
        ["carol", "bob", "alice", "alice", "gone", "nobody"].map(|who| did(who).to_string());
    let params: Vec<(&str, &str)> = names.iter().map(|did| ("dids", did.as_str())).collect();
    let dids = |answer: Value| -> Vec<String> {
        let infos = answer["infos"].as_array().unwrap();
        infos.iter().map(|info| info["did"].as_str().unwrap().to_owned()).collect()
    };
    let answer = world.get(INFOS, &params).await.ok();
    assert_eq!(answer["infos"][1]["relatedRecords"][0]["displayName"], "Alice");
    assert_eq!(answer["infos"][1]["handle"], "alice.test");
    assert!(answer["infos"][0].get("relatedRecords").is_none());
    assert_eq!(dids(answer), [&names[0], &names[2]].map(String::clone));
    let all = world.get_as(MODERATION_DID, INFOS, &params).await.ok();
    assert_eq!(dids(all), [&names[0], &names[1], &names[2]].map(String::clone));
    let many: Vec<(&str, &str)> = (0..201).map(|_| params[0]).collect();
    assert_eq!(world.get(INFOS, &many).await.refused(), (400, "InvalidRequest"));
    assert_eq!(world.get(INFOS, &[]).await.refused(), (400, "InvalidRequest"));
}
