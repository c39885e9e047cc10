//! The stream of labels issued here (`com.atproto.label.subscribeLabels`): for whoever follows this service as a
//! labeler, ingest's own followers among them.
//!
//! Labels stay in the data-plane's order; a connection reads a page behind its place, sends it, and reads on, so that
//! it holds one page at most, and one that is slow holds up nobody. Must stay true: connections are bounded in number,
//! each in bytes and in the time it may take for a page, and all of them end when the process drains.

mod follower;
mod frames;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use millrace_dataplane::Client;
use millrace_runtime::supervise::Shutdown;
use tokio::sync::Semaphore;

use crate::config::LimitsConfig;
use crate::error::XrpcError;
use crate::issuer::Issuer;
use crate::metrics::Metrics;
use follower::Follower;

/// Bytes of a message of a follower's, who has nothing to say.
const RECEIVED_BYTES_MAX: usize = 4 * 1024;
/// Bytes that a connection gathers before it writes, and that it may hold: more than one message of ours.
const WRITE_BYTES: usize = 16 * 1024;
const WRITE_BYTES_MAX: usize = 256 * 1024;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct LabelStream {
    dataplane: Client,
    issuer: Issuer,
    places: Arc<Semaphore>,
    send_timeout: Duration,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl LabelStream {
    pub(crate) fn new(
        dataplane: Client,
        issuer: Issuer,
        limits: &LimitsConfig,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> Self {
        let places = limits.label_followers_max.min(Semaphore::MAX_PERMITS);
        Self {
            dataplane,
            issuer,
            places: Arc::new(Semaphore::new(places)),
            send_timeout: Duration::from_millis(limits.label_send_timeout_ms),
            metrics,
            shutdown,
        }
    }

    /// Whether anything is issued here.
    ///
    /// # Errors
    /// Labels are signed with a key that is not set.
    pub(crate) fn check(&self) -> Result<(), XrpcError> {
        match self.issuer.key {
            Some(_) => Ok(()),
            None => Err(XrpcError::NotConfigured(
                "labels are issued here once appview.service_key is set",
            )),
        }
    }

    /// Takes up a connection behind `cursor`, or at the end.
    ///
    /// # Errors
    /// Nothing is issued here, or as many as may be follow already.
    pub(crate) fn follow(
        &self,
        cursor: Option<i64>,
        upgrade: WebSocketUpgrade,
    ) -> Result<Response, XrpcError> {
        self.check()?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| XrpcError::Busy)?;
        let follower = Follower::new(self.clone());
        let upgrade = upgrade
            .max_message_size(RECEIVED_BYTES_MAX)
            .max_frame_size(RECEIVED_BYTES_MAX)
            .write_buffer_size(WRITE_BYTES)
            .max_write_buffer_size(WRITE_BYTES_MAX);
        Ok(upgrade.on_upgrade(move |socket| async move {
            follower.run(socket, cursor).await;
            drop(place);
        }))
    }
}
