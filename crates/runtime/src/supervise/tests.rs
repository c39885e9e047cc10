//! Lives and ends of tasks.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::oneshot;

use super::*;

const DRAIN: Duration = Duration::from_secs(5);

fn supervisor() -> (Supervisor, Registry) {
    let registry = Registry::new();
    (Supervisor::with_rng(&registry, Rng::seeded(1)), registry)
}

fn quick() -> Policy {
    Policy::Restart(Backoff {
        base: Duration::from_millis(1),
        max: Duration::from_millis(2),
        reset_after: DRAIN,
    })
}

/// Waits until nothing runs, within the drain's time.
async fn until_idle(supervisor: &Supervisor) {
    tokio::time::timeout(DRAIN, supervisor.inner.all_ended()).await.unwrap();
}

#[tokio::test]
async fn the_normal_end_of_a_task_stops_nothing() {
    let (supervisor, _) = supervisor();
    supervisor.spawn_once("backfill", |_| async { Ok(()) });
    supervisor.spawn("poller", quick(), |_| async { Ok(()) });
    until_idle(&supervisor).await;
    assert!(!supervisor.shutdown_token().is_cancelled());
    supervisor.shutdown();
    supervisor.join(DRAIN).await.unwrap();
}

#[tokio::test]
async fn the_failure_of_a_one_shot_task_is_counted_and_stops_nothing() {
    let (supervisor, registry) = supervisor();
    supervisor.spawn_once("backfill", |_| async { Err("no such host".into()) });
    until_idle(&supervisor).await;
    assert!(!supervisor.shutdown_token().is_cancelled());
    assert!(
        registry.encode().contains(r#"millrace_runtime_task_failures_total{task="backfill"} 1"#)
    );
}

#[tokio::test]
async fn a_failing_task_is_started_again_after_errors_and_panics() {
    let (supervisor, registry) = supervisor();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    supervisor.spawn("firehose", quick(), move |_| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        assert_ne!(run, 2, "poison while it is made");
        async move {
            match run {
                0 => Err("connection reset".into()),
                1 => panic!("poison"),
                _ => Ok(()),
            }
        }
    });
    until_idle(&supervisor).await;
    assert_eq!(runs.load(Ordering::SeqCst), 4);
    assert!(
        registry.encode().contains(r#"millrace_runtime_task_restarts_total{task="firehose"} 3"#)
    );
    assert!(registry.encode().contains("millrace_runtime_tasks_running 0.0"));
}

#[tokio::test]
async fn a_failed_critical_task_drains_the_others_and_is_the_exit_error() {
    let (supervisor, _) = supervisor();
    let (drained_tx, drained_rx) = oneshot::channel();
    supervisor.spawn_once("worker", |shutdown| async move {
        shutdown.cancelled().await;
        drained_tx.send(()).unwrap();
        Ok(())
    });
    supervisor.spawn_critical("listener", |_| async { Err("address in use".into()) });
    let error = supervisor.join(DRAIN).await.unwrap_err();
    drained_rx.await.unwrap();
    assert_eq!(error.to_string(), "task listener failed");
    assert_eq!(error.source().unwrap().to_string(), "address in use");
    assert_eq!(error.diagnosis().code, "MR-RUN-001");
}

#[tokio::test]
async fn a_critical_task_must_not_end_by_itself() {
    let (supervisor, _) = supervisor();
    supervisor.spawn_critical("listener", |_| async { Ok(()) });
    assert!(matches!(supervisor.join(DRAIN).await, Err(SuperviseError::TaskFailed { .. })));
}

#[tokio::test]
async fn a_fatal_error_ends_the_process_whatever_the_policy() {
    let (supervisor, _) = supervisor();
    supervisor.spawn("worker", quick(), |_| async {
        Err(TaskError::fatal("offset beyond the log's tail"))
    });
    let error = supervisor.join(DRAIN).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "offset beyond the log's tail");
}

#[tokio::test]
async fn a_task_that_does_not_drain_is_named_and_aborted() {
    let (supervisor, _) = supervisor();
    supervisor.spawn_once("stuck", |_| std::future::pending());
    supervisor.shutdown();
    let error = supervisor.join(Duration::from_millis(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "not drained after 10 ms: stuck");
    assert!(supervisor.tasks().is_empty());
}

#[tokio::test]
async fn a_waiting_restart_does_not_hold_up_the_drain() {
    let (supervisor, _) = supervisor();
    let slow = Policy::Restart(Backoff {
        base: Duration::from_secs(3600),
        max: Duration::from_secs(3600),
        reset_after: DRAIN,
    });
    supervisor.spawn("firehose", slow, |_| async { Err("refused".into()) });
    let waiting = || supervisor.tasks().iter().any(|task| task.waiting);
    tokio::time::timeout(DRAIN, async {
        while !waiting() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(supervisor.tasks()[0].last_error.as_deref(), Some("refused"));
    supervisor.shutdown();
    supervisor.join(DRAIN).await.unwrap();
}

#[tokio::test]
async fn tasks_started_by_tasks_are_joined_too() {
    let (supervisor, _) = supervisor();
    let outer = supervisor.clone();
    supervisor.spawn_once("outer", move |_| async move {
        outer.spawn_once("inner", |shutdown| async move {
            shutdown.cancelled().await;
            Ok(())
        });
        Ok(())
    });
    supervisor.shutdown();
    supervisor.join(DRAIN).await.unwrap();
    assert!(supervisor.tasks().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn the_first_signal_drains_and_the_second_quits() {
    let (supervisor, _) = supervisor();
    let (draining_tx, draining_rx) = oneshot::channel();
    supervisor.spawn_once("slow", |shutdown| async move {
        shutdown.cancelled().await;
        draining_tx.send(()).unwrap();
        std::future::pending().await
    });
    let signals = Signals::install().unwrap();
    let running = supervisor.clone();
    let ended = spawn_detached_named("run", async move { running.run(signals, DRAIN * 10).await });

    terminate_self();
    tokio::time::timeout(DRAIN, draining_rx).await.unwrap().unwrap();
    terminate_self();
    let error = tokio::time::timeout(DRAIN, ended).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, SuperviseError::Interrupted { tasks } if tasks == ["slow"]));
}

#[cfg(unix)]
fn terminate_self() {
    let pid = std::process::id().to_string();
    let killed = std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn a_set_joins_by_name_and_reports_panics() {
    let mut set = TaskSet::new();
    set.spawn("sum", async { 1 + 1 });
    assert_eq!(set.join_next().await.unwrap().unwrap(), ("sum".to_owned(), 2));
    set.spawn("broken", async { panic!("no") });
    assert_eq!(
        set.join_next().await.unwrap().unwrap_err(),
        TaskFault::Panicked { name: "broken".into(), message: "no".into() }
    );
    set.spawn("endless", std::future::pending());
    set.abort_and_join().await;
    assert!(set.is_empty() && set.join_next().await.is_none());
}

#[test]
fn threads_carry_their_name() {
    let thread = spawn_thread("store-writer", || std::thread::current().name().map(str::to_owned));
    assert_eq!(thread.unwrap().join().unwrap().as_deref(), Some("store-writer"));
}
