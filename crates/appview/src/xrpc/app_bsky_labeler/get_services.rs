//! `app.bsky.labeler.getServices`: labelers by account, in short or with their policies; accounts
//! that have none, or cannot be shown, are left out.

use millrace_atproto::Did;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::labeler::{LabelerView, LabelerViewDetailed};
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// The lexicon has no bound; clients ask for those they subscribe to, of which there are few.
const LABELERS_MAX: usize = 100;

pub(crate) struct GetServices {
    dids: Vec<Did>,
    detailed: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    views: Vec<ServiceView<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "$type")]
enum ServiceView<'a> {
    #[serde(rename = "app.bsky.labeler.defs#labelerView")]
    Short(LabelerView<'a>),
    #[serde(rename = "app.bsky.labeler.defs#labelerViewDetailed")]
    Detailed(LabelerViewDetailed<'a>),
}

impl Query for GetServices {
    const NSID: &'static str = "app.bsky.labeler.getServices";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            dids: params.required_list("dids", LABELERS_MAX)?,
            detailed: params.flag("detailed")?.unwrap_or(false),
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // hydration
        let labelers = self.dids.clone();
        let hydrated = call.hydrate(Skeleton { labelers, ..Skeleton::default() }).await?;
        // presentation
        let views = call.views(&hydrated);
        let view = |did: &Did| match self.detailed {
            true => views.labeler_detailed(did).map(ServiceView::Detailed),
            false => views.labeler(did).map(ServiceView::Short),
        };
        Json::of(&Answer { views: self.dids.iter().filter_map(view).collect() })
    }
}
