//! Pages of reposts, quotes, likes, feeds and lists: order, and that nothing is lost or repeated.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::AtIdentifier;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::actor_feeds::{GetActorFeeds, GetFeedGenerators};
use millrace_dataplane::query::actor_likes::GetActorLikes;
use millrace_dataplane::query::author_feed::{AuthorFilter, GetAuthorFeed};
use millrace_dataplane::query::likes::GetLikes;
use millrace_dataplane::query::list_feed::GetListFeed;
use millrace_dataplane::query::quotes::GetQuotes;
use millrace_dataplane::query::reposts::{GetRepostedBy, GetReposts};
use millrace_dataplane::query::timeline::GetTimeline;
use serde_json::json;

use crate::entries::did;
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};
use crate::kinds::record;

on_every_engine!(
    reposts_of_a_post,
    reposts_by_name,
    quotes_of_a_post,
    likes_of_an_account,
    likes_without_who_is_blocked,
    feeds_of_an_account,
    posts_of_a_list,
    reposts_in_feeds,
    own_posts_in_a_timeline,
);

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const REPOST: &str = "app.bsky.feed.repost";
const FOLLOW: &str = "app.bsky.graph.follow";
const BLOCK: &str = "app.bsky.graph.block";
const GENERATOR: &str = "app.bsky.feed.generator";

/// Asks for page after page, from where the last one ended.
macro_rules! every_page {
    ($town:expr, $items:ident, |$cursor:ident| $question:expr) => {{
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let $cursor = next;
            let page = $town.harness.client.ask($question).await.unwrap();
            found.extend(page.$items);
            next = page.cursor;
            if next.is_none() {
                break found;
            }
        }
    }};
}

/// Writes an edge at a second of the day.
async fn edge_at(town: &Town, who: &str, collection: &str, subject: &str, second: usize) -> String {
    let at = format!("2025-12-01T00:00:{second:02}.000Z");
    town.write(who, collection, json!({ "subject": strong(subject), "createdAt": at })).await
}

async fn reposts_of_a_post(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    let other = town.post("alice").await;
    let mut expected = Vec::new();
    // Seven people at three times; one of them twice.
    for n in 0..7 {
        expected.push(edge_at(&town, &format!("person{n}"), REPOST, &post, n / 3).await);
    }
    edge_at(&town, "person0", REPOST, &post, 30).await;
    edge_at(&town, "person1", REPOST, &other, 30).await;
    expected.reverse();
    let found =
        every_page!(town, uris, |cursor| GetRepostedBy { uri: at(&post), limit: 2, cursor });
    assert_eq!(found, expected);
    let nothing = GetRepostedBy { uri: at("at://did:web:x.test/a.b.c/d"), limit: 2, cursor: None };
    assert!(town.harness.client.ask(nothing).await.unwrap().uris.is_empty());
}

async fn reposts_by_name(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    let cid = Cid::of_dag_cbor(&record(&json!({
        "$type": POST, "text": "alice", "createdAt": "2026-01-01T00:00:00.000Z",
    })));
    let subject = json!({ "uri": post, "cid": cid.to_string() });
    let repost = town.write("bob", REPOST, json!({ "subject": subject })).await;
    let stale = edge_at(&town, "carol", REPOST, &post, 1).await;
    let like = edge_at(&town, "bob", LIKE, &post, 1).await;
    let uris = [&repost, &stale, &like].map(|uri| at(uri)).to_vec();
    let mut found = town.harness.client.ask(GetReposts { uris }).await.unwrap().reposts;
    found.sort_by_key(|found| found.uri != repost);
    assert_eq!(found.len(), 2);
    let written = json!({
        "$type": REPOST, "subject": subject, "createdAt": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(found[0].subject, post);
    assert_eq!(found[0].cid, Some(Cid::of_dag_cbor(&record(&written))));
    assert_eq!(found[1].uri, stale);
    assert!(found[1].cid.is_some(), "alice was told of it");
    let own = edge_at(&town, "alice", REPOST, &post, 1).await;
    let asked = GetReposts { uris: vec![at(&own)] };
    let found = town.harness.client.ask(asked).await.unwrap().reposts;
    assert_eq!(found[0].cid, None, "it names another version of the post, and nobody was told");
    let many = GetReposts { uris: vec![at(&repost); 501] };
    let refused = town.harness.client.ask(many).await.unwrap_err();
    assert!(matches!(refused, DataplaneError::InvalidRequest(_)), "{refused}");
}

async fn quotes_of_a_post(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    let mut expected = Vec::new();
    for n in 0..7 {
        let embed = json!({ "$type": "app.bsky.embed.record", "record": strong(&post) });
        let at = format!("2025-12-01T00:00:0{}.000Z", n / 3);
        let quote = json!({ "text": "q", "embed": embed, "createdAt": at });
        expected.push(town.write(["bob", "carol"][n % 2], POST, quote).await);
    }
    town.quote("dan", &expected[0]).await;
    expected.reverse();
    let found = every_page!(town, uris, |cursor| GetQuotes { uri: at(&post), limit: 2, cursor });
    assert_eq!(found, expected);
    town.delete(&post).await;
    let gone = GetQuotes { uri: at(&post), limit: 2, cursor: None };
    assert!(town.harness.client.ask(gone).await.unwrap().uris.is_empty());
}

async fn likes_of_an_account(harness: Harness) {
    let town = Town::new(harness);
    let (mut posts, mut second) = (Vec::new(), 0);
    for _ in 0..7 {
        posts.push(town.post("alice").await);
    }
    let order = [3, 0, 6, 1, 5, 2, 4];
    for index in order {
        edge_at(&town, "bob", LIKE, &posts[index], second / 3).await;
        second += 1;
    }
    // Liked again, they stand where they stood.
    edge_at(&town, "bob", LIKE, &posts[3], 50).await;
    // Neither somebody else's likes nor those of anything but posts.
    edge_at(&town, "carol", LIKE, &posts[0], 59).await;
    let feed =
        town.write("alice", GENERATOR, json!({ "did": did("cats"), "displayName": "c" })).await;
    edge_at(&town, "bob", LIKE, &feed, 59).await;
    let found =
        every_page!(town, uris, |cursor| GetActorLikes { actor: did("bob"), limit: 2, cursor });
    let expected: Vec<String> = order.into_iter().rev().map(|index| posts[index].clone()).collect();
    assert_eq!(found, expected);
}

async fn likes_without_who_is_blocked(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    for (second, who) in ["bob", "carol", "dan", "erin"].into_iter().enumerate() {
        edge_at(&town, who, LIKE, &post, second).await;
    }
    town.edge("alice", BLOCK, "bob").await;
    town.edge("carol", BLOCK, "alice").await;
    let list = town.list("maker", "modlist", &["dan"]).await;
    town.write("alice", "app.bsky.graph.listblock", json!({ "subject": list })).await;
    let found = every_page!(town, likes, |cursor| GetLikes { uri: at(&post), limit: 1, cursor });
    assert_eq!(found.into_iter().map(|like| like.actor).collect::<Vec<_>>(), [did("erin")]);
}

async fn feeds_of_an_account(harness: Harness) {
    let town = Town::new(harness);
    let mut expected = Vec::new();
    for n in 0..5 {
        let at = format!("2025-12-01T00:00:0{}.000Z", n / 2);
        let feed = json!({ "did": did("cats"), "displayName": n.to_string(), "createdAt": at });
        expected.push(town.write("alice", GENERATOR, feed).await);
    }
    let made = expected.clone();
    expected.reverse();
    let actor = AtIdentifier::Did(did("alice"));
    let found =
        every_page!(town, uris, |cursor| GetActorFeeds { actor: actor.clone(), limit: 2, cursor });
    assert_eq!(found, expected);
    let unknown = GetActorFeeds { actor: AtIdentifier::Did(did("nobody")), limit: 2, cursor: None };
    let refused = town.harness.client.ask(unknown).await.unwrap_err();
    assert!(matches!(refused, DataplaneError::NotFound(_)), "{refused}");
    let like = edge_at(&town, "bob", LIKE, &made[1], 1).await;
    let gone = "at://did:web:alice.test/app.bsky.feed.generator/3kaaaaaaaaa2a".to_owned();
    let asked = [&made[3], &gone, &made[1]].map(|uri| at(uri)).to_vec();
    let asked = GetFeedGenerators { uris: asked, viewer: Some(did("bob")) };
    let feeds = town.harness.client.ask(asked).await.unwrap().feeds;
    let uris: Vec<&String> = feeds.iter().map(|feed| &feed.uri).collect();
    assert_eq!(uris, [&made[3], &made[1]], "in the order asked for");
    assert_eq!((feeds[1].like_count, feeds[1].viewer_like.as_ref()), (1, Some(&like)));
}

async fn posts_of_a_list(harness: Harness) {
    let town = Town::new(harness);
    let list = town.list("owner", "curatelist", &["bob", "carol", "blocked"]).await;
    let stranger = town.post("stranger").await;
    let mut expected = Vec::new();
    for n in 0..9 {
        let at = format!("2025-12-01T00:00:0{}.000Z", n / 4);
        let post = json!({ "text": "p", "createdAt": at });
        expected.push(town.write(["bob", "carol", "bob"][n % 3], POST, post).await);
    }
    edge_at(&town, "bob", REPOST, &stranger, 30).await;
    town.edge("blocked", BLOCK, "owner").await;
    for _ in 0..5 {
        town.post("blocked").await;
    }
    let found =
        every_page!(town, items, |cursor| GetListFeed { list: at(&list), limit: 2, cursor });
    assert!(found.iter().all(|item| item.repost.is_none()), "posts alone");
    let found: Vec<String> = found.into_iter().map(|item| item.uri).collect();
    expected.reverse();
    assert_eq!(found, expected);
    let no_list = GetListFeed { list: at(&stranger), limit: 2, cursor: None };
    assert!(town.harness.client.ask(no_list).await.unwrap().items.is_empty());
}

async fn reposts_in_feeds(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    let reply = town.reply("alice", &post, &post).await;
    let own = town.post("bob").await;
    let reposts = [
        edge_at(&town, "bob", REPOST, &post, 1).await,
        edge_at(&town, "bob", REPOST, &reply, 2).await,
    ];
    let with = async |filter| {
        let actor = AtIdentifier::Did(did("bob"));
        let asked = GetAuthorFeed { actor, filter, limit: 10, cursor: None };
        let items = town.harness.client.ask(asked).await.unwrap().items;
        items.into_iter().map(|item| item.repost.unwrap_or(item.uri)).collect::<Vec<_>>()
    };
    let all = vec![own.clone(), reposts[1].clone(), reposts[0].clone()];
    assert_eq!(with(AuthorFilter::PostsWithReplies).await, all);
    assert_eq!(with(AuthorFilter::PostsNoReplies).await, all);
    assert_eq!(with(AuthorFilter::PostsAndAuthorThreads).await, all);
    assert!(with(AuthorFilter::PostsWithMedia).await.is_empty());
    assert!(with(AuthorFilter::PostsWithVideo).await.is_empty());
    town.edge("carol", FOLLOW, "bob").await;
    let timeline =
        every_page!(town, items, |cursor| GetTimeline { actor: did("carol"), limit: 1, cursor });
    let timeline: Vec<String> =
        timeline.into_iter().map(|item| item.repost.unwrap_or(item.uri)).collect();
    assert_eq!(timeline, all);
}

async fn own_posts_in_a_timeline(harness: Harness) {
    let town = Town::new(harness);
    town.edge("alice", FOLLOW, "bob").await;
    let (mut theirs, mut own) = (Vec::new(), Vec::new());
    let at = |second: usize| json!({ "text": "p", "createdAt": format!("2025-12-01T00:00:{second:02}.000Z") });
    for second in 0..20 {
        theirs.push(town.write("bob", POST, at(second)).await);
    }
    for second in 20..40 {
        own.push(town.write("alice", POST, at(second)).await);
    }
    let timeline =
        every_page!(town, items, |cursor| GetTimeline { actor: did("alice"), limit: 15, cursor });
    let timeline: Vec<String> = timeline.into_iter().map(|item| item.uri).collect();
    let own = own.into_iter().rev().take(10);
    assert_eq!(timeline, own.chain(theirs.into_iter().rev()).collect::<Vec<_>>());
    // Where nobody else posts, all of one's own are there.
    let alone =
        every_page!(town, items, |cursor| GetTimeline { actor: did("bob"), limit: 15, cursor });
    assert_eq!(alone.len(), 20);
}
