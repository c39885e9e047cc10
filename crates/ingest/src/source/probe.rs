//! Whether a source can be reached: the handshake a reader would make, without reading.

use std::time::Duration;

use tokio::time::timeout;

use super::socket::Opening;
use super::{SourceError, endpoints};
use crate::config::{ConnectionConfig, SourceConfig};
use crate::error::IngestError;

/// What became of one of a source's hosts.
#[derive(Debug)]
pub struct Reached {
    /// Its WebSocket address.
    pub address: String,
    /// Origin of the same host, for its other methods.
    pub origin: String,
    pub handshake: Result<(), SourceError>,
}

/// Tries every host of a source, the one to prefer first, each for at most `limit`.
///
/// # Errors
/// A URL cannot be used at all.
pub async fn reach(
    source: &SourceConfig,
    connection: &ConnectionConfig,
    limit: Duration,
) -> Result<Vec<Reached>, IngestError> {
    let opening = Opening::new(connection);
    let mut reached = Vec::new();
    for endpoint in endpoints(source)? {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let url = endpoint.at(None, &[]);
        let handshake = timeout(limit, opening.open(&url)).await;
        reached.push(Reached {
            address: endpoint.address().to_owned(),
            origin: endpoint.origin().to_owned(),
            handshake: handshake.unwrap_or(Err(SourceError::ConnectTimeout(limit_ms))).map(drop),
        });
    }
    Ok(reached)
}
