//! A real Ozone beside a real PDS: people report, a moderator decides through their own PDS as Ozone's pages do,
//! and what Millrace answers follows: takedowns of posts, images and accounts, labels, and every method that
//! Ozone asks an AppView for. Also while Millrace is down.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::client::{Account, Written};
use crate::json_lines::JsonLines;
use crate::millrace::{Engine, Split};
use crate::network::Moderation;
use crate::people::People;
use crate::postgres::Database;
use crate::world::World;

const LABELLED_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// Ozone, and who works with it.
pub struct Ozone {
    pub node: JsonLines,
    moderator: Account,
    /// As the PDS is told where to pass a request on to.
    service: String,
}

impl Ozone {
    pub async fn start(world: &mut World, database: &Database, dir: &Path) -> Result<Self> {
        let moderator = world.client.create_account("moderator").await?;
        let network = &world.network;
        let Moderation { did, port, signing_key_hex } =
            network.moderation.as_ref().context("a moderated network")?;
        let env = [
            ("PORT", port.to_string()),
            ("PLC_URL", network.plc_url.clone()),
            ("DID", did.clone()),
            ("SIGNING_KEY", signing_key_hex.clone()),
            ("ADMIN_DID", moderator.did.clone()),
            ("APPVIEW_URL", world.millrace.appview_url()),
            ("APPVIEW_DID", network.appview_did.clone()),
            ("PDS_URL", network.pds_url.clone()),
            ("PDS_DID", network.pds_did.clone()),
            ("POSTGRES_URL", database.url().to_owned()),
        ];
        let service = format!("{did}#atproto_labeler");
        let (node, _) = JsonLines::start("ozone.mjs", &env, dir).await?;
        Ok(Self { node, moderator, service })
    }

    pub async fn ask(&self, world: &mut World, nsid: &str, params: Value) -> Result<Value> {
        let asked = world.client.query_to(&self.service, &self.moderator, nsid, params).await;
        asked.with_context(|| format!("Ozone was asked for {nsid}"))
    }

    /// The moderator decides; what is to be told to others was told when this returns.
    pub async fn decide(
        &mut self,
        world: &mut World,
        what: &Decision,
        subject: &Value,
    ) -> Result<()> {
        self.emit(world, what, subject).await?;
        self.pushed().await
    }

    async fn emit(&self, world: &mut World, what: &Decision, subject: &Value) -> Result<()> {
        let mut input = json!({
            "event": what.event,
            "subject": subject,
            "createdBy": self.moderator.did,
        });
        if !what.blobs.is_empty() {
            input["subjectBlobCids"] = json!(what.blobs);
        }
        let emit = "tools.ozone.moderation.emitEvent";
        world.client.procedure_to(&self.service, &self.moderator, emit, input).await.map(drop)
    }

    async fn pushed(&mut self) -> Result<()> {
        self.node.must("ozone.pushed", json!({})).await.map(drop)
    }
}

#[derive(Default)]
pub struct Decision {
    event: Value,
    /// Of the record's files, which are meant too.
    blobs: Vec<String>,
}

impl Decision {
    pub fn event(name: &str) -> Self {
        let kind = format!("tools.ozone.moderation.defs#modEvent{name}");
        Self { event: json!({"$type": kind, "comment": "decided"}), blobs: Vec::new() }
    }

    pub fn label(added: &[&str], negated: &[&str]) -> Self {
        let mut decision = Self::event("Label");
        decision.event["createLabelVals"] = json!(added);
        decision.event["negateLabelVals"] = json!(negated);
        decision
    }

    fn of_blob(self, blob: &Value) -> Self {
        let cid = blob["ref"]["$link"].as_str().unwrap_or_default().to_owned();
        Self { blobs: vec![cid], ..self }
    }
}

pub fn of_post(post: &Written) -> Value {
    json!({"$type": "com.atproto.repo.strongRef", "uri": post.uri, "cid": post.cid})
}

fn of_account(account: &Account) -> Value {
    json!({"$type": "com.atproto.admin.defs#repoRef", "did": account.did})
}

#[tokio::test]
async fn sqlite() -> Result<()> {
    let Some(database) = database().await? else { return Ok(()) };
    moderated(&Engine::Sqlite, Split::Local, &database).await
}

#[tokio::test]
async fn postgres_in_two_processes() -> Result<()> {
    let Some(database) = database().await? else { return Ok(()) };
    let Some(own) = self::database().await? else { return Ok(()) };
    moderated(&Engine::Postgres(own.url().to_owned()), Split::Remote, &database).await
}

pub async fn database() -> Result<Option<Database>> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(None);
    };
    Database::create(&server).await.map(Some)
}

async fn moderated(engine: &Engine, split: Split, database: &Database) -> Result<()> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut world = World::moderated(engine, split, Some(port)).await?;
    let dir = world.dir().to_owned();
    let mut ozone = Ozone::start(&mut world, database, &dir).await?;
    let people = People::settle_in(&mut world, "http://localhost:1").await?;

    somebody_reports(&mut world, &ozone, &people).await.context("reports")?;
    labels_come_and_go(&mut world, &mut ozone, &people).await.context("labels")?;
    posts_are_taken_down(&mut world, &mut ozone, &people).await.context("posts")?;
    images_are_taken_down(&mut world, &mut ozone, &people).await.context("images")?;
    accounts_are_taken_down(&mut world, &mut ozone, &people).await.context("accounts")?;
    what_is_decided_meanwhile_counts(&mut world, &mut ozone, &people).await.context("meanwhile")?;
    every_method_of_ozone_is_answered(&mut world, &ozone, &people).await.context("methods")?;
    ozone.node.end().await?;
    world.end().await
}

impl People {
    /// What Alice is shown of a post, if anything.
    async fn seen(&self, world: &mut World, post: &Written) -> Result<Option<Value>> {
        let params = json!({"uris": [post.uri]});
        let answer = world.client.query(&self.alice, "app.bsky.feed.getPosts", params).await?;
        let posts = answer.data["posts"].as_array().context("posts")?;
        Ok(posts.first().cloned())
    }

    /// Takedowns of records reach an AppView as labels, a moment after they were decided.
    async fn sees(&self, world: &mut World, post: &Written, expected: bool) -> Result<()> {
        let until = Instant::now() + LABELLED_WITHIN;
        while self.seen(world, post).await?.is_some() != expected {
            ensure!(Instant::now() < until, "{} is still shown: {}", post.uri, !expected);
            sleep(POLL).await;
        }
        Ok(())
    }
}

async fn somebody_reports(world: &mut World, ozone: &Ozone, people: &People) -> Result<()> {
    let People { alice, post, .. } = people;
    let reason = "com.atproto.moderation.defs#reasonSpam";
    let report = json!({"reasonType": reason, "reason": "spam", "subject": of_post(post)});
    let nsid = "com.atproto.moderation.createReport";
    let made = world.client.procedure_to(&ozone.service, alice, nsid, report).await?;
    ensure!(made["reportedBy"] == json!(alice.did), "reported: {made}");

    // Ozone asks the AppView for the record, its author and its labels.
    let seen =
        ozone.ask(world, "tools.ozone.moderation.getRecord", json!({"uri": post.uri})).await?;
    ensure!(seen["value"]["text"] == json!("something that bothers somebody"), "a record: {seen}");
    ensure!(seen["repo"]["handle"] == json!("bob.test"), "whose: {seen}");
    ensure!(seen["moderation"]["subjectStatus"]["reviewState"].is_string(), "its state: {seen}");
    let nsid = "tools.ozone.moderation.queryStatuses";
    let statuses = ozone.ask(world, nsid, json!({"subject": post.uri})).await?;
    let handle = &statuses["subjectStatuses"][0]["subjectRepoHandle"];
    ensure!(*handle == json!("bob.test"), "states: {statuses}");
    Ok(())
}

async fn labels_come_and_go(world: &mut World, ozone: &mut Ozone, people: &People) -> Result<()> {
    for (decision, expected) in [
        (Decision::label(&["rude"], &[]), json!(["rude"])),
        (Decision::label(&[], &["rude"]), json!([])),
    ] {
        ozone.decide(world, &decision, &of_post(&people.post)).await?;
        let until = Instant::now() + LABELLED_WITHIN;
        loop {
            let post = people.seen(world, &people.post).await?.context("the post")?;
            let labels = post["labels"].as_array().context("labels")?;
            let vals: Vec<&Value> = labels.iter().map(|label| &label["val"]).collect();
            if json!(vals) == expected {
                break;
            }
            ensure!(Instant::now() < until, "labels {labels:?}, not {expected}");
            sleep(POLL).await;
        }
    }
    Ok(())
}

async fn posts_are_taken_down(world: &mut World, ozone: &mut Ozone, people: &People) -> Result<()> {
    let People { alice, bob, post, .. } = people;
    ozone.decide(world, &Decision::event("Takedown"), &of_post(post)).await?;
    people.sees(world, post, false).await?;
    let feed = json!({"actor": bob.did});
    let feed = world.client.query(alice, "app.bsky.feed.getAuthorFeed", feed).await?.data;
    let lines = feed["feed"].as_array().context("a feed")?;
    ensure!(lines.len() == 1, "the other post alone: {feed}");
    // Who moderates still sees it, through Ozone.
    let thread = json!({"uri": post.uri});
    let thread = ozone.ask(world, "app.bsky.feed.getPostThread", thread).await?;
    ensure!(thread["thread"]["post"]["uri"] == json!(post.uri), "a moderator's thread: {thread}");

    ozone.decide(world, &Decision::event("ReverseTakedown"), &of_post(post)).await?;
    people.sees(world, post, true).await
}

async fn images_are_taken_down(
    world: &mut World,
    ozone: &mut Ozone,
    people: &People,
) -> Result<()> {
    let People { bob, image, with_image, .. } = people;
    let cid = image["ref"]["$link"].as_str().context("an image's CID")?;
    let nsid = "com.atproto.admin.getSubjectStatus";
    let url = format!("{}/xrpc/{nsid}", world.millrace.appview_url());
    for (name, expected) in [("Takedown", json!(true)), ("ReverseTakedown", json!(false))] {
        let decision = Decision::event(name).of_blob(image);
        ozone.decide(world, &decision, &of_post(with_image)).await?;
        people.sees(world, with_image, name != "Takedown").await?;
        let question = world.http.get(&url).query(&[("did", bob.did.as_str()), ("blob", cid)]);
        let answer = question.basic_auth("admin", Some(crate::millrace::ADMIN_PASSWORD));
        let answer: Value = answer.send().await?.error_for_status()?.json().await?;
        ensure!(answer["takedown"]["applied"] == expected, "{name} of an image: {answer}");
    }
    Ok(())
}

async fn accounts_are_taken_down(
    world: &mut World,
    ozone: &mut Ozone,
    people: &People,
) -> Result<()> {
    let People { alice, bob, post, .. } = people;
    let (nsid, params) = ("app.bsky.actor.getProfile", json!({"actor": bob.did}));
    ozone.decide(world, &Decision::event("Takedown"), &of_account(bob)).await?;
    let refused = world.client.refused(alice, nsid, params.clone()).await?;
    ensure!(refused.error == "AccountTakedown", "a profile that is taken down: {refused}");
    people.sees(world, post, false).await?;
    let seen = ozone.ask(world, nsid, params.clone()).await?;
    ensure!(seen["displayName"] == json!("Bob"), "what a moderator sees of it: {seen}");

    ozone.decide(world, &Decision::event("ReverseTakedown"), &of_account(bob)).await?;
    // The PDS had taken the account down too, and says so in its stream of events.
    world.settle().await?;
    let seen = world.client.query(alice, nsid, params).await?.data;
    ensure!(seen["displayName"] == json!("Bob"), "the profile again: {seen}");
    people.sees(world, post, true).await
}

/// Ozone keeps telling an AppView that does not answer, and what it was told outlives the program.
async fn what_is_decided_meanwhile_counts(
    world: &mut World,
    ozone: &mut Ozone,
    people: &People,
) -> Result<()> {
    let post = &people.post;
    kill(world).await?;
    ozone.emit(world, &Decision::event("Takedown"), &of_post(post)).await?;
    world.millrace.launch().await?;
    world.millrace.ready().await?;
    ozone.pushed().await?;
    people.sees(world, post, false).await?;
    kill(world).await?;
    world.millrace.launch().await?;
    world.millrace.ready().await?;
    people.sees(world, post, false).await?;
    ozone.decide(world, &Decision::event("ReverseTakedown"), &of_post(post)).await?;
    people.sees(world, post, true).await
}

async fn kill(world: &mut World) -> Result<()> {
    match world.millrace.split() {
        Split::Local => world.millrace.kill9().await,
        Split::Remote => world.millrace.kill9_both().await,
    }
}

/// What Ozone serves by asking the AppView: its own methods, and those that it passes on for its pages.
async fn every_method_of_ozone_is_answered(
    world: &mut World,
    ozone: &Ozone,
    people: &People,
) -> Result<()> {
    let People { bob, post, list, pack, feed, .. } = people;
    let (did, uri) = (&bob.did, &post.uri);
    // The part of the answer that must not be empty.
    let questions = [
        ("app.bsky.actor.getProfile", json!({"actor": did}), "/did"),
        ("app.bsky.actor.getProfiles", json!({"actors": [did]}), "/profiles/0/did"),
        ("app.bsky.actor.searchActorsTypeahead", json!({"q": "bob"}), "/actors/0/did"),
        ("app.bsky.feed.getAuthorFeed", json!({"actor": did}), "/feed/0/post/uri"),
        ("app.bsky.feed.getFeedGenerator", json!({"feed": feed}), "/view/uri"),
        ("app.bsky.feed.getLikes", json!({"uri": uri}), "/likes/0/actor/did"),
        ("app.bsky.feed.getPostThread", json!({"uri": uri}), "/thread/post/uri"),
        ("app.bsky.feed.getRepostedBy", json!({"uri": uri}), "/repostedBy"),
        ("app.bsky.feed.searchPosts", json!({"q": "bothers"}), "/posts/0/uri"),
        ("app.bsky.graph.getActorStarterPacks", json!({"actor": did}), "/starterPacks/0/uri"),
        ("app.bsky.graph.getFollowers", json!({"actor": did}), "/followers/0/did"),
        ("app.bsky.graph.getFollows", json!({"actor": people.alice.did}), "/follows/0/did"),
        ("app.bsky.graph.getList", json!({"list": list}), "/list/uri"),
        ("app.bsky.graph.getLists", json!({"actor": did}), "/lists"),
        ("app.bsky.graph.getStarterPack", json!({"starterPack": pack}), "/starterPack/uri"),
        ("app.bsky.graph.getStarterPacks", json!({"uris": [pack]}), "/starterPacks/0/uri"),
        ("tools.ozone.moderation.getRepo", json!({"did": did}), "/handle"),
        ("tools.ozone.moderation.getRepos", json!({"dids": [did]}), "/repos/0/handle"),
        ("tools.ozone.moderation.getRecord", json!({"uri": uri}), "/value/text"),
        ("tools.ozone.moderation.getRecords", json!({"uris": [uri]}), "/records/0/value/text"),
        ("tools.ozone.moderation.getSubjects", json!({"subjects": [uri]}), "/subjects/0/record"),
        ("tools.ozone.moderation.searchRepos", json!({"q": "bob"}), "/repos/0/handle"),
        ("tools.ozone.moderation.queryEvents", json!({"subject": uri}), "/events/0/subjectHandle"),
        ("tools.ozone.moderation.getAccountTimeline", json!({"did": did}), "/timeline/0"),
        ("tools.ozone.team.listMembers", json!({}), "/members/0/profile/did"),
    ];
    for (nsid, params, part) in questions {
        let answer = ozone.ask(world, nsid, params).await?;
        ensure!(answer.pointer(part).is_some(), "{nsid}: no {part} in {answer}");
    }
    Ok(())
}
