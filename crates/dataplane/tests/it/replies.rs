//! Threads and notifications: who is told of what, in whatever order posts arrive.

use millrace_atproto::entry::Entry;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_dataplane::query::notifications::{GetUnreadCount, ListNotifications, UpdateSeen};
use millrace_dataplane::query::thread::GetPostThread;
use millrace_sim::records::{self, Ref, Reply};

use crate::entries::{self, FOLLOW, LIKE, POST, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    a_thread_is_told_alike_in_any_order,
    a_deleted_post_takes_its_notifications_along,
    nobody_is_told_twice_or_of_himself,
    unread_ends_at_the_seen_mark,
    cyclic_threads_end,
);

fn post_uri(author: &Did, n: i64) -> String {
    entries::uri(author, POST, &tid(n).to_string())
}

fn reference(uri: &str) -> Ref {
    Ref { uri: uri.to_owned(), cid: millrace_atproto::cid::Cid::of_dag_cbor(uri.as_bytes()) }
}

/// `author`'s post number `n`, in answer to `parent` in the thread of `root`.
fn post(author: &Did, n: i64, thread: Option<(&str, &str)>) -> Entry {
    let reply =
        thread.map(|(root, parent)| Reply { root: reference(root), parent: reference(parent) });
    let record =
        records::post(&format!("post {n}"), START_US + n * 1_000, reply.as_ref(), None, None);
    entries::commit(author, n, vec![entries::put(POST, &tid(n).to_string(), record)])
}

async fn told(harness: &Harness, whom: &Did) -> Vec<(String, String)> {
    let list = ListNotifications {
        actor: whom.clone(),
        reasons: Vec::new(),
        priority: None,
        limit: 100,
        cursor: None,
    };
    let page = harness.client.ask(list).await.unwrap();
    page.notifications
        .into_iter()
        .map(|notification| (notification.reason, notification.uri))
        .collect()
}

async fn a_thread_is_told_alike_in_any_order(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    let root = post_uri(&alice, 1);
    let answer = post_uri(&bob, 2);
    let thread = [
        post(&alice, 1, None),
        post(&bob, 2, Some((&root, &root))),
        post(&carol, 3, Some((&root, &answer))),
    ];
    let mut seen = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let harness = harness.fresh().await;
        for at in order {
            harness.apply(&thread[at..=at]).await;
        }
        let mut state = Vec::new();
        for whom in [&alice, &bob, &carol] {
            let mut told = told(&harness, whom).await;
            told.sort();
            state.push(told);
        }
        seen.push(state);
    }
    let reply = |author: &Did, n: i64| ("reply".to_owned(), post_uri(author, n));
    assert_eq!(seen[0], [vec![reply(&bob, 2), reply(&carol, 3)], vec![reply(&carol, 3)], vec![]]);
    assert!(seen.iter().all(|state| *state == seen[0]), "{seen:#?}");
}

async fn a_deleted_post_takes_its_notifications_along(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let root = post_uri(&alice, 1);
    harness.apply(&[post(&alice, 1, None), post(&bob, 2, Some((&root, &root)))]).await;
    assert_eq!(told(&harness, &alice).await.len(), 1);
    harness
        .apply(&[entries::commit(&bob, 3, vec![entries::delete(POST, &tid(2).to_string())])])
        .await;
    assert_eq!(told(&harness, &alice).await, []);
}

async fn nobody_is_told_twice_or_of_himself(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let root = post_uri(&alice, 1);
    let like = |n: i64| {
        entries::put(
            LIKE,
            &tid(n).to_string(),
            records::like(&reference(&root), START_US + n * 1_000),
        )
    };
    let follow = |n: i64| {
        entries::put(FOLLOW, &tid(n).to_string(), records::follow(&alice, START_US + n * 1_000))
    };
    harness
        .apply(&[
            post(&alice, 1, None),
            post(&alice, 2, Some((&root, &root))),
            entries::commit(&alice, 3, vec![like(3), follow(4)]),
            entries::commit(&bob, 5, vec![like(5), like(6), follow(7), follow(8)]),
        ])
        .await;
    let told: Vec<String> = told(&harness, &alice).await.into_iter().map(|told| told.0).collect();
    assert_eq!(told, ["follow", "like"]);
}

async fn unread_ends_at_the_seen_mark(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let root = post_uri(&alice, 1);
    harness.apply(&[post(&alice, 1, None)]).await;
    for n in 2..6 {
        harness.apply(&[post(&bob, n, Some((&root, &root)))]).await;
    }
    let unread = || harness.client.ask(GetUnreadCount { actor: alice.clone(), priority: None });
    assert_eq!(unread().await.unwrap().count, 4);
    harness
        .client
        .command(UpdateSeen { actor: alice.clone(), seen_at_us: START_US + 3_000 })
        .await
        .unwrap();
    assert_eq!(unread().await.unwrap().count, 2);
    harness
        .client
        .command(UpdateSeen { actor: alice.clone(), seen_at_us: START_US + 100_000 })
        .await
        .unwrap();
    assert_eq!(unread().await.unwrap().count, 0);
}

async fn cyclic_threads_end(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let (first, second) = (post_uri(&alice, 1), post_uri(&bob, 2));
    harness
        .apply(&[post(&alice, 1, Some((&second, &second))), post(&bob, 2, Some((&first, &first)))])
        .await;
    let asked = GetPostThread {
        uri: AtUri::parse(&first).unwrap(),
        below: 1_000,
        above: 1_000,
        op_thread: false,
    };
    let thread = harness.client.ask(asked).await.unwrap();
    assert_eq!(thread.ancestors, [first, second.clone()]);
    assert_eq!(thread.descendants, [second]);
}
