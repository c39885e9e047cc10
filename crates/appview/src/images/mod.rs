//! `/img/<preset>/plain/<did>/<cid>`: images of records in the sizes that views name, for whoever has no
//! CDN, or as what a CDN asks.
//!
//! A blob is fetched from its account's PDS, must be what its CID says, and is decoded and scaled within
//! bounds; what came of it is kept in memory and on disk. Must stay true: what is hidden or taken down is
//! not answered, kept or not; nothing but an image made here is answered, never a PDS's own bytes.

mod cached;
mod config;
mod disk;
mod fault;
mod make;
mod metrics;
mod origin;
mod path;
mod preset;
mod shelf;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use millrace_atproto::AtIdentifier;
use millrace_atproto::syntax::CidString;
use millrace_dataplane::query::actors::GetActors;
use millrace_dataplane::query::takedown::{GetTakedown, TakedownSubject};
use millrace_net::{PdsClient, Resolver};
use millrace_runtime::metrics::Registry;

use crate::error::XrpcError;

pub use config::ImagesConfig;
pub(crate) use preset::Preset;

use fault::Fault;
use metrics::Metrics;
use origin::Origin;
use path::Asked;
use shelf::Shelf;

/// What is made of one blob in one size and format does not change.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");
/// An image opened by itself runs nothing and loads nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// Any page may show it.
const EVERYWHERE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("cross-origin"),
);

/// What images are made with.
pub(crate) struct ImagesDeps<'a> {
    pub(crate) config: &'a ImagesConfig,
    pub(crate) dataplane: millrace_dataplane::Client,
    pub(crate) resolver: Resolver,
    pub(crate) pds: PdsClient,
    pub(crate) registry: &'a Registry,
}

struct Images {
    dataplane: millrace_dataplane::Client,
    shelf: Shelf,
    metrics: Metrics,
}

/// The route; none where images are not served.
pub(crate) fn router(deps: ImagesDeps<'_>) -> Router {
    let ImagesDeps { config, dataplane, resolver, pds, registry } = deps;
    if !config.serve {
        return Router::new();
    }
    let metrics = Metrics::new(registry);
    let origin = Origin::new(config, resolver, pds, metrics.clone());
    let shelf = Shelf::new(config, origin, metrics.clone(), registry);
    let images = Arc::new(Images { dataplane, shelf, metrics });
    Router::new().route(path::ROUTE, get(answer)).with_state(images)
}

async fn answer(
    State(images): State<Arc<Images>>,
    Path((preset, did, image)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let answered = match path::parse(&preset, &did, &image) {
        Ok(asked) => images.answer(&asked, &headers).await,
        Err(error) => Err(error),
    };
    let mut response = answered.unwrap_or_else(|error| {
        let mut response = error.into_response();
        response.headers_mut().insert(CACHE_CONTROL, NOT_KEPT);
        response
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Images {
    async fn answer(&self, asked: &Asked, headers: &HeaderMap) -> Result<Response, XrpcError> {
        if !self.may_be_seen(asked).await? {
            self.metrics.refused(Fault::Hidden.reason());
            return Err(Fault::Hidden.into());
        }
        let tag = asked.tag();
        let kept = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        if kept.is_some_and(|tags| tags.split(',').any(|kept| is_tag(kept, &tag))) {
            self.metrics.answered("unchanged", 0);
            return Ok((StatusCode::NOT_MODIFIED, common(&tag)?).into_response());
        }
        let found = self.shelf.get(asked).await;
        let image = found.map_err(|fault| {
            self.metrics.refused(fault.reason());
            XrpcError::from(fault)
        })?;
        self.metrics.answered(image.kept.as_str(), image.bytes.len());
        let kind = [(CONTENT_TYPE, HeaderValue::from_static(asked.format.content_type()))];
        Ok((common(&tag)?, kind, [EVERYWHERE], image.bytes).into_response())
    }

    /// Whether the account is known and shown here, and the blob not taken down. Asked every time: what is
    /// hidden is hidden at once.
    async fn may_be_seen(&self, asked: &Asked) -> Result<bool, XrpcError> {
        let cid = CidString::parse(&asked.cid.to_string());
        let cid = cid.map_err(|error| XrpcError::invalid(error.to_string()))?;
        let subject = TakedownSubject::Blob { did: asked.did.clone(), cid };
        let actors = GetActors { actors: vec![AtIdentifier::Did(asked.did.clone())] };
        let (actors, takedown) = futures_util::try_join!(
            self.dataplane.ask(actors),
            self.dataplane.ask(GetTakedown { subject }),
        )?;
        let is_shown = actors.actors.first().is_some_and(|actor| actor.is_shown());
        Ok(is_shown && takedown.takedown.is_none())
    }
}

/// An image as it is answered.
#[derive(Debug, Clone)]
struct Found {
    bytes: Bytes,
    kept: Kept,
}

/// Where an image was, when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Memory,
    Disk,
    /// Nowhere here.
    Origin,
}

impl Kept {
    fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Origin => "origin",
        }
    }
}

fn is_tag(kept: &str, tag: &str) -> bool {
    kept.trim().trim_start_matches("W/") == tag
}

fn common(tag: &str) -> Result<[(HeaderName, HeaderValue); 2], XrpcError> {
    let tag = HeaderValue::from_str(tag);
    let tag = tag.map_err(|_| XrpcError::Internal("a tag is no header".to_owned()))?;
    Ok([(CACHE_CONTROL, FOREVER), (ETAG, tag)])
}
