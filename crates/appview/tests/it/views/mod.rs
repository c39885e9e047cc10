//! What views say beside the records: relations, gates, details, and what other records show.

mod details;
mod embeds;
mod gates;
mod relations;

use serde_json::Value;

use crate::people::{Ref, did};
use crate::world::World;

const GET_PROFILE: &str = "app.bsky.actor.getProfile";
const GET_PROFILES: &str = "app.bsky.actor.getProfiles";
const GET_POSTS: &str = "app.bsky.feed.getPosts";

/// Someone's profile in detail, as somebody or nobody sees it.
async fn profile(world: &World, viewer: Option<&str>, whom: &str) -> Value {
    let whom = did(whom);
    let params = [("actor", whom.as_str())];
    match viewer {
        Some(viewer) => world.get_as(viewer, GET_PROFILE, &params).await.ok(),
        None => world.get(GET_PROFILE, &params).await.ok(),
    }
}

/// A post as somebody or nobody sees it; null for one that is left out.
async fn post(world: &World, viewer: Option<&str>, post: &Ref) -> Value {
    let params = [("uris", post.uri.as_str())];
    let mut answer = match viewer {
        Some(viewer) => world.get_as(viewer, GET_POSTS, &params).await.ok(),
        None => world.get(GET_POSTS, &params).await.ok(),
    };
    answer["posts"].get_mut(0).map_or(Value::Null, Value::take)
}
