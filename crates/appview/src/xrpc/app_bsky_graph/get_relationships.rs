//! `app.bsky.graph.getRelationships`: what one account is to others. The others are meant by DID;
//! a handle among them is not looked up and stands as not found.

use std::collections::HashMap;

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::model::Relationship;
use millrace_dataplane::query::relationships;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

const OTHERS_MAX: usize = 30;

pub(crate) struct GetRelationships {
    actor: AtIdentifier,
    others: Vec<AtIdentifier>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a Did>,
    relationships: Vec<RelationshipView<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "$type")]
enum RelationshipView<'a> {
    #[serde(rename = "app.bsky.graph.defs#relationship")]
    Known(Relationship),
    #[serde(rename = "app.bsky.graph.defs#notFoundActor", rename_all = "camelCase")]
    NotFound { actor: &'a AtIdentifier, not_found: bool },
}

impl Query for GetRelationships {
    const NSID: &'static str = "app.bsky.graph.getRelationships";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { actor: params.required("actor")?, others: params.list("others", OTHERS_MAX)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.did_of(&self.actor).await?;
        let known = match &actor {
            Some(actor) => self.relationships(call, actor).await?,
            None => HashMap::new(),
        };
        let view = |other| match known.get(other).cloned() {
            Some(relationship) => RelationshipView::Known(relationship),
            None => RelationshipView::NotFound { actor: other, not_found: true },
        };
        Json::of(&Answer {
            actor: actor.as_ref(),
            relationships: self.others.iter().map(view).collect(),
        })
    }
}

impl GetRelationships {
    async fn relationships(
        &self,
        call: &Call<'_>,
        actor: &Did,
    ) -> Result<HashMap<AtIdentifier, Relationship>, XrpcError> {
        let others: Vec<Did> =
            self.others.iter().filter_map(|other| other.as_did().cloned()).collect();
        if others.is_empty() {
            return Ok(HashMap::new());
        }
        let question = relationships::GetRelationships { actor: actor.clone(), others };
        let found = call.ask(question).await?.relationships;
        let by_name = |found: Relationship| (AtIdentifier::Did(found.did.clone()), found);
        Ok(found.into_iter().map(by_name).collect())
    }
}
