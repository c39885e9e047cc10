//! `com.atproto.admin.getAccountInfos`: accounts with their profile records, as moderators look at them.
//! Accounts that are not active are among them, those taken down here only for who moderates.

use std::collections::HashSet;

use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::HANDLE_INVALID;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, HydratedActor};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// Accounts one request may name.
const DIDS_MAX: usize = 200;

pub(crate) struct GetAccountInfos {
    dids: Vec<Did>,
}

#[derive(Serialize)]
struct Answer<'a> {
    infos: Vec<AccountView<'a>>,
}

/// `com.atproto.admin.defs#accountView`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountView<'a> {
    did: &'a Did,
    handle: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_records: Option<[&'a RawValue; 1]>,
    indexed_at: String,
}

impl Query for GetAccountInfos {
    const NSID: &'static str = "com.atproto.admin.getAccountInfos";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { dids: params.required_list("dids", DIDS_MAX)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton, hydration
        let actors = self.dids.clone();
        let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
        // rules, presentation
        let mut seen = HashSet::new();
        let dids = self.dids.iter().filter(|did| seen.insert(*did));
        let infos = dids.filter_map(|did| known(&hydrated, did)).map(view).collect();
        Json::of(&Answer { infos })
    }
}

fn known<'a>(hydrated: &'a Hydrated, did: &Did) -> Option<&'a HydratedActor> {
    hydrated
        .any_actor(did)
        .filter(|known| known.actor.status.as_deref() != Some("deleted"))
        .filter(|_| !hydrated.is_hidden_here(did.as_str()))
}

fn view(known: &HydratedActor) -> AccountView<'_> {
    let actor = &known.actor;
    let profile = actor.profile.as_ref();
    let indexed_at_us = profile.map_or(0, |record| {
        known.profile.created_at_us.unwrap_or(i64::MAX).min(record.indexed_at_us)
    });
    AccountView {
        did: &actor.did,
        handle: actor.handle.as_ref().map_or(HANDLE_INVALID, |handle| handle.as_str()),
        related_records: profile.map(|record| [record.value.as_ref()]),
        indexed_at: format_ms_us(indexed_at_us),
    }
}
