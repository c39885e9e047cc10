//! Two people of a real PDS, and one of everything that they may make.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::{Account, Written};
use crate::world::World;

/// One transparent pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54,
    0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50, 0x0f, 0, 3, 0x86, 1, 0x80, 0x5a, 0x34, 0x7d, 0x6b, 0,
    0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Alice looks at what Bob does.
pub struct People {
    pub alice: Account,
    pub bob: Account,
    pub post: Written,
    pub image: Value,
    pub with_image: Written,
    pub list: String,
    pub pack: String,
    pub feed: String,
}

impl People {
    /// Everything is written and can be read; the feed is served at `feed_url`.
    pub async fn settle_in(world: &mut World, feed_url: &str) -> Result<Self> {
        let alice = world.client.create_account("alice").await?;
        let bob = world.client.create_account("bob").await?;
        let client = &mut world.client;
        client.update_profile(&bob, json!({"displayName": "Bob", "description": "writes"})).await?;
        client.follow(&alice, &bob).await?;
        let post = client.post(&bob, "something that bothers somebody").await?;
        client.like(&alice, &post).await?;
        let image = client.upload(&bob, PNG, "image/png").await?;
        let with_image = client.post_image(&bob, "look", &image).await?;
        let write = |collection: &'static str, record: Value| json!({"repo": bob.did, "collection": collection, "record": record});
        let now = "2026-01-01T00:00:00.000Z";
        let list = json!({"name": "a list", "purpose": "app.bsky.graph.defs#referencelist", "createdAt": now});
        let list = create(world, &bob, write("app.bsky.graph.list", list)).await?;
        let pack = json!({"name": "a pack", "list": list, "createdAt": now});
        let pack = create(world, &bob, write("app.bsky.graph.starterpack", pack)).await?;
        let service = world.network.register_feed_generator(feed_url).await?;
        let feed = json!({"did": service, "displayName": "a feed", "createdAt": now});
        let feed = create(world, &bob, write("app.bsky.feed.generator", feed)).await?;
        world.settle().await?;
        world.until_named(&alice).await?;
        world.until_named(&bob).await?;
        Ok(Self { alice, bob, post, image, with_image, list, pack, feed })
    }
}

async fn create(world: &mut World, by: &Account, input: Value) -> Result<String> {
    let made = world.client.procedure(by, "com.atproto.repo.createRecord", input).await?;
    Ok(made["uri"].as_str().context("the URI of a record")?.to_owned())
}
