//! Posts written by a program through `POST /api/v1/posts`: at a real PDS, in the homes of who may see them and of
//! nobody else; whatever is killed between any two steps, and while the PDS is away, none is lost or there twice.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use millrace_log::{Log, LogConfig, Topic};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::client::Account;
use crate::millrace::{Engine, Split};
use crate::network::Peer;
use crate::page::Page;
use crate::world::World;

const WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
const POST: &str = "app.bsky.feed.post";
const STEPS: [&str; 3] = ["posts.intended", "posts.written", "posts.settled"];

#[tokio::test]
async fn sqlite_local() -> Result<()> {
    let world = told(&Engine::Sqlite, Split::Local).await?;
    survived(world).await
}

#[tokio::test]
async fn postgres_remote() -> Result<()> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(());
    };
    let database = crate::postgres::Database::create(&server).await?;
    let (world, _) = told(&Engine::Postgres(database.url().to_owned()), Split::Remote).await?;
    world.end().await
}

/// A program that acts for an account.
struct Program {
    http: reqwest::Client,
    origin: String,
    secret: String,
    account: Account,
}

/// What an answer was.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    body: Value,
}

impl Program {
    async fn of(world: &mut World, account: &Account, scopes: &[&str]) -> Result<Self> {
        let page = Page::signed_in(world, account).await?;
        let secret = page.token(scopes).await?;
        let (http, origin) = (page.http, page.origin);
        Ok(Self { http, origin, secret, account: account.clone() })
    }

    fn request(&self, verb: Method, path: &str) -> RequestBuilder {
        self.http.request(verb, format!("{}{path}", self.origin)).bearer_auth(&self.secret)
    }

    async fn sent(request: RequestBuilder) -> Result<Answer> {
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        Ok(Answer { status, body: serde_json::from_str(&text).context(text)? })
    }

    async fn post(&self, body: Value) -> Result<Answer> {
        Self::sent(self.request(Method::POST, "/api/v1/posts").json(&body)).await
    }

    /// The post, which must be there for all who may see it when the answer comes, or soon after.
    async fn posts(&self, body: Value) -> Result<String> {
        let answer = self.post(body).await?;
        let shown = [StatusCode::CREATED, StatusCode::ACCEPTED].contains(&answer.status);
        ensure!(shown, "{answer:?}");
        Ok(answer.body["postId"].as_str().context("a postId")?.to_owned())
    }

    async fn one(&self, verb: Method, uri: &str, body: Option<Value>) -> Result<Answer> {
        let path = format!("/api/v1/posts/{}", uri.replace(':', "%3A").replace('/', "%2F"));
        let request = self.request(verb, &path);
        Self::sent(body.iter().fold(request, |request, body| request.json(body))).await
    }

    /// URIs of the posts of the home.
    async fn home(&self) -> Result<Vec<Value>> {
        let answer =
            Self::sent(self.request(Method::GET, "/api/v1/posts?mode=chronological")).await?;
        ensure!(answer.status.is_success(), "{answer:?}");
        Ok(answer.body["posts"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until the home holds just these posts, and gives them.
    async fn until_home(&self, uris: &[&str]) -> Result<Vec<Value>> {
        let mut wanted: Vec<&str> = uris.to_vec();
        wanted.sort_unstable();
        let until = Instant::now() + WITHIN;
        loop {
            let home = self.home().await?;
            let mut found: Vec<&str> = home.iter().filter_map(|it| it["postId"].as_str()).collect();
            found.sort_unstable();
            if found == wanted {
                return Ok(home);
            }
            ensure!(Instant::now() < until, "wanted {wanted:?}, found {found:?}");
            sleep(POLL).await;
        }
    }

    async fn until_state(&self, uri: &str, state: &str) -> Result<Value> {
        let until = Instant::now() + WITHIN;
        loop {
            let answer = self.one(Method::GET, uri, None).await?;
            if answer.body["state"] == state {
                return Ok(answer.body);
            }
            ensure!(Instant::now() < until, "{uri} is not {state}: {answer:?}");
            sleep(POLL).await;
        }
    }
}

/// Texts of the posts that the PDS has of an account.
async fn at_the_pds(world: &mut World, account: &Account) -> Result<Vec<String>> {
    let asked = [("repo", account.did.as_str()), ("collection", POST), ("limit", "100")];
    let url = format!("{}/xrpc/com.atproto.repo.listRecords", world.network.pds_url);
    let records: Value = world.http.get(url).query(&asked).send().await?.json().await?;
    let records = records["records"].as_array().into_iter().flatten();
    Ok(records.filter_map(|it| it["value"]["text"].as_str().map(str::to_owned)).collect())
}

async fn told(engine: &Engine, split: Split) -> Result<(World, Program)> {
    // A first page is served again for a short time only: what is new shows soon.
    // Every entry is traced, though nobody takes the traces.
    let settings = "\n[feeds]\npage_seconds = 1\n\n[telemetry]\notlp_endpoint = \"http://127.0.0.1:9/\"\ntrace_entries_ratio = 1.0\n";
    let mut world = World::configured(engine, split, None, settings).await?;
    let mut accounts = Vec::new();
    for name in ["alice", "bob", "carol"] {
        accounts.push(world.client.create_account(name).await?);
    }
    let [alice, bob, carol] = &accounts[..] else { anyhow::bail!("three") };
    world.client.follow(bob, alice).await?;
    let wanted =
        json!({"subject": alice.did, "activitySubscription": {"post": true, "reply": false}});
    world.client.procedure(bob, "app.bsky.notification.putActivitySubscription", wanted).await?;
    world.settle().await?;
    let all = ["read", "write", "post"];
    let program = Program::of(&mut world, alice, &all).await?;
    let follower = Program::of(&mut world, bob, &all).await?;
    let stranger = Program::of(&mut world, carol, &["read"]).await?;
    for reader in [&program, &follower, &stranger] {
        reader.until_home(&[]).await?;
    }
    let public = everybody(&mut world, &program, &follower).await?;
    limited(&mut world, &program, &follower, &stranger, &public).await?;
    refused(&program, &follower, &stranger).await?;
    told_of(&follower, &public).await?;
    announced(&mut world, &public).await?;
    Ok((world, program))
}

/// The seed's own request; an image; another text.
async fn everybody(
    world: &mut World,
    program: &Program,
    follower: &Program,
) -> Result<Vec<String>> {
    let seeds = json!({
        "content": "Test post for feed https://example.com #mill",
        "userId": program.account.did, "mediaIds": [], "visibility": "PUBLIC",
    });
    let first = program.posts(seeds).await?;
    let png = include_bytes!("posting.png");
    let upload = program.request(Method::POST, "/api/v1/media?alt=a%20wheel");
    let upload = upload.header("content-type", "image/png").body(png.to_vec());
    let media = Program::sent(upload).await?;
    ensure!(media.status == StatusCode::CREATED && media.body["width"] == 2, "{media:?}");
    let media = media.body["mediaId"].as_str().context("a mediaId")?.to_owned();
    let second = program.posts(json!({"content": "", "mediaIds": [media]})).await?;
    let home = follower.until_home(&[&first, &second]).await?;
    let [second_view, first_view] = &home[..] else { anyhow::bail!("two") };
    let facets = &first_view["view"]["post"]["record"]["facets"];
    ensure!(facets.as_array().is_some_and(|facets| facets.len() == 2), "{first_view}");
    let images = &second_view["view"]["post"]["embed"]["images"];
    ensure!(
        images[0]["alt"] == "a wheel" && images[0]["aspectRatio"]["height"] == 2,
        "{second_view}"
    );
    ensure!(first_view["visibility"] == "PUBLIC", "{first_view}");

    let changed = json!({"content": "another text"});
    let answer = program.one(Method::PATCH, &first, Some(changed)).await?;
    ensure!(answer.status.is_success() && answer.body["postId"] == first.as_str(), "{answer:?}");
    program.until_state(&first, "published").await?;
    let texts = at_the_pds(world, &program.account).await?;
    ensure!(texts.iter().filter(|text| *text == "another text").count() == 1, "{texts:?}");
    // Whoever has not written it may not change it.
    let answer = follower.one(Method::DELETE, &first, None).await?;
    ensure!(
        answer.status == StatusCode::FORBIDDEN && answer.body["error"] == "NotYou",
        "{answer:?}"
    );
    Ok(vec![first, second])
}

/// Posts that do not leave, who sees them, and how they become others.
async fn limited(
    world: &mut World,
    program: &Program,
    follower: &Program,
    stranger: &Program,
    public: &[String],
) -> Result<()> {
    let public: Vec<&str> = public.iter().map(String::as_str).collect();
    let followers =
        program.posts(json!({"content": "among us", "visibility": "FOLLOWERS"})).await?;
    let private = program.posts(json!({"content": "to myself", "visibility": "PRIVATE"})).await?;
    let mut own = public.clone();
    own.extend([followers.as_str(), &private]);
    program.until_home(&own).await?;
    let mut followed = public.clone();
    followed.push(&followers);
    let home = follower.until_home(&followed).await?;
    let view = home.iter().find(|it| it["postId"] == followers.as_str()).context("a view")?;
    ensure!(view["visibility"] == "FOLLOWERS", "{view}");
    ensure!(view["view"]["post"]["record"]["text"] == "among us", "{view}");
    ensure!(view["view"]["post"]["author"]["did"] == program.account.did.as_str(), "{view}");
    for (reader, uri, may) in [
        (follower, &followers, true),
        (follower, &private, false),
        (stranger, &followers, false),
        (program, &private, true),
    ] {
        let answer = reader.one(Method::GET, uri, None).await?;
        ensure!(answer.status.is_success() == may, "{uri}: {answer:?}");
    }
    // Neither the PDS nor a method of the protocol knows of them.
    let texts = at_the_pds(world, &program.account).await?;
    ensure!(!texts.iter().any(|text| text == "among us" || text == "to myself"), "{texts:?}");
    let feed = json!({"actor": program.account.did});
    let feed = world.client.query(&follower.account, "app.bsky.feed.getAuthorFeed", feed).await?;
    ensure!(!feed.data.to_string().contains("among us"), "{:?}", feed.data);

    // For its author alone from now on: gone from the follower's home.
    let answer =
        program.one(Method::PATCH, &followers, Some(json!({"visibility": "PRIVATE"}))).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    follower.until_home(&public).await?;
    // For everybody: a record, under a name of its own.
    let answer =
        program.one(Method::PATCH, &private, Some(json!({"visibility": "PUBLIC"}))).await?;
    let shown = answer.body["postId"].as_str().context("a postId")?.to_owned();
    ensure!(shown.contains(POST), "{answer:?}");
    let mut more = public.clone();
    more.push(&shown);
    follower.until_home(&more).await?;
    let gone = program.one(Method::GET, &private, None).await?;
    ensure!(gone.status == StatusCode::NOT_FOUND, "{gone:?}");
    // And for followers: gone from the PDS.
    let answer =
        program.one(Method::PATCH, &shown, Some(json!({"visibility": "FOLLOWERS"}))).await?;
    let again = answer.body["postId"].as_str().context("a postId")?.to_owned();
    let mut more = public.clone();
    more.push(&again);
    follower.until_home(&more).await?;
    let texts = at_the_pds(world, &program.account).await?;
    ensure!(!texts.iter().any(|text| text == "to myself"), "{texts:?}");
    for uri in [&again, &followers] {
        let answer = program.one(Method::DELETE, uri, None).await?;
        ensure!(answer.status.is_success(), "{answer:?}");
    }
    follower.until_home(&public).await.map(drop)
}

/// Who asked to be told of posts is.
async fn told_of(follower: &Program, public: &[String]) -> Result<()> {
    let request = follower.request(Method::GET, "/api/v1/notifications");
    let answer = Program::sent(request).await?;
    let groups = answer.body["notifications"].as_array().into_iter().flatten();
    let posts: Vec<&str> = groups
        .filter(|group| group["type"] == "NEW_POST")
        .filter_map(|group| group["id"].as_str())
        .collect();
    ensure!(public.iter().all(|uri| posts.contains(&uri.as_str())), "{answer:?}");
    Ok(())
}

/// Programs of others are told of each public post once, and of no other: read from the log as it lies on the disk.
async fn announced(world: &mut World, public: &[String]) -> Result<()> {
    world.millrace.terminate().await?;
    let clock = SystemClock::shared();
    let log = Log::open(&LogConfig::in_dir(world.millrace.data_dir()), clock, &Registry::new())?;
    let all = async |topic| {
        let mut items = Vec::new();
        for partition in 0..log.partitions(topic) {
            items.extend(log.read(topic, partition, 0, 1 << 20).await?);
        }
        anyhow::Ok(items)
    };
    let mut created = Vec::new();
    for item in &all(Topic::PostCreated).await? {
        let kind = item.headers.text("ce_type").context("ce_type")?;
        ensure!(kind == "POST_CREATED" && item.headers.text("ce_id").is_some(), "{item:?}");
        ensure!(item.headers.text("ce_specversion") == Some("1.0"), "{item:?}");
        let traceparent = item.headers.text("traceparent").context("traceparent")?;
        ensure!(traceparent.starts_with("00-") && traceparent.ends_with("-01"), "{item:?}");
        let payload: Value = serde_json::from_slice(&item.payload)?;
        created.push(payload["uri"].as_str().context("a URI")?.to_owned());
    }
    for uri in public {
        ensure!(created.iter().filter(|found| *found == uri).count() == 1, "{uri}: {created:?}");
    }
    ensure!(created.iter().all(|uri| uri.contains(POST)), "{created:?}");
    let updated = all(Topic::PostUpdated).await?;
    ensure!(!updated.is_empty(), "the post with another text was not told of");
    let dead = all(Topic::PostCreatedDlq).await?;
    ensure!(dead.is_empty(), "{dead:?}");
    log.close().await;
    world.millrace.launch().await?;
    world.millrace.ready().await
}

/// What is no post gets its reason.
async fn refused(program: &Program, follower: &Program, stranger: &Program) -> Result<()> {
    let png = include_bytes!("posting.png");
    let upload =
        follower.request(Method::POST, "/api/v1/media").header("content-type", "image/png");
    let foreign = Program::sent(upload.body(png.to_vec())).await?;
    let foreign = foreign.body["mediaId"].clone();
    // The same bytes have the same CID: only who uploaded them may name them, so another image's.
    let unknown = json!("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    let bad = [
        (json!({"content": " "}), 400, "InvalidRequest"),
        (json!({"content": "a".repeat(301)}), 400, "InvalidRequest"),
        (json!({"content": "x", "visibility": "SECRET"}), 400, "InvalidRequest"),
        (json!({"content": "x", "more": 1}), 400, "InvalidRequest"),
        (json!({"content": "x", "langs": ["!"]}), 400, "InvalidRequest"),
        (json!({"content": "x", "mediaIds": [unknown]}), 400, "MediaNotFound"),
        (
            json!({"content": "x", "visibility": "PRIVATE", "mediaIds": [foreign]}),
            400,
            "InvalidRequest",
        ),
        (json!({"content": "x", "userId": follower.account.did}), 403, "NotYou"),
    ];
    for (body, status, error) in bad {
        let answer = program.post(body.clone()).await?;
        let is_it = answer.status.as_u16() == status && answer.body["error"] == error;
        ensure!(is_it && answer.body["message"].is_string(), "{body}: {answer:?}");
    }
    let answer = stranger.post(json!({"content": "x"})).await?;
    ensure!(answer.status == StatusCode::FORBIDDEN, "{answer:?}");
    let nobody = program.http.post(format!("{}/api/v1/posts", program.origin));
    let answer = Program::sent(nobody.json(&json!({"content": "x"}))).await?;
    ensure!(answer.status == StatusCode::UNAUTHORIZED, "{answer:?}");
    for (kind, bytes) in [("image/png", b"no image".to_vec()), ("text/html", b"<p>".to_vec())] {
        let upload = program.request(Method::POST, "/api/v1/media").header("content-type", kind);
        let answer = Program::sent(upload.body(bytes)).await?;
        ensure!(answer.status == StatusCode::BAD_REQUEST, "{answer:?}");
    }
    Ok(())
}

/// The PDS away, then the program killed at each step.
async fn survived((mut world, program): (World, Program)) -> Result<()> {
    world.network.stop(Peer::Pds).await?;
    let answer = program.post(json!({"content": "while it is away"})).await?;
    ensure!(
        answer.status == StatusCode::ACCEPTED && answer.body["state"] == "pending",
        "{answer:?}"
    );
    let uri = answer.body["postId"].as_str().context("a postId")?.to_owned();
    world.network.resume(Peer::Pds).await?;
    program.until_state(&uri, "published").await?;
    for step in STEPS {
        let crash = vec![("MILLRACE_CRASH_AT", format!("{step}:1"))];
        world.millrace.terminate().await?;
        world.millrace.set_environment(crash);
        world.millrace.launch().await?;
        world.millrace.ready().await?;
        let body = json!({"content": format!("killed at {step}")});
        let post = || {
            let request = program.request(Method::POST, "/api/v1/posts").json(&body);
            Program::sent(request.header("idempotency-key", step))
        };
        let died = post().await;
        ensure!(died.is_err(), "{step} was not reached: {died:?}");
        world.millrace.set_environment(Vec::new());
        while world.millrace.ended()?.is_none() {
            sleep(POLL).await;
        }
        world.millrace.launch().await?;
        world.millrace.ready().await?;
        // Said again, it is the same post, which comes to its PDS by itself.
        let again = post().await?;
        let uri = again.body["postId"].as_str().context("a postId")?;
        program.until_state(uri, "published").await.context(step)?;
    }
    let texts = at_the_pds(&mut world, &program.account).await?;
    for step in STEPS {
        let text = format!("killed at {step}");
        ensure!(texts.iter().filter(|found| **found == text).count() == 1, "{text}: {texts:?}");
    }
    world.end().await
}
