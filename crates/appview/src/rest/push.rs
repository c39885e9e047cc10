//! `GET`, `POST` and `DELETE /api/v1/push`: browsers that are told of notifications while no page is open.

use axum::body::Body;
use millrace_dataplane::query::push::DEVICES_MAX;
use millrace_dataplane::query::web_push::{
    DeleteWebPush, GetPushKey, PushKey, PushKeys, PushSubscription, PutWebPush,
};
use serde::{Deserialize, Serialize};

use crate::error::XrpcError;
use crate::request::body;
use crate::xrpc::{Call, Json};

pub(super) const PATH: &str = "/api/v1/push";

/// As browsers write it (`PushSubscription.toJSON()`).
#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: PushKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removed {
    endpoint: String,
}

#[derive(Serialize)]
struct Done {}

/// What a browser subscribes with; none where nothing is pushed.
pub(super) async fn key(call: &Call<'_>) -> Result<Json, XrpcError> {
    Json::of(&call.ask(GetPushKey {}).await?)
}

pub(super) async fn put(call: &Call<'_>, body: Body) -> Result<Json, XrpcError> {
    let actor = call.account()?.clone();
    let body = body::read(body, call.api().body_bytes_max).await?;
    let Subscription { endpoint, keys } = body::parse(&body)?;
    let PushKey { key } = call.ask(GetPushKey {}).await?;
    if key.is_none() {
        return Err(XrpcError::invalid("this service pushes nothing"));
    }
    let subscription = PushSubscription { endpoint, keys };
    // As many as devices of apps; where nobody may register one, a browser is still its person's own.
    let devices_max = match call.api().push_devices {
        0 => DEVICES_MAX,
        some => some.min(DEVICES_MAX),
    };
    let session_id = call.api().auth.session_id(call.headers(), &actor).await?;
    let put = PutWebPush { actor, subscription, devices_max, session_id };
    call.api().dataplane.command(put).await?;
    Json::of(&Done {})
}

pub(super) async fn remove(call: &Call<'_>, body: Body) -> Result<Json, XrpcError> {
    let actor = call.account()?.clone();
    let body = body::read(body, call.api().body_bytes_max).await?;
    let Removed { endpoint } = body::parse(&body)?;
    let endpoint = Some(endpoint);
    call.api().dataplane.command(DeleteWebPush { actor, endpoint }).await?;
    Json::of(&Done {})
}
