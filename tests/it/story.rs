//! What three people do on their PDS, and what each of them must then see through it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{Account, Answer, Written};
use crate::world::World;

/// Who takes part, and what they wrote.
struct Cast {
    alice: Account,
    bob: Account,
    carol: Account,
    first: Written,
    second: Written,
    bobs_reply: Written,
    carols_reply: Written,
    bob_follows_alice: Written,
    bob_likes_first: Written,
}

/// The whole story. Each part starts where the last one ended.
pub async fn tell(world: &mut World) -> Result<()> {
    let cast = they_meet(world).await?;
    world.settle().await?;
    for who in [&cast.alice, &cast.bob, &cast.carol] {
        world.until_named(who).await?;
    }
    profiles(world, &cast).await.context("profiles")?;
    timeline(world, &cast).await.context("timeline")?;
    threads(world, &cast).await.context("threads")?;
    lists(world, &cast).await.context("lists")?;
    notifications(world, &cast).await.context("notifications")?;
    read_after_write(world, &cast).await.context("read after write")?;
    second_thoughts(world, &cast).await.context("second thoughts")?;
    a_break(world, &cast).await.context("a break")?;
    strangers(world, &cast).await.context("strangers")
}

async fn they_meet(world: &mut World) -> Result<Cast> {
    let client = &mut world.client;
    let alice = client.create_account("alice").await?;
    let bob = client.create_account("bob").await?;
    let carol = client.create_account("carol").await?;
    client.update_profile(&alice, json!({"displayName": "Alice", "description": "first"})).await?;
    let bob_follows_alice = client.follow(&bob, &alice).await?;
    client.follow(&carol, &alice).await?;
    client.follow(&alice, &bob).await?;
    let first = client.post(&alice, "the first post").await?;
    let bobs_reply = client.reply(&bob, "a reply", &first, &first).await?;
    let carols_reply = client.reply(&carol, "a reply to the reply", &first, &bobs_reply).await?;
    let bob_likes_first = client.like(&bob, &first).await?;
    client.like(&carol, &first).await?;
    let second = client.post(&alice, "hello @carol.test, see https://example.com/a").await?;
    Ok(Cast {
        alice,
        bob,
        carol,
        first,
        second,
        bobs_reply,
        carols_reply,
        bob_follows_alice,
        bob_likes_first,
    })
}

async fn profiles(world: &mut World, cast: &Cast) -> Result<()> {
    let shown = profile(world, &cast.bob, &cast.alice.handle).await?;
    expect(&shown, "/did", &json!(cast.alice.did))?;
    expect(&shown, "/handle", &json!("alice.test"))?;
    expect(&shown, "/displayName", &json!("Alice"))?;
    expect(&shown, "/description", &json!("first"))?;
    expect(&shown, "/followersCount", &json!(2))?;
    expect(&shown, "/followsCount", &json!(1))?;
    expect(&shown, "/postsCount", &json!(2))?;
    expect(&shown, "/viewer/following", &json!(cast.bob_follows_alice.uri))?;
    ensure!(
        shown.pointer("/viewer/followedBy").is_some_and(Value::is_string),
        "alice follows bob: {shown}"
    );
    let shown = profile(world, &cast.alice, &cast.carol.did).await?;
    expect(&shown, "/viewer/following", &Value::Null)?;
    expect(&shown, "/postsCount", &json!(1))
}

async fn timeline(world: &mut World, cast: &Cast) -> Result<()> {
    let answer = home(world, &cast.bob).await?;
    let expected = [&cast.second, &cast.bobs_reply, &cast.first].map(|post| post.uri.clone());
    ensure!(post_uris(&answer.data) == expected, "bob's timeline: {}", answer.data);
    let reply = &answer.data["feed"][1];
    expect(reply, "/reply/parent/uri", &json!(cast.first.uri))?;
    let first = &answer.data["feed"][2]["post"];
    expect(first, "/likeCount", &json!(2))?;
    expect(first, "/replyCount", &json!(1))?;
    expect(first, "/viewer/like", &json!(cast.bob_likes_first.uri))?;
    expect(first, "/record/text", &json!("the first post"))?;
    expect(first, "/author/displayName", &json!("Alice"))?;
    let second = &answer.data["feed"][0]["post"];
    expect(second, "/record/facets/0/features/0/did", &json!(cast.carol.did))
}

async fn threads(world: &mut World, cast: &Cast) -> Result<()> {
    let down = thread(world, &cast.carol, &cast.first).await?;
    expect(&down, "/post/uri", &json!(cast.first.uri))?;
    expect(&down, "/replies/0/post/uri", &json!(cast.bobs_reply.uri))?;
    expect(&down, "/replies/0/replies/0/post/uri", &json!(cast.carols_reply.uri))?;
    let up = thread(world, &cast.alice, &cast.carols_reply).await?;
    expect(&up, "/parent/post/uri", &json!(cast.bobs_reply.uri))?;
    expect(&up, "/parent/parent/post/uri", &json!(cast.first.uri))
}

async fn lists(world: &mut World, cast: &Cast) -> Result<()> {
    let Cast { alice, bob, carol, .. } = cast;
    let likes =
        query(world, alice, "app.bsky.feed.getLikes", json!({"uri": cast.first.uri})).await?;
    ensure!(
        sorted(&likes.data["likes"], "/actor/handle") == ["bob.test", "carol.test"],
        "{}",
        likes.data
    );
    let followers =
        query(world, carol, "app.bsky.graph.getFollowers", json!({"actor": alice.did})).await?;
    ensure!(
        sorted(&followers.data["followers"], "/handle") == ["bob.test", "carol.test"],
        "{}",
        followers.data
    );
    let follows =
        query(world, carol, "app.bsky.graph.getFollows", json!({"actor": "alice.test"})).await?;
    ensure!(sorted(&follows.data["follows"], "/handle") == ["bob.test"], "{}", follows.data);
    let feed =
        query(world, alice, "app.bsky.feed.getAuthorFeed", json!({"actor": bob.handle})).await?;
    ensure!(post_uris(&feed.data) == [cast.bobs_reply.uri.clone()], "{}", feed.data);
    expect(&feed.data, "/feed/0/reply/root/uri", &json!(cast.first.uri))
}

async fn notifications(world: &mut World, cast: &Cast) -> Result<()> {
    let check = [
        (&cast.alice, vec!["follow", "follow", "like", "like", "reply", "reply"]),
        (&cast.bob, vec!["follow", "reply"]),
        (&cast.carol, vec!["mention"]),
    ];
    for (who, expected) in check {
        let answer =
            query(world, who, "app.bsky.notification.listNotifications", json!({})).await?;
        let reasons = sorted(&answer.data["notifications"], "/reason");
        ensure!(reasons == expected, "{}: {}", who.name, answer.data);
        ensure!(unread(world, who).await? == expected.len(), "{}'s unread count", who.name);
    }
    world.client.update_seen(&cast.alice).await?;
    ensure!(unread(world, &cast.alice).await? == 0, "alice has seen everything");
    ensure!(unread(world, &cast.bob).await? == 2, "bob has not");
    let answer =
        query(world, &cast.alice, "app.bsky.notification.listNotifications", json!({})).await?;
    let notifications = answer.data["notifications"].as_array().context("notifications")?;
    ensure!(notifications.iter().all(|one| one["isRead"] == json!(true)), "{}", answer.data);
    Ok(())
}

/// A PDS completes its user's answers with what Millrace says it has not indexed yet.
async fn read_after_write(world: &mut World, cast: &Cast) -> Result<()> {
    let post = world.client.post(&cast.bob, "just now").await?;
    let at_once = home(world, &cast.bob).await?;
    ensure!(
        post_uris(&at_once.data).iter().filter(|uri| **uri == post.uri).count() == 1,
        "at once: {}",
        at_once.data
    );
    world.settle().await?;
    let later = home(world, &cast.bob).await?;
    ensure!(post_uris(&later.data).first() == Some(&post.uri), "once indexed: {}", later.data);
    let latest =
        query(world, &cast.bob, "com.atproto.sync.getLatestCommit", json!({"did": cast.bob.did}))
            .await?;
    expect(&later.headers, "/atproto-repo-rev", &latest.data["rev"])?;
    expect(&later.headers, "/atproto-upstream-lag", &Value::Null)?;
    world.client.delete(&cast.bob, &post).await
}

async fn second_thoughts(world: &mut World, cast: &Cast) -> Result<()> {
    let client = &mut world.client;
    client.delete(&cast.bob, &cast.bob_likes_first).await?;
    client.delete(&cast.bob, &cast.bob_follows_alice).await?;
    client.delete(&cast.carol, &cast.carols_reply).await?;
    client.delete(&cast.alice, &cast.second).await?;
    client
        .update_profile(&cast.alice, json!({"displayName": "Alice L.", "description": "second"}))
        .await?;
    world.settle().await?;
    let shown = profile(world, &cast.bob, &cast.alice.did).await?;
    expect(&shown, "/displayName", &json!("Alice L."))?;
    expect(&shown, "/description", &json!("second"))?;
    expect(&shown, "/followersCount", &json!(1))?;
    expect(&shown, "/postsCount", &json!(1))?;
    expect(&shown, "/viewer/following", &Value::Null)?;
    let down = thread(world, &cast.bob, &cast.first).await?;
    expect(&down, "/post/likeCount", &json!(1))?;
    expect(&down, "/post/viewer/like", &Value::Null)?;
    expect(&down, "/replies/0/post/replyCount", &json!(0))?;
    ensure!(
        post_uris(&home(world, &cast.bob).await?.data) == [cast.bobs_reply.uri.clone()],
        "bob follows nobody"
    );
    let params = json!({"uri": cast.second.uri});
    let refused = world.client.refused(&cast.bob, "app.bsky.feed.getPostThread", params).await?;
    ensure!(refused.error == "NotFound" && refused.status == Some(400), "{refused}");
    let posts =
        query(world, &cast.bob, "app.bsky.feed.getPosts", json!({"uris": [cast.second.uri]}))
            .await?;
    expect(&posts.data, "/posts", &json!([]))?;
    // Changing one's mind again counts once.
    let again = world.client.like(&cast.bob, &cast.first).await?;
    world.settle().await?;
    let down = thread(world, &cast.bob, &cast.first).await?;
    expect(&down, "/post/likeCount", &json!(2))?;
    expect(&down, "/post/viewer/like", &json!(again.uri))
}

/// An account that is deactivated is not shown, and is all there again afterwards.
async fn a_break(world: &mut World, cast: &Cast) -> Result<()> {
    let bob = &cast.bob;
    world.client.procedure(bob, "com.atproto.server.deactivateAccount", json!({})).await?;
    world.settle().await?;
    let refused = world
        .client
        .refused(&cast.alice, "app.bsky.actor.getProfile", json!({"actor": bob.did}))
        .await?;
    ensure!(refused.error == "AccountDeactivated", "{refused}");
    let down = thread(world, &cast.alice, &cast.first).await?;
    ensure!(down["replies"].as_array().is_none_or(Vec::is_empty), "bob's reply is hidden: {down}");
    world.client.procedure(bob, "com.atproto.server.activateAccount", Value::Null).await?;
    world.settle().await?;
    expect(&profile(world, &cast.alice, &bob.did).await?, "/handle", &json!("bob.test"))?;
    let down = thread(world, &cast.alice, &cast.first).await?;
    expect(&down, "/replies/0/post/uri", &json!(cast.bobs_reply.uri))
}

/// What somebody may ask without an account, and with a token that is none.
async fn strangers(world: &World, cast: &Cast) -> Result<()> {
    let base = world.millrace.appview_url();
    let ask = |path: String| world.http.get(format!("{base}/xrpc/{path}"));
    let open = ask(format!("app.bsky.actor.getProfile?actor={}", cast.alice.did)).send().await?;
    ensure!(open.status() == 200, "anonymous getProfile: {}", open.status());
    let shown: Value = open.json().await?;
    expect(&shown, "/viewer/following", &Value::Null)?;
    let closed = ask("app.bsky.feed.getTimeline".to_owned()).send().await?;
    ensure!(closed.status() == 401, "anonymous getTimeline: {}", closed.status());
    let forged = ask("app.bsky.feed.getTimeline".to_owned()).bearer_auth("a.b.c").send().await?;
    ensure!(forged.status() == 401, "a forged token: {}", forged.status());
    let unknown = ask("app.bsky.feed.getNothing".to_owned()).send().await?;
    ensure!(unknown.status() == 501, "an unknown method: {}", unknown.status());
    Ok(())
}

async fn query(world: &mut World, by: &Account, nsid: &str, params: Value) -> Result<Answer> {
    world.client.query(by, nsid, params).await
}

async fn home(world: &mut World, of: &Account) -> Result<Answer> {
    query(world, of, "app.bsky.feed.getTimeline", json!({})).await
}

async fn profile(world: &mut World, by: &Account, actor: &str) -> Result<Value> {
    Ok(query(world, by, "app.bsky.actor.getProfile", json!({"actor": actor})).await?.data)
}

async fn thread(world: &mut World, by: &Account, post: &Written) -> Result<Value> {
    let mut answer =
        query(world, by, "app.bsky.feed.getPostThread", json!({"uri": post.uri})).await?;
    Ok(answer.data["thread"].take())
}

async fn unread(world: &mut World, of: &Account) -> Result<usize> {
    let answer = query(world, of, "app.bsky.notification.getUnreadCount", json!({})).await?;
    let count = answer.data["count"].as_u64().context("count")?;
    Ok(usize::try_from(count)?)
}

fn post_uris(feed: &Value) -> Vec<String> {
    strings(&feed["feed"], "/post/uri")
}

fn sorted(items: &Value, pointer: &str) -> Vec<String> {
    let mut found = strings(items, pointer);
    found.sort_unstable();
    found
}

fn strings(items: &Value, pointer: &str) -> Vec<String> {
    let items = items.as_array().into_iter().flatten();
    items.filter_map(|item| Some(item.pointer(pointer)?.as_str()?.to_owned())).collect()
}

/// The value at a JSON pointer; an absent one is null.
fn expect(value: &Value, pointer: &str, expected: &Value) -> Result<()> {
    let found = value.pointer(pointer).unwrap_or(&Value::Null);
    ensure!(found == expected, "{pointer} is {found}, not {expected}, in {value}");
    Ok(())
}
