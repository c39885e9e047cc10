//! `POST /api/v1/media?alt=`: an image goes to the PDS of whoever posts, and is kept in mind for an hour so that a post
//! may name it.

use std::io::Cursor;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{StatusCode, header};
use image::{ImageFormat, ImageReader};
use millrace_atproto::Nsid;
use millrace_dataplane::query::media::{KeepMedia, Media};
use millrace_net::session::Call;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PostingState;
use crate::error::XrpcError;
use crate::request::body;
use crate::request::params::Params;
use crate::request::rates::with_tally;

pub(super) const PATH: &str = "/api/v1/media";
/// Bytes of an image, as the lexicon of posts says.
const BYTES_MAX: usize = 2_000_000;
const ALT_BYTES_MAX: usize = 10_000;
/// What may be in a post, by its media type.
pub(crate) const MEDIA_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];
const FORMATS: [ImageFormat; 4] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];

/// An image that a post may name.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Uploaded {
    media_id: String,
    mime_type: &'static str,
    size: i64,
    width: i64,
    height: i64,
    alt: String,
}

/// What a PDS answers.
#[derive(Deserialize)]
struct Answer {
    blob: Blob,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    r#ref: Link,
    mime_type: String,
    size: i64,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "$link")]
    link: String,
}

pub(super) async fn upload(
    State(state): State<PostingState>,
    request: Request,
) -> Result<Response, XrpcError> {
    let (parts, body) = request.into_parts();
    let (actor, tally) = state.actor(&parts).await?;
    let alt = Params::of(parts.uri.query())?.text("alt")?.unwrap_or_default();
    if alt.len() > ALT_BYTES_MAX {
        return Err(XrpcError::invalid(format!("alt may have at most {ALT_BYTES_MAX} bytes")));
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind =
        kind.and_then(|kind| MEDIA_TYPES.into_iter().zip(FORMATS).find(|(mime, _)| *mime == kind));
    let (mime, format) = kind.ok_or_else(|| {
        XrpcError::invalid(
            "the Content-Type must be image/jpeg, image/png, image/webp or image/gif",
        )
    })?;
    let _place = state.uploads.try_acquire().map_err(|_| XrpcError::Busy)?;
    let bytes = body::read(body, BYTES_MAX).await?;
    let (width, height) =
        ImageReader::with_format(Cursor::new(&bytes), format)
            .into_dimensions()
            .map_err(|error| XrpcError::invalid(format!("this is no {mime}: {error}")))?;
    let method = Nsid::parse("com.atproto.repo.uploadBlob").expect("invariant: a method's name");
    let call = Call::procedure(method).bytes(mime, bytes)?;
    let answer = state.posting.acting().send(&actor.grant_id, &call).await?;
    let Answer { blob } = serde_json::from_slice(&answer.body).map_err(|error| {
        XrpcError::bad_gateway("UpstreamFailure", &format!("the PDS's answer is none: {error}"))
    })?;
    let media = Media {
        cid: blob.r#ref.link,
        mime_type: blob.mime_type,
        bytes: blob.size,
        width: width.into(),
        height: height.into(),
        alt: alt.clone(),
    };
    let keep = KeepMedia { actor: actor.did, media: media.clone() };
    state.api.dataplane.command(keep).await?;
    let Media { cid, bytes, width, height, .. } = media;
    let uploaded = Uploaded { media_id: cid, mime_type: mime, size: bytes, width, height, alt };
    Ok(with_tally((StatusCode::CREATED, axum::Json(uploaded)), tally))
}
