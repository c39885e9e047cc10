//! Somebody reports in the dashboard, in a real browser (`browser/reported.mjs`): their PDS passes it on to a real Ozone,
//! where it waits to be decided, and what is decided is seen in the dashboard.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::chromium::{drive_with, ready};
use crate::dashboard_own::person;
use crate::millrace::{Engine, Split};
use crate::ozone::{Decision, Ozone, database, of_post};
use crate::people::People;
use crate::world::World;

/// What is said with a report.
const WORDS: &str = "this is not what it says";
const DEFS: &str = "com.atproto.moderation.defs";

#[tokio::test(flavor = "multi_thread")]
async fn a_report_reaches_ozone_and_its_answer_comes_back() -> Result<()> {
    let Some(database) = database().await? else { return Ok(()) };
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut world = World::moderated(&Engine::Sqlite, Split::Local, Some(port)).await?;
    // Browsers come back from signing in to an address, never to `localhost`.
    let base = world.millrace.appview_url().replace("localhost", "127.0.0.1");
    let Some(chromium) = ready(&base).await? else { return world.end().await };
    let dir = world.dir().to_owned();
    let mut ozone = Ozone::start(&mut world, &database, &dir).await?;
    let people = People::settle_in(&mut world, "http://localhost:1").await?;
    let named = json!({"name": "tests"});
    let made = world.client.procedure(&people.alice, "com.atproto.server.createAppPassword", named);
    let given = json!({
        "base": base, "alice": person(&people.alice), "bob": person(&people.bob),
        "appPassword": made.await?["password"], "post": people.post.uri,
        "text": "something that bothers somebody", "words": WORDS,
    });
    let act = async |what: &str| match what {
        "reported" => {
            waits(&mut world, &ozone, &people.post.uri, &people, "reasonSpam").await?;
            let label = Decision::label(&["rude"], &[]);
            ozone.decide(&mut world, &label, &of_post(&people.post)).await
        }
        "reported-account" => {
            waits(&mut world, &ozone, &people.bob.did, &people, "reasonRude").await?;
            let takedown = Decision::event("Takedown");
            ozone.decide(&mut world, &takedown, &of_post(&people.post)).await
        }
        other => anyhow::bail!("{other} was asked for"),
    };
    drive_with("reported.mjs", &chromium, given, act).await?;
    ozone.node.end().await?;
    world.end().await
}

/// Whether Ozone has Alice's report of a subject, to be decided.
async fn waits(
    world: &mut World,
    ozone: &Ozone,
    subject: &str,
    people: &People,
    reason: &str,
) -> Result<()> {
    let about = json!({"subject": subject});
    let queue = ozone.ask(world, "tools.ozone.moderation.queryStatuses", about).await?;
    let state = &queue["subjectStatuses"][0]["reviewState"];
    ensure!(*state == "tools.ozone.moderation.defs#reviewOpen", "the queue: {queue}");
    let about = json!({
        "subject": subject, "types": ["tools.ozone.moderation.defs#modEventReport"],
    });
    let told = ozone.ask(world, "tools.ozone.moderation.queryEvents", about).await?;
    let [told] = told["events"].as_array().context("events")?.as_slice() else {
        anyhow::bail!("one report: {told}")
    };
    let event: &Value = &told["event"];
    ensure!(told["createdBy"] == people.alice.did.as_str(), "whose: {told}");
    ensure!(event["comment"] == WORDS, "in their words: {told}");
    ensure!(event["reportType"] == format!("{DEFS}#{reason}"), "why: {told}");
    Ok(())
}
