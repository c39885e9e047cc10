//! Richer cards of links: none, as nothing is kept that they could be made of.

use serde_json::json;

use crate::world::{World, near_and_far};

const VIEW: &str = "app.bsky.embed.getEmbedExternalView";

near_and_far!(a_link_without_records);

async fn a_link_without_records(world: World) {
    let post = world.actor("alice").posts("about https://news.example/").uri;
    let url = ("url", "https://news.example/");
    let answer = world.get(VIEW, &[url, ("uris", &post)]).await;
    assert!(answer.header("atproto-content-labelers").is_some());
    assert_eq!(answer.ok(), json!({}));
    for wrong in [
        vec![url],
        vec![("uris", post.as_str())],
        vec![("url", "no url"), ("uris", &post)],
        vec![url, ("uris", "no uri")],
        [vec![url], vec![("uris", post.as_str()); 5]].concat(),
    ] {
        let answer = world.get(VIEW, &wrong).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{wrong:?}");
    }
}
