//! A post as its author is told of it.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::{AtUri, Did, Nsid, RecordKey};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::limited_post::LimitedPost;
use millrace_dataplane::query::post_intent::{IntentState, PostIntent};
use millrace_dataplane::query::record::GetRecord;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::PostingState;
use super::draft::{POST, Visibility};
use crate::error::XrpcError;

/// How long an answer waits until readers see the post, and how often it looks.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(25);

/// Where a post is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// On its way to its author's PDS, which is asked again and again.
    Pending,
    /// At the PDS; here it shows when the PDS has said so.
    Written,
    /// Who may see it sees it.
    Published,
    /// The PDS refused it, or gave no answer for too long.
    Failed,
}

/// A post, as its author is told of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Told {
    pub(super) post_id: String,
    #[schemars(with = "String")]
    pub(super) user_id: Did,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    pub(super) visibility: Visibility,
    pub(super) created_at: String,
    pub(super) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Told {
    pub(super) fn of_limited(post: LimitedPost) -> Self {
        Self {
            post_id: post.uri().to_string(),
            user_id: post.actor,
            cid: None,
            content: Some(post.content),
            visibility: Visibility::of(post.visibility),
            created_at: format_ms_us(post.created_at_us),
            state: State::Published,
            error: None,
        }
    }

    /// A public post by the wish that it be there, and whether readers see it.
    pub(super) fn of_intent(intent: PostIntent, is_seen: bool) -> Self {
        let record: Option<Value> =
            intent.record.as_deref().and_then(|record| serde_json::from_str(record).ok());
        let content = record.as_ref().and_then(|record| record["text"].as_str());
        let created_at = record.as_ref().and_then(|record| record["createdAt"].as_str());
        let created_at =
            created_at.map_or_else(|| format_ms_us(intent.created_at_us), str::to_owned);
        Self {
            post_id: uri(&intent.actor, &intent.rkey).to_string(),
            cid: intent.cid,
            content: content.map(str::to_owned),
            visibility: Visibility::Public,
            created_at,
            state: match intent.state {
                IntentState::Pending => State::Pending,
                IntentState::Failed => State::Failed,
                IntentState::Done if is_seen => State::Published,
                IntentState::Done => State::Written,
            },
            error: intent.error.filter(|_| intent.state != IntentState::Done),
            user_id: intent.actor,
        }
    }

    /// With the status that says how far it is: `done` where it is, 202 where it is on its way, 502 where it failed.
    pub(super) fn answer(self, done: StatusCode) -> Response {
        let status = match self.state {
            State::Published => done,
            State::Pending | State::Written => StatusCode::ACCEPTED,
            State::Failed => StatusCode::BAD_GATEWAY,
        };
        (status, axum::Json(self)).into_response()
    }
}

/// A public post's URI.
pub(super) fn uri(did: &Did, rkey: &RecordKey) -> AtUri {
    let collection = Nsid::parse(POST).expect("invariant: the collection's name");
    AtUri::record(did.clone(), collection, rkey.clone())
}

impl PostingState {
    /// Carries a wish out and waits until readers see what came of it, or for a second.
    pub(super) async fn carried_out(&self, intent: &PostIntent) -> Result<Told, XrpcError> {
        let now = match intent.state {
            IntentState::Pending => self.posting.send(intent).await?,
            _ => intent.clone(),
        };
        let mut is_seen = false;
        if now.state == IntentState::Done {
            is_seen = self.is_seen(&now).await?;
            if !is_seen {
                // Where its server is not followed, what it says is asked for.
                self.api.looks.note(&now.actor, self.api.clock.now_us());
            }
        }
        Ok(Told::of_intent(now, is_seen))
    }

    async fn is_seen(&self, intent: &PostIntent) -> Result<bool, XrpcError> {
        let seen = async {
            while !self.shows(intent).await? {
                tokio::time::sleep(LOOK).await;
            }
            Ok(true)
        };
        tokio::time::timeout(SEEN_WITHIN, seen).await.unwrap_or(Ok(false))
    }

    /// Whether readers see what a wish that was fulfilled is about.
    pub(super) async fn shows(&self, intent: &PostIntent) -> Result<bool, XrpcError> {
        let uri = uri(&intent.actor, &intent.rkey);
        match self.api.dataplane.ask(GetRecord { uri }).await {
            Ok(found) => {
                let cid = found.kept.map(|kept| kept.cid.to_string());
                Ok(intent.record.is_some() && cid == intent.cid)
            }
            Err(DataplaneError::NotFound(_)) => Ok(intent.record.is_none()),
            Err(error) => Err(error.into()),
        }
    }
}
