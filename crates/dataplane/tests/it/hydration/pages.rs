//! A skeleton and its hydration in one question: what both say when they are asked for apart.

use millrace_atproto::syntax::{AtIdentifier, AtUri};
use millrace_dataplane::query::actors::GetRepoRev;
use millrace_dataplane::query::author_feed::{AuthorFilter, GetAuthorFeed};
use millrace_dataplane::query::hydrate::{Hydrate, Hydration};
use millrace_dataplane::query::hydrating::{Hydrated, Hydrating};
use millrace_dataplane::query::thread::GetPostThread;
use millrace_dataplane::query::timeline::GetTimeline;
use serde_json::{Value, json};

use super::{FOLLOW, REPOST, Town, at, strong};
use crate::entries::did;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(a_page_says_what_its_parts_say, what_is_not_known_still_tells_the_revision);

fn looked_at_by(viewer: &str) -> Hydrate {
    Hydrate { viewer: Some(did(viewer)), reply_refs: true, repo_rev: true, ..Hydrate::default() }
}

/// Families have no order.
fn sorted(hydration: &Hydration) -> Value {
    let mut json = serde_json::to_value(hydration).unwrap();
    for family in json.as_object_mut().unwrap().values_mut() {
        if let Some(items) = family.as_array_mut() {
            items.sort_by_key(ToString::to_string);
        }
    }
    json
}

async fn a_page_says_what_its_parts_say(harness: Harness) {
    let town = Town::new(harness);
    town.edge("carol", FOLLOW, "bob").await;
    let post = town.post("alice").await;
    let reply = town.reply("bob", &post, &post).await;
    town.write("bob", REPOST, json!({"subject": strong(&post)})).await;

    let client = &town.harness.client;
    let question = GetTimeline { actor: did("carol"), limit: 10, cursor: None };
    let page = client.ask(question.clone()).await.unwrap();
    let posts: Vec<AtUri> = page.items.iter().map(|item| at(&item.uri)).collect();
    assert_eq!(posts, [at(&post), at(&reply)]);
    let wanted = Hydrate { posts, actors: vec![did("bob")], ..looked_at_by("carol") };
    let apart = town.hydrate(wanted).await;
    let rev = client.ask(GetRepoRev { did: did("carol") }).await.unwrap().rev;
    assert!(rev.is_some());
    let together = Hydrating { skeleton: question, hydrate: looked_at_by("carol") };
    let Hydrated { skeleton, hydration } = client.ask(together).await.unwrap();
    assert_eq!(json!(skeleton), json!(page));
    assert_eq!(sorted(&hydration), sorted(&apart));
    assert_eq!(hydration.repo_rev, rev);
    assert_eq!(hydration.actors.len(), 2, "who reposted is among them");

    let question = GetPostThread { uri: at(&reply), below: 6, above: 80, op_thread: false };
    let together = Hydrating { skeleton: question, hydrate: Hydrate::default() };
    let Hydrated { skeleton, hydration } = client.ask(together).await.unwrap();
    assert_eq!(skeleton.unwrap().ancestors, [reply, post]);
    assert_eq!(hydration.posts.len(), 2);
    assert_eq!(hydration.repo_rev, None, "nobody asks");
}

async fn what_is_not_known_still_tells_the_revision(harness: Harness) {
    let town = Town::new(harness);
    town.post("alice").await;
    let actor = AtIdentifier::Did(did("nobody"));
    let filter = AuthorFilter::default();
    let skeleton = GetAuthorFeed { actor, filter, limit: 10, cursor: None };
    let together = Hydrating { skeleton, hydrate: looked_at_by("alice") };
    let found = town.harness.client.ask(together).await.unwrap();
    assert!(found.skeleton.is_none());
    assert!(found.hydration.repo_rev.is_some());
    let skeleton = GetTimeline { actor: did("alice"), limit: 0, cursor: None };
    let together = Hydrating { skeleton, hydrate: looked_at_by("alice") };
    town.harness.client.ask(together).await.expect_err("no page is empty");
}
