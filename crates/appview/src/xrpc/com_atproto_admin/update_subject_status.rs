//! `com.atproto.admin.updateSubjectStatus`: takes an account, a record or a blob down, or lifts that. It holds
//! when this returns, for everybody.

use millrace_atproto::syntax::CidString;
use millrace_atproto::{AtUri, Did};
use millrace_dataplane::query::takedown::{LiftTakedown, TakeDown, TakedownSubject};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::xrpc::{Call, Json, Procedure};

/// Who decided, if it was not the moderation service.
const OPERATOR: &str = "operator";

#[derive(Deserialize)]
pub(crate) struct UpdateSubjectStatus {
    /// Given back as it came.
    subject: Box<RawValue>,
    takedown: Option<Takedown>,
}

#[derive(Serialize, Deserialize)]
struct Takedown {
    applied: bool,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "$type")]
enum Subject {
    #[serde(rename = "com.atproto.admin.defs#repoRef")]
    Repo { did: Did },
    #[serde(rename = "com.atproto.repo.strongRef")]
    Record { uri: AtUri },
    #[serde(rename = "com.atproto.admin.defs#repoBlobRef")]
    Blob { did: Did, cid: CidString },
}

#[derive(Serialize)]
struct Answer {
    subject: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    takedown: Option<Takedown>,
}

impl Procedure for UpdateSubjectStatus {
    const NSID: &'static str = "com.atproto.admin.updateSubjectStatus";
    type Answer = Json;

    async fn run(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { subject: given, takedown } = self;
        let subject: Subject = serde_json::from_str(given.get())
            .map_err(|error| XrpcError::invalid(format!("Invalid subject: {error}")))?;
        let subject = match subject {
            Subject::Repo { did } => TakedownSubject::Account { did },
            Subject::Record { uri } => TakedownSubject::Record { uri },
            Subject::Blob { did, cid } => TakedownSubject::Blob { did, cid },
        };
        if let Some(Takedown { applied, reference }) = &takedown {
            let by = call.viewer().map_or(OPERATOR, Did::as_str).to_owned();
            tracing::info!(?subject, applied, by, "a takedown was decided");
            let dataplane = &call.api().dataplane;
            if *applied {
                let reference = reference.clone().unwrap_or_default();
                let reason = String::new();
                dataplane.command(TakeDown { subject, reference, reason, by }).await?;
            } else {
                dataplane.command(LiftTakedown { subject }).await?;
            }
        }
        Json::of(&Answer { subject: given, takedown })
    }
}
