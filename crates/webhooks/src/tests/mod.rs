//! What becomes of an event: told, told again, given up, decided of; on every engine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod world;

use std::net::Ipv4Addr;
use std::sync::Arc;

use millrace_dataplane::parked::ParkedEntry;
use millrace_dataplane::parked::deliveries::{self, DeliveryState};
use millrace_log::{Headers, Item, Topic};
use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::outbox::Failure;
use millrace_store::testing::Engine;
use millrace_store::worker::Projection as _;
use millrace_store::{StoreError, Tx};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::world::{Receiver, START_US, TIERS, Taken, World, did, event, eventually, payload};
use crate::forget_others;

macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::run(super::Engine::Sqlite, super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::run(super::Engine::Postgres, super::$name).await;
            })+
        }
    };
}

async fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(World) -> F) {
    if let Some(world) = World::open(engine).await {
        test(world).await;
    }
}

on_every_engine!(
    an_event_is_told_once_and_signed,
    a_receiver_that_was_down_is_told_once_it_is_up,
    what_fails_for_ever_is_given_up_after_the_last_tier,
    what_is_refused_is_given_up_at_once,
    one_that_is_down_holds_up_no_other,
    what_is_no_event_is_given_up_and_holds_up_nothing,
    killed_between_answer_and_commit_it_is_sent_again_under_its_id,
    asked_to_stop_it_notes_what_was_delivered,
    an_author_is_told_of_in_order_and_others_meanwhile,
    who_does_not_answer_is_not_asked_again_and_again,
    an_operator_retries_resolves_and_discards,
    a_new_one_begins_at_the_end_and_goes_on_where_it_was,
    what_is_old_is_forgotten,
);

async fn an_event_is_told_once_and_signed(world: World) {
    let running = world.runs(&["a"]).await;
    let updated = Topic::PostUpdated;
    for _ in 0..2 {
        world.posts("alice", "1").await;
    }
    world.append(updated, &did("alice"), payload("2"), event(updated, "alice", "2")).await;
    world.until_inbox(&["webhook:a 1", "webhook:a 2"]).await;
    world.posts("alice", "1").await;
    world.posts("bob", "3").await;
    world.until_inbox(&["webhook:a 1", "webhook:a 2", "webhook:a 3"]).await;
    running.stop().await;
    let taken = world.receiver.taken.lock().clone();
    let mut ids: Vec<String> = taken.iter().map(Taken::id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2", "3"], "what stands in the log twice is one event");
    let first = taken.iter().find(|taken| taken.id() == "1").unwrap();
    assert!(taken.iter().all(Taken::is_signed));
    assert_eq!(first.body, payload("1"));
    for (name, value) in [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-type", "POST_CREATED"),
        ("ce-source", "urn:millrace:feeds"),
        ("ce-subject", "at://did:plc:a/app.bsky.feed.post/%C3%A9"),
        ("ce-time", "2026-01-01T00:00:00.000Z"),
        ("ce-partitionkey", "did:plc:alice"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("webhook-timestamp", "1767225600"),
    ] {
        assert_eq!(first.header(name), value, "{name}");
    }
    let changed = taken.iter().find(|taken| taken.id() == "2").unwrap();
    assert_eq!(changed.header("ce-type"), "POST_UPDATED");
    let counted = "millrace_webhooks_deliveries_total{webhook=\"a\",outcome=\"delivered\"}";
    assert_eq!(world.metric(counted), Some(3.0));
    assert_eq!((world.dead(false).await.len(), world.items(TIERS[0]).await.len()), (0, 0));
}

async fn a_receiver_that_was_down_is_told_once_it_is_up(world: World) {
    let later = Receiver::default();
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = gone.local_addr().unwrap();
    drop(gone);
    let running = world.runs_at(&[("a", at)]).await;
    world.posts("alice", "1").await;
    let items = world.until_items(TIERS[0], 1).await;
    let failure = Failure::read(&items[0].headers).unwrap();
    assert_eq!((failure.consumer.as_str(), failure.attempts), ("webhook:a", 1));
    assert_eq!((failure.topic, failure.partition, failure.offset), (Topic::PostCreated, 0, 0));
    assert_eq!(failure.reason, "unreachable");
    assert_eq!(failure.retry_us, Some(START_US + 60_000_000));
    assert_eq!(items[0].payload, payload("1"));
    assert_eq!(items[0].headers.text("ce_source"), Some("urn:millrace:feeds"));
    later.listen(at).await;
    world.later(59);
    // Whoever looks meanwhile sees that it waits.
    let lag = "millrace_store_lag_entries{projection=\"webhook:a\",topic=\"post.created.v1-retry-1m\",partition=\"0\"}";
    eventually("it waits", || async { (world.metric(lag) == Some(1.0)).then_some(()) }).await;
    assert!(later.taken.lock().is_empty(), "a minute is not over");
    world.later(1);
    world.until_inbox(&["webhook:a 1"]).await;
    world.later(86_400);
    world.posts("alice", "2").await;
    world.until_inbox(&["webhook:a 1", "webhook:a 2"]).await;
    running.stop().await;
    assert_eq!(later.ids("a"), ["1", "2"]);
    assert_eq!(world.items(TIERS[1]).await, []);
    let taken = later.taken.lock();
    assert!(taken.iter().all(Taken::is_signed));
    assert_eq!(taken[0].header("webhook-timestamp"), "1767225660");
}

async fn what_fails_for_ever_is_given_up_after_the_last_tier(world: World) {
    world.receiver.answers("a", 500);
    let running = world.runs(&["a"]).await;
    world.posts("alice", "1").await;
    for (tier, seconds) in TIERS.into_iter().zip([60, 600, 3_600]) {
        let items = world.until_items(tier, 1).await;
        let failure = Failure::read(&items[0].headers).unwrap();
        assert_eq!(failure.first_us, START_US, "{tier}");
        world.later(seconds);
    }
    let dead = world.until_items(Topic::PostCreatedDlq, 1).await;
    let failure = Failure::read(&dead[0].headers).unwrap();
    assert_eq!((failure.attempts, failure.retry_us), (4, None));
    assert_eq!((failure.topic, failure.reason.as_str()), (Topic::PostCreated, "status"));
    assert_eq!(failure.error, "status 500: so it says");
    assert_eq!(dead[0].headers.text("ce_id"), Some("1"));
    assert_eq!(dead[0].payload, payload("1"));
    let row = world.until_dead(DeliveryState::Pending, 4).await;
    assert_eq!(
        (row.projection.as_str(), row.topic.as_str()),
        ("webhook:a", Topic::PostCreated.name())
    );
    assert_eq!((row.key, row.offset), (Some(did("alice")), 0));
    assert_eq!((row.reason.as_str(), row.error.as_str()), ("status", "status 500: so it says"));
    assert!(row.cause.is_some() && row.remedy.is_some());
    // It came again from the log: still one row.
    world.posts("alice", "1").await;
    world.until_dead(DeliveryState::Pending, 5).await;
    assert_eq!(world.receiver.ids("a"), ["1"; 5]);
    let shown = deliveries::get(&world.own, row.id).await.unwrap().unwrap();
    let content = &shown.entry.unwrap()["content"];
    assert_eq!(content["payload"], json!({ "text": "1" }));
    assert_eq!(content["headers"]["failed-attempts"], "4");
    running.stop().await;
    assert_eq!(world.dead(false).await.len(), 1);
    assert_eq!(world.inbox().await, [""; 0]);
    world.hook_at("a", world.at, &Shutdown::new()).await.look().await.unwrap();
    assert_eq!(world.metric("millrace_webhooks_given_up{webhook=\"a\"}"), Some(1.0));
}

async fn what_is_refused_is_given_up_at_once(world: World) {
    let running = world.runs(&["a"]).await;
    for (status, id) in [(400, "1"), (410, "2"), (404, "3")] {
        world.receiver.answers("a", status);
        world.posts("alice", id).await;
        eventually("it is given up", || async {
            let dead = world.dead(false).await;
            dead.iter().any(|one| one.error.starts_with(&format!("status {status}"))).then_some(())
        })
        .await;
    }
    let dead = world.dead(false).await;
    assert!(dead.iter().all(|one| one.reason == "refused" && one.attempts == 1));
    world.until_items(Topic::PostCreatedDlq, 3).await;
    assert_eq!(world.items(TIERS[0]).await, []);
    // Whoever asks for patience gets it.
    world.receiver.answers("a", 408);
    world.posts("alice", "4").await;
    world.until_items(TIERS[0], 1).await;
    running.stop().await;
}

async fn one_that_is_down_holds_up_no_other(world: World) {
    world.receiver.answers("bad", 503);
    let running = world.runs(&["bad", "good"]).await;
    let ids: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
    for (n, id) in ids.iter().enumerate() {
        world.posts(&format!("author{}", n % 5), id).await;
    }
    world.until_items(TIERS[0], ids.len()).await;
    let expected: Vec<String> = ids.iter().map(|id| format!("webhook:good {id}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    world.until_inbox(&expected).await;
    // What the one failed with is no affair of the other's, which passes over it.
    let next = "SELECT CAST(next_offset AS TEXT) FROM projection_offset
        WHERE projection = 'webhook:good' AND topic = 'post.created.v1-retry-1m'";
    eventually("the other passes over it", || async {
        (world.rows(next).await == [ids.len().to_string()]).then_some(())
    })
    .await;
    world.receiver.answers("bad", 200);
    world.later(60);
    eventually("it is told as well", || async {
        (world.inbox().await.len() == 2 * ids.len()).then_some(())
    })
    .await;
    running.stop().await;
    let mut good = world.receiver.ids("good");
    good.sort_unstable();
    assert_eq!(good, ids, "each of them once");
    assert!(world.dead(false).await.is_empty());
}

async fn what_is_no_event_is_given_up_and_holds_up_nothing(world: World) {
    let running = world.runs(&["a"]).await;
    let topic = Topic::PostCreated;
    world.posts("alice", "1").await;
    world.append(topic, "k", payload("x"), Headers::NONE).await;
    world.append(topic, &did("bob"), b"{".to_vec(), event(topic, "bob", "1")).await;
    let mut odd = event(topic, "carol", "2");
    odd.push("ce_odd", vec![0xff]).unwrap();
    world.append(topic, &did("carol"), payload("2"), odd).await;
    world.posts("alice", "3").await;
    world.until_inbox(&["webhook:a 1", "webhook:a 3"]).await;
    world.until_items(Topic::PostCreatedDlq, 3).await;
    let dead = world.dead(false).await;
    let mut found: Vec<(i64, Option<String>, &str)> =
        dead.iter().map(|one| (one.offset, one.key.clone(), one.error.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found[0], (1, None, "its header ce_id is missing"));
    assert!(found[1].1 == Some(did("bob")) && found[1].2.starts_with("its payload is no JSON"));
    assert_eq!(found[2].2, "its header ce_odd is not one that can be sent: it is no text");
    assert!(dead.iter().all(|one| one.reason == "no-event" && one.attempts == 1));
    // Tried again it is what it was, in its own row.
    assert_eq!(deliveries::retry_all(&world.own).await.unwrap().entries, 3);
    eventually("all are given up again", || async {
        let dead = world.dead(false).await;
        let again =
            |one: &ParkedEntry| one.attempts == 2 && one.state == Some(DeliveryState::Pending);
        (dead.len() == 3 && dead.iter().all(again)).then_some(())
    })
    .await;
    running.stop().await;
    assert_eq!(world.receiver.ids("a"), ["1", "3"]);
}

async fn killed_between_answer_and_commit_it_is_sent_again_under_its_id(world: World) {
    let hook = world.hook_at("a", world.at, &Shutdown::new()).await;
    world.posts("alice", "1").await;
    let items = world.items(Topic::PostCreated).await;
    // The process dies with what was prepared.
    drop(hook.of(Topic::PostCreated, 0).prepare(&items).await.unwrap());
    assert_eq!(world.inbox().await, [""; 0]);
    drop(hook);
    let hook = world.hook_at("a", world.at, &Shutdown::new()).await;
    let again = Arc::new(hook.of(Topic::PostCreated, 0));
    let prepared = again.prepare(&items).await.unwrap();
    let written = Arc::clone(&again);
    let write = move |tx: &mut Tx| {
        let failed = |error| StoreError::Aborted { reason: format!("{error:?}") };
        written.write(tx, prepared).map_err(failed)
    };
    world.own.write(write).await.unwrap();
    assert_eq!(world.receiver.ids("a"), ["1", "1"], "at least once, under one id");
    drop(again.prepare(&items).await.unwrap());
    assert_eq!(world.receiver.ids("a").len(), 2, "what was noted is not sent again");
}

async fn asked_to_stop_it_notes_what_was_delivered(world: World) {
    let (gate, shutdown) = (Arc::new(Semaphore::new(0)), Shutdown::new());
    *world.receiver.gate.lock() = Some(Arc::clone(&gate));
    let hook = world.hook_at("a", world.at, &shutdown).await;
    for id in ["1", "2"] {
        world.posts("alice", id).await;
    }
    let items = world.items(Topic::PostCreated).await;
    let (webhook, all) = (hook.of(Topic::PostCreated, 0), items.clone());
    let sending = spawn_detached_named("sending", async move {
        webhook.prepare(&all).await.map(drop).map_err(|error| error.reason())
    });
    world.until_taken("a", &["1"]).await;
    shutdown.cancel();
    gate.add_permits(10);
    assert_eq!(sending.await.unwrap(), Err("webhook-stopping"));
    assert_eq!(world.inbox().await, ["webhook:a 1"]);
    let running = world.runs(&["a"]).await;
    world.posts("alice", "1").await;
    world.posts("alice", "3").await;
    world.until_inbox(&["webhook:a 1", "webhook:a 2", "webhook:a 3"]).await;
    running.stop().await;
    assert_eq!(world.receiver.ids("a"), ["1", "2", "3"]);
}

async fn an_author_is_told_of_in_order_and_others_meanwhile(world: World) {
    let gate = Arc::new(Semaphore::new(0));
    *world.receiver.gate.lock() = Some(Arc::clone(&gate));
    for (who, id) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("c", "c1"), ("a", "a3")] {
        world.posts(who, id).await;
    }
    let hook = world.hook_at("h", world.at, &Shutdown::new()).await;
    let (webhook, items) = (hook.of(Topic::PostCreated, 0), world.items(Topic::PostCreated).await);
    let sending = spawn_detached_named("sending", async move {
        webhook.prepare(&items).await.map(drop).map_err(|error| error.reason())
    });
    eventually("one of each author is on its way", || async {
        let mut ids = world.receiver.ids("h");
        ids.sort_unstable();
        (ids == ["a1", "b1", "c1"]).then_some(())
    })
    .await;
    gate.add_permits(10);
    sending.await.unwrap().unwrap();
    let of_a: Vec<String> =
        world.receiver.ids("h").into_iter().filter(|id| id.starts_with('a')).collect();
    assert_eq!(of_a, ["a1", "a2", "a3"]);
}

async fn who_does_not_answer_is_not_asked_again_and_again(world: World) {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = gone.local_addr().unwrap();
    drop(gone);
    let running = world.runs_at(&[("a", at)]).await;
    for n in 0..12 {
        world.posts("alice", &n.to_string()).await;
    }
    let items = world.until_items(TIERS[0], 12).await;
    running.stop().await;
    let spared = |item: &&Item| {
        Failure::read(&item.headers).is_some_and(|failure| failure.error.starts_with("not tried"))
    };
    let spared = items.iter().filter(spared).count() as f64;
    let asked = world.metric("millrace_webhooks_delivery_seconds_count{webhook=\"a\"}").unwrap();
    assert_eq!(asked + spared, 12.0, "each was asked for, or spared");
}

async fn an_operator_retries_resolves_and_discards(world: World) {
    world.receiver.answers("a", 400);
    let running = world.runs(&["a"]).await;
    for (who, id) in [("alice", "1"), ("bob", "2"), ("carol", "3")] {
        world.posts(who, id).await;
    }
    world.until_items(Topic::PostCreatedDlq, 3).await;
    let dead = world.dead(false).await;
    let number =
        |who: &str| dead.iter().find(|one| one.key == Some(did(who))).map(|one| one.id).unwrap();
    // It is not taken again: the same row, with one try more, and nothing more on the topic.
    let touched = deliveries::retry(&world.own, number("alice")).await.unwrap();
    assert_eq!(touched.entries, 1);
    let row = world.until_dead(DeliveryState::Pending, 2).await;
    assert_eq!(row.id, number("alice"));
    assert_eq!(world.items(Topic::PostCreatedDlq).await.len(), 3);
    // Taken at last: at once, not after a minute.
    world.receiver.answers("a", 200);
    deliveries::retry(&world.own, number("alice")).await.unwrap();
    let row = world.until_dead(DeliveryState::Resolved, 3).await;
    assert_eq!(
        (row.resolution.as_deref(), row.actor.as_deref()),
        (Some("delivered"), Some("webhook"))
    );
    world.until_inbox(&["webhook:a 1"]).await;
    let by = || "operator".to_owned();
    let note = Some(" sent by hand ".to_owned());
    let resolved = deliveries::resolve(&world.own, number("bob"), note, by()).await.unwrap();
    let discarded = deliveries::discard(&world.own, number("carol"), by()).await.unwrap();
    assert_eq!((resolved.entries, discarded.entries), (1, 1));
    let settled = world.dead(true).await;
    let found: Vec<(&str, Option<&str>, Option<&str>)> = settled
        .iter()
        .map(|one| {
            let state = match one.state.unwrap() {
                DeliveryState::Resolved => "resolved",
                DeliveryState::Discarded => "discarded",
                _ => "open",
            };
            (state, one.resolution.as_deref(), one.actor.as_deref())
        })
        .collect();
    let (who, note) = (Some("operator"), Some("sent by hand"));
    assert!(found.contains(&("resolved", note, who)), "{found:?}");
    assert!(found.contains(&("discarded", Some("discarded"), who)), "{found:?}");
    assert!(world.dead(false).await.is_empty());
    // What is settled stays so: by whoever asks again, and when it comes again.
    for who in ["alice", "bob", "carol"] {
        assert_eq!(deliveries::retry(&world.own, number(who)).await.unwrap().entries, 0);
        let again = deliveries::resolve(&world.own, number(who), None, by()).await.unwrap();
        assert_eq!(again.entries, 0);
    }
    let before = world.receiver.taken.lock().len();
    world.posts("bob", "2").await;
    world.posts("carol", "3").await;
    world.posts("dan", "4").await;
    world.until_inbox(&["webhook:a 1", "webhook:a 4"]).await;
    assert_eq!(world.receiver.taken.lock().len(), before + 1);
    let long = Some("x".repeat(deliveries::NOTE_BYTES_MAX + 1));
    assert!(deliveries::resolve(&world.own, 1, long, by()).await.is_err());
    running.stop().await;
}

async fn a_new_one_begins_at_the_end_and_goes_on_where_it_was(world: World) {
    world.posts("alice", "before").await;
    let running = world.runs(&["a"]).await;
    world.posts("alice", "1").await;
    world.until_inbox(&["webhook:a 1"]).await;
    running.stop().await;
    world.posts("alice", "while-away").await;
    let running = world.runs(&["a", "b"]).await;
    world.posts("alice", "2").await;
    world.until_inbox(&["webhook:a 1", "webhook:a 2", "webhook:a while-away", "webhook:b 2"]).await;
    running.stop().await;
    // The one stays, the other is gone, and is a new one when it comes back.
    let only_a = world.hook_at("a", world.at, &Shutdown::new()).await;
    forget_others(&world.own, &[only_a]).await.unwrap();
    world.posts("alice", "3").await;
    let running = world.runs(&["a", "b"]).await;
    world.posts("alice", "4").await;
    let both = ["webhook:a 3", "webhook:a 4", "webhook:b 4"];
    eventually("both are told", || async {
        let inbox = world.inbox().await;
        both.iter().all(|one| inbox.iter().any(|found| found == one)).then_some(())
    })
    .await;
    running.stop().await;
    assert_eq!(world.receiver.ids("b"), ["2", "4"]);
}

async fn what_is_old_is_forgotten(world: World) {
    let running = world.runs(&["a"]).await;
    world.posts("alice", "1").await;
    world.until_inbox(&["webhook:a 1"]).await;
    world.receiver.answers("a", 400);
    world.posts("alice", "2").await;
    let dead = world.until_dead(DeliveryState::Pending, 1).await;
    deliveries::discard(&world.own, dead.id, "operator".to_owned()).await.unwrap();
    // Twice as long as the log goes back.
    world.later(144 * 3_600 + 1);
    world.receiver.answers("a", 200);
    world.posts("alice", "3").await;
    world.until_inbox(&["webhook:a 3"]).await;
    assert_eq!(world.dead(true).await.len(), 1, "what a person decided stays longer");
    world.later(30 * 86_400);
    world.receiver.answers("a", 400);
    world.posts("alice", "4").await;
    world.until_dead(DeliveryState::Pending, 1).await;
    assert!(world.dead(true).await.is_empty());
    running.stop().await;
}
