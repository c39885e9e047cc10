//! Follows one labeler for ever.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::Did;
use millrace_atproto::entry::{Entry, EntryBody, EntryHeader, EntryKind};
use millrace_atproto::label::{LabelFrame, LabelsFrame};
use millrace_net::{Guard, Resolver};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Shutdown};
use millrace_runtime::telemetry::journey;
use millrace_store::{Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use super::judge::{Judged, judge};
use super::place::Place;
use super::source_name;
use crate::append::{Change, Item};
use crate::brake::Brake;
use crate::codes;
use crate::config::{IngestConfig, SEQ_MAX};
use crate::error::IngestError;
use crate::metrics::Metrics;
use crate::source::{Firehose, Frames as _, IdleWatch, SourceError};
use crate::tables::cursors::{self, Position};

/// Bytes of labels in one entry, well below what an entry may have.
const ENTRY_LABELS_BYTES_MAX: usize = 1 << 20;

/// Shortest time between two readings of everything a labeler ever said.
const RESTART_PAUSE_US: i64 = 3_600 * 1_000_000;

/// A labeler that declared itself is left when its document could not be had so often.
const GIVEN_UP_AFTER: u32 = 10;

/// What following a labeler works with.
#[derive(Clone)]
pub(crate) struct LabelerDeps {
    pub(crate) config: Arc<IngestConfig>,
    pub(crate) resolver: Resolver,
    pub(crate) store: Store,
    pub(crate) items: mpsc::Sender<Item>,
    pub(crate) guard: Guard,
    pub(crate) clock: SharedClock,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shutdown: Shutdown,
    pub(crate) brake: Brake,
}

/// One labeler being followed.
pub(crate) struct Labeler {
    did: Did,
    name: String,
    deps: LabelerDeps,
    socket: Firehose,
    idle: IdleWatch,
    inflight: Arc<Semaphore>,
    /// The last number handed on in this process, and whose it is.
    last: Option<(String, i64)>,
    /// When its document was last asked for because of a signature.
    rechecked_us: Option<i64>,
    /// When it was last read again from its oldest label.
    restarted_us: Option<i64>,
    /// The number after which a message could not be read.
    broken_after: Option<i64>,
    /// How far behind that number the next connection begins, to pass a message that is too large.
    beyond: i64,
    /// Connections in a row that brought nothing.
    fruitless: u32,
    /// Nobody named it: it is left when its document names no labeler.
    is_declared: bool,
}

/// Why a connection is not followed any further.
enum End {
    Braked,
    /// Its document cannot be had.
    NoDocument(String),
    /// Its document does not say where it is or what it signs with.
    NoPlace(String),
    Source(SourceError),
    Store(StoreError),
    /// Another part of the run has ended.
    Run,
}

impl From<SourceError> for End {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl Labeler {
    /// One that is to be followed whatever its document says meanwhile.
    pub(super) fn named(did: Did, deps: LabelerDeps) -> Self {
        Self::new(did, deps, false)
    }

    /// One that declares itself.
    pub(super) fn declared(did: Did, deps: LabelerDeps) -> Self {
        Self::new(did, deps, true)
    }

    fn new(did: Did, deps: LabelerDeps, is_declared: bool) -> Self {
        let bytes_max = deps.config.labelers.inflight_bytes_max.min(Semaphore::MAX_PERMITS);
        Self {
            name: source_name(&did),
            socket: Firehose::new(&deps.config.connection),
            idle: IdleWatch::new(&deps.config.connection),
            inflight: Arc::new(Semaphore::new(bytes_max)),
            last: None,
            rechecked_us: None,
            restarted_us: None,
            broken_after: None,
            beyond: 0,
            fruitless: 0,
            is_declared,
            did,
            deps,
        }
    }

    /// Runs until the shutdown; one that declares itself also until it is none any more.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let shutdown = self.deps.shutdown.clone();
        loop {
            if shutdown.or(self.deps.brake.off()).await.is_none() {
                return Ok(());
            }
            let Some(end) = shutdown.or(self.connect_and_read()).await else { return Ok(()) };
            self.deps.metrics.connected.with(&[&self.name]).set(0);
            match end {
                End::Braked => continue,
                End::Run => return Err(IngestError::PartEnded("appender")),
                End::Store(error) => return Err(IngestError::Store(error)),
                End::NoPlace(_) if self.is_declared => return Ok(()),
                End::NoDocument(_) if self.is_declared && self.fruitless >= GIVEN_UP_AFTER => {
                    return Ok(());
                }
                End::NoDocument(why) | End::NoPlace(why) => self.not_found(&why),
                End::Source(error) => self.ended(&error),
            }
            let pause = self.pause();
            if shutdown.or(tokio::time::sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn connect_and_read(&mut self) -> End {
        match self.read().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn read(&mut self) -> Result<std::convert::Infallible, End> {
        let identity = self.deps.resolver.identity(&self.did).await;
        let identity = identity.map_err(|error| End::NoDocument(error.to_string()))?;
        let mut place = Place::of(&identity, self.deps.guard).map_err(End::NoPlace)?;
        let address = place.socket.to_string();
        let cursor = self.cursor(&address).await?;
        let mut stream = self.socket.connect_guarded(&place.at(cursor), self.deps.guard).await?;
        tracing::info!(source.name = self.name, host = address, cursor, "connected");
        self.deps.metrics.connected.with(&[&self.name]).set(1);
        let mut refusal_told = false;
        let brake = self.deps.brake.clone();
        loop {
            let allowed = self.idle.allowed();
            let message = tokio::select! {
                biased;
                () = brake.on() => return Err(End::Braked),
                message = stream.next() => message?,
                () = tokio::time::sleep(allowed) => {
                    let silent_ms = u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX);
                    return Err(SourceError::Idle(silent_ms).into());
                }
            };
            self.deps.metrics.frame_bytes.with(&[&self.name]).add(message.len() as u64);
            let Some(seq) = self.labels_of(&message, &address, cursor)? else { continue };
            self.idle.event(Instant::now());
            self.fruitless = 0;
            let permit = self.claim(message.len()).await?;
            let mut judged = self.judge(&message, &place).await?;
            if judged.key_in_doubt && self.may_recheck() {
                let asked = self.deps.resolver.refresh(&self.did).await;
                let now = asked.ok().and_then(|it| Place::of(&it, self.deps.guard).ok());
                if let Some(now) = now.filter(|now| now.key != place.key) {
                    place.key = now.key;
                    judged = self.judge(&message, &place).await?;
                }
            }
            self.count(&judged, &mut refusal_told);
            self.hand_on(judged.accepted, (address.clone(), seq), permit).await?;
        }
    }

    /// Where to go on: behind what was read in this process, or what was saved; else the oldest label.
    async fn cursor(&mut self, address: &str) -> Result<i64, End> {
        if let Some((_, seq)) = self.last.as_ref().filter(|last| last.0 == address) {
            return Ok(seq.saturating_add(self.beyond));
        }
        let name = self.name.clone();
        let stored = self.deps.store.read(move |tx| cursors::load(tx, &name)).await;
        let stored = stored.map_err(End::Store)?;
        let position = stored.into_iter().find(|position| position.address == address);
        let seq = position.map_or(0, |position| position.cursor);
        self.last = Some((address.to_owned(), seq));
        Ok(seq)
    }

    /// The number of a frame of labels that is news; nothing for all else that may be passed over.
    fn labels_of(
        &mut self,
        message: &Bytes,
        address: &str,
        cursor: i64,
    ) -> Result<Option<i64>, SourceError> {
        let kind = |kind| self.deps.metrics.frames.with(&[&self.name, kind]).inc();
        let after_seq = self.last.as_ref().map(|last| last.1);
        match LabelFrame::parse(message) {
            Ok(LabelFrame::Labels(LabelsFrame { seq, .. })) => {
                kind("labels");
                if !(1..=SEQ_MAX).contains(&seq) {
                    let reason = format!("sequence number {seq}");
                    return Err(SourceError::InvalidFrame { after_seq, reason });
                }
                let is_news = after_seq.is_none_or(|last| seq > last);
                if !is_news {
                    self.deps.metrics.labels.with(&[&self.name, "replayed"]).inc();
                }
                Ok(is_news.then_some(seq))
            }
            Ok(LabelFrame::Error { error: "FutureCursor", .. }) => {
                // What it said before is known, and what it says again changes nothing.
                if self.beyond == 0 && self.may_restart() {
                    self.last = Some((address.to_owned(), 0));
                }
                self.beyond = 0;
                Err(SourceError::FutureCursor { cursor: Some(cursor) })
            }
            Ok(LabelFrame::Error { error: "ConsumerTooSlow", .. }) => {
                Err(SourceError::ConsumerTooSlow)
            }
            Ok(LabelFrame::Error { error, message }) => {
                let shown = |text: &str| text.chars().take(300).collect::<String>();
                let message = shown(message.unwrap_or_default());
                Err(SourceError::Reported { name: shown(error), message })
            }
            Ok(LabelFrame::Info { .. } | LabelFrame::Unknown { .. }) => {
                kind("other");
                Ok(None)
            }
            // Its labels cannot be told apart: they are lost, and the frames after it are not.
            Err(error) if !error.is_fatal() => {
                kind("other");
                self.deps.metrics.labels.with(&[&self.name, error.reason()]).inc();
                Ok(None)
            }
            // Bad a second time: the messages around it are good.
            Err(error) if self.broken_after == after_seq => {
                self.deps.metrics.labels.with(&[&self.name, error.reason()]).inc();
                Ok(None)
            }
            Err(error) => {
                self.broken_after = after_seq;
                Err(SourceError::InvalidFrame { after_seq, reason: error.to_string() })
            }
        }
    }

    /// Room for a message that is on its way to the disk.
    async fn claim(&self, bytes: usize) -> Result<OwnedSemaphorePermit, End> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.inflight).acquire_many_owned(bytes).await.map_err(|_| End::Run)
    }

    async fn judge(&self, message: &Bytes, place: &Place) -> Result<Judged, End> {
        let (message, did, key) = (message.clone(), self.did.clone(), place.key);
        let now_us = self.deps.clock.now_us();
        let judging = tokio::task::spawn_blocking(move || match LabelFrame::parse(&message) {
            Ok(LabelFrame::Labels(frame)) => judge(&frame, &did, &key, now_us),
            _ => Judged::default(),
        });
        judging.await.map_err(|_| End::Run)
    }

    /// Whether the document may be asked for because of a signature; a labeler that signs wrongly all the
    /// time has it asked for once in a while.
    fn may_recheck(&mut self) -> bool {
        let now_us = self.deps.clock.now_us();
        let pause_us = self.deps.config.labelers.recheck_ms.saturating_mul(1_000);
        let pause_us = i64::try_from(pause_us).unwrap_or(i64::MAX);
        let may = self.rechecked_us.is_none_or(|last| now_us.saturating_sub(last) >= pause_us);
        if may {
            self.rechecked_us = Some(now_us);
        }
        may
    }

    /// Whether it may be read again from its oldest label; one that has us do so all the time would fill
    /// the log.
    fn may_restart(&mut self) -> bool {
        let now_us = self.deps.clock.now_us();
        let may = self.restarted_us.is_none_or(|last| now_us - last >= RESTART_PAUSE_US);
        if may {
            self.restarted_us = Some(now_us);
        }
        may
    }

    fn count(&self, judged: &Judged, told: &mut bool) {
        let labels = |result: &str, count: u64| {
            self.deps.metrics.labels.with(&[&self.name, result]).add(count);
        };
        labels("accepted", judged.accepted.len() as u64);
        judged.refused.iter().for_each(|(reason, count)| labels(reason, *count));
        if !judged.refused.is_empty() && !*told {
            *told = true;
            let code = codes::LABELS_REFUSED;
            let reasons = format!("{:?}", judged.refused);
            tracing::warn!(
                source.name = self.name,
                code = code.id,
                reasons,
                hint = code.remedy,
                "labels are refused; those of this connection that follow are counted only"
            );
        }
    }

    /// Entries, then the cursor that covers them.
    async fn hand_on(
        &mut self,
        labels: Vec<Vec<u8>>,
        (address, seq): (String, i64),
        permit: OwnedSemaphorePermit,
    ) -> Result<(), End> {
        let mut part = Vec::new();
        let mut bytes = 0;
        for label in labels {
            if bytes + label.len() > ENTRY_LABELS_BYTES_MAX {
                self.send(self.item(std::mem::take(&mut part), seq)).await?;
                bytes = 0;
            }
            bytes += label.len();
            part.push(label);
        }
        let mut last = match part.is_empty() {
            true => Item::default(),
            false => self.item(part, seq),
        };
        let position = Position {
            name: self.name.clone(),
            address: address.clone(),
            cursor: seq,
            event_us: Some(self.deps.clock.now_us()),
        };
        last.changes.push(Change::Position(Box::new(position)));
        last.permit = Some(permit);
        self.send(last).await?;
        self.last = Some((address, seq));
        (self.broken_after, self.beyond) = (None, 0);
        Ok(())
    }

    async fn send(&self, item: Item) -> Result<(), End> {
        self.deps.items.send(item).await.map_err(|_| End::Run)
    }

    fn item(&self, labels: Vec<Vec<u8>>, seq: i64) -> Item {
        let mut trace = [0; 16];
        self.deps.rng.fill(&mut trace);
        let time_us = self.deps.clock.now_us();
        let header = EntryHeader {
            kind: EntryKind::Labels,
            source: self.name.clone(),
            source_seq: Some(seq),
            did: self.did.clone(),
            rev: None,
            time_us,
            trace,
        };
        journey::root("ingest", trace, time_us, &[]);
        let entry = Entry { header, body: EntryBody::Labels { labels } }.encode();
        let entry = entry.expect("invariant: a bounded part of a frame fits into an entry");
        Item { entry: Some((self.did.clone(), Bytes::from(entry))), ..Item::default() }
    }

    fn not_found(&self, why: &str) {
        let code = codes::NO_LABELER;
        self.deps.metrics.connections.with(&[&self.name, "no_labeler"]).inc();
        tracing::warn!(
            source.name = self.name,
            code = code.id,
            why,
            hint = code.remedy,
            "the labeler cannot be followed; it is tried again"
        );
    }

    fn ended(&mut self, error: &SourceError) {
        let code = error.code();
        self.deps.metrics.connections.with(&[&self.name, error.label()]).inc();
        let last = self.last.as_ref().map(|last| last.1);
        match error {
            SourceError::Oversize { .. } if self.broken_after == last => self.beyond += 1,
            SourceError::Oversize { .. } => self.broken_after = last,
            _ => {}
        }
        match error {
            SourceError::Idle(_) => self.idle.silent(),
            _ => self.idle.disconnected(),
        }
        tracing::warn!(source.name = self.name, code = code.id, %error, "connection ended; it is made again");
    }

    fn pause(&mut self) -> Duration {
        let connection = &self.deps.config.connection;
        let backoff = Backoff {
            base: Duration::from_millis(connection.backoff_first_ms),
            max: Duration::from_millis(connection.backoff_max_ms),
            reset_after: Duration::ZERO,
        };
        let pause = self.deps.rng.jitter(backoff.delay(self.fruitless));
        self.fruitless = self.fruitless.saturating_add(1);
        pause
    }
}
