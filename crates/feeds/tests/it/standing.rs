//! How homes are doing, as an operator is told: times of the last minutes, what waits, how large it was.

use std::time::Duration;

use millrace_feeds::FeedsError;
use millrace_feeds::client::Client;
use millrace_feeds::query::order::Mode;
use millrace_feeds::query::standing::{GetHomesStanding, HomesStanding, StepCount, Timing};
use millrace_store::StoreError;

use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    pages_are_told_by_where_they_came_from,
    ways_into_homes_are_told_by_their_size,
    what_waits_and_what_was_given_up_is_counted,
    how_large_it_was_is_remembered_for_a_day,
);

async fn standing(it: &Harness, seconds: u32) -> HomesStanding {
    Client::Local(it.home.clone()).ask(GetHomesStanding { seconds }).await.unwrap()
}

/// What there is any of.
fn counts(timings: &[Timing]) -> Vec<(&str, u64)> {
    let some = timings.iter().filter(|timing| timing.count > 0);
    some.map(|timing| (timing.name.as_str(), timing.count)).collect()
}

async fn pages_are_told_by_where_they_came_from(it: Harness) {
    it.reads("alice").await;
    it.fresh_page("alice", Mode::Ranked).await;
    it.page("alice", Mode::Ranked, 1, None).await;
    it.page("alice", Mode::Ranked, 1, None).await;
    let now = standing(&it, 60).await;
    let expected = [("cache", 2), ("user_feeds", 1), ("pull", 1)];
    assert_eq!(counts(&now.pages.by_source), expected);
    let names: Vec<&str> = now.pages.by_source.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["cache", "user_feeds", "pull", "author"]);
    assert!(now.pages.by_source.iter().all(|one| one.p50_us <= one.p99_us), "{now:?}");
    assert_eq!((now.pages.step_seconds, now.pages.steps.len()), (5, 12));
    assert!(now.pages.steps.iter().all(|step| step.count == 0), "it is not over yet");
    it.clock.advance(Duration::from_secs(5));
    let next = standing(&it, 3_600).await;
    assert_eq!((next.pages.step_seconds, next.pages.steps.len()), (60, 60));
    let steps = standing(&it, 60).await.pages.steps;
    assert_eq!(steps.last().map(|step: &StepCount| step.count), Some(4));
    it.clock.advance(Duration::from_secs(60));
    assert_eq!(counts(&standing(&it, 60).await.pages.by_source), []);
    assert_eq!(counts(&standing(&it, 600).await.pages.by_source), expected);
    for seconds in [0, 59, 3_601] {
        let refused = Client::Local(it.home.clone()).ask(GetHomesStanding { seconds }).await;
        assert!(matches!(refused, Err(FeedsError::InvalidRequest(_))), "{seconds}");
    }
}

async fn ways_into_homes_are_told_by_their_size(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.post("bob", 10).await;
    it.settle().await;
    it.add_readers("bob", 150).await;
    it.post("bob", 20).await;
    it.tell(it.untold()).await;
    it.clock.advance(Duration::from_secs(2));
    it.settle().await;
    let fan_out = standing(&it, 60).await.fan_out;
    assert_eq!(counts(&fan_out), [("<100", 1), ("<1000", 1)]);
    let large = fan_out.iter().find(|one| one.name == "<1000").unwrap();
    // It waited for two seconds: between the bounds of its bucket.
    assert!((1_000_000..=2_500_000).contains(&large.p50_us), "{large:?}");
    assert!(fan_out[0].p99_us < 1_000_000, "{fan_out:?}");
}

async fn what_waits_and_what_was_given_up_is_counted(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.post("bob", 10).await;
    it.post("bob", 20).await;
    it.tell(it.untold()).await;
    let now = standing(&it, 60).await;
    assert_eq!((now.waiting, now.parked, now.unbuilt, now.unsettled), (2, 0, 0, 0));
    let given_up: Result<u64, StoreError> = it
        .store
        .write(|tx| {
            tx.execute(
                "UPDATE fanout_job SET state = 1 WHERE id = (SELECT min(id) FROM fanout_job)",
                &[],
            )
        })
        .await;
    assert_eq!(given_up.unwrap(), 1);
    it.page("carol", Mode::Ranked, 1, None).await;
    it.follow("alice", "dora", 2).await;
    it.tell(it.untold()).await;
    let now = standing(&it, 60).await;
    assert_eq!((now.waiting, now.parked, now.unbuilt, now.unsettled), (1, 1, 1, 1));
    assert!(!now.is_pulled, "{now:?}");
    assert_eq!((now.lag_us, now.lag_us_max, now.lag_entries), (0, 30_000_000, 0));
}

async fn how_large_it_was_is_remembered_for_a_day(it: Harness) {
    let sizes = async || standing(&it, 60).await.sizes;
    assert_eq!(sizes().await, []);
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    it.post("bob", 10).await;
    it.settle().await;
    let round = async || {
        it.clock.advance(Duration::from_secs(2));
        it.jobs.trim_step().await.unwrap();
    };
    round().await;
    let first = sizes().await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].lines, first[0].readers, first[0].jobs), (1, 1, 0));
    assert_eq!(first[0].announced, it.count("announced").await);
    // Not again within the minute, whatever comes.
    it.post("bob", 20).await;
    it.settle().await;
    round().await;
    assert_eq!(sizes().await, first);
    it.clock.advance(Duration::from_secs(60));
    round().await;
    assert_eq!(it.count("home_sizes").await, 2);
    let second = sizes().await;
    assert_eq!(second.last().map(|size| size.lines), Some(2));
    // Of ten minutes the latest is told; after a day it is forgotten.
    for _ in 0..12 {
        it.clock.advance(Duration::from_secs(60));
        round().await;
    }
    assert!((2..=3).contains(&sizes().await.len()), "{:?}", sizes().await);
    it.clock.advance(Duration::from_secs(26 * 3_600));
    round().await;
    assert_eq!(it.count("home_sizes").await, 1);
}
