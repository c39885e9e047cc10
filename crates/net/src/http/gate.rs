//! The bound on what one host is asked: requests under way, requests a second, and the pause it
//! asks for. Each host has a gate; gates are dropped when their hosts are idle.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Hosts with a gate of their own; beyond it new ones share one.
const HOSTS_MAX: usize = 4096;

/// The longest pause that is kept on a host's word. Its answer says the whole.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The rates of one set of gates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) concurrency_max: u32,
    pub(super) per_second: f64,
    pub(super) burst: u32,
}

/// All gates of a client.
#[derive(Debug)]
pub(super) struct Gates {
    rates: Rates,
    hosts: Mutex<HashMap<String, Arc<Gate>>>,
    shared: Arc<Gate>,
}

/// A turn at a host; the next may begin when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    gate: Arc<Gate>,
    _slot: Option<OwnedSemaphorePermit>,
}

/// The host does not take requests before this long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paused(pub(super) Duration);

#[derive(Debug)]
struct Gate {
    slots: Arc<Semaphore>,
    pace: Mutex<Pace>,
}

/// When the next request would come if all came evenly, and until when none may.
#[derive(Debug)]
struct Pace {
    even: Instant,
    paused_until: Instant,
}

impl Gates {
    pub(super) fn new(rates: Rates) -> Self {
        Self { rates, hosts: Mutex::default(), shared: Arc::new(Gate::new(rates)) }
    }

    /// Waits for a turn, at most until `deadline`.
    pub(super) async fn enter(&self, host: &str, deadline: Instant) -> Result<Turn, Paused> {
        let gate = self.gate(host);
        let now = Instant::now();
        let start = gate.reserve(self.rates, now, deadline)?;
        if start > now {
            tokio::time::sleep_until(start).await;
        }
        let slot = Arc::clone(&gate.slots).acquire_owned().await.ok();
        Ok(Turn { gate, _slot: slot })
    }

    /// Hosts that asked for a pause, and how long it lasts yet.
    pub(super) fn paused(&self) -> HashMap<String, Duration> {
        let now = Instant::now();
        let hosts = self.hosts.lock();
        let paused = hosts.iter().filter_map(|(host, gate)| {
            let left = gate.pace.lock().paused_until.saturating_duration_since(now);
            (!left.is_zero()).then(|| (host.clone(), left))
        });
        paused.collect()
    }

    fn gate(&self, host: &str) -> Arc<Gate> {
        let mut hosts = self.hosts.lock();
        if let Some(gate) = hosts.get(host) {
            return Arc::clone(gate);
        }
        if hosts.len() >= HOSTS_MAX {
            let now = Instant::now();
            hosts.retain(|_, gate| Arc::strong_count(gate) > 1 || gate.pace.lock().is_owed(now));
        }
        if hosts.len() >= HOSTS_MAX {
            return Arc::clone(&self.shared);
        }
        let gate = Arc::new(Gate::new(self.rates));
        hosts.insert(host.to_owned(), Arc::clone(&gate));
        gate
    }
}

impl Turn {
    /// The host asked for a pause.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait.min(PAUSE_MAX);
        let mut pace = self.gate.pace.lock();
        pace.paused_until = pace.paused_until.max(until);
    }
}

impl Gate {
    fn new(rates: Rates) -> Self {
        let now = Instant::now();
        let slots = usize::try_from(rates.concurrency_max.max(1)).unwrap_or(1);
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            pace: Mutex::new(Pace { even: now, paused_until: now }),
        }
    }

    /// When the next request may start. Nothing is reserved when that is after the deadline.
    fn reserve(&self, rates: Rates, now: Instant, deadline: Instant) -> Result<Instant, Paused> {
        let mut pace = self.pace.lock();
        if pace.paused_until > now {
            return Err(Paused(pace.paused_until - now));
        }
        if rates.per_second <= 0.0 {
            return Ok(now);
        }
        let step = Duration::from_secs_f64(1.0 / rates.per_second);
        let even = pace.even.max(now);
        let ahead = step.saturating_mul(rates.burst.saturating_sub(1));
        let start = even.checked_sub(ahead).map_or(now, |start| start.max(now));
        if start >= deadline {
            return Err(Paused(start - now));
        }
        pace.even = even + step;
        Ok(start)
    }
}

impl Pace {
    fn is_owed(&self, now: Instant) -> bool {
        self.even > now || self.paused_until > now
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const RATES: Rates = Rates { concurrency_max: 2, per_second: 10.0, burst: 3 };

    #[tokio::test]
    async fn a_burst_passes_and_the_rest_is_spread() {
        let gate = Gate::new(RATES);
        let now = Instant::now();
        let far = now + Duration::from_secs(100);
        let starts_ms: Vec<u128> =
            (0..6).map(|_| (gate.reserve(RATES, now, far).unwrap() - now).as_millis()).collect();
        assert_eq!(starts_ms, [0, 0, 0, 100, 200, 300]);
        // A pause earns the burst again, no more.
        let later = now + Duration::from_secs(10);
        let starts_ms: Vec<u128> = (0..5)
            .map(|_| (gate.reserve(RATES, later, far).unwrap() - later).as_millis())
            .collect();
        assert_eq!(starts_ms, [0, 0, 0, 100, 200]);
    }

    #[tokio::test]
    async fn a_turn_after_the_deadline_is_refused_and_takes_nobodys_place() {
        let gate = Gate::new(RATES);
        let now = Instant::now();
        let deadline = now + Duration::from_millis(50);
        for _ in 0..3 {
            gate.reserve(RATES, now, deadline).unwrap();
        }
        for _ in 0..5 {
            assert_eq!(gate.reserve(RATES, now, deadline), Err(Paused(Duration::from_millis(100))));
        }
    }

    #[tokio::test]
    async fn a_pause_refuses_at_once_and_is_bounded() {
        let gates = Gates::new(RATES);
        let deadline = Instant::now() + Duration::from_secs(1);
        let turn = gates.enter("a.example", deadline).await.unwrap();
        turn.pause(Duration::from_secs(3600));
        let Paused(wait) = gates.enter("a.example", deadline).await.unwrap_err();
        assert!(wait > Duration::from_secs(50) && wait <= PAUSE_MAX, "{wait:?}");
        gates.enter("b.example", deadline).await.unwrap();
        let paused: Vec<String> = gates.paused().into_keys().collect();
        assert_eq!(paused, ["a.example"]);
    }

    #[tokio::test]
    async fn turns_are_bounded_and_given_back() {
        let gates = Arc::new(Gates::new(RATES));
        let deadline = Instant::now() + Duration::from_secs(5);
        let first = gates.enter("a.example", deadline).await.unwrap();
        let _second = gates.enter("a.example", deadline).await.unwrap();
        let mut third = Box::pin(gates.enter("a.example", deadline));
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(first);
        third.await.unwrap();
    }

    #[tokio::test]
    async fn idle_hosts_are_forgotten() {
        let gates = Gates::new(Rates { per_second: 0.0, ..RATES });
        for n in 0..2 * HOSTS_MAX {
            gates.gate(&format!("{n}.example"));
        }
        assert!(gates.hosts.lock().len() <= HOSTS_MAX);
    }
}
