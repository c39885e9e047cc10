//! `app.bsky.ageassurance.getState`: what is known of the viewer's age (nothing), and since when they have
//! their account.

use millrace_atproto::datetime::format_ms_us;
use serde::Serialize;

use super::UNKNOWN;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetState;

#[derive(Serialize)]
struct Answer {
    state: State,
    metadata: Metadata,
}

#[derive(Serialize)]
struct State {
    status: &'static str,
    access: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_created_at: Option<String>,
}

impl Query for GetState {
    const NSID: &'static str = "app.bsky.ageassurance.getState";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.required::<String>("countryCode")?;
        params.text("regionCode")?;
        Ok(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // hydration
        let viewer = call.account()?;
        let actors = vec![viewer.clone()];
        let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
        // presentation
        let created_at_us =
            hydrated.any_actor(viewer).and_then(|known| known.profile.created_at_us);
        let metadata = Metadata { account_created_at: created_at_us.map(format_ms_us) };
        Json::of(&Answer { state: State { status: UNKNOWN, access: UNKNOWN }, metadata })
    }
}
