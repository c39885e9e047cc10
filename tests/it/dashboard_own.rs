//! Somebody with an account on a real PDS signs in to the dashboard in a real browser (`browser/own.mjs`): at the PDS's
//! own pages, with an app password, and not at all; writes, likes, follows, mutes, and is told when the PDS refuses.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::chromium::{drive, ready};
use crate::client::Account;
use crate::millrace::{ADMIN_PASSWORD, Engine, Split};
use crate::world::World;

/// What a page must never take for anything but text.
const HOSTILE: &str =
    "<img src=x onerror=\"hacked=1\"><script>hacked=1</script> javascript:alert(1) &lt;b&gt;";

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_and_writes_in_a_browser() -> Result<()> {
    let mut world = World::start(&Engine::Sqlite, Split::Local).await?;
    // Browsers come back from signing in to an address, never to `localhost`.
    let base = world.millrace.appview_url().replace("localhost", "127.0.0.1");
    let Some(chromium) = ready(&base).await? else { return world.end().await };
    let mut given = settle_in(&mut world).await?;
    given["base"] = base.into();
    given["password"] = ADMIN_PASSWORD.into();
    given["pds"] = world.network.pds_url.clone().into();
    drive("own.mjs", &chromium, given, &mut world.millrace).await?;
    world.end().await
}

/// Alice follows Bob, who has written; Carol is a stranger to both. What the browser has to know of it.
async fn settle_in(world: &mut World) -> Result<Value> {
    let client = &mut world.client;
    let alice = client.create_account("alice").await?;
    let bob = client.create_account("bob").await?;
    let carol = client.create_account("carol").await?;
    client.update_profile(&bob, json!({"displayName": "<b>Bob</b> & co"})).await?;
    client.follow(&alice, &bob).await?;
    let hostile = client.post(&bob, HOSTILE).await?;
    let post = client.post(&bob, "the wheel turns").await?;
    let strange = client.post(&carol, "something strange").await?;
    let made =
        client.procedure(&alice, "com.atproto.server.createAppPassword", json!({"name": "tests"}));
    let app_password = made.await?["password"].as_str().context("a password")?.to_owned();
    world.settle().await?;
    for account in [&alice, &bob, &carol] {
        world.until_named(account).await?;
    }
    Ok(json!({
        "alice": person(&alice), "bob": person(&bob), "carol": person(&carol),
        "post": post.uri, "hostile": HOSTILE, "hostilePost": hostile.uri, "strange": strange.uri,
        "appPassword": app_password,
    }))
}

/// As the browser is told of somebody.
pub fn person(account: &Account) -> Value {
    let password = format!("{}-pass", account.name);
    json!({"did": account.did, "handle": account.handle, "password": password})
}
