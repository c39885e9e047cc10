//! `com.atproto.label.subscribeLabels`: labels issued here, as a stream, from a number on or from now on.

use axum::response::Response;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::Api;
use crate::xrpc::method::{Subscription, Upgrade};

pub(crate) struct SubscribeLabels {
    cursor: Option<i64>,
}

impl Subscription for SubscribeLabels {
    const NSID: &'static str = "com.atproto.label.subscribeLabels";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let cursor: Option<i64> = params.optional("cursor")?;
        match cursor {
            Some(..0) => Err(XrpcError::invalid("cursor must not be negative")),
            _ => Ok(Self { cursor }),
        }
    }

    fn open(self, api: &Api, upgrade: Upgrade) -> Result<Response, XrpcError> {
        api.label_stream.check()?;
        let upgrade = upgrade.map_err(|_| {
            XrpcError::invalid("this is a stream: ask for it by a WebSocket's handshake")
        })?;
        api.label_stream.follow(self.cursor, upgrade)
    }
}
