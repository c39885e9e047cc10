//! `app.bsky.embed.getEmbedExternalView`: a richer card of a link, made of records that other applications
//! wrote about it. Those are not kept here; clients then show the card they make themselves.

use millrace_atproto::AtUri;
use millrace_atproto::syntax::Uri;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

const URIS_MAX: usize = 4;

pub(crate) struct GetEmbedExternalView;

/// No view, no references and no records.
#[derive(Serialize)]
struct Answer {}

impl Query for GetEmbedExternalView {
    const NSID: &'static str = "app.bsky.embed.getEmbedExternalView";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.required::<Uri>("url")?;
        params.required_list::<AtUri>("uris", URIS_MAX)?;
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Json::of(&Answer {})
    }
}
