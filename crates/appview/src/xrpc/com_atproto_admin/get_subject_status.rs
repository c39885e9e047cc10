//! `com.atproto.admin.getSubjectStatus`: whether an account, a record or a blob is taken down here.

use millrace_atproto::syntax::CidString;
use millrace_atproto::{AtIdentifier, AtUri, Did};
use millrace_dataplane::query::takedown::{GetTakedown, Takedown, TakedownSubject};
use serde::Serialize;

use super::{REFERENCE_DEFAULT, StatusAttr};
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::com_atproto_repo::get_record;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSubjectStatus {
    did: Option<Did>,
    uri: Option<AtUri>,
    blob: Option<CidString>,
}

#[derive(Serialize)]
struct Answer {
    subject: Subject,
    takedown: StatusAttr,
}

#[derive(Serialize)]
#[serde(tag = "$type")]
enum Subject {
    #[serde(rename = "com.atproto.admin.defs#repoRef")]
    Repo { did: Did },
    #[serde(rename = "com.atproto.repo.strongRef")]
    Record { uri: String, cid: String },
    #[serde(rename = "com.atproto.admin.defs#repoBlobRef")]
    Blob { did: Did, cid: CidString },
}

impl Query for GetSubjectStatus {
    const NSID: &'static str = "com.atproto.admin.getSubjectStatus";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let asked = Self {
            did: params.optional("did")?,
            uri: params.optional("uri")?,
            blob: params.optional("blob")?,
        };
        match &asked {
            Self { did: None, blob: Some(_), .. } => {
                Err(XrpcError::invalid("Must provide a did to request blob state"))
            }
            Self { did: None, uri: None, .. } => Err(XrpcError::invalid("No provided subject")),
            _ => Ok(asked),
        }
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let not_found = || XrpcError::named("NotFound", "Subject not found");
        let (subject, asked) = match self {
            Self { did: Some(did), blob: Some(cid), .. } => {
                let asked = TakedownSubject::Blob { did: did.clone(), cid: cid.clone() };
                (Subject::Blob { did, cid }, asked)
            }
            Self { uri: Some(uri), .. } => {
                let (did, collection, rkey) = uri.as_record().ok_or_else(not_found)?;
                let cid = get_record::current(call, did, collection, rkey).await?;
                let cid = cid.ok_or_else(not_found)?.to_string();
                (Subject::Record { uri: uri.to_string(), cid }, TakedownSubject::Record { uri })
            }
            Self { did: Some(did), .. } => {
                let known = call.standing(&AtIdentifier::Did(did.clone())).await?;
                let asked = TakedownSubject::Account { did: did.clone() };
                if known.is_none() && takedown(call, asked.clone()).await?.is_none() {
                    return Err(not_found());
                }
                (Subject::Repo { did }, asked)
            }
            Self { .. } => return Err(not_found()),
        };
        let takedown = takedown(call, asked).await?;
        let applied = takedown.is_some();
        let reference = takedown.map(|takedown| match takedown.reference.is_empty() {
            true => REFERENCE_DEFAULT.to_owned(),
            false => takedown.reference,
        });
        Json::of(&Answer { subject, takedown: StatusAttr { applied, reference } })
    }
}

async fn takedown(
    call: &Call<'_>,
    subject: TakedownSubject,
) -> Result<Option<Takedown>, XrpcError> {
    Ok(call.ask(GetTakedown { subject }).await?.takedown)
}
