//! People sign in with an app password, act by a browser or a program, and sign out.

use std::time::Duration;

use http::header;
use serde_json::{Value, json};

use crate::feed_server::FeedServer;
use crate::pds::{APP_PASSWORD, Pds};
use crate::people::did;
use crate::world::{ADMIN_TOKEN, Answer, World, near_and_far};

const TIMELINE: &str = "app.bsky.feed.getTimeline";
const CREATE: &str = "com.atproto.repo.createRecord";
const SITE: &str = "sec-fetch-site";

near_and_far!(
    a_browser_reads_and_writes_as_its_account,
    nobody_signs_in_by_a_wrong_password_or_from_another_site,
    a_cookie_counts_for_our_own_pages_alone,
    what_a_pds_gave_is_renewed_when_it_has_ended,
    an_account_whose_pds_forgot_it_signs_in_again,
    signing_out_ends_the_session_at_the_pds,
    a_session_that_is_over_ends_at_the_pds,
    the_operator_ends_sessions_and_tokens,
    programs_do_what_their_tokens_say,
    signing_out_everywhere_ends_browsers_and_programs,
    a_session_known_before_is_never_used,
    a_write_that_broke_off_is_told_and_not_made_again,
    a_token_of_a_program_goes_to_nobody_else,
);

/// Alice, her PDS, and a browser of hers.
pub struct Alice {
    pub pds: Pds,
    cookie: String,
    pub session_id: String,
}

pub fn by_password(world: &World, password: &str) -> reqwest::RequestBuilder {
    let body = json!({ "identifier": did("alice"), "password": password });
    world.request("POST", "/api/v1/session/app-password").json(&body)
}

async fn signed_in(world: &World) -> Alice {
    let pds = Pds::start(world, "alice").await;
    world.actor("alice").posts("hello");
    Alice::signs_in(world, &pds).await
}

impl Alice {
    /// With another browser.
    pub async fn signs_in(world: &World, pds: &Pds) -> Self {
        let asked = by_password(world, APP_PASSWORD).header(SITE, "same-origin");
        let answer = world.send(asked).await;
        let line = answer.header("set-cookie").unwrap().to_owned();
        assert!(line.contains("; HttpOnly; SameSite=Strict; "), "{line}");
        assert!(line.ends_with("; Secure"), "{line}");
        let cookie = line.split(';').next().unwrap().to_owned();
        let account = answer.ok();
        assert_eq!(account["did"], json!(did("alice")));
        let session_id = account["sessionId"].as_str().unwrap().to_owned();
        Self { pds: pds.clone(), cookie, session_id }
    }

    /// A request with her cookie, as a page of that kind of site has her browser send it.
    pub fn from(&self, request: reqwest::RequestBuilder, site: &str) -> reqwest::RequestBuilder {
        request.header(header::COOKIE, &self.cookie).header(SITE, site)
    }

    fn asks(&self, world: &World, verb: &str, path: &str) -> reqwest::RequestBuilder {
        self.from(world.request(verb, path), "same-origin")
    }

    async fn session(&self, world: &World) -> Value {
        world.send(self.asks(world, "GET", "/api/v1/session")).await.ok()
    }

    async fn posts(&self, world: &World) -> Answer {
        world.send(self.asks(world, "POST", &format!("/xrpc/{CREATE}")).json(&record())).await
    }

    pub async fn revokes(&self, world: &World, token_id: &str) {
        let path = format!("/api/v1/session/tokens/{token_id}/revoke");
        world.send(self.asks(world, "POST", &path)).await.ok();
    }

    pub async fn token(&self, world: &World, scopes: &[&str]) -> String {
        self.token_and_id(world, scopes).await.0
    }

    /// A token, and what it is called.
    pub async fn token_and_id(&self, world: &World, scopes: &[&str]) -> (String, String) {
        let body = json!({ "name": "a bot", "scopes": scopes });
        let made = self.asks(world, "POST", "/api/v1/session/tokens/make").json(&body);
        let made = world.send(made).await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["secret"]), text(&made["token"]["tokenId"]))
    }
}

fn record() -> Value {
    let record = json!({ "$type": "app.bsky.feed.post", "text": "from here" });
    json!({ "repo": did("alice"), "collection": "app.bsky.feed.post", "record": record })
}

async fn a_browser_reads_and_writes_as_its_account(world: World) {
    let alice = signed_in(&world).await;
    assert_eq!(alice.session(&world).await["did"], json!(did("alice")));
    let timeline = world.send(alice.asks(&world, "GET", &format!("/xrpc/{TIMELINE}"))).await;
    assert_eq!(timeline.header("cache-control"), Some("private"));
    let timeline = timeline.ok();
    assert_eq!(timeline["feed"][0]["post"]["record"]["text"], "hello");
    let written = alice.posts(&world).await.ok();
    assert!(written["uri"].as_str().unwrap().starts_with("at://"));
    assert_eq!(alice.pds.written(), [record()]);
    let browsers = alice.asks(&world, "GET", "/api/v1/session/browsers");
    let browsers = world.send(browsers).await.ok();
    assert_eq!(browsers["browsers"][0]["sessionId"], json!(alice.session_id));
    assert!(!browsers.to_string().contains("grant"), "{browsers}");
}

async fn nobody_signs_in_by_a_wrong_password_or_from_another_site(world: World) {
    let _pds = Pds::start(&world, "alice").await;
    let wrong = by_password(&world, "wrong").header(SITE, "same-origin");
    assert_eq!(world.send(wrong).await.refused(), (400, "AuthenticationRequired"));
    for site in ["cross-site", "same-site", "none"] {
        let elsewhere = by_password(&world, APP_PASSWORD).header(SITE, site);
        assert_eq!(world.send(elsewhere).await.refused(), (403, "Forbidden"), "{site}");
    }
    let silent = world.send(by_password(&world, APP_PASSWORD)).await;
    assert_eq!(silent.refused(), (403, "Forbidden"));
    let lies = by_password(&world, APP_PASSWORD).header(SITE, "same-origin");
    let lies = world.send(lies.header("origin", "https://evil.example")).await;
    assert_eq!(lies.refused(), (403, "Forbidden"));
    let garbage = world.request("POST", "/api/v1/session/app-password").body("{\"password\": \"x");
    let garbage = world.send(garbage.header(SITE, "same-origin")).await;
    assert_eq!(garbage.refused(), (400, "InvalidRequest"));
    let large = world.request("POST", "/api/v1/session/sign-in").body("x".repeat(4_096));
    let large = world.send(large.header(SITE, "same-origin")).await;
    assert_eq!(large.refused(), (413, "PayloadTooLarge"));
}

async fn a_cookie_counts_for_our_own_pages_alone(world: World) {
    let alice = signed_in(&world).await;
    for site in ["cross-site", "same-site", "none"] {
        let asked = |verb: &str, path: &str| alice.from(world.request(verb, path), site);
        let timeline = world.send(asked("GET", &format!("/xrpc/{TIMELINE}"))).await;
        assert_eq!(timeline.refused(), (401, "AuthMissing"), "{site}");
        let post = asked("POST", &format!("/xrpc/{CREATE}")).json(&record());
        assert_eq!(world.send(post).await.refused(), (401, "AuthMissing"), "{site}");
        let session = world.send(asked("GET", "/api/v1/session")).await.ok();
        assert!(session.get("did").is_none(), "{site}");
    }
    assert!(alice.pds.written().is_empty());
    // Whoever asks for anything with a cookie that is nobody's is nobody.
    let nobody = world.request("GET", "/xrpc/app.bsky.actor.getProfile?actor=alice.test");
    let nobody = nobody.header(header::COOKIE, "__Host-millrace-session=nobodys");
    world.send(nobody.header(SITE, "same-origin")).await.ok();
}

async fn what_a_pds_gave_is_renewed_when_it_has_ended(world: World) {
    let alice = signed_in(&world).await;
    alice.pds.ends_access();
    alice.posts(&world).await.ok();
    assert_eq!(alice.pds.renewed(), 1);
    alice.posts(&world).await.ok();
    assert_eq!(alice.pds.renewed(), 1, "what was renewed is kept");

    // However many ask at once, it is renewed once.
    alice.pds.ends_access();
    let answers = futures_util::future::join_all((0..8).map(|_| alice.posts(&world))).await;
    for answer in answers {
        answer.ok();
    }
    assert_eq!(alice.pds.renewed(), 2);
    assert_eq!(alice.pds.written().len(), 10);
}

async fn an_account_whose_pds_forgot_it_signs_in_again(world: World) {
    let alice = signed_in(&world).await;
    alice.pds.goes_down(true);
    assert_eq!(alice.posts(&world).await.refused(), (502, "UpstreamFailure"));
    assert_eq!(alice.session(&world).await["did"], json!(did("alice")), "it may come back");
    alice.pds.goes_down(false);
    alice.posts(&world).await.ok();

    alice.pds.forgets_everybody();
    assert_eq!(alice.posts(&world).await.refused(), (401, "ExpiredToken"));
    assert!(alice.session(&world).await.get("did").is_none());
}

async fn signing_out_ends_the_session_at_the_pds(world: World) {
    let alice = signed_in(&world).await;
    let unknown = alice.asks(&world, "POST", "/api/v1/session/sign-out");
    let unknown = world.send(unknown.json(&json!({ "sessionId": "another" }))).await;
    assert_eq!(unknown.refused(), (404, "NotFound"));
    let out = world.send(alice.asks(&world, "POST", "/api/v1/session/sign-out")).await;
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    out.ok();
    assert!(alice.session(&world).await.get("did").is_none());
    let timeline = world.send(alice.asks(&world, "GET", &format!("/xrpc/{TIMELINE}"))).await;
    assert_eq!(timeline.refused(), (401, "AuthMissing"));
    // The PDS is told while nobody waits for it.
    while alice.pds.ended() == 0 {
        tokio::task::yield_now().await;
    }
}

async fn a_session_that_is_over_ends_at_the_pds(world: World) {
    let alice = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(29 * 86_400));
    assert!(!world.upkeep.pass().await.unwrap());
    assert_eq!(alice.pds.ended(), 0, "it may rest for 30 days");
    world.clock.advance(Duration::from_secs(86_400));
    assert!(!world.upkeep.pass().await.unwrap());
    assert_eq!(alice.pds.ended(), 1);
}

async fn the_operator_ends_sessions_and_tokens(world: World) {
    let alice = signed_in(&world).await;
    let other = Alice::signs_in(&world, &alice.pds).await;
    let token = alice.token(&world, &["read", "post"]).await;
    let operator = async |verb: &str, path: &str, body: Option<Value>| {
        let request = world.request(verb, &format!("/api/v1/admin/{path}"));
        let request = request.bearer_auth(ADMIN_TOKEN);
        world.send(body.map_or(request.try_clone().unwrap(), |body| request.json(&body))).await
    };
    let timeline = async |token: &str| {
        let request = world.request("GET", &format!("/xrpc/{TIMELINE}")).bearer_auth(token);
        world.send(request).await
    };
    for nobody in
        [json!({}), json!({ "did": did("alice"), "all": true }), json!({ "did": "alice" })]
    {
        let refused = operator("POST", "sessions/end", Some(nobody)).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"));
    }
    let listed = operator("GET", "sessions?limit=1", None).await.ok();
    assert_eq!(
        (&listed["total"], &listed["sessions"][0]["did"]),
        (&json!(2), &json!(did("alice")))
    );
    let next = format!("sessions?limit=1&cursor={}", listed["cursor"].as_str().unwrap());
    let rest = operator("GET", &next, None).await.ok();
    assert_ne!(rest["sessions"][0]["sessionId"], listed["sessions"][0]["sessionId"]);
    let last = format!("sessions?cursor={}", rest["cursor"].as_str().unwrap());
    assert_eq!(operator("GET", &last, None).await.ok()["sessions"], json!([]));
    let tokens = operator("GET", &format!("tokens?did={}", did("alice")), None).await.ok();
    assert_eq!(tokens["tokens"][0]["scopes"], json!(["read", "post"]));
    assert!(!tokens.to_string().contains(&token), "what it is is shown to nobody");

    let somebody = operator("POST", "sessions/end", Some(json!({ "did": did("bob") }))).await.ok();
    assert_eq!(somebody["ended"], 0);
    let ended = operator("POST", "sessions/end", Some(json!({ "did": did("alice") }))).await.ok();
    assert_eq!(ended["ended"], 2);
    for browser in [&alice, &other] {
        assert!(browser.session(&world).await.get("did").is_none());
    }
    timeline(&token).await.ok();
    // The program still acts by what the first of them was given.
    while alice.pds.ended() < 1 {
        tokio::task::yield_now().await;
    }
    let ended = operator("POST", "tokens/end", Some(json!({ "all": true }))).await.ok();
    assert_eq!(ended["ended"], 1);
    timeline(&token).await.refused();
    while alice.pds.ended() < 2 {
        tokio::task::yield_now().await;
    }
    let everybody = Alice::signs_in(&world, &alice.pds).await;
    let ended = operator("POST", "sessions/end", Some(json!({ "all": true }))).await.ok();
    assert_eq!(ended["ended"], 1);
    assert!(everybody.session(&world).await.get("did").is_none());
}

async fn programs_do_what_their_tokens_say(world: World) {
    let alice = signed_in(&world).await;
    let mute = json!({ "actor": did("bob") });
    let ask = async |token: &str, verb: &str, nsid: &str, body: Option<Value>| {
        let request = world.request(verb, &format!("/xrpc/{nsid}")).bearer_auth(token);
        world.send(body.map_or(request.try_clone().unwrap(), |body| request.json(&body))).await
    };
    const MUTE: &str = "app.bsky.graph.muteActor";
    let reader = alice.token(&world, &["read"]).await;
    ask(&reader, "GET", TIMELINE, None).await.ok();
    let refused = ask(&reader, "POST", MUTE, Some(mute.clone())).await;
    assert_eq!(refused.refused(), (403, "InsufficientScope"));
    let refused = ask(&reader, "POST", CREATE, Some(record())).await;
    assert_eq!(refused.refused(), (403, "InsufficientScope"));
    let writer = alice.token(&world, &["write"]).await;
    assert_eq!(ask(&writer, "POST", MUTE, Some(mute)).await.status, 200);
    assert_eq!(ask(&writer, "GET", TIMELINE, None).await.refused(), (403, "InsufficientScope"));
    let poster = alice.token(&world, &["post"]).await;
    ask(&poster, "POST", CREATE, Some(record())).await.ok();
    assert_eq!(alice.pds.written().len(), 1);
    let unknown = ask("millrace_nobodys", "GET", TIMELINE, None).await;
    assert_eq!(unknown.refused(), (401, "ExpiredToken"));

    let tokens = world.send(alice.asks(&world, "GET", "/api/v1/session/tokens")).await.ok();
    assert_eq!(tokens["tokens"].as_array().unwrap().len(), 3);
    assert!(!tokens.to_string().contains(&reader), "a token is shown once");
    let of_reader = |token: &&Value| token["scopes"] == json!(["read"]);
    let id =
        tokens["tokens"].as_array().unwrap().iter().find(of_reader).unwrap()["tokenId"].clone();
    let path = format!("/api/v1/session/tokens/{}/revoke", id.as_str().unwrap());
    world.send(alice.asks(&world, "POST", &path)).await.ok();
    assert_eq!(world.send(alice.asks(&world, "POST", &path)).await.refused(), (404, "NotFound"));
    assert_eq!(ask(&reader, "GET", TIMELINE, None).await.refused(), (401, "ExpiredToken"));
    // A program makes no tokens and signs nobody out.
    let body = json!({ "name": "more", "scopes": ["post"] });
    let request = world.request("POST", "/api/v1/session/tokens/make").bearer_auth(&poster);
    assert_eq!(world.send(request.json(&body)).await.refused(), (401, "AuthMissing"));
}

async fn signing_out_everywhere_ends_browsers_and_programs(world: World) {
    let alice = signed_in(&world).await;
    let other = Alice::signs_in(&world, &alice.pds).await;
    let token = alice.token(&world, &["read", "post"]).await;
    let out = alice.asks(&world, "POST", "/api/v1/session/sign-out");
    let out = world.send(out.json(&json!({ "everywhere": true }))).await;
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    out.ok();
    for browser in [&alice, &other] {
        assert!(browser.session(&world).await.get("did").is_none());
        assert_eq!(browser.posts(&world).await.refused(), (401, "ExpiredToken"));
    }
    for path in [format!("/xrpc/{TIMELINE}"), "/xrpc/app.bsky.actor.getPreferences".to_owned()] {
        let asked = world.request("GET", &path).bearer_auth(&token);
        assert_eq!(world.send(asked).await.refused(), (401, "ExpiredToken"), "{path}");
    }
    while alice.pds.ended() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(alice.pds.written().is_empty());
}

async fn a_session_known_before_is_never_used(world: World) {
    let pds = Pds::start(&world, "alice").await;
    let planted = "__Host-millrace-session=planted";
    let asked = by_password(&world, APP_PASSWORD).header(SITE, "same-origin");
    let answer = world.send(asked.header(header::COOKIE, planted)).await;
    assert!(!answer.header("set-cookie").unwrap().contains("planted"));
    answer.ok();
    let session = world.request("GET", "/api/v1/session").header(header::COOKIE, planted);
    let session = world.send(session.header(SITE, "same-origin")).await.ok();
    assert!(session.get("did").is_none(), "{session}");

    // Whoever signs in again has a new session, and the old one is over.
    let alice = Alice::signs_in(&world, &pds).await;
    let again = alice.from(by_password(&world, APP_PASSWORD), "same-origin");
    world.send(again).await.ok();
    assert!(alice.session(&world).await.get("did").is_none());
}

async fn a_write_that_broke_off_is_told_and_not_made_again(world: World) {
    let alice = signed_in(&world).await;
    alice.pds.breaks_off();
    let broken = alice.posts(&world).await;
    assert_eq!(broken.refused(), (502, "UpstreamFailure"));
    let message = broken.body["message"].as_str().unwrap();
    assert!(message.contains("it is not known whether"), "{message}");
    assert_eq!(alice.pds.written().len(), 1);

    // What cannot even be asked is not written, and that is told too.
    alice.pds.ends_access();
    alice.pds.goes_down(true);
    let down = alice.posts(&world).await;
    assert_eq!(down.refused(), (502, "UpstreamFailure"));
    assert_eq!(alice.pds.written().len(), 1);
}

async fn a_token_of_a_program_goes_to_nobody_else(world: World) {
    let alice = signed_in(&world).await;
    let feeds = FeedServer::start(&world, "feeds").await;
    let feed = world.actor("alice").offers_feed(&feeds.did, "a feed").uri;
    let token = alice.token(&world, &["read"]).await;
    let asked = world.query("app.bsky.feed.getFeed", &[("feed", &feed)]).bearer_auth(token);
    world.send(asked).await.ok();
    let asked = feeds.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].headers.get(header::AUTHORIZATION).is_none());
}
