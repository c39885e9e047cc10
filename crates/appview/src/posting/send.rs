//! Wishes on their way to PDSs. A PDS that is away, or answers nothing that can be understood, is asked again and
//! again; what it refuses is refused for good, and its author is told.

use std::time::Duration;

use millrace_atproto::Nsid;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::post_intent::{
    IntentState, LeasePostIntents, Outcome, PostIntent, SettlePostIntent,
};
use millrace_net::http::Limits;
use millrace_net::session::{Call, SessionError as PdsError};
use millrace_runtime::metrics::{CounterVec, Registry};
use millrace_runtime::rng::Rng;
use serde::Deserialize;
use serde_json::{Value, json};

use super::draft::POST;
use crate::session::SessionError;
use crate::sign_in::{ActError, Acting};

/// How long a PDS may take, and how long nobody else takes up what somebody is at.
const ANSWER: Limits = Limits::new(256 * 1024, Duration::from_secs(10));
pub(super) const LEASE_US: i64 = 20_000_000;
/// Wishes taken up at once.
const TAKEN_MAX: u32 = 16;
const ATTEMPTS_MAX: i64 = 10;
/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// Brings wishes to PDSs. Cheap to clone.
#[derive(Clone)]
pub struct Posting {
    acting: Acting,
    dataplane: millrace_dataplane::Client,
    rng: Rng,
    outcomes: CounterVec,
}

/// What a PDS says of a record that it has.
#[derive(Deserialize)]
struct Put {
    cid: String,
}

impl Posting {
    pub(crate) fn new(
        acting: Acting,
        dataplane: millrace_dataplane::Client,
        rng: Rng,
        registry: &Registry,
    ) -> Self {
        let outcomes = registry.counter_with(
            "millrace_appview_posts_total",
            "Posts brought to the PDS of their author, by what came of it: done, again, failed.",
            &["outcome"],
        );
        Self { acting, dataplane, rng, outcomes }
    }

    /// Goes on with wishes that others left, a few; true if there may be more.
    ///
    /// # Errors
    /// The data-plane cannot be asked.
    pub async fn pass(&self) -> Result<bool, DataplaneError> {
        let lease = LeasePostIntents { limit: TAKEN_MAX, lease_us: LEASE_US };
        let intents = self.dataplane.command(lease).await?.intents;
        for intent in &intents {
            self.send(intent).await?;
        }
        Ok(intents.len() >= TAKEN_MAX as usize)
    }

    /// The acting handle, for what is no wish.
    pub(super) fn acting(&self) -> &Acting {
        &self.acting
    }

    /// Asks the PDS, and notes what came of it: the wish as it stands then.
    pub(super) async fn send(&self, intent: &PostIntent) -> Result<PostIntent, DataplaneError> {
        millrace_runtime::crash::point("posts.intended");
        let outcome = self.asked(intent).await;
        millrace_runtime::crash::point("posts.written");
        let (name, mut now) = match &outcome {
            Outcome::Done { cid } => {
                let cid = cid.clone().or_else(|| intent.cid.clone());
                ("done", PostIntent { state: IntentState::Done, cid, ..intent.clone() })
            }
            Outcome::Again { error, .. } => {
                ("again", PostIntent { error: Some(error.clone()), ..intent.clone() })
            }
            Outcome::Failed { error } => {
                let error = Some(error.clone());
                ("failed", PostIntent { state: IntentState::Failed, error, ..intent.clone() })
            }
        };
        if let Some(error) = &now.error {
            tracing::warn!(did = %intent.actor, rkey = %intent.rkey, outcome = name, error, "a post is not at its PDS");
        }
        now.attempts += 1;
        self.outcomes.with(&[name]).inc();
        let (actor, rkey) = (intent.actor.clone(), intent.rkey.clone());
        let settle = SettlePostIntent { actor, rkey, version: intent.version, outcome };
        self.dataplane.command(settle).await?;
        millrace_runtime::crash::point("posts.settled");
        Ok(now)
    }

    async fn asked(&self, intent: &PostIntent) -> Outcome {
        let call = match call(intent) {
            Ok(call) => call,
            Err(error) => return Outcome::Failed { error: error.to_string() },
        };
        match self.acting.send(&intent.grant_id, &call).await {
            Ok(_) if intent.record.is_none() => Outcome::Done { cid: None },
            Ok(answer) => match serde_json::from_slice::<Put>(&answer.body) {
                Ok(put) => Outcome::Done { cid: Some(put.cid) },
                Err(error) => self.again(intent, format!("the PDS's answer is none: {error}")),
            },
            Err(error) if is_final(&error) => Outcome::Failed { error: error.to_string() },
            Err(error) => self.again(intent, error.to_string()),
        }
    }

    fn again(&self, intent: &PostIntent, error: String) -> Outcome {
        if intent.attempts + 1 >= ATTEMPTS_MAX {
            return Outcome::Failed { error };
        }
        let doubled =
            u32::try_from(intent.attempts).map_or(u32::MAX, |attempts| 1 << attempts.min(16));
        let pause = self.rng.jitter(PAUSE.saturating_mul(doubled));
        let after_us = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        Outcome::Again { error, after_us }
    }
}

/// Whether asking again would bring the same.
fn is_final(error: &ActError) -> bool {
    match error {
        ActError::Session(SessionError::Over) => true,
        ActError::Session(_) => false,
        ActError::Pds(PdsError::Invalid(_)) => false,
        ActError::Pds(error) => !error.is_transient(),
    }
}

fn call(intent: &PostIntent) -> Result<Call, PdsError> {
    let mut body = json!({"repo": intent.actor, "collection": POST, "rkey": intent.rkey});
    let method = match &intent.record {
        Some(record) => {
            let record: Value = serde_json::from_str(record)
                .map_err(|error| PdsError::Invalid(error.to_string()))?;
            body["record"] = record;
            "com.atproto.repo.putRecord"
        }
        None => "com.atproto.repo.deleteRecord",
    };
    let method = Nsid::parse(method).expect("invariant: the name of a method");
    Ok(Call::procedure(method).json(&body)?.limits(ANSWER))
}
