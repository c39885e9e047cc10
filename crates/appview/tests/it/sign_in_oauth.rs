//! People sign in by OAuth: their browser goes to their server and comes back.

use http::header;
use millrace_appview::AppviewConfig;
use millrace_appview::config::OAuthKeys;
use millrace_appview::urls::PublicUrl;
use millrace_runtime::config::Secret;
use serde_json::{Value, json};

use crate::pds::Pds;
use crate::people::did;
use crate::world::{Answer, MODERATION_DID, Reach, World};

const SIGN_IN: &str = "/api/v1/session/sign-in";
const PLACE: &str = "/dashboard/profile/alice.test?tab=replies";

/// A service on the internet.
async fn world() -> World {
    let oauth_keys = OAuthKeys::try_from(Secret::from("1".repeat(64).as_str())).unwrap();
    let config = AppviewConfig { oauth_keys, ..AppviewConfig::default() };
    World::open_with(Reach::Local, config).await
}

/// A browser that does not follow where it is sent.
struct Browser<'a> {
    world: &'a World,
    http: reqwest::Client,
    cookies: String,
}

/// Where a browser is sent, and which cookies it was given.
struct Sent {
    to: String,
    cookies: Vec<String>,
}

impl Sent {
    /// The name of what went wrong.
    fn error(&self) -> String {
        let query = self.to.strip_prefix("/dashboard/sign-in?").unwrap();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let mut names = pairs.filter(|(name, _)| name == "error");
        names.next().unwrap().1.into_owned()
    }

    /// The cookie of a session, as a browser sends it.
    fn session(&self) -> Option<String> {
        let line = self.cookies.iter().find(|line| line.contains("millrace-session="))?;
        line.split(';').next().map(str::to_owned)
    }
}

impl<'a> Browser<'a> {
    fn new(world: &'a World) -> Self {
        let none = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().no_proxy().redirect(none).build().unwrap();
        Self { world, http, cookies: String::new() }
    }

    fn asks(&self, verb: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.world.request(verb, path).header("sec-fetch-site", "same-origin");
        request.header(header::COOKIE, &self.cookies)
    }

    /// Says who it is, and goes to the server.
    async fn begins(&mut self, body: &Value) -> Answer {
        let answer = self.world.send(self.asks("POST", SIGN_IN).json(body)).await;
        if let Some(line) = answer.header("set-cookie") {
            assert!(line.contains("; HttpOnly; SameSite=Lax; Max-Age=900"), "{line}");
            self.cookies = line.split(';').next().unwrap().to_owned();
        }
        answer
    }

    /// Comes back from another site's page.
    async fn comes_back(&self, query: &str) -> Sent {
        let url = format!("{}/oauth/callback?{query}", self.world.base);
        let asked = self.http.get(url).header(header::COOKIE, &self.cookies);
        let answer = asked.header("sec-fetch-site", "cross-site").send().await.unwrap();
        assert_eq!(answer.status(), 303, "{query}");
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter().map(text).collect();
        let to = text(&answer.headers()[header::LOCATION]);
        assert_eq!(answer.text().await.unwrap(), "");
        Sent { to, cookies }
    }

    async fn session(&self) -> Value {
        self.world.send(self.asks("GET", "/api/v1/session")).await.ok()
    }

    async fn posts(&self) -> Answer {
        let record = json!({ "$type": "app.bsky.feed.post", "text": "from here" });
        let body =
            json!({ "repo": did("alice"), "collection": "app.bsky.feed.post", "record": record });
        let path = "/xrpc/com.atproto.repo.createRecord";
        self.world.send(self.asks("POST", path).json(&body)).await
    }

    /// Signs in and stays so.
    async fn signs_in(&mut self, pds: &Pds) {
        self.begins(&json!({ "identifier": did("alice") })).await.ok();
        let sent = self.comes_back(&pds.agreed()).await;
        self.cookies = sent.session().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_comes_back_to_where_they_were_and_acts() {
    let world = world().await;
    let pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    let begun = browser.begins(&json!({ "identifier": "alice.test", "returnTo": PLACE })).await;
    let begun = begun.ok();
    let authorize = begun["authorizeUrl"].as_str().unwrap();
    assert!(authorize.starts_with(&format!("{}/oauth/authorize?", pds.origin)), "{authorize}");
    assert_eq!(pds.known.lock().pushed["login_hint"], "alice.test");

    let sent = browser.comes_back(&pds.agreed()).await;
    assert_eq!(sent.to, PLACE);
    let (session, begun) = (&sent.cookies[0], &sent.cookies[1]);
    assert!(session.starts_with("__Host-millrace-session="), "{session}");
    assert!(session.contains("; HttpOnly; SameSite=Strict; "), "{session}");
    assert!(begun.contains("millrace-sign-in=;") && begun.contains("Max-Age=0"), "{begun}");
    browser.cookies = sent.session().unwrap();
    assert_eq!(browser.session().await["did"], json!(did("alice")));

    // Two pages that find their token ended at once: it is renewed once, and both go on.
    pds.ends_access();
    let (one, other) = tokio::join!(browser.posts(), browser.posts());
    one.ok();
    other.ok();
    assert_eq!((pds.renewed(), pds.written().len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_is_good_once_and_for_the_browser_that_was_sent() {
    let world = world().await;
    let pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    let begin = json!({ "identifier": did("alice") });
    browser.begins(&begin).await.ok();
    let back = pds.agreed();
    assert!(browser.comes_back(&back).await.session().is_some());
    let replayed = browser.comes_back(&back).await;
    assert_eq!((replayed.error().as_str(), replayed.session()), ("SignInNotFound", None));

    // Somebody else's, whose page has the browser come with it; it is spent by that.
    browser.begins(&begin).await.ok();
    let back = pds.agreed();
    let victim = Browser::new(&world);
    let stolen = victim.comes_back(&back).await;
    assert_eq!((stolen.error().as_str(), stolen.session()), ("OtherBrowser", None));
    assert_eq!(browser.comes_back(&back).await.error(), "SignInNotFound");

    // From another server, without a code, or with one that is not this request's.
    for (params, name) in [
        (vec![("iss", "https://evil.example")], "SignInFailed"),
        (vec![], "SignInFailed"),
        (vec![("code", "another's")], "SignInFailed"),
    ] {
        browser.begins(&begin).await.ok();
        let sent = browser.comes_back(&pds.back(&params)).await;
        assert_eq!((sent.error().as_str(), sent.session()), (name, None), "{params:?}");
    }
    for query in ["", "state=x&iss=https://a.example&code=c", "state=a&state=b", "state=%3Cscript"]
    {
        let sent = browser.comes_back(query).await;
        assert!(!sent.to.contains('<') && sent.session().is_none(), "{}", sent.to);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_sent_to_another_place_afterwards() {
    let world = world().await;
    let _pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    for to in
        ["https://evil.example/", "//evil.example/dashboard/", "/oauth/callback", "/dashboard/../x"]
    {
        let begun = browser.begins(&json!({ "identifier": did("alice"), "returnTo": to })).await;
        assert_eq!(begun.refused(), (400, "InvalidRequest"), "{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_says_is_text() {
    let world = world().await;
    let pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    browser.begins(&json!({ "identifier": did("alice") })).await.ok();
    let hostile = "<script>alert(1)</script>\r\nSet-Cookie: a=b\u{202e}";
    let params = [("error", "<img src=x>"), ("error_description", hostile)];
    let sent = browser.comes_back(&pds.back(&params)).await;
    assert_eq!(sent.error(), "SignInDenied");
    assert!(!sent.to.contains(['<', '>', '\r', '\n']) && sent.to.is_ascii(), "{}", sent.to);
    assert_eq!(sent.cookies.len(), 1, "{:?}", sent.cookies);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_of_somebody_else_is_given_back() {
    let world = world().await;
    let pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    browser.begins(&json!({ "identifier": did("alice") })).await.ok();
    pds.known.lock().lies = Some(did("bob").to_string());
    let sent = browser.comes_back(&pds.agreed()).await;
    assert_eq!((sent.error().as_str(), sent.session()), ("SignInFailed", None));
    assert_eq!(pds.ended(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_again_leaves_no_session_behind() {
    let world = world().await;
    let pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    browser.signs_in(&pds).await;
    let before = browser.cookies.clone();
    browser.begins(&json!({ "identifier": did("alice") })).await.ok();
    let sent = browser.comes_back(&pds.agreed()).await;
    assert_ne!(sent.session().unwrap(), before);
    browser.cookies = before;
    assert!(browser.session().await.get("did").is_none());
    browser.cookies = sent.session().unwrap();
    assert_eq!(browser.session().await["did"], json!(did("alice")));
    while pds.ended() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_and_nowhere_are_told_apart() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    for nobody in ["", "not a name", "http://127.0.0.1:1/a/b"] {
        let answer = browser.begins(&json!({ "identifier": nobody })).await;
        assert_eq!(answer.status, 400, "{nobody}: {}", answer.text);
    }
    // Her server is not there now.
    world.actor("alice");
    world.directory.hosts(&did("alice"), "http://127.0.0.1:1");
    let answer = browser.begins(&json!({ "identifier": did("alice") })).await;
    assert_eq!(answer.refused(), (502, "UpstreamFailure"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_servers_read_of_this_service_is_served() {
    let world = world().await;
    let metadata = world.send(world.request("GET", "/oauth/client-metadata.json")).await.ok();
    assert_eq!(metadata["client_id"], "https://appview.test/oauth/client-metadata.json");
    let jwks = world.send(world.request("GET", "/oauth/jwks.json")).await.ok();
    assert_eq!(jwks["keys"][0]["crv"], "P-256");
    assert!(jwks["keys"][0].get("d").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_s_own_machine_a_browser_is_taken_to_the_address() {
    let public_url = PublicUrl::parse("http://localhost:6000").unwrap();
    let config = AppviewConfig { public_url, ..AppviewConfig::default() };
    let world = World::open_with(Reach::Local, config).await;
    let pds = Pds::start(&world, "alice").await;
    let mut browser = Browser::new(&world);
    let session = browser.session().await;
    assert_eq!(session["moderator"], MODERATION_DID);
    assert_eq!(
        (&session["speaksOauth"], &session["signInAt"]),
        (&json!(true), &json!("http://127.0.0.1:6000"))
    );
    for (host, path, expected) in [
        ("localhost:6000", "/dashboard/", Some("http://127.0.0.1:6000/dashboard/")),
        ("localhost:6000", "/dashboard/a?b=c", Some("http://127.0.0.1:6000/dashboard/a?b=c")),
        ("127.0.0.1:6000", "/dashboard/", None),
        ("localhost:8080", "/dashboard/", None),
    ] {
        let asked = browser.http.get(format!("{}{path}", world.base)).header("host", host);
        let answer = asked.send().await.unwrap();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        assert_eq!(to.as_deref(), expected, "{host}{path}");
        assert_eq!(answer.status(), if expected.is_some() { 307 } else { 200 });
    }
    // Without keys and without https.
    browser.begins(&json!({ "identifier": "alice.test" })).await.ok();
    assert_eq!(pds.known.lock().pushed["redirect_uri"], "http://127.0.0.1:6000/oauth/callback");
    let sent = browser.comes_back(&pds.agreed()).await;
    assert_eq!(sent.to, "/dashboard/");
    let session = &sent.cookies[0];
    assert!(session.starts_with("millrace-session=") && !session.contains("Secure"), "{session}");
    browser.cookies = sent.session().unwrap();
    assert_eq!(browser.session().await["did"], json!(did("alice")));
}
