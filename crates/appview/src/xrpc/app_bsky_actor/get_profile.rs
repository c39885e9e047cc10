//! `app.bsky.actor.getProfile`: one account in detail.
//!
//! An account that is not active is not shown, but the caller is told why.

use millrace_atproto::AtIdentifier;
use millrace_dataplane::model::Actor;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetProfile {
    actor: AtIdentifier,
}

impl Query for GetProfile {
    const NSID: &'static str = "app.bsky.actor.getProfile";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { actor: params.required("actor")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let not_found = || XrpcError::invalid("Profile not found");
        let did = call.did_of(&self.actor).await?.ok_or_else(not_found)?;
        call.looks_at(&did);
        // hydration
        let detailed = vec![did.clone()];
        let hydrated = call.hydrate(Skeleton { detailed, ..Skeleton::default() }).await?;
        // rules
        let known = hydrated.any_actor(&did).ok_or_else(not_found)?;
        if !call.sees_all() {
            if hydrated.takes_down(did.as_str()) {
                return Err(taken_down());
            }
            if !known.actor.active {
                return Err(why_hidden(&known.actor));
            }
        }
        // presentation
        let profile = call.views(&hydrated).profile_detailed(&did).ok_or_else(not_found)?;
        Json::of(&profile)
    }
}

fn taken_down() -> XrpcError {
    XrpcError::named("AccountTakedown", "Account has been suspended")
}

fn why_hidden(actor: &Actor) -> XrpcError {
    match actor.status.as_deref() {
        Some("takendown" | "suspended") => taken_down(),
        Some("deleted") => XrpcError::invalid("Profile not found"),
        _ => XrpcError::named("AccountDeactivated", "Account is deactivated"),
    }
}
