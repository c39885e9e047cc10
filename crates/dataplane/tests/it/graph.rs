//! Blocks, mutes, lists, starter packs and known followers: pages, order, and bounds.

use millrace_atproto::syntax::AtIdentifier;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::blocks::{GetBlocks, GetListBlocks};
use millrace_dataplane::query::follows::{GetFollowers, GetFollows};
use millrace_dataplane::query::known_followers::GetKnownFollowers;
use millrace_dataplane::query::lists::{
    GetListItems, GetListMembership, GetLists, LISTS_MAX, ListPurpose,
};
use millrace_dataplane::query::mute::{
    ACTOR_MUTES_MAX, LIST_MUTES_MAX, MuteActor, MuteActorList, MuteThread, THREAD_MUTES_MAX,
    UnmuteActor, UnmuteActorList,
};
use millrace_dataplane::query::mutes::{GetListMutes, GetMutes, Mute};
use millrace_dataplane::query::starter_packs::{GetActorStarterPacks, GetStarterPackContents};
use millrace_store::{Param, StoreError};
use serde_json::json;

use crate::entries::{did, tid, uri};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at};

on_every_engine!(
    pages_of_blocks_lose_nothing,
    blocks_stand_beside_pages_of_follows,
    pages_of_lists_and_of_who_is_on_them,
    starter_packs_and_their_samples,
    known_followers_in_the_order_of_the_viewer,
    mutes_by_did_and_their_scope,
    mutes_are_bounded,
    lists_that_are_muted_or_blocked,
);

const BLOCK: &str = "app.bsky.graph.block";
const FOLLOW: &str = "app.bsky.graph.follow";
const LIST: &str = "app.bsky.graph.list";
const LIST_BLOCK: &str = "app.bsky.graph.listblock";
const LIST_ITEM: &str = "app.bsky.graph.listitem";
const STARTER_PACK: &str = "app.bsky.graph.starterpack";

/// Reads pages of two to the end.
async fn all<T, F>(page: impl Fn(Option<String>) -> F) -> Vec<T>
where
    F: Future<Output = (Vec<T>, Option<String>)>,
{
    let (mut items, mut cursor) = page(None).await;
    while let Some(at) = cursor {
        let (more, next) = page(Some(at.clone())).await;
        assert_ne!(next.as_ref(), Some(&at), "a cursor leads on");
        items.extend(more);
        cursor = next;
    }
    items
}

fn dids(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| did(name).to_string()).collect()
}

async fn pages_of_blocks_lose_nothing(harness: Harness) {
    let town = Town::new(harness);
    let first = town.edge("alice", BLOCK, "bob").await;
    // The records of this town all say the same time; the first of several at one account counts.
    for name in ["carol", "bob", "dan", "erin", "carol"] {
        town.edge("alice", BLOCK, name).await;
    }
    let client = &town.harness.client;
    let actor = AtIdentifier::Did(did("alice"));
    let page = async |cursor| {
        let asked = GetBlocks { actor: actor.clone(), limit: 2, cursor };
        let page = client.ask(asked).await.unwrap();
        (page.blocks, page.cursor)
    };
    let blocks = all(page).await;
    let blocked: Vec<String> = blocks.iter().map(|block| block.did.to_string()).collect();
    assert_eq!(blocked, dids(&["erin", "dan", "carol", "bob"]));
    assert_eq!(blocks[3].uri, first);
    let none = GetBlocks { actor: AtIdentifier::Did(did("nobody")), limit: 50, cursor: None };
    assert!(client.ask(none).await.unwrap().blocks.is_empty());
    let handle = AtIdentifier::parse("nobody.test").unwrap();
    let unknown = client.ask(GetBlocks { actor: handle, limit: 50, cursor: None }).await;
    assert!(matches!(unknown, Err(DataplaneError::NotFound(_))));
    let over = client.ask(GetBlocks { actor, limit: 101, cursor: None }).await;
    assert!(matches!(over, Err(DataplaneError::InvalidRequest(_))));
}

async fn blocks_stand_beside_pages_of_follows(harness: Harness) {
    let town = Town::new(harness);
    for name in ["ann", "ben", "cat", "don"] {
        town.edge(name, FOLLOW, "star").await;
        town.edge("star", FOLLOW, name).await;
    }
    town.edge("star", BLOCK, "ann").await;
    town.edge("ben", BLOCK, "star").await;
    let list = town.list("maker", "modlist", &["cat"]).await;
    town.write("star", LIST_BLOCK, json!({ "subject": list })).await;
    let actor = AtIdentifier::Did(did("star"));
    let followers = GetFollowers { actor: actor.clone(), limit: 50, cursor: None };
    let follows = GetFollows { actor, limit: 50, cursor: None };
    for page in [
        town.harness.client.ask(followers).await.unwrap(),
        town.harness.client.ask(follows).await.unwrap(),
    ] {
        let people: Vec<String> = page.follows.iter().map(|edge| edge.did.to_string()).collect();
        assert_eq!(people, dids(&["don", "cat", "ben", "ann"]), "edges are edges");
        let mut blocked: Vec<String> = page.blocked.iter().map(ToString::to_string).collect();
        blocked.sort();
        assert_eq!(blocked, dids(&["ann", "ben", "cat"]));
    }
}

async fn pages_of_lists_and_of_who_is_on_them(harness: Harness) {
    let town = Town::new(harness);
    let mut lists = Vec::new();
    for purpose in ["modlist", "curatelist", "referencelist", "modlist", "other"] {
        lists.push(town.list("alice", purpose, &[]).await);
    }
    let client = &town.harness.client;
    for (purposes, expected) in [
        (vec![], vec![4, 3, 2, 1, 0]),
        (vec![ListPurpose::Modlist], vec![3, 0]),
        (vec![ListPurpose::Curatelist, ListPurpose::Modlist], vec![3, 1, 0]),
        (vec![ListPurpose::Referencelist], vec![2]),
    ] {
        let page = async |cursor| {
            let (actor, purposes) = (did("alice"), purposes.clone());
            let page = client.ask(GetLists { actor, purposes, limit: 2, cursor }).await.unwrap();
            (page.uris, page.cursor)
        };
        let expected: Vec<&String> = expected.into_iter().map(|n: usize| &lists[n]).collect();
        assert_eq!(all(page).await.iter().collect::<Vec<_>>(), expected, "{purposes:?}");
    }
    let list = lists[1].clone();
    let item = town.write("alice", LIST_ITEM, json!({ "subject": did("bob"), "list": list })).await;
    for name in ["carol", "dan", "bob", "erin"] {
        town.write("alice", LIST_ITEM, json!({ "subject": did(name), "list": list })).await;
    }
    town.edge("dan", BLOCK, "alice").await;
    let page = async |cursor| {
        let asked = GetListItems { list: at(&list), limit: 2, cursor };
        let page = client.ask(asked).await.unwrap();
        let blocked = page.blocked;
        let item = |item: millrace_dataplane::model::ListItem| {
            let is_blocked = blocked.contains(&item.subject);
            (item.uri, item.subject.to_string(), is_blocked)
        };
        (page.items.into_iter().map(item).collect(), page.cursor)
    };
    let items = all(page).await;
    let people: Vec<&String> = items.iter().map(|item| &item.1).collect();
    assert_eq!(people, dids(&["erin", "dan", "carol", "bob"]).iter().collect::<Vec<_>>());
    assert_eq!(items[3].0, item, "the first item stands");
    assert_eq!(items.iter().map(|item| item.2).collect::<Vec<_>>(), [false, true, false, false]);
    let asked =
        GetListMembership { actor: did("bob"), lists: lists.iter().map(|list| at(list)).collect() };
    let membership = client.ask(asked).await.unwrap();
    assert_eq!(membership.items.into_iter().collect::<Vec<_>>(), [(list.clone(), item)]);
    let many = GetListMembership { actor: did("bob"), lists: vec![at(&list); LISTS_MAX + 1] };
    assert!(matches!(client.ask(many).await, Err(DataplaneError::InvalidRequest(_))));
}

async fn starter_packs_and_their_samples(harness: Harness) {
    let town = Town::new(harness);
    let list = town.list("alice", "referencelist", &["bob", "carol", "dan", "alice"]).await;
    town.edge("x", FOLLOW, "carol").await;
    town.edge("bob", BLOCK, "alice").await;
    let mut packs = Vec::new();
    for list in [&list, &uri(&did("nobody"), LIST, "none")] {
        packs.push(town.write("alice", STARTER_PACK, json!({ "name": "p", "list": list })).await);
    }
    let client = &town.harness.client;
    let page = async |cursor| {
        let asked = GetActorStarterPacks { actor: did("alice"), limit: 2, cursor };
        let page = client.ask(asked).await.unwrap();
        (page.uris, page.cursor)
    };
    packs.reverse();
    assert_eq!(all(page).await, packs);
    packs.reverse();
    let contents = async |viewer: Option<&str>| {
        let missing = uri(&did("alice"), STARTER_PACK, "none");
        let named = packs.iter().chain([&missing, &list]).map(|uri| at(uri));
        let asked =
            GetStarterPackContents { starter_packs: named.collect(), viewer: viewer.map(did) };
        client.ask(asked).await.unwrap().contents
    };
    let found = contents(None).await;
    assert_eq!(
        found.iter().map(|pack| &pack.uri).collect::<Vec<_>>(),
        packs.iter().collect::<Vec<_>>()
    );
    let sample = |pack: &millrace_dataplane::query::starter_packs::Contents| -> Vec<String> {
        pack.sample.iter().map(|item| item.subject.to_string()).collect()
    };
    assert_eq!(found[0].list, Some(at(&list)));
    assert_eq!(sample(&found[0]), dids(&["carol", "alice", "dan"]));
    assert!(found[1].list.is_some() && found[1].sample.is_empty());
    assert_eq!(sample(&contents(Some("bob")).await[0]), dids(&["carol", "alice", "dan"]));
    assert_eq!(sample(&contents(Some("alice")).await[0]), dids(&["carol", "alice", "dan", "bob"]));
}

async fn known_followers_in_the_order_of_the_viewer(harness: Harness) {
    let town = Town::new(harness);
    for name in ["ann", "ben", "cat", "don"] {
        town.edge("viewer", FOLLOW, name).await;
    }
    town.edge("viewer", FOLLOW, "ann").await;
    for name in ["don", "cat", "ann", "other"] {
        town.edge(name, FOLLOW, "star").await;
    }
    town.edge("star", FOLLOW, "ben").await;
    let known = async |viewer: &str, limit| {
        let actor = AtIdentifier::Did(did("star"));
        let asked = GetKnownFollowers { actor, viewer: did(viewer), limit };
        let found = town.harness.client.ask(asked).await.unwrap();
        assert_eq!(found.subject, did("star"));
        found.followers.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(known("viewer", 50).await, dids(&["ann", "cat", "don"]));
    assert_eq!(known("viewer", 2).await, dids(&["ann", "cat"]));
    assert!(known("nobody", 50).await.is_empty());
    let actor = AtIdentifier::Did(did("nobody"));
    let unknown = GetKnownFollowers { actor, viewer: did("viewer"), limit: 1 };
    let unknown = town.harness.client.ask(unknown).await;
    assert!(matches!(unknown, Err(DataplaneError::NotFound(_))));
}

fn mute(subject: &str) -> MuteActor {
    let (actor, subject) = (did("viewer"), did(subject));
    MuteActor { actor, subject, only_reposts: false, only_quoteposts: false }
}

async fn mutes_by_did_and_their_scope(harness: Harness) {
    let town = Town::new(harness);
    for name in ["ann", "ben", "cat"] {
        town.edge(name, FOLLOW, "star").await;
    }
    let client = &town.harness.client;
    for name in ["unknown", "ann", "ben", "cat", "ann"] {
        client.command(mute(name)).await.unwrap();
    }
    client.command(MuteActor { only_reposts: true, ..mute("ben") }).await.unwrap();
    let actor = AtIdentifier::Did(did("viewer"));
    let page = async |cursor| {
        let asked = GetMutes { actor: actor.clone(), limit: 2, cursor };
        let page = client.ask(asked).await.unwrap();
        (page.mutes, page.cursor)
    };
    let mut mutes: Vec<Mute> = all(page).await;
    mutes.sort_by(|a, b| a.did.cmp(&b.did));
    let found: Vec<(String, bool, bool)> = mutes
        .iter()
        .map(|mute| (mute.did.to_string(), mute.only_reposts, mute.only_quoteposts))
        .collect();
    let [ann, ben, cat] = ["ann", "ben", "cat"].map(|name| did(name).to_string());
    assert_eq!(found, [(ann, false, false), (ben, true, false), (cat, false, false)]);
    for name in ["ann", "ben", "cat", "nobody"] {
        let command = UnmuteActor { actor: did("viewer"), subject: did(name) };
        client.command(command).await.unwrap();
    }
    assert!(all(page).await.is_empty());
    let oneself = client.command(mute("viewer")).await;
    assert!(matches!(oneself, Err(DataplaneError::InvalidRequest(_))));
}

/// Fills a table of `viewer`'s mutes up to its bound.
async fn fill(harness: &Harness, sql: &'static str, rows: i64) {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let viewer = did("viewer");
    let fill = move |tx: &mut millrace_store::Tx| -> Result<u64, StoreError> {
        let names: Vec<String> = (0..rows).map(|n| format!("did:plc:{n}")).collect();
        tx.execute_many(sql, names.iter().map(|name| [Param::from(&viewer), Param::Text(name)]))
    };
    assert_eq!(local.own.write(fill).await.unwrap(), rows as u64);
}

async fn mutes_are_bounded(harness: Harness) {
    const ACTORS: &str = "INSERT INTO actor_mute (did, subject, created_at_us)
        SELECT r.a, r.b, 1 FROM {rows:a TEXT, b TEXT} AS r";
    const LISTS: &str = "INSERT INTO list_mute (did, list_did, list_rkey, created_at_us)
        SELECT r.a, r.b, 'a', 1 FROM {rows:a TEXT, b TEXT} AS r";
    const THREADS: &str = "INSERT INTO thread_mute (did, root_did, root_rkey, created_at_us)
        SELECT r.a, r.b, 'a', 1 FROM {rows:a TEXT, b TEXT} AS r";
    fill(&harness, ACTORS, ACTOR_MUTES_MAX - 1).await;
    fill(&harness, LISTS, LIST_MUTES_MAX - 1).await;
    fill(&harness, THREADS, THREAD_MUTES_MAX - 1).await;
    let client = &harness.client;
    let refused = |answer: Result<_, DataplaneError>, bound: i64| match answer {
        Err(DataplaneError::InvalidRequest(message)) => {
            assert!(message.contains(&bound.to_string()), "{message}");
        }
        other => panic!("{other:?}"),
    };
    client.command(mute("last")).await.unwrap();
    refused(client.command(mute("one-more")).await, ACTOR_MUTES_MAX);
    // What is muted already can be muted again, and whatever is unmuted makes room.
    client.command(mute("last")).await.unwrap();
    let command = UnmuteActor { actor: did("viewer"), subject: did("last") };
    client.command(command).await.unwrap();
    client.command(mute("one-more")).await.unwrap();
    let list =
        |name: &str| MuteActorList { actor: did("viewer"), list: at(&uri(&did(name), LIST, "a")) };
    client.command(list("last")).await.unwrap();
    refused(client.command(list("one-more")).await, LIST_MUTES_MAX);
    client.command(list("last")).await.unwrap();
    let root = |name: &str| MuteThread {
        actor: did("viewer"),
        root: at(&uri(&did(name), "app.bsky.feed.post", "a")),
    };
    client.command(root("last")).await.unwrap();
    refused(client.command(root("one-more")).await, THREAD_MUTES_MAX);
    // Another account has room of its own.
    client.command(MuteActor { actor: did("other"), ..mute("one-more") }).await.unwrap();
}

async fn lists_that_are_muted_or_blocked(harness: Harness) {
    let town = Town::new(harness);
    let mut lists = Vec::new();
    for _ in 0..3 {
        lists.push(town.list("alice", "modlist", &[]).await);
    }
    // One under a key that is no TID, and one that does not exist.
    let purpose = "app.bsky.graph.defs#modlist";
    let named = json!({ "name": "n", "purpose": purpose, "createdAt": "2025-12-31T00:00:00.000Z" });
    lists.push(town.put("alice", LIST, "by-name", named).await);
    let missing = uri(&did("alice"), LIST, &tid(500).to_string());
    let client = &town.harness.client;
    for list in [&lists[3], &lists[1], &missing, &lists[0], &lists[2]] {
        let command = MuteActorList { actor: did("viewer"), list: at(list) };
        client.command(command).await.unwrap();
        town.write("viewer", LIST_BLOCK, json!({ "subject": list })).await;
        town.write("viewer", LIST_BLOCK, json!({ "subject": list })).await;
    }
    let muted = async |cursor| {
        let asked = GetListMutes { actor: did("viewer"), limit: 2, cursor };
        let page = client.ask(asked).await.unwrap();
        (page.uris, page.cursor)
    };
    let blocked = async |cursor| {
        let asked = GetListBlocks { actor: did("viewer"), limit: 2, cursor };
        let page = client.ask(asked).await.unwrap();
        (page.uris, page.cursor)
    };
    let expected: Vec<String> = [2, 1, 0, 3].map(|n: usize| lists[n].clone()).into();
    assert_eq!(all(muted).await, expected);
    assert_eq!(all(blocked).await, expected);
    for list in &lists {
        let command = UnmuteActorList { actor: did("viewer"), list: at(list) };
        client.command(command).await.unwrap();
    }
    assert!(all(muted).await.is_empty());
}
