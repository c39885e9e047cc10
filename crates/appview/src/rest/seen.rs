//! `POST /api/v1/feed/seen`: what the caller has seen of its home.

use axum::body::Body;
use millrace_atproto::datetime::epoch_us;
use millrace_atproto::{AtUri, Datetime};
use millrace_dataplane::query::feed_seen::{MarkFeedSeen, SeenItem};
use millrace_feeds::query::seen::ApplySeen;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::XrpcError;
use crate::request::body;
use crate::xrpc::{Call, Json};

pub(super) const PATH: &str = "/api/v1/feed/seen";

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Seen {
    /// Items: posts, or the reposts that brought them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    uris: Vec<AtUri>,
    /// Where each of them stood; as many, or none.
    #[serde(default)]
    positions: Vec<u32>,
    /// Everything up to then.
    #[schemars(with = "Option<String>")]
    up_to: Option<Datetime>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// Lines of the home that were not seen, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<i64>,
}

pub(super) async fn mark(call: &Call<'_>, body: Body) -> Result<Json, XrpcError> {
    let actor = call.account()?.clone();
    let body = body::read(body, call.api().body_bytes_max).await?;
    let Seen { uris, positions, up_to } = body::parse(&body)?;
    if !positions.is_empty() && positions.len() != uris.len() {
        return Err(XrpcError::invalid("positions must be as many as uris, or none"));
    }
    if uris.is_empty() && up_to.is_none() {
        return Err(XrpcError::invalid("uris or upTo must be given"));
    }
    let mut positions = positions.into_iter();
    let items = uris.into_iter().map(|uri| SeenItem { uri, position: positions.next() }).collect();
    let up_to_us = up_to.and_then(|up_to| epoch_us(up_to.as_str()));
    let marks = MarkFeedSeen { actor: actor.clone(), items, up_to_us };
    call.api().dataplane.command(marks).await?;
    let unread = match &call.api().feeds {
        // Where homes are away they find the marks when they are back.
        Some(feeds) => feeds.ask(ApplySeen { actor }).await.ok().map(|applied| applied.unread),
        None => None,
    };
    Json::of(&Answer { unread })
}
