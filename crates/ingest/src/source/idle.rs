//! How long a connection may be silent before it counts as dead.
//!
//! A relay that usually speaks hundreds of times a second is dead after seconds; the PDS of one
//! person may rightly say nothing for a day. So the bound follows the source's usual gap between
//! events, and doubles each time that connecting again brought nothing. Keep-alives are no events:
//! a socket that only answers pings is dead.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::ConnectionConfig;

/// So many usual gaps without an event are suspicious.
const GAPS_ALLOWED: f64 = 200.0;

/// Watches the gaps between one source's events, across its connections.
#[derive(Debug, Clone)]
pub(crate) struct IdleWatch {
    min: Duration,
    max: Duration,
    first: Duration,
    usual_gap_s: Option<f64>,
    last: Option<Instant>,
    /// Silences in a row that ended with a new connection.
    silences: u32,
}

impl IdleWatch {
    pub(crate) fn new(config: &ConnectionConfig) -> Self {
        Self {
            min: Duration::from_millis(config.idle_min_ms),
            max: Duration::from_millis(config.idle_max_ms.max(config.idle_min_ms)),
            first: Duration::from_millis(config.idle_first_ms),
            usual_gap_s: None,
            last: None,
            silences: 0,
        }
    }

    /// An event arrived.
    pub(crate) fn event(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let gap_s = now.saturating_duration_since(last).as_secs_f64();
            let usual = self.usual_gap_s.unwrap_or(gap_s);
            // Quick to believe that a source became quiet, slow to believe that it became busy: a
            // replay after a reconnect says nothing about the usual rate.
            let weight = if gap_s > usual { 0.125 } else { 1.0 / 512.0 };
            self.usual_gap_s = Some(usual + (gap_s - usual) * weight);
        }
        self.silences = 0;
    }

    /// The connection ended for another reason than silence: the time until the next event is ours.
    pub(crate) fn disconnected(&mut self) {
        self.last = None;
    }

    /// The connection was silent for too long and is given up.
    pub(crate) fn silent(&mut self) {
        self.silences = self.silences.saturating_add(1);
    }

    /// The silence allowed now.
    pub(crate) fn allowed(&self) -> Duration {
        let usual = match self.usual_gap_s {
            None => self.first,
            Some(gap_s) => Duration::try_from_secs_f64(gap_s * GAPS_ALLOWED).unwrap_or(self.max),
        };
        let doubled = usual
            .max(self.min)
            .saturating_mul(1_u32.checked_shl(self.silences).unwrap_or(u32::MAX));
        doubled.clamp(self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(events: u32, gap: Duration) -> (IdleWatch, Instant) {
        let mut watch = IdleWatch::new(&ConnectionConfig::default());
        let mut now = Instant::now();
        for _ in 0..events {
            watch.event(now);
            now += gap;
        }
        (watch, now)
    }

    #[test]
    fn story_04_a_busy_relay_is_dead_after_seconds() {
        let (watch, _) = after(5_000, Duration::from_millis(2));
        assert_eq!(watch.allowed(), Duration::from_secs(20));
    }

    #[test]
    fn story_04_a_quiet_pds_is_left_alone() {
        let (watch, _) = after(10, Duration::from_secs(600));
        assert_eq!(watch.allowed(), Duration::from_secs(3600));
    }

    #[test]
    fn a_source_that_never_spoke_gets_the_first_allowance_then_twice_as_long_each_time() {
        let mut watch = IdleWatch::new(&ConnectionConfig::default());
        let mut allowed = Vec::new();
        for _ in 0..6 {
            allowed.push(watch.allowed().as_secs());
            watch.silent();
        }
        assert_eq!(allowed, [300, 600, 1200, 2400, 3600, 3600]);
        for _ in 0..80 {
            watch.silent();
        }
        assert_eq!(watch.allowed(), Duration::from_secs(3600));
    }

    #[test]
    fn a_source_that_turned_quiet_is_believed_although_it_replayed_a_burst_first() {
        let (mut watch, mut now) = after(10_000, Duration::from_micros(100));
        assert_eq!(watch.allowed(), Duration::from_secs(20));
        for _ in 0..3 {
            watch.silent();
            now += Duration::from_secs(600);
            watch.event(now);
        }
        assert_eq!(watch.allowed(), Duration::from_secs(3600));
    }

    #[test]
    fn an_outage_is_not_taken_for_the_usual_gap() {
        let (mut watch, now) = after(5_000, Duration::from_millis(2));
        watch.disconnected();
        watch.event(now + Duration::from_secs(3_000));
        assert_eq!(watch.allowed(), Duration::from_secs(20));
    }
}
