//! Posts made at a real PDS find their way into the home of somebody who reads here: its rows, its ranked page, what
//! was seen; whatever is killed in between. The columns and indexes are those that people were promised.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::client::Account;
use crate::millrace::{Engine, Split};
use crate::page::Page;
use crate::world::World;

const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

#[tokio::test]
async fn sqlite_local() -> Result<()> {
    told(&Engine::Sqlite, Split::Local).await
}

#[tokio::test]
async fn postgres_remote() -> Result<()> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(());
    };
    let database = crate::postgres::Database::create(&server).await?;
    told(&Engine::Postgres(database.url().to_owned()), Split::Remote).await
}

/// What a home is on its way through; a new reader begins with the first.
const STEPS: [&str; 5] = [
    "feeds.build.followed",
    "feeds.settle.stood",
    "feeds.fan_out.before_commit",
    "feeds.fan_out.after_commit",
    "feeds.rescore.held",
];

/// Killed at each step, a home holds what it is to hold, with what was done with it.
#[tokio::test]
async fn killed_at_each_step_a_home_is_right() -> Result<()> {
    let settings = "\n[feeds]\npage_seconds = 1\nrescore_after_ms = 100\n";
    let mut world = World::configured(&Engine::Sqlite, Split::Local, None, settings).await?;
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        people.push(world.client.create_account(name).await?);
    }
    let [alice, bob, carol] = &people[..] else { anyhow::bail!("three") };
    world.client.follow(alice, bob).await?;
    let early = world.client.post(carol, "before anybody follows").await?;
    let page = Page::signed_in(&mut world, alice).await?;
    world.settle().await?;
    let mut expected = Vec::new();
    for step in STEPS {
        world.millrace.terminate().await?;
        world.millrace.set_environment(vec![("MILLRACE_CRASH_AT", format!("{step}:1"))]);
        world.millrace.launch().await?;
        world.millrace.ready().await?;
        match step {
            "feeds.build.followed" => drop(page.get("/api/v1/posts").await),
            "feeds.settle.stood" => {
                world.client.follow(alice, carol).await?;
                expected.push(early.uri.clone());
            }
            "feeds.rescore.held" => {
                let first = crate::client::Written {
                    uri: expected[1].clone(),
                    cid: first_cid(&page, &expected[1]).await?,
                };
                drop(world.client.like(carol, &first).await?);
            }
            _ => expected.push(world.client.post(bob, step).await?.uri),
        }
        let began = Instant::now();
        while world.millrace.ended()?.is_none() {
            ensure!(began.elapsed() < WITHIN, "{step} was not reached");
            sleep(POLL).await;
        }
        world.millrace.set_environment(Vec::new());
        world.millrace.launch().await?;
        world.millrace.ready().await?;
        let wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
        until(&page, &wanted).await.context(step)?;
    }
    // The like counts, though the process ended before it was looked at.
    let began = Instant::now();
    loop {
        let home: Value = page.get("/api/v1/posts").await?;
        let posts = home["posts"].as_array().into_iter().flatten();
        let liked = posts.clone().find(|post| post["postId"] == expected[1].as_str());
        if liked.is_some_and(|post| post["why"]["engagement"].as_f64() > Some(0.0)) {
            break;
        }
        ensure!(began.elapsed() < 2 * WITHIN, "{home}");
        sleep(POLL).await;
    }
    world.end().await
}

/// Homes stand still while everything else goes on: they are read by pull, which shows what is new, and are made up for
/// when they can be.
async fn stood_still(world: &mut World, engine: &Engine, page: &Page, bob: &Account) -> Result<()> {
    let still = Still::of(engine, world).await?;
    let posts = [
        world.client.post(bob, "while homes stand still").await?,
        world.client.post(bob, "and another").await?,
    ];
    let wanted = posts.each_ref().map(|post| post.uri.as_str());
    until_shown(page, "pull", |found| wanted.iter().all(|post| found.contains(post))).await?;
    still.ends().await?;
    until_shown(page, "user_feeds", |found| wanted.iter().all(|post| found.contains(post))).await?;
    Ok(())
}

/// Nobody can write homes: somebody else is at it, and does not end.
struct Still {
    ends: oneshot::Sender<()>,
    holder: tokio::task::JoinHandle<Result<()>>,
}

impl Still {
    async fn of(engine: &Engine, world: &World) -> Result<Self> {
        let (held, is_held) = oneshot::channel();
        let (ends, is_over) = oneshot::channel();
        let (engine, file) = (engine.clone(), world.millrace.data_dir().join("feeds.db"));
        let holder = tokio::task::spawn_blocking(move || {
            match engine {
                Engine::Postgres(url) => {
                    let mut client = postgres::Client::connect(&url, postgres::NoTls)?;
                    let mut tx = client.transaction()?;
                    tx.batch_execute("LOCK TABLE feeds.projection_offset IN EXCLUSIVE MODE")?;
                    held.send(()).ok();
                    drop(is_over.blocking_recv());
                    tx.rollback()?;
                }
                Engine::Sqlite => {
                    let file = rusqlite::Connection::open(file)?;
                    file.busy_timeout(WITHIN)?;
                    file.execute_batch("BEGIN IMMEDIATE")?;
                    held.send(()).ok();
                    drop(is_over.blocking_recv());
                    file.execute_batch("ROLLBACK")?;
                }
            }
            Ok(())
        });
        is_held.await.context("homes are not held")?;
        Ok(Self { ends, holder })
    }

    async fn ends(self) -> Result<()> {
        drop(self.ends);
        self.holder.await?
    }
}

/// The CID of a post that the home shows.
async fn first_cid(page: &Page, uri: &str) -> Result<String> {
    let home: Value = page.get("/api/v1/posts").await?;
    let mut posts = home["posts"].as_array().into_iter().flatten();
    let post = posts.find(|post| post["postId"] == uri).context("a post")?;
    Ok(post["view"]["post"]["cid"].as_str().context("a CID")?.to_owned())
}

async fn told(engine: &Engine, split: Split) -> Result<()> {
    // A first page is served again for a short time only: what is new shows soon.
    let settings = "\n[feeds]\npage_seconds = 1\nlag_ms_max = 1000\n";
    let mut world = World::configured(engine, split, None, settings).await?;
    let (alice, bob) =
        (world.client.create_account("alice").await?, world.client.create_account("bob").await?);
    world.client.follow(&alice, &bob).await?;
    let page = Page::signed_in(&mut world, &alice).await?;
    world.settle().await?;

    // The first page is looked up; from then on the home is made.
    let first = world.client.post(&bob, "the first").await?;
    world.settle().await?;
    until(&page, &[&first.uri]).await?;
    let second = world.client.post(&bob, "the second").await?;
    let own = world.client.post(&alice, "my own").await?;
    let home = until(&page, &[&first.uri, &second.uri, &own.uri]).await?;
    for post in home["posts"].as_array().into_iter().flatten() {
        let score = post["relevanceScore"].as_f64().unwrap_or(-1.0);
        ensure!((0.0..=1.0).contains(&score) && post["why"].is_object(), "{post}");
    }

    // Killed while posts are on their way, nothing of them is lost.
    let third = world.client.post(&bob, "the third").await?;
    world.millrace.kill9_both().await?;
    let fourth = world.client.post(&bob, "the fourth").await?;
    world.millrace.launch().await?;
    world.millrace.ready().await?;
    until(&page, &[&first.uri, &second.uri, &third.uri, &fourth.uri, &own.uri]).await?;

    // What was seen is read, and what is deleted is gone.
    let seen = json!({ "uris": [first.uri], "positions": [0] });
    let marked = page.post("/api/v1/feed/seen", &seen).await?;
    ensure!(marked.status().is_success(), "{}", marked.text().await?);
    world.client.delete(&bob, &second).await?;
    world.settle().await?;
    let home = until(&page, &[&first.uri, &third.uri, &fourth.uri, &own.uri]).await?;
    let posts = home["posts"].as_array().into_iter().flatten();
    let read: Vec<&Value> = posts.filter(|post| post["isRead"] == true).collect();
    ensure!(read.len() == 1 && read[0]["postId"] == first.uri.as_str(), "{home}");
    stood_still(&mut world, engine, &page, &bob).await?;
    world.end().await
}

/// The home once it is read from its rows and holds just these posts.
async fn until(page: &Page, posts: &[&str]) -> Result<Value> {
    let mut wanted: Vec<&str> = posts.to_vec();
    wanted.sort_unstable();
    let home = until_shown(page, "user_feeds", |found| found == wanted).await;
    home.with_context(|| format!("wanted {wanted:?}"))
}

/// The home once it comes from there and holds posts, sorted by URI, that are as they should be.
async fn until_shown(
    page: &Page,
    from: &str,
    are_right: impl Fn(&[&str]) -> bool,
) -> Result<Value> {
    let until = Instant::now() + WITHIN;
    loop {
        let url = format!("{}/api/v1/posts", page.origin);
        let answer = page.sent(page.http.get(url)).send().await?;
        let source = answer.headers().get("x-feed-source").cloned();
        let home: Value = answer.json().await?;
        let posts = home["posts"].as_array().into_iter().flatten();
        let mut found: Vec<&str> = posts.filter_map(|post| post["postId"].as_str()).collect();
        found.sort_unstable();
        if source.as_ref().is_some_and(|source| source == from) && are_right(&found) {
            return Ok(home);
        }
        ensure!(Instant::now() < until, "wanted from {from}, found {source:?} {home}");
        sleep(POLL).await;
    }
}
