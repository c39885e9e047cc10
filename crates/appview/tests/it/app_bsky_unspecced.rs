//! Flat threads: order, bounds, and what is on the other list.

use serde_json::{Value, json};

use crate::app_bsky_feed::mute;
use crate::people::{LIKE, Ref, did};
use crate::world::{World, near_and_far};

const THREAD: &str = "app.bsky.unspecced.getPostThreadV2";
const OTHER: &str = "app.bsky.unspecced.getPostThreadOtherV2";

near_and_far!(
    a_flat_thread,
    orders,
    who_comes_first,
    bounds_of_a_thread,
    threads_of_ones_own,
    what_cannot_be_shown,
    not_for_everybody,
    other_replies,
    other_replies_in_order,
    gates_of_flat_threads,
    parameters,
);

async fn thread(world: &World, who: Option<&str>, post: &Ref, params: &[(&str, &str)]) -> Value {
    let params = [&[("anchor", post.uri.as_str())], params].concat();
    match who {
        Some(who) => world.get_as(who, THREAD, &params).await.ok(),
        None => world.get(THREAD, &params).await.ok(),
    }
}

/// Depth and text of each item; of what is not a post, its kind.
fn shape(answer: &Value) -> Vec<(i64, &str)> {
    let items = answer["thread"].as_array().unwrap();
    items.iter().map(|item| (item["depth"].as_i64().unwrap(), text(item))).collect()
}

fn text(item: &Value) -> &str {
    let value = &item["value"];
    value["post"]["record"]["text"].as_str().unwrap_or_else(|| {
        value["$type"].as_str().unwrap().trim_start_matches("app.bsky.unspecced.defs#threadItem")
    })
}

fn texts(answer: &Value) -> Vec<&str> {
    shape(answer).into_iter().map(|item| item.1).collect()
}

async fn a_flat_thread(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let parent = bob.replies(&root, "parent");
    let anchor = alice.replies(&parent, "anchor");
    let first = bob.replies(&anchor, "first");
    world.actor("carol").replies(&first, "nested");
    bob.replies(&anchor, "second");
    bob.replies(&root, "elsewhere");
    let answer = thread(&world, Some("alice"), &anchor, &[]).await;
    assert_eq!(
        shape(&answer),
        [(-2, "root"), (-1, "parent"), (0, "anchor"), (1, "first"), (2, "nested"), (1, "second")]
    );
    assert_eq!(answer["hasOtherReplies"], false);
    assert_eq!(answer.get("threadgate"), None);
    let item = &answer["thread"][2];
    assert_eq!(item["uri"], anchor.uri.as_str());
    assert_eq!(
        item["value"],
        json!({
            "$type": "app.bsky.unspecced.defs#threadItemPost", "post": item["value"]["post"],
            "moreParents": false, "moreReplies": 0, "opThread": false,
            "hiddenByThreadgate": false, "mutedByViewer": false,
        })
    );
    assert_eq!(item["value"]["post"]["viewer"]["threadMuted"], false);
    let by_handle = anchor.uri.replace(did("alice").as_str(), "alice.test");
    let again = world.get(THREAD, &[("anchor", &by_handle), ("above", "false")]).await.ok();
    assert_eq!(texts(&again), ["anchor", "first", "nested", "second"]);
}

async fn orders(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let replies: Vec<Ref> =
        ["a", "b", "c", "d"].map(|text| world.actor("bob").replies(&root, text)).to_vec();
    let like = |who: &str, post: &Ref| {
        world.actor(who).creates(LIKE, json!({ "subject": post.json() }));
    };
    for who in ["x", "y", "z"] {
        like(who, &replies[1]);
    }
    like("x", &replies[2]);
    // ln(3 + 2) lifted by the root author's like is more than ln(3 + 3).
    like("x", &replies[3]);
    like("alice", &replies[3]);
    let sorted = async |sort: &str| {
        let answer = thread(&world, None, &root, &[("sort", sort)]).await;
        texts(&answer)[1..].join("")
    };
    assert_eq!(sorted("oldest").await, "abcd");
    assert_eq!(sorted("newest").await, "dcba");
    assert_eq!(sorted("top").await, "dbca");
    assert_eq!(sorted("com.example.unknown").await, "dcba");
    assert_eq!(texts(&thread(&world, None, &root, &[]).await)[1..].join(""), "abcd");
}

async fn who_comes_first(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    world.actor("stranger").replies(&root, "stranger");
    world.actor("friend").replies(&root, "friend");
    world.actor("viewer").replies(&root, "viewer");
    alice.replies(&root, "author");
    alice.replies(&root, "author again");
    world.actor("viewer").follows("friend");
    for sort in ["oldest", "newest", "top"] {
        let answer = thread(&world, Some("viewer"), &root, &[("sort", sort)]).await;
        let expected = ["root", "author", "author again", "viewer", "friend", "stranger"];
        assert_eq!(texts(&answer), expected, "{sort}");
    }
    let by_nobody = thread(&world, None, &root, &[]).await;
    assert_eq!(texts(&by_nobody)[3..], ["stranger", "friend", "viewer"]);
}

async fn bounds_of_a_thread(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("0");
    let mut chain = vec![root.clone()];
    for n in 1..60 {
        let by = if n % 2 == 0 { &alice } else { &bob };
        chain.push(by.replies(&chain[n - 1], &n.to_string()));
    }
    let up = thread(&world, None, &chain[59], &[]).await;
    assert_eq!(shape(&up).len(), 51, "fifty parents and the anchor");
    assert_eq!(shape(&up)[0], (-50, "9"));
    assert_eq!(up["thread"][0]["value"]["moreParents"], true);
    assert_eq!(up["thread"][1]["value"]["moreParents"], false);
    let down = thread(&world, None, &root, &[("below", "2")]).await;
    assert_eq!(shape(&down), [(0, "0"), (1, "1"), (2, "2")]);
    let more = |answer: &Value, index: usize| {
        answer["thread"][index]["value"]["moreReplies"].as_i64().unwrap()
    };
    assert_eq!((more(&down, 0), more(&down, 1), more(&down, 2)), (0, 0, 1));
    assert_eq!(texts(&thread(&world, None, &root, &[("below", "0")]).await), ["0"]);
    for n in 0..5 {
        bob.replies(&chain[1], &format!("wide {n}"));
        bob.replies(&root, &format!("top {n}"));
    }
    let params = [("below", "3"), ("branchingFactor", "2")];
    let narrow = thread(&world, None, &root, &params).await;
    let expected = ["0", "1", "2", "3", "wide 0", "top 0", "top 1", "top 2", "top 3", "top 4"];
    assert_eq!(texts(&narrow), expected, "replies to the anchor are all there");
    assert_eq!((more(&narrow, 1), more(&narrow, 3)), (4, 1));
    let params = [("branchingFactor", "0")];
    let flat = thread(&world, None, &root, &params).await;
    assert_eq!(texts(&flat).len(), 7);
    assert_eq!(more(&flat, 1), 6);
}

async fn threads_of_ones_own(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("1/3");
    world.actor("bob").replies(&root, "bob");
    let second = alice.replies(&root, "2/3");
    let third = alice.replies(&second, "3/3");
    alice.replies(&root, "afterthought");
    let bob = world.actor("bob").replies(&third, "to the end");
    alice.replies(&bob, "answer");
    let place = |answer: &Value| -> Vec<(String, bool, Value, Value)> {
        let items = answer["thread"].as_array().unwrap();
        items
            .iter()
            .map(|item| {
                let value = &item["value"];
                let of = |field: &str| value.get(field).cloned().unwrap_or_default();
                let is_one = value["opThread"].as_bool().unwrap();
                (text(item).to_owned(), is_one, of("opThreadPostIndex"), of("opThreadPostCount"))
            })
            .collect()
    };
    let on = |text: &str, index: i64| (text.to_owned(), true, json!(index), json!(3));
    let off = |text: &str| (text.to_owned(), false, Value::Null, Value::Null);
    for sort in ["oldest", "newest", "top"] {
        let answer = thread(&world, None, &root, &[("sort", sort)]).await;
        let expected = [
            on("1/3", 1),
            on("2/3", 2),
            on("3/3", 3),
            off("to the end"),
            off("answer"),
            off("afterthought"),
            off("bob"),
        ];
        assert_eq!(place(&answer), expected, "{sort}");
    }
    // Its length is known wherever one looks, and whatever is not shown.
    let answer = thread(&world, None, &third, &[("above", "false"), ("below", "0")]).await;
    assert_eq!(place(&answer), [on("3/3", 3)]);
    // A post nobody answered is a thread of its author's too.
    let single = world.actor("carol").posts("single");
    world.actor("bob").replies(&single, "reply");
    let answer = thread(&world, None, &single, &[]).await;
    let expected = [("single".to_owned(), true, Value::Null, Value::Null), off("reply")];
    assert_eq!(place(&answer), expected);
}

async fn what_cannot_be_shown(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let gone = bob.replies(&root, "gone");
    let anchor = alice.replies(&gone, "anchor");
    let blocked = world.actor("blocked").replies(&anchor, "blocked");
    world.actor("carol").replies(&blocked, "below");
    bob.deletes(&gone);
    let block = world.actor("viewer").blocks("blocked");
    let answer = thread(&world, Some("viewer"), &anchor, &[]).await;
    assert_eq!(shape(&answer), [(-1, "NotFound"), (0, "anchor")]);
    assert_eq!(answer["thread"][0]["uri"], gone.uri.as_str());
    assert_eq!(
        answer["thread"][0]["value"],
        json!({ "$type": "app.bsky.unspecced.defs#threadItemNotFound" })
    );
    // An anchor that is not there is said to be so.
    let answer = thread(&world, None, &gone, &[]).await;
    assert_eq!(shape(&answer), [(0, "NotFound")]);
    assert_eq!(answer["hasOtherReplies"], false);
    // One behind a block stands alone; below one, the chain ends there.
    let item = json!({
        "$type": "app.bsky.unspecced.defs#threadItemBlocked",
        "author": { "did": did("blocked"), "viewer": { "blockedBy": false, "blocking": block.uri } },
    });
    let answer = thread(&world, Some("viewer"), &blocked, &[]).await;
    assert_eq!((shape(&answer), &answer["thread"][0]["value"]), (vec![(0, "Blocked")], &item));
    let below = Ref {
        uri: thread(&world, None, &blocked, &[]).await["thread"][3]["uri"]
            .as_str()
            .unwrap()
            .to_owned(),
        ..gone.clone()
    };
    let answer = thread(&world, Some("viewer"), &below, &[]).await;
    assert_eq!(shape(&answer), [(-1, "Blocked"), (0, "below")]);
    // A block between others, from below and from above.
    world.actor("carol").blocks("blocked");
    assert_eq!(shape(&thread(&world, None, &below, &[]).await), [(-1, "Blocked"), (0, "below")]);
    assert_eq!(texts(&thread(&world, None, &anchor, &[]).await), ["NotFound", "anchor", "blocked"]);
}

async fn not_for_everybody(world: World) {
    let label = json!({
        "$type": "com.atproto.label.defs#selfLabels", "values": [{ "val": "!no-unauthenticated" }],
    });
    world.actor("shy").has_profile(json!({ "labels": label }));
    let root = world.actor("alice").posts("root");
    let shy = world.actor("shy").replies(&root, "shy");
    let below = world.actor("bob").replies(&shy, "below");
    assert_eq!(texts(&thread(&world, None, &root, &[]).await), ["root"]);
    let answer = thread(&world, None, &below, &[]).await;
    assert_eq!(shape(&answer), [(-2, "root"), (-1, "NoUnauthenticated"), (0, "below")]);
    assert_eq!(
        shape(&thread(&world, None, &shy, &[]).await),
        [(-1, "root"), (0, "NoUnauthenticated")]
    );
    let signed_in = thread(&world, Some("bob"), &root, &[]).await;
    assert_eq!(texts(&signed_in), ["root", "shy", "below"]);
}

async fn other(world: &World, who: Option<&str>, post: &Ref) -> Value {
    let params = [("anchor", post.uri.as_str())];
    match who {
        Some(who) => world.get_as(who, OTHER, &params).await.ok(),
        None => world.get(OTHER, &params).await.ok(),
    }
}

async fn other_replies(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let hidden = world.actor("bob").replies(&root, "hidden");
    world.actor("carol").replies(&hidden, "below hidden");
    world.actor("carol").replies(&root, "kept");
    world.actor("muted").replies(&root, "muted");
    alice.gates(&root, json!({ "hiddenReplies": [hidden.uri] }));
    mute(&world, "viewer", "muted").await;
    let answer = thread(&world, Some("viewer"), &root, &[]).await;
    assert_eq!((texts(&answer), &answer["hasOtherReplies"]), (vec!["root", "kept"], &json!(true)));
    let others = other(&world, Some("viewer"), &root).await;
    assert_eq!(shape(&others), [(1, "hidden"), (1, "muted")]);
    let flags = |index: usize| {
        let value = &others["thread"][index]["value"];
        (&value["hiddenByThreadgate"], &value["mutedByViewer"])
    };
    assert_eq!(flags(0), (&json!(true), &json!(false)));
    assert_eq!(flags(1), (&json!(false), &json!(true)));
    // To who wrote it, it is not hidden.
    let to_bob = thread(&world, Some("bob"), &root, &[]).await;
    assert_eq!(texts(&to_bob), ["root", "hidden", "below hidden", "kept", "muted"]);
    assert_eq!(to_bob["hasOtherReplies"], false);
    assert_eq!(other(&world, Some("bob"), &root).await, json!({ "thread": [] }));
    // A hidden reply is an anchor as any other.
    let below = thread(&world, None, &hidden, &[]).await;
    assert_eq!(texts(&below), ["root", "hidden", "below hidden"]);
    let unknown = Ref { uri: root.uri.replace("post/3", "post/4"), ..root.clone() };
    assert_eq!(other(&world, None, &unknown).await, json!({ "thread": [] }));
    alice.blocks("viewer");
    assert_eq!(other(&world, Some("viewer"), &root).await, json!({ "thread": [] }));
}

async fn other_replies_in_order(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let reply = |who: &str, text: &str| world.actor(who).replies(&root, text);
    let hidden = [reply("bob", "hidden 1"), reply("bob", "hidden 2"), reply("muted", "both")];
    reply("muted", "muted");
    reply("carol", " 📌\n");
    alice.gates(&root, json!({ "hiddenReplies": hidden.map(|post| post.uri) }));
    mute(&world, "viewer", "muted").await;
    let others = other(&world, Some("viewer"), &root).await;
    assert_eq!(texts(&others), [" 📌\n", "hidden 2", "hidden 1", "muted", "both"]);
    // What the thread's author writes comes first there too.
    reply("alice", "📌");
    let others = other(&world, Some("viewer"), &root).await;
    assert_eq!(texts(&others)[..2], ["📌", " 📌\n"]);
}

async fn gates_of_flat_threads(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let gate = alice.gates(&root, json!({ "allow": [] }));
    let refused = world.actor("bob").replies(&root, "refused");
    alice.replies(&root, "own");
    let answer = thread(&world, None, &root, &[]).await;
    assert_eq!(texts(&answer), ["root", "own"]);
    assert_eq!(answer["threadgate"]["uri"], gate.uri.as_str());
    assert_eq!(answer["hasOtherReplies"], false);
    let alone = thread(&world, None, &refused, &[]).await;
    assert_eq!(shape(&alone), [(0, "refused")]);
    assert_eq!(alone["threadgate"]["uri"], gate.uri.as_str());
    assert_eq!(other(&world, None, &root).await, json!({ "thread": [] }));
}

async fn parameters(world: World) {
    let uri = format!("at://{}/app.bsky.feed.post/3kaaaaaaaaa2a", did("alice"));
    for (nsid, params) in [
        (THREAD, &[][..]),
        (THREAD, &[("anchor", "https://example.com")]),
        (THREAD, &[("anchor", &uri), ("below", "21")]),
        (THREAD, &[("anchor", &uri), ("below", "-1")]),
        (THREAD, &[("anchor", &uri), ("branchingFactor", "101")]),
        (THREAD, &[("anchor", &uri), ("above", "1")]),
        (OTHER, &[]),
        (OTHER, &[("anchor", "x")]),
    ] {
        let answer = world.get(nsid, params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {params:?}");
    }
    for anchor in ["at://nobody.test/app.bsky.feed.post/x", "at://did:plc:x/app.bsky.graph.list/x"]
    {
        let answer = world.get(THREAD, &[("anchor", anchor)]).await.ok();
        assert_eq!(answer["thread"][0]["uri"], anchor);
        assert_eq!(shape(&answer), [(0, "NotFound")]);
        assert_eq!(world.get(OTHER, &[("anchor", anchor)]).await.ok(), json!({ "thread": [] }));
    }
}
