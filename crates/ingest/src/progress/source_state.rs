//! One source as the whole process sees it: identity, watermark, live status, counts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use millrace_atproto::Did;
use parking_lot::Mutex;

use super::watermark::{Place, Watermark};
use crate::config::{SourceConfig, SourceKind};
use crate::error::IngestError;
use crate::model::{Gap, SourceStatus};
use crate::source::{Endpoint, endpoints};
use crate::tables::cursors::Position;

/// Shared by the source's reader, the lanes, the checkpoint and the client.
#[derive(Debug)]
pub(crate) struct SourceState {
    pub(crate) name: String,
    pub(crate) kind: SourceKind,
    /// Where to begin when nothing is stored.
    pub(crate) start: Option<i64>,
    /// How far before a time a connection begins; none where positions ascend.
    pub(crate) rewind_us: i64,
    /// The one to prefer first; never empty.
    endpoints: Vec<Endpoint>,
    /// The one followed.
    at: AtomicUsize,
    reading: Mutex<Reading>,
    verified_seq: AtomicI64,
    live: Mutex<Live>,
    /// Outstanding events above which the reader waits.
    outstanding: AtomicUsize,
}

/// Where the followed stream stands, and where those not followed now were left.
#[derive(Debug, Default)]
struct Reading {
    watermark: Watermark,
    /// By sequence. As many as endpoints.
    left: HashMap<String, Position>,
}

/// What changes while the source is followed.
#[derive(Debug, Default)]
struct Live {
    connected: bool,
    stopped: bool,
    received_seq: Option<i64>,
    received_time_us: Option<i64>,
    /// An account for marks to name: whose event was read last, or any that is stored.
    named: Option<Did>,
    lag_us: Option<i64>,
    appended_seq: Option<i64>,
    /// The cursor that the last mark in the log shows.
    marked_seq: Option<i64>,
    saved_cursor: Option<i64>,
    last_error: Option<String>,
    gap: Option<Gap>,
    gaps: u64,
    out_of_scope: u64,
    rejected: BTreeMap<&'static str, u64>,
}

/// No sequence number is negative.
const NONE: i64 = -1;
/// What names the one sequence of all hosts whose positions are times.
const SEQUENCE_OF_TIMES: &str = "time";

/// One event's claim on its source's cursor; of a commit in several messages, all of theirs.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) source: Arc<SourceState>,
    pub(crate) seq: i64,
    place: Place,
    more: Vec<Place>,
}

impl Ticket {
    /// The source and the event's number there.
    pub(crate) fn position(&self) -> (Arc<SourceState>, i64) {
        (Arc::clone(&self.source), self.seq)
    }

    /// From here on both events are completed together. Both must be of one source.
    pub(crate) fn join(&mut self, later: Self) {
        self.seq = later.seq;
        self.more.push(later.place);
        self.more.extend(later.more);
    }

    /// What became of the event is durable.
    pub(crate) fn complete(&self) {
        let left = {
            let mut reading = self.source.reading.lock();
            for place in std::iter::once(&self.place).chain(&self.more) {
                reading.watermark.done(*place);
            }
            reading.watermark.outstanding()
        };
        self.source.outstanding.store(left, Ordering::Relaxed);
    }
}

impl SourceState {
    /// A source as configured, not yet followed.
    ///
    /// # Errors
    /// One of its URLs cannot be used.
    pub(crate) fn new(config: &SourceConfig) -> Result<Self, IngestError> {
        let rewind_us = match config.kind {
            SourceKind::JetstreamV1 => {
                i64::try_from(config.rewind_ms).unwrap_or(i64::MAX).saturating_mul(1_000)
            }
            SourceKind::Relay | SourceKind::Pds | SourceKind::JetstreamV2 => 0,
        };
        Ok(Self {
            name: config.name.clone(),
            kind: config.kind,
            start: config.cursor,
            rewind_us,
            endpoints: endpoints(config)?,
            at: AtomicUsize::new(0),
            reading: Mutex::default(),
            verified_seq: AtomicI64::new(NONE),
            live: Mutex::default(),
            outstanding: AtomicUsize::new(0),
        })
    }

    /// The host that is followed.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        let at = self.at.load(Ordering::Relaxed);
        self.endpoints.get(at).or(self.endpoints.first()).expect("invariant: there is one URL")
    }

    /// How many hosts there are, and which of them is followed.
    pub(crate) fn hosts(&self) -> (usize, usize) {
        (self.endpoints.len(), self.at.load(Ordering::Relaxed))
    }

    /// Whose numbers the positions at the followed host are.
    fn sequence(&self) -> &str {
        match self.kind.wire().ascends() {
            true => self.endpoint().address(),
            false => SEQUENCE_OF_TIMES,
        }
    }

    /// Takes up the stored positions, and follows the preferred host. `named` is any stored account.
    pub(crate) fn resume(&self, stored: Vec<Position>, gap: Option<Gap>, named: Option<Did>) {
        self.at.store(0, Ordering::Relaxed);
        let mut reading = self.reading.lock();
        reading.left =
            stored.into_iter().map(|position| (position.address.clone(), position)).collect();
        let mut live = self.live.lock();
        live.gap = gap;
        live.named = named;
        live.stopped = false;
        self.go_on(&mut reading, &mut live);
    }

    /// Follows another of its hosts from now on, from where that was left.
    pub(crate) fn turn_to(&self, host: usize) {
        let mut reading = self.reading.lock();
        let mut live = self.live.lock();
        if let Some(cursor) = reading.watermark.cursor() {
            let position = self.at_cursor(cursor, live.received_time_us);
            reading.left.insert(position.address.clone(), position);
        }
        let before = self.sequence().to_owned();
        self.at.store(host, Ordering::Relaxed);
        if before != self.sequence() {
            self.go_on(&mut reading, &mut live);
        }
    }

    fn go_on(&self, reading: &mut Reading, live: &mut Live) {
        let left = reading.left.get(self.sequence());
        let cursor = left.map(|position| position.cursor);
        reading.watermark.reset(cursor);
        self.outstanding.store(0, Ordering::Relaxed);
        self.verified_seq.store(NONE, Ordering::Relaxed);
        live.saved_cursor = cursor;
        live.appended_seq = cursor;
        live.marked_seq = None;
        live.received_seq = cursor;
        // Of the time, what is known of any host holds for all.
        live.received_time_us =
            left.and_then(|position| position.event_us).or(live.received_time_us);
        live.connected = false;
    }

    /// The source counts anew; go on from `cursor`.
    pub(crate) fn reset(&self, cursor: i64) {
        self.reading.lock().watermark.reset(Some(cursor));
        self.outstanding.store(0, Ordering::Relaxed);
        self.verified_seq.store(NONE, Ordering::Relaxed);
        let mut live = self.live.lock();
        live.received_seq = None;
        live.received_time_us = None;
        live.appended_seq = None;
        live.marked_seq = None;
    }

    /// An event was read; its ticket, unless positions ascend and its own does not.
    pub(crate) fn begin(
        self: &Arc<Self>,
        seq: i64,
        did: Option<&Did>,
        time_us: Option<i64>,
        now_us: i64,
    ) -> Option<Ticket> {
        let place = {
            let mut reading = self.reading.lock();
            let mark = &mut reading.watermark;
            let place = match self.kind.wire().ascends() {
                true => mark.begin_ascending(seq)?,
                false => mark.begin(seq),
            };
            self.outstanding.store(mark.outstanding(), Ordering::Relaxed);
            place
        };
        let mut live = self.live.lock();
        live.received_seq = live.received_seq.max(Some(seq));
        if did.is_some() {
            live.named = did.cloned();
        }
        if let Some(time_us) = time_us {
            // The latest so far; hosts whose clock is ahead must not move it ahead of ours.
            live.received_time_us = live.received_time_us.max(Some(time_us.min(now_us)));
            live.lag_us = Some(now_us.saturating_sub(time_us).max(0));
        }
        live.last_error = None;
        Some(Ticket { source: Arc::clone(self), seq, place, more: Vec::new() })
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

    /// Everything up to here is durable.
    pub(crate) fn cursor(&self) -> Option<i64> {
        self.reading.lock().watermark.cursor()
    }

    /// The cursor, as it is to be saved, with the time of the last event read.
    pub(crate) fn position(&self) -> Option<Position> {
        let reading = self.reading.lock();
        let cursor = reading.watermark.cursor()?;
        Some(self.at_cursor(cursor, self.live.lock().received_time_us))
    }

    fn at_cursor(&self, cursor: i64, event_us: Option<i64>) -> Position {
        let (name, address) = (self.name.clone(), self.sequence().to_owned());
        Position { name, address, cursor, event_us }
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
        Some((cursor, live.named.clone()?))
    }

    /// A mark that shows this cursor is on its way into the log.
    pub(crate) fn marked(&self, cursor: i64) {
        self.live.lock().marked_seq = Some(cursor);
    }

    pub(crate) fn saved(&self, position: &Position) {
        if position.address == self.sequence() {
            self.live.lock().saved_cursor = Some(position.cursor);
        }
    }

    pub(crate) fn connected(&self, connected: bool) {
        self.live.lock().connected = connected;
    }

    /// Whether its events come in now.
    pub(crate) fn is_live(&self) -> bool {
        let live = self.live.lock();
        live.connected && !live.stopped
    }

    /// Whether its last event was older than this when it was read.
    pub(crate) fn lags(&self, by_us: i64) -> bool {
        self.live.lock().lag_us.is_some_and(|lag_us| lag_us > by_us)
    }

    pub(crate) fn failed(&self, error: String) {
        let mut live = self.live.lock();
        live.connected = false;
        live.last_error = Some(error);
    }

    pub(crate) fn stopped(&self) {
        self.live.lock().stopped = true;
    }

    pub(crate) fn gap(&self, gap: Gap) {
        let mut live = self.live.lock();
        live.gaps += 1;
        live.gap = Some(gap);
    }

    /// When a part of its stream was last found to be missing.
    pub(crate) fn gap_us(&self) -> Option<i64> {
        self.live.lock().gap.as_ref().map(|gap| gap.noticed_us)
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        *self.live.lock().rejected.entry(reason).or_default() += 1;
    }

    /// An event of an account that is not followed.
    pub(crate) fn passed_over(&self) {
        self.live.lock().out_of_scope += 1;
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
            url: self.endpoint().address().to_owned(),
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
            gap_us: live.gap.as_ref().map(|gap| gap.noticed_us),
            gap: live.gap.clone(),
            gaps: live.gaps,
            out_of_scope: live.out_of_scope,
            paused: None,
            rejected: live.rejected.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect(),
        }
    }
}
