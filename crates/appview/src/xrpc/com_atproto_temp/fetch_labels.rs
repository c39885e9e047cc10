//! `com.atproto.temp.fetchLabels`: what labels were asked for before there was a stream of them. Nobody
//! answers it any more.

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct FetchLabels;

impl Query for FetchLabels {
    const NSID: &'static str = "com.atproto.temp.fetchLabels";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.integer("limit", 1, 250, 50)?;
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Err(XrpcError::invalid(
            "not implemented here: ask com.atproto.label.queryLabels, or follow a labeler's subscribeLabels",
        ))
    }
}
