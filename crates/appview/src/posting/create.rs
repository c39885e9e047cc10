//! `POST /api/v1/posts`: a post is written. The header `Idempotency-Key` makes the same request, sent again, the same
//! post.

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use millrace_atproto::{RecordKey, Tid};
use millrace_dataplane::query::limited_post::PutLimitedPost;
use millrace_dataplane::query::post_intent::{IDEMPOTENCY_KEY_BYTES_MAX, IntendPost};

use super::PostingState;
use super::answer::Told;
use super::draft::{self, Draft};
use super::send::LEASE_US;
use crate::auth::Actor;
use crate::error::XrpcError;
use crate::request::body;
use crate::request::rates::with_tally;

pub(super) const PATH: &str = "/api/v1/posts";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(super) async fn create(
    State(state): State<PostingState>,
    request: Request,
) -> Result<Response, XrpcError> {
    let (parts, body) = request.into_parts();
    let (actor, tally) = state.actor(&parts).await?;
    let body = body::read(body, state.api.body_bytes_max).await?;
    let draft: Draft = body::parse(&body)?;
    draft.check(&actor.did)?;
    let key = idempotency_key(&parts.headers)?;
    let told = state.create(actor, draft, key).await?;
    Ok(with_tally(told.answer(StatusCode::CREATED), tally))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, XrpcError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(XrpcError::invalid(format!(
            "Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} ASCII characters"
        ))),
    }
}

impl PostingState {
    /// A new key, later than those made before.
    pub(super) fn rkey(&self) -> RecordKey {
        let clock_id = u16::try_from(self.rng.below(1 << 10)).unwrap_or(0);
        RecordKey::from(Tid::from_time(self.api.clock.now_us(), clock_id))
    }

    async fn create(
        &self,
        actor: Actor,
        draft: Draft,
        idempotency_key: Option<String>,
    ) -> Result<Told, XrpcError> {
        let rkey = self.rkey();
        if let Some(visibility) = draft.visibility.limit() {
            let Draft { content, langs, .. } = draft;
            let actor = actor.did;
            let put = PutLimitedPost {
                actor,
                rkey,
                visibility,
                content,
                langs,
                idempotency_key,
                withdraws: None,
            };
            return Ok(Told::of_limited(self.api.dataplane.command(put).await?.post));
        }
        let media = draft.media(&self.api, &actor.did).await?;
        let now_us = self.api.clock.now_us();
        let record = draft::record(&self.api, &draft.content, &draft.langs, &media, now_us).await?;
        let intend = IntendPost {
            actor: actor.did,
            rkey,
            record: Some(record.to_string()),
            grant_id: actor.grant_id,
            idempotency_key,
            lease_us: LEASE_US,
            replaces: None,
        };
        self.intend(intend).await
    }

    /// Notes a wish and carries it out.
    pub(super) async fn intend(&self, intend: IntendPost) -> Result<Told, XrpcError> {
        let intended = self.api.dataplane.command(intend).await?;
        let Some(intent) = intended.intent else {
            return Err(XrpcError::TooMany(
                "too many posts wait for this account's PDS".to_owned(),
            ));
        };
        match intended.is_new {
            true => self.carried_out(&intent).await,
            // Whoever began it is at it.
            false => {
                let is_seen = self.shows(&intent).await?;
                Ok(Told::of_intent(intent, is_seen))
            }
        }
    }
}
