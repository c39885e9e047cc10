//! One source as the whole process sees it: identity, watermark, live status, counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use millrace_atproto::Did;
use parking_lot::Mutex;

use super::Watermark;
use crate::config::{SourceConfig, SourceKind};
use crate::model::SourceStatus;
use crate::source::Endpoint;

/// Shared by the source's reader, the lanes, the checkpoint and the client.
#[derive(Debug)]
pub(crate) struct SourceState {
    pub(crate) name: String,
    pub(crate) kind: SourceKind,
    pub(crate) endpoint: Endpoint,
    /// Where to begin when nothing is stored.
    pub(crate) start: Option<i64>,
    watermark: Mutex<Watermark>,
    verified_seq: AtomicI64,
    live: Mutex<Live>,
    /// Outstanding events above which the reader waits.
    outstanding: AtomicUsize,
}

/// What changes while the source is followed.
#[derive(Debug, Default)]
struct Live {
    connected: bool,
    stopped: bool,
    received_seq: Option<i64>,
    received_time_us: Option<i64>,
    /// Whose event was read last.
    received_did: Option<Did>,
    lag_us: Option<i64>,
    appended_seq: Option<i64>,
    /// The cursor that the last mark in the log shows.
    marked_seq: Option<i64>,
    saved_cursor: Option<i64>,
    last_error: Option<String>,
    gap_us: Option<i64>,
    rejected: BTreeMap<&'static str, u64>,
}

/// No sequence number is negative.
const NONE: i64 = -1;

/// One event's claim on its source's cursor.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) source: Arc<SourceState>,
    pub(crate) seq: i64,
    epoch: u64,
}

impl Ticket {
    /// The source and the event's number there.
    pub(crate) fn position(&self) -> (Arc<SourceState>, i64) {
        (Arc::clone(&self.source), self.seq)
    }

    /// What became of the event is durable.
    pub(crate) fn complete(&self) {
        let left = {
            let mut mark = self.source.watermark.lock();
            mark.done(self.epoch, self.seq);
            mark.outstanding()
        };
        self.source.outstanding.store(left, Ordering::Relaxed);
    }
}

impl SourceState {
    pub(crate) fn new(config: &SourceConfig, endpoint: Endpoint) -> Self {
        Self {
            name: config.name.clone(),
            kind: config.kind,
            endpoint,
            start: config.cursor,
            watermark: Mutex::new(Watermark::default()),
            verified_seq: AtomicI64::new(NONE),
            live: Mutex::default(),
            outstanding: AtomicUsize::new(0),
        }
    }

    /// Takes up the stored position; `None` if there is none.
    pub(crate) fn resume(&self, cursor: Option<i64>, time_us: Option<i64>, gap_us: Option<i64>) {
        *self.watermark.lock() = Watermark::at(cursor);
        self.outstanding.store(0, Ordering::Relaxed);
        self.verified_seq.store(NONE, Ordering::Relaxed);
        let mut live = self.live.lock();
        live.saved_cursor = cursor;
        live.appended_seq = cursor;
        live.marked_seq = None;
        live.received_seq = cursor;
        live.received_time_us = time_us;
        live.gap_us = gap_us;
        live.connected = false;
        live.stopped = false;
    }

    /// The source counts anew; go on from `cursor`.
    pub(crate) fn reset(&self, cursor: i64) {
        self.watermark.lock().reset(Some(cursor));
        self.outstanding.store(0, Ordering::Relaxed);
        self.verified_seq.store(NONE, Ordering::Relaxed);
        let mut live = self.live.lock();
        live.received_seq = None;
        live.received_time_us = None;
        live.appended_seq = None;
        live.marked_seq = None;
    }

    /// An event was read; its ticket, unless its number does not ascend.
    pub(crate) fn begin(
        self: &Arc<Self>,
        seq: i64,
        did: Option<&Did>,
        time_us: Option<i64>,
        now_us: i64,
    ) -> Option<Ticket> {
        let epoch = {
            let mut mark = self.watermark.lock();
            let epoch = mark.begin(seq)?;
            self.outstanding.store(mark.outstanding(), Ordering::Relaxed);
            epoch
        };
        let mut live = self.live.lock();
        live.received_seq = Some(seq);
        if did.is_some() {
            live.received_did = did.cloned();
        }
        if let Some(time_us) = time_us {
            // The latest so far; hosts whose clock is ahead must not move it ahead of ours.
            live.received_time_us = live.received_time_us.max(Some(time_us.min(now_us)));
            live.lag_us = Some(now_us.saturating_sub(time_us).max(0));
        }
        live.last_error = None;
        Some(Ticket { source: Arc::clone(self), seq, epoch })
    }

    /// Events that the cursor does not cover yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Relaxed)
    }

    /// The last event read in this process, or the stored cursor.
    pub(crate) fn received(&self) -> (Option<i64>, Option<i64>) {
        let live = self.live.lock();
        (live.received_seq, live.received_time_us)
    }

    /// Everything up to here is durable, with the time of the last event read.
    pub(crate) fn cursor(&self) -> Option<i64> {
        self.watermark.lock().cursor()
    }

    pub(crate) fn judged(&self, seq: i64) {
        self.verified_seq.fetch_max(seq, Ordering::Relaxed);
    }

    pub(crate) fn appended(&self, seq: i64) {
        let mut live = self.live.lock();
        live.appended_seq = live.appended_seq.max(Some(seq));
    }

    /// What a mark has to say: the cursor, if no mark shows it yet, and an account to name.
    pub(crate) fn unmarked(&self) -> Option<(i64, Did)> {
        let cursor = self.cursor()?;
        let live = self.live.lock();
        if live.marked_seq == Some(cursor) {
            return None;
        }
        Some((cursor, live.received_did.clone()?))
    }

    /// A mark that shows this cursor is on its way into the log.
    pub(crate) fn marked(&self, cursor: i64) {
        self.live.lock().marked_seq = Some(cursor);
    }

    pub(crate) fn saved(&self, cursor: i64) {
        self.live.lock().saved_cursor = Some(cursor);
    }

    pub(crate) fn connected(&self, connected: bool) {
        self.live.lock().connected = connected;
    }

    pub(crate) fn failed(&self, error: String) {
        let mut live = self.live.lock();
        live.connected = false;
        live.last_error = Some(error);
    }

    pub(crate) fn stopped(&self) {
        self.live.lock().stopped = true;
    }

    pub(crate) fn gap(&self, at_us: i64) {
        self.live.lock().gap_us = Some(at_us);
    }

    pub(crate) fn gap_us(&self) -> Option<i64> {
        self.live.lock().gap_us
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        *self.live.lock().rejected.entry(reason).or_default() += 1;
    }

    /// For `listSources`.
    pub(crate) fn status(&self) -> SourceStatus {
        let outstanding = u64::try_from(self.outstanding()).unwrap_or(u64::MAX);
        let verified_seq = match self.verified_seq.load(Ordering::Relaxed) {
            NONE => None,
            seq => Some(seq),
        };
        let live = self.live.lock();
        SourceStatus {
            name: self.name.clone(),
            kind: self.kind.name().to_owned(),
            url: self.endpoint.address().to_owned(),
            connected: live.connected,
            stopped: live.stopped,
            received_seq: live.received_seq,
            verified_seq,
            appended_seq: live.appended_seq,
            cursor: live.saved_cursor,
            received_time_us: live.received_time_us,
            lag_us: live.lag_us,
            outstanding,
            last_error: live.last_error.clone(),
            gap_us: live.gap_us,
            rejected: live.rejected.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect(),
        }
    }
}
