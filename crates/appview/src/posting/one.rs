//! `GET`, `PATCH` and `DELETE /api/v1/posts/{uri}`: one post, by its URI.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use millrace_atproto::{AtUri, Did, RecordKey};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::limited_post::{
    self, DeleteLimitedPost, GetLimitedPosts, LIMITED_POST, LimitedPost, PutLimitedPost, Withdraw,
};
use millrace_dataplane::query::post_intent::{GetPostIntent, IntendPost, PostIntent};
use millrace_dataplane::query::record::GetRecord;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::PostingState;
use super::answer::{self, State as Where, Told};
use super::draft::{self, POST, Visibility};
use super::send::LEASE_US;
use crate::auth::Actor;
use crate::error::XrpcError;
use crate::request::body;
use crate::request::rates::with_tally;
use crate::rest;
use crate::routes::Verb;
use crate::xrpc::Call;

pub(super) const PATH: &str = "/api/v1/posts/{uri}";

/// What is to be otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    content: Option<String>,
    visibility: Option<Visibility>,
}

/// A post by its URI.
enum Named {
    Public(Did, RecordKey),
    Limited(Did, RecordKey),
}

impl Named {
    fn parse(text: &str) -> Result<Self, XrpcError> {
        let refused = || XrpcError::invalid(format!("not the URI of a post: {text:?}"));
        let uri = AtUri::parse(text).map_err(|_| refused())?;
        let (did, collection, rkey) = uri.as_record().ok_or_else(refused)?;
        match collection.as_str() {
            POST => Ok(Self::Public(did.clone(), rkey.clone())),
            LIMITED_POST => Ok(Self::Limited(did.clone(), rkey.clone())),
            _ => Err(refused()),
        }
    }

    fn did(&self) -> &Did {
        let (Self::Public(did, _) | Self::Limited(did, _)) = self;
        did
    }
}

pub(super) async fn read(
    State(state): State<PostingState>,
    Path(uri): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let told = async |call: &Call<'_>, uri: String| {
        let viewer = call.account()?.clone();
        state.told(&viewer, &Named::parse(&uri)?).await.map(axum::Json)
    };
    rest::answer(&state.api, (Verb::Get, PATH), &parts, Ok(uri), told).await
}

pub(super) async fn change(
    State(state): State<PostingState>,
    Path(uri): Path<String>,
    request: Request,
) -> Result<Response, XrpcError> {
    let (parts, body) = request.into_parts();
    let (actor, tally) = state.actor(&parts).await?;
    let body = body::read(body, state.api.body_bytes_max).await?;
    let change: Change = body::parse(&body)?;
    if change.content.is_none() && change.visibility.is_none() {
        return Err(XrpcError::invalid("content or visibility must be given"));
    }
    let named = state.own(&actor, &uri)?;
    let told = match &named {
        Named::Limited(_, rkey) => state.change_limited(actor, rkey, change).await?,
        Named::Public(_, rkey) => state.change_public(actor, rkey, change).await?,
    };
    Ok(with_tally(told.answer(StatusCode::OK), tally))
}

pub(super) async fn delete(
    State(state): State<PostingState>,
    Path(uri): Path<String>,
    request: Request,
) -> Result<Response, XrpcError> {
    let (parts, _) = request.into_parts();
    let (actor, tally) = state.actor(&parts).await?;
    let told = match state.own(&actor, &uri)? {
        Named::Limited(did, rkey) => {
            let mut told = Told::of_limited(state.limited(&did, &did, &rkey).await?);
            state.api.dataplane.command(DeleteLimitedPost { actor: did, rkey }).await?;
            told.content = None;
            told
        }
        Named::Public(did, rkey) => {
            // One that is going already goes.
            if state.intent(&did, &rkey).await?.is_none() {
                state.public(&did, &rkey).await?;
            }
            state.intend(wish(&actor, rkey, None, None)).await?
        }
    };
    Ok(with_tally(told.answer(StatusCode::OK), tally))
}

fn wish(
    actor: &Actor,
    rkey: RecordKey,
    record: Option<&Value>,
    replaces: Option<RecordKey>,
) -> IntendPost {
    IntendPost {
        actor: actor.did.clone(),
        rkey,
        record: record.map(Value::to_string),
        grant_id: actor.grant_id.clone(),
        idempotency_key: None,
        lease_us: LEASE_US,
        replaces,
    }
}

fn not_found() -> XrpcError {
    XrpcError::NoSuch("there is no such post".to_owned())
}

impl PostingState {
    /// A post of whoever asks.
    fn own(&self, actor: &Actor, uri: &str) -> Result<Named, XrpcError> {
        let named = Named::parse(uri)?;
        if *named.did() == actor.did { Ok(named) } else { Err(XrpcError::NotYou) }
    }

    /// What an account may know of a post.
    async fn told(&self, viewer: &Did, named: &Named) -> Result<Told, XrpcError> {
        match named {
            Named::Limited(did, rkey) => {
                Ok(Told::of_limited(self.limited(viewer, did, rkey).await?))
            }
            Named::Public(did, rkey) if did == viewer => match self.intent(did, rkey).await? {
                Some(intent) => {
                    let is_seen = self.shows(&intent).await?;
                    Ok(Told::of_intent(intent, is_seen))
                }
                None => self.shown(did, rkey).await,
            },
            Named::Public(did, rkey) => self.shown(did, rkey).await,
        }
    }

    /// A public post as everybody sees it.
    async fn shown(&self, did: &Did, rkey: &RecordKey) -> Result<Told, XrpcError> {
        let (record, cid) = self.public(did, rkey).await?;
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        Ok(Told {
            post_id: answer::uri(did, rkey).to_string(),
            user_id: did.clone(),
            cid,
            content: text("text"),
            visibility: Visibility::Public,
            created_at: text("createdAt").unwrap_or_default(),
            state: Where::Published,
            error: None,
        })
    }

    async fn intent(&self, did: &Did, rkey: &RecordKey) -> Result<Option<PostIntent>, XrpcError> {
        let asked = GetPostIntent { actor: did.clone(), rkey: rkey.clone() };
        Ok(self.api.dataplane.ask(asked).await?.intent)
    }

    async fn limited(
        &self,
        viewer: &Did,
        did: &Did,
        rkey: &RecordKey,
    ) -> Result<LimitedPost, XrpcError> {
        let uris = vec![limited_post::uri(did, rkey)];
        let asked = GetLimitedPosts { viewer: viewer.clone(), uris };
        let found = self.api.dataplane.ask(asked).await?.posts;
        found.into_iter().next().ok_or_else(not_found)
    }

    /// The record of a public post as it is to be: as it was last wished here, or as it is shown.
    async fn public(
        &self,
        did: &Did,
        rkey: &RecordKey,
    ) -> Result<(Value, Option<String>), XrpcError> {
        if let Some(intent) = self.intent(did, rkey).await? {
            let record = intent.record.as_deref().ok_or_else(not_found)?;
            return Ok((serde_json::from_str(record)?, intent.cid));
        }
        match self.api.dataplane.ask(GetRecord { uri: answer::uri(did, rkey) }).await {
            Ok(found) if !found.taken_down => {
                let kept = found.kept.ok_or_else(not_found)?;
                Ok((serde_json::from_str(kept.value.get())?, Some(kept.cid.to_string())))
            }
            Ok(_) | Err(DataplaneError::NotFound(_)) => Err(not_found()),
            Err(error) => Err(error.into()),
        }
    }

    async fn change_limited(
        &self,
        actor: Actor,
        rkey: &RecordKey,
        change: Change,
    ) -> Result<Told, XrpcError> {
        let post = self.limited(&actor.did, &actor.did, rkey).await?;
        let content = change.content.unwrap_or(post.content);
        draft::check_content(&content, false)?;
        let visibility = change.visibility.unwrap_or(Visibility::of(post.visibility));
        let Some(limit) = visibility.limit() else {
            // From now on everybody's: a record, and the row goes with the wish for it.
            let at_us = post.created_at_us;
            let record = draft::record(&self.api, &content, &post.langs, &[], at_us).await?;
            let wish = wish(&actor, self.rkey(), Some(&record), Some(rkey.clone()));
            return self.intend(wish).await;
        };
        let put = PutLimitedPost {
            actor: actor.did,
            rkey: rkey.clone(),
            visibility: limit,
            content,
            langs: post.langs,
            idempotency_key: None,
            withdraws: None,
        };
        Ok(Told::of_limited(self.api.dataplane.command(put).await?.post))
    }

    async fn change_public(
        &self,
        actor: Actor,
        rkey: &RecordKey,
        change: Change,
    ) -> Result<Told, XrpcError> {
        let (record, _) = self.public(&actor.did, rkey).await?;
        let text = change.content.as_deref().or(record["text"].as_str()).unwrap_or_default();
        draft::check_content(text, record.get("embed").is_some())?;
        let Some(visibility) = change.visibility.and_then(Visibility::limit) else {
            let record = draft::with_text(&self.api, &record, text).await?;
            return self.intend(wish(&actor, rkey.clone(), Some(&record), None)).await;
        };
        if record.get("embed").is_some() || record.get("reply").is_some() {
            return Err(XrpcError::invalid(
                "a post with an embed, and one that answers, can only be PUBLIC",
            ));
        }
        let langs = record["langs"].as_array().into_iter().flatten();
        let langs = langs.filter_map(|lang| lang.as_str().map(str::to_owned)).collect();
        let withdraws = Withdraw { rkey: rkey.clone(), grant_id: actor.grant_id.clone() };
        let put = PutLimitedPost {
            actor: actor.did,
            rkey: self.rkey(),
            visibility,
            content: text.to_owned(),
            langs,
            idempotency_key: None,
            withdraws: Some(withdraws),
        };
        // The task takes the record away from the PDS.
        Ok(Told::of_limited(self.api.dataplane.command(put).await?.post))
    }
}
