//! What a connection is doing, and since when. The library below begins to count only when it knows
//! which protocol is spoken, and counts a pause between requests as a slow head: so it is done here.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::config::ConnectionsConfig;

/// What an HTTP/2 client says first. As long as what came is the beginning of it, the protocol is open.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// A request's head took too long.
    Head,
    /// Nothing was asked, or an answer not read, for too long.
    Idle,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Idle => "idle",
        }
    }
}

/// What is to be done with a connection now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    LookAgain(Instant),
    End(Reason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// So many bytes came, and they are the preface's.
    Open(usize),
    Http1,
    Http2,
}

/// What one connection does.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    protocol: Protocol,
    /// Requests being answered.
    under_way: usize,
    /// What it waits for without any …
    waits_for: Reason,
    /// … and since when.
    since: Instant,
}

/// A request being answered, until its answer was handed over whole.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        let (protocol, waits_for) = (Protocol::Open(0), Reason::Head);
        Self { state: Mutex::new(State { protocol, under_way: 0, waits_for, since: now }) }
    }

    /// A request has arrived.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.state.lock().under_way += 1;
        UnderWay(Arc::clone(self))
    }

    fn end(&self, now: Instant) {
        let mut state = self.state.lock();
        state.under_way = state.under_way.saturating_sub(1);
        state.wait_for(Reason::Idle, now);
    }

    /// The client sent something.
    pub(super) fn read(&self, bytes: &[u8], now: Instant) {
        let mut state = self.state.lock();
        if let Protocol::Open(seen) = state.protocol {
            state.protocol = recognised(seen, bytes);
            if state.protocol == Protocol::Http2 {
                state.wait_for(Reason::Idle, now);
            }
        }
        // What an HTTP/2 client sends may be no more than that it is still there.
        let begins = state.protocol != Protocol::Http2 && state.waits_for == Reason::Idle;
        if begins && state.under_way == 0 && !bytes.is_empty() {
            state.wait_for(Reason::Head, now);
        }
    }

    /// The client took something of its answer.
    pub(super) fn wrote(&self, now: Instant) {
        let mut state = self.state.lock();
        if state.protocol != Protocol::Http2 && state.waits_for == Reason::Idle {
            state.since = now;
        }
    }

    /// Whether it may go on.
    pub(super) fn judge(&self, now: Instant, config: &ConnectionsConfig) -> Verdict {
        let state = self.state.lock();
        // A head that begins from now on has this long at least.
        let soon = now + config.header_timeout().min(config.idle_timeout());
        if state.under_way > 0 {
            return Verdict::LookAgain(soon);
        }
        let end = match state.waits_for {
            Reason::Head => state.since + config.header_timeout(),
            Reason::Idle => state.since + config.idle_timeout(),
        };
        if now >= end { Verdict::End(state.waits_for) } else { Verdict::LookAgain(end.min(soon)) }
    }
}

impl State {
    fn wait_for(&mut self, what: Reason, now: Instant) {
        (self.waits_for, self.since) = (what, now);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end(Instant::now());
    }
}

/// Which protocol it is when `bytes` follow the first `seen` of the preface.
fn recognised(seen: usize, bytes: &[u8]) -> Protocol {
    let open = &HTTP2_PREFACE[seen.min(HTTP2_PREFACE.len())..];
    let compared = open.len().min(bytes.len());
    match () {
        () if bytes[..compared] != open[..compared] => Protocol::Http1,
        () if compared == open.len() => Protocol::Http2,
        () => Protocol::Open(seen + compared),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HEAD_MS: u64 = 100;
    const IDLE_MS: u64 = 300;

    struct Told {
        start: Instant,
        activity: Arc<Activity>,
    }

    impl Told {
        fn new() -> Self {
            let start = Instant::now();
            Self { start, activity: Arc::new(Activity::new(start)) }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn read(&self, ms: u64, bytes: &[u8]) {
            self.activity.read(bytes, self.at(ms));
        }

        /// It goes on until just before `ms`, and ends then.
        fn ends_at(&self, ms: u64, reason: Reason) {
            let config = ConnectionsConfig {
                header_timeout_ms: HEAD_MS,
                idle_timeout_ms: IDLE_MS,
                ..ConnectionsConfig::default()
            };
            let before = self.activity.judge(self.at(ms - 1), &config);
            assert_eq!(before, Verdict::LookAgain(self.at(ms)));
            assert_eq!(self.activity.judge(self.at(ms), &config), Verdict::End(reason));
        }
    }

    #[test]
    fn a_head_has_its_time_however_it_drips() {
        Told::new().ends_at(HEAD_MS, Reason::Head);
        let told = Told::new();
        for (ms, byte) in b"GET / HTTP/1.1".iter().enumerate() {
            told.read(5 * ms as u64, &[*byte]);
        }
        told.ends_at(HEAD_MS, Reason::Head);
        let told = Told::new();
        told.read(50, b"PRI * HT");
        told.ends_at(HEAD_MS, Reason::Head);
    }

    #[test]
    fn between_requests_the_pause_may_be_longer() {
        let told = Told::new();
        told.read(10, b"GET / HTTP/1.1\r\n\r\n");
        let under_way = told.activity.begin();
        told.activity.end(told.at(20));
        std::mem::forget(under_way);
        told.ends_at(20 + IDLE_MS, Reason::Idle);
        // Who still reads is not idle.
        told.activity.wrote(told.at(50));
        told.ends_at(50 + IDLE_MS, Reason::Idle);
        told.read(200, b"G");
        told.read(250, b"E");
        told.ends_at(200 + HEAD_MS, Reason::Head);
    }

    #[test]
    fn while_a_request_is_answered_nothing_ends() {
        let told = Told::new();
        let _under_way = told.activity.begin();
        let config = ConnectionsConfig::default();
        let verdict = told.activity.judge(told.at(10_000_000), &config);
        assert_eq!(verdict, Verdict::LookAgain(told.at(10_000_000 + config.header_timeout_ms)));
    }

    #[test]
    fn http2_is_idle_until_it_asks_whatever_else_it_sends() {
        let told = Told::new();
        told.read(10, b"PRI * HTTP/2.0\r\n");
        told.read(20, b"\r\nSM\r\n\r\n and its settings");
        told.read(100, b"ping");
        told.activity.wrote(told.at(120));
        told.ends_at(20 + IDLE_MS, Reason::Idle);
    }
}
