//! Where images come from: the account's PDS, then a worker. Both have bounds in bytes, number and time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_net::{HttpError, Limits, PdsClient, PdsError, Resolver};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::ImagesConfig;
use super::fault::Fault;
use super::make::{self, Bounds};
use super::metrics::Metrics;
use super::path::Asked;

/// Memory for decoding is counted in pieces of this many bytes.
const PIECE_BYTES: u64 = 64 * 1024;

/// Fetches blobs and makes images of them.
pub(super) struct Origin {
    resolver: Resolver,
    pds: PdsClient,
    limits: Limits,
    requests: Semaphore,
    workers: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    bounds: Bounds,
    decode_timeout: Duration,
    metrics: Metrics,
}

impl Origin {
    pub(super) fn new(
        config: &ImagesConfig,
        resolver: Resolver,
        pds: PdsClient,
        metrics: Metrics,
    ) -> Self {
        let places = |number: usize| Semaphore::new(number.clamp(1, Semaphore::MAX_PERMITS));
        let pieces = pieces(config.decode_bytes_max);
        Self {
            resolver,
            pds,
            limits: Limits::new(
                config.blob_bytes_max,
                Duration::from_millis(config.fetch_timeout_ms),
            ),
            requests: places(config.requests_max),
            workers: Arc::new(places(config.workers)),
            memory: Arc::new(Semaphore::new(pieces as usize)),
            bounds: Bounds {
                pixels_max: config.pixels_max,
                bytes_max: u64::from(pieces) * PIECE_BYTES,
            },
            decode_timeout: Duration::from_millis(config.decode_timeout_ms),
            metrics,
        }
    }

    /// The image that was asked for.
    pub(super) async fn image(&self, asked: &Asked) -> Result<Bytes, Fault> {
        let _place = self.requests.try_acquire().map_err(|_| Fault::Busy)?;
        let blob = self.blob(asked).await?;
        self.made(blob, asked).await
    }

    /// A blob whose bytes are what its CID says.
    async fn blob(&self, asked: &Asked) -> Result<Bytes, Fault> {
        let Asked { did, cid, .. } = asked;
        let failed = |why: &dyn std::fmt::Display| {
            tracing::debug!(%did, %cid, %why, "a blob was not to be had from its PDS");
            Fault::Origin
        };
        let identity = self.resolver.identity(did).await.map_err(|error| failed(&error))?;
        let pds = identity.pds.as_ref().ok_or(Fault::Absent)?;
        let blob = self.pds.get_blob(pds, did, cid, self.limits).await;
        let blob = blob.map_err(|error| match error {
            PdsError::Http(HttpError::TooLarge { bytes_max, .. }) => Fault::Bytes { bytes_max },
            error if is_absent(&error) => Fault::Absent,
            error => failed(&error),
        })?;
        self.metrics.fetched(blob.len());
        let cid = *cid;
        let checked = tokio::task::spawn_blocking(move || cid.names(&blob).then_some(blob)).await;
        checked.map_err(|error| Fault::Internal(error.to_string()))?.ok_or(Fault::Mismatch)
    }

    /// An image made of a blob, once there is a worker and memory for it.
    async fn made(&self, blob: Bytes, asked: &Asked) -> Result<Bytes, Fault> {
        let worker = taken(Arc::clone(&self.workers), 1).await?;
        let (probed, bounds) = (blob.clone(), self.bounds);
        let probed = work(worker, move || make::probe(&probed, bounds));
        let (worker, head) = self.in_time(probed).await?;
        let memory = taken(Arc::clone(&self.memory), pieces(head.decode_bytes)).await?;
        let (fit, format) = (asked.preset.fit(), asked.format);
        let made = work((worker, memory), move || make::make(&blob, head, fit, format, bounds));
        Ok(self.in_time(made).await?.1.into())
    }

    /// What comes of work in its time. Work whose time is over has its place and its memory until it ends.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let after_ms = u64::try_from(self.decode_timeout.as_millis()).unwrap_or(u64::MAX);
        let done = tokio::time::timeout(self.decode_timeout, work).await;
        done.unwrap_or(Err(Fault::Time { after_ms }))
    }
}

async fn taken(places: Arc<Semaphore>, number: u32) -> Result<OwnedSemaphorePermit, Fault> {
    let taken = places.acquire_many_owned(number).await;
    taken.map_err(|error| Fault::Internal(error.to_string()))
}

/// Runs what untrusted bytes are read with; `held` comes back with what it gave.
async fn work<H, T>(
    held: H,
    task: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<(H, T), Fault>
where
    H: Send + 'static,
    T: Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || task().map(|given| (held, given))).await;
    // Only a decoder that panics ends so.
    done.unwrap_or_else(|error| {
        tracing::warn!(%error, "an image's decoder failed");
        Err(Fault::Broken("its decoder failed".to_owned()))
    })
}

fn pieces(bytes: u64) -> u32 {
    let pieces = u32::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX);
    pieces.clamp(1, u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX))
}

/// Whether the PDS says that it does not have it.
fn is_absent(error: &PdsError) -> bool {
    match error {
        PdsError::RepoNotFound
        | PdsError::RepoTakendown
        | PdsError::RepoSuspended
        | PdsError::RepoDeactivated => true,
        PdsError::Xrpc { status, .. } => matches!(status, 400..=499),
        PdsError::Http(error) => matches!(error.status(), Some(400 | 403 | 404 | 410)),
        _ => false,
    }
}
