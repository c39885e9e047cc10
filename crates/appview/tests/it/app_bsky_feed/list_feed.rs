//! What the accounts on a list posted.

use serde_json::{Value, json};

use super::{GET_LIST_FEED, all_pages, check_uris, mute, uris};
use crate::people::Ref;
use crate::world::{World, near_and_far};

near_and_far!(posts_of_a_list, a_list_feed_in_pages, a_list_feed_behind_blocks_and_mutes);

async fn posts_of_a_list(world: World) {
    let owner = world.actor("owner");
    let list = owner.makes_list("curatelist", "friends");
    let on_it = owner.adds(&list, "bob");
    owner.adds(&list, "carol");
    let elsewhere = world.actor("dan").posts("not on the list");
    let one = world.actor("bob").posts("1");
    let two = world.actor("carol").replies(&elsewhere, "a reply");
    world.actor("bob").reposts(&elsewhere);
    // Others cannot put anybody on it.
    let stray = json!({ "list": list.uri, "subject": crate::people::did("dan") });
    world.actor("dan").creates("app.bsky.graph.listitem", stray);
    let feed = async || world.get(GET_LIST_FEED, &[("list", &list.uri)]).await.ok();
    check_uris(&feed().await, &[&two, &one]);
    assert_eq!(feed().await["feed"][0]["reply"]["parent"]["uri"], elsewhere.uri.as_str());
    owner.deletes(&on_it);
    check_uris(&feed().await, &[&two]);
    for unknown in [
        &elsewhere.uri,
        &list.uri.replace("list/3", "list/4"),
        "at://owner.test/app.bsky.graph.list/x",
    ] {
        let nothing = world.get(GET_LIST_FEED, &[("list", unknown)]).await.ok();
        assert_eq!(nothing, json!({ "feed": [] }), "{unknown}");
    }
}

async fn a_list_feed_in_pages(world: World) {
    let owner = world.actor("owner");
    let list = owner.makes_list("curatelist", "friends");
    let mut written: Vec<Ref> = Vec::new();
    for name in ["bob", "carol", "dan"] {
        owner.adds(&list, name);
        // Equal times, of several accounts: none may be lost between two pages.
        let same = json!({ "createdAt": "2025-12-01T00:00:00.000Z" });
        written.extend((0..4).map(|n| world.actor(name).posts_with(&n.to_string(), same.clone())));
    }
    let read =
        |page: &Value| -> Vec<String> { uris(page).into_iter().map(str::to_owned).collect() };
    let asked = (None, GET_LIST_FEED);
    let mut found = all_pages(&world, asked, &[("list", &list.uri)], 5, read).await;
    found.sort_unstable();
    let mut expected: Vec<String> = written.into_iter().map(|post| post.uri).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

async fn a_list_feed_behind_blocks_and_mutes(world: World) {
    let owner = world.actor("owner");
    let list = owner.makes_list("curatelist", "friends");
    let names = ["fine", "muted", "blocked", "blocks-owner"];
    let posts: Vec<Ref> = names
        .into_iter()
        .map(|name| {
            owner.adds(&list, name);
            world.actor(name).posts(name)
        })
        .collect();
    mute(&world, "viewer", "muted").await;
    world.actor("viewer").blocks("blocked");
    world.actor("blocks-owner").blocks("owner");
    let params = [("list", list.uri.as_str())];
    let seen = world.get_as("viewer", GET_LIST_FEED, &params).await.ok();
    check_uris(&seen, &[&posts[0]]);
    let by_nobody = world.get(GET_LIST_FEED, &params).await.ok();
    check_uris(&by_nobody, &[&posts[2], &posts[1], &posts[0]]);
}
