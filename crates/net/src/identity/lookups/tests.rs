//! What is asked, and what is answered from memory.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;

use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;

use super::*;

const TTLS: Ttls = Ttls {
    hit: Duration::from_secs(1000),
    stale: Duration::from_secs(5000),
    absent: Duration::from_secs(50),
    error: Duration::from_secs(10),
    renewal: Duration::from_secs(2),
};

struct World {
    clock: ManualClock,
    lookups: Lookups<&'static str, u32>,
    asked: Cell<u32>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(1_000_000_000);
        let metrics = LookupMetrics::new(&Registry::new(), "test");
        let lookups = Lookups::new(1_000_000, |_, _| 100, TTLS, clock.shared(), metrics);
        Self { clock, lookups, asked: Cell::new(0) }
    }

    async fn ask(&self, answer: Result<u32, ResolveError>) -> Result<u32, ResolveError> {
        self.asked.set(self.asked.get() + 1);
        answer
    }

    async fn get(&self, answer: Result<u32, ResolveError>) -> Result<u32, ResolveError> {
        self.lookups.get(&"key", self.ask(answer)).await
    }

    async fn renew(&self, answer: Result<u32, ResolveError>) -> Result<u32, ResolveError> {
        self.lookups.renew(&"key", self.ask(answer)).await
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn absent() -> ResolveError {
    ResolveError::NotFound { subject: "key".into() }
}

fn failure() -> ResolveError {
    ResolveError::Dns { subject: "key".into(), reason: "down".into() }
}

#[tokio::test]
async fn answers_are_kept_for_their_time() {
    let check = async |answer: Result<u32, ResolveError>, ttl_s: u64| {
        let world = World::new();
        let is_ok = answer.is_ok();
        assert_eq!(world.get(answer.clone()).await.is_ok(), is_ok);
        world.pass(ttl_s - 1);
        assert_eq!(world.get(Ok(9)).await.is_ok(), is_ok);
        assert_eq!(world.asked.get(), 1, "{answer:?} is kept {ttl_s} s");
        world.pass(1);
        assert_eq!(world.get(Ok(9)).await.unwrap(), 9);
        assert_eq!(world.asked.get(), 2, "{answer:?} is asked again after {ttl_s} s");
    };
    check(Ok(1), 1000).await;
    check(Err(absent()), 50).await;
    check(Err(failure()), 10).await;
}

#[tokio::test]
async fn a_good_answer_is_used_while_asking_fails_but_not_for_ever() {
    let world = World::new();
    world.get(Ok(1)).await.unwrap();
    world.pass(1000);
    assert_eq!(world.get(Err(failure())).await.unwrap(), 1);
    assert_eq!(world.get(Err(failure())).await.unwrap(), 1);
    assert_eq!(world.asked.get(), 2, "the failure is not repeated at once");
    world.pass(5000);
    assert!(world.get(Err(failure())).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn that_there_is_nothing_replaces_a_good_answer() {
    let world = World::new();
    world.get(Ok(1)).await.unwrap();
    world.pass(1000);
    assert!(matches!(world.get(Err(absent())).await, Err(ResolveError::NotFound { .. })));
}

#[tokio::test]
async fn a_renewal_asks_whatever_is_kept_but_not_too_often() {
    let world = World::new();
    world.get(Ok(1)).await.unwrap();
    assert_eq!(world.renew(Ok(2)).await.unwrap(), 2);
    assert_eq!(world.get(Ok(9)).await.unwrap(), 2);
    assert_eq!(world.renew(Ok(3)).await.unwrap(), 2, "within the renewal time");
    assert_eq!(world.asked.get(), 2);
    world.pass(2);
    assert_eq!(world.get(Ok(4)).await.unwrap(), 4, "what was not renewed is soon asked again");
    assert_eq!(world.renew(Ok(5)).await.unwrap(), 5);
}

#[tokio::test]
async fn a_failed_renewal_is_told_and_keeps_the_good_answer() {
    let world = World::new();
    world.get(Ok(1)).await.unwrap();
    assert!(world.renew(Err(failure())).await.is_err());
    assert_eq!(world.get(Ok(9)).await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_forgotten_during_a_lookup_is_not_kept() {
    let world = World::new();
    let asked = async {
        world.lookups.forget(&"key").await;
        Ok(1)
    };
    assert_eq!(world.lookups.get(&"key", asked).await.unwrap(), 1);
    assert_eq!(world.get(Ok(2)).await.unwrap(), 2, "the answer was as old as what was forgotten");
    assert_eq!(world.lookups.known(&"key").await, Some(2));
}

#[tokio::test]
async fn callers_share_one_lookup() {
    let world = World::new();
    let (answer, wait) = tokio::sync::oneshot::channel::<u32>();
    let slow = async { Ok(wait.await.unwrap()) };
    let mut first = Box::pin(world.lookups.get(&"key", slow));
    let mut second = Box::pin(world.get(Ok(9)));
    let mut renewal = Box::pin(world.renew(Ok(2)));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    assert!(futures_util::poll!(&mut renewal).is_pending());
    answer.send(1).unwrap();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(second.await.unwrap(), 1);
    assert_eq!(renewal.await.unwrap(), 2, "asked after the slow lookup began");
    assert_eq!(world.asked.get(), 1);
}

#[tokio::test]
async fn renewals_wanted_before_one_began_share_it() {
    let world = World::new();
    let (answer, wait) = tokio::sync::oneshot::channel::<u32>();
    let slow = async { Ok(wait.await.unwrap()) };
    let busy = world.lookups.flights.enter(&"key").await;
    let mut first = Box::pin(world.lookups.renew(&"key", slow));
    let mut second = Box::pin(world.renew(Ok(9)));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(busy);
    answer.send(1).unwrap();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(second.await.unwrap(), 1);
    assert_eq!(world.asked.get(), 0);
}

#[tokio::test]
async fn memory_is_bounded() {
    let metrics = LookupMetrics::new(&Registry::new(), "test");
    let clock = ManualClock::at(0).shared();
    let lookups: Lookups<u32, u32> = Lookups::new(26_000, |_, _| 100, TTLS, clock, metrics);
    for key in 0..1000 {
        lookups.get(&key, async { Ok(1) }).await.unwrap();
    }
    lookups.kept.run_pending_tasks().await;
    assert!(lookups.kept.entry_count() <= 100, "{}", lookups.kept.entry_count());
    assert!(lookups.kept.weighted_size() <= 26_000);
}

#[tokio::test]
async fn what_was_cleared_is_asked_again_and_counted() {
    let world = World::new();
    assert_eq!(world.get(Ok(1)).await.unwrap(), 1);
    assert_eq!(world.get(Ok(2)).await.unwrap(), 1);
    assert_eq!(world.lookups.usage().await.entries, 1);
    assert!(world.lookups.keeps(&"key").await);
    world.lookups.clear();
    assert!(!world.lookups.keeps(&"key").await);
    assert_eq!(world.lookups.usage().await.entries, 0);
    assert_eq!(world.get(Ok(3)).await.unwrap(), 3);
    assert_eq!(world.asked.get(), 2);
}

#[tokio::test]
async fn a_lookup_under_way_does_not_bring_back_what_was_cleared() {
    let world = World::new();
    let slow = world.lookups.get(&"key", async {
        world.lookups.clear();
        Ok(1)
    });
    assert_eq!(slow.await.unwrap(), 1);
    assert!(!world.lookups.keeps(&"key").await);
    assert_eq!(world.get(Ok(2)).await.unwrap(), 2);
}
