//! A body as it arrives: counted, timed, and cut off at its bound.

use std::time::Duration;

use ::http::HeaderMap;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::Instant;

use super::gate::Turn;
use super::{HttpError, Limits};
use crate::metrics::HttpMetrics;

/// A bounded body as it arrives. Dropping it gives the host's turn back.
#[derive(Debug)]
pub struct BodyStream {
    pub(super) answer: reqwest::Response,
    pub(super) host: String,
    pub(super) limits: Limits,
    pub(super) deadline: Instant,
    pub(super) received: usize,
    pub(super) metrics: HttpMetrics,
    /// When the answer began, for the waits it names.
    pub(super) now_us: i64,
    #[expect(dead_code, reason = "held until the body is done")]
    pub(super) turn: Turn,
}

impl BodyStream {
    /// The next bytes; `None` at the end of a whole body.
    ///
    /// # Errors
    /// The body is larger than allowed, too slow, or was cut short.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = self.next_unmeasured().await;
        match &chunk {
            Ok(chunk) => {
                self.metrics.received_bytes.add(chunk.as_ref().map_or(0, Bytes::len) as u64)
            }
            Err(error) => self.metrics.body_failures.with(&[error.outcome()]).inc(),
        }
        chunk
    }

    async fn next_unmeasured(&mut self) -> Result<Option<Bytes>, HttpError> {
        if self.announced().is_some_and(|bytes| bytes > self.limits.bytes_max) {
            return Err(self.too_large());
        }
        let idle = Instant::now() + self.limits.idle_timeout;
        let chunk = tokio::time::timeout_at(idle.min(self.deadline), self.answer.chunk())
            .await
            .map_err(|_| self.timed_out(idle < self.deadline))?
            .map_err(|error| HttpError::Truncated {
                host: self.host.clone(),
                reason: super::answer::deepest(&error),
            })?;
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        self.received = self.received.saturating_add(chunk.len());
        if self.received > self.limits.bytes_max {
            return Err(self.too_large());
        }
        Ok(Some(chunk))
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`BodyStream::next_chunk`].
    pub async fn whole(mut self) -> Result<Bytes, HttpError> {
        let Some(first) = self.next_chunk().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next_chunk().await? else {
            return Ok(first);
        };
        let mut body = BytesMut::from(first);
        body.extend_from_slice(&second);
        while let Some(chunk) = self.next_chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The body as a stream that ends after its first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, HttpError>> + Send {
        futures_util::stream::try_unfold(self, |mut body| async move {
            Ok(body.next_chunk().await?.map(|chunk| (chunk, body)))
        })
    }

    /// The answer's status.
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// The answer's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// Bytes received so far.
    pub fn received_bytes(&self) -> usize {
        self.received
    }

    fn announced(&self) -> Option<usize> {
        self.answer.content_length().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn too_large(&self) -> HttpError {
        HttpError::TooLarge { host: self.host.clone(), bytes_max: self.limits.bytes_max }
    }

    fn timed_out(&self, idle: bool) -> HttpError {
        let (doing, timeout): (_, Duration) = if idle {
            ("waiting for more of the body", self.limits.idle_timeout)
        } else {
            ("receiving the body", self.limits.timeout)
        };
        HttpError::Timeout { host: self.host.clone(), doing, timeout }
    }
}
