//! What is said here of accounts and records: `GET /api/v1/admin/labels` lists it, `POST labels/issue` says or takes
//! back. Labels are signed with the service's key, under its DID: who accepts that DID as a labeler sees them.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use millrace_atproto::Did;
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::label::{SentLabel, VERSION};
use millrace_atproto::syntax::{CidString, Datetime};
use millrace_dataplane::query::issued_label::{
    IssueLabels, IssuedLabelPage, LABELS_MAX, LIMIT_MAX, ListIssuedLabels, SignedLabel,
};
use serde::{Deserialize, Serialize};

use super::{Operated, Told, from_dataplane, malformed};
use crate::error::XrpcError;

const LIMIT_DEFAULT: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    labels: Vec<Wanted>,
    #[serde(default)]
    reason: String,
}

/// A label that is not signed yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    uri: String,
    val: String,
    cid: Option<CidString>,
    exp: Option<Datetime>,
    #[serde(default)]
    neg: bool,
}

#[derive(Serialize)]
pub(super) struct Issued {
    labels: Vec<SignedLabel>,
}

pub(super) async fn list(
    Operated(state): Operated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<IssuedLabelPage>, XrpcError> {
    let Query(Page { limit, cursor }) = page.map_err(|error| malformed(&error))?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let question = ListIssuedLabels { src: state.issuer.did.clone(), limit, cursor };
    Ok(Json(state.dataplane.ask(question).await.map_err(from_dataplane)?))
}

pub(super) async fn issue(
    Operated(state): Operated,
    Told(Said { labels, reason }): Told<Said>,
) -> Result<Json<Issued>, XrpcError> {
    let Some(key) = &state.issuer.key else {
        return Err(XrpcError::invalid(
            "labels are signed with appview.service_key, which is not set",
        ));
    };
    if labels.is_empty() || labels.len() > LABELS_MAX {
        return Err(XrpcError::invalid(format!("between 1 and {LABELS_MAX} labels")));
    }
    let cts = format_ms_us(state.clock.now_us());
    let signed = labels.into_iter().map(|label| label.signed(&state.issuer.did, &cts, key.key()));
    let labels: Vec<SignedLabel> = signed.collect::<Result<_, _>>()?;
    tracing::info!(labels = labels.len(), "the operator issues labels");
    let command = IssueLabels { labels: labels.clone(), reason };
    state.dataplane.command(command).await.map_err(from_dataplane)?;
    state.issuer.has_said();
    Ok(Json(Issued { labels }))
}

impl Wanted {
    fn signed(self, src: &Did, cts: &str, key: &SigningKey) -> Result<SignedLabel, XrpcError> {
        let Self { uri, val, cid, exp, neg } = self;
        let sent = SentLabel {
            ver: Some(VERSION),
            src: src.as_str(),
            uri: &uri,
            cid: cid.as_ref().map(CidString::as_str),
            val: &val,
            neg: neg.then_some(true),
            cts,
            exp: exp.as_ref().map(Datetime::as_str),
            sig: None,
        };
        sent.check().map_err(|error| XrpcError::invalid(format!("a label of {uri}: {error}")))?;
        let sig = STANDARD_NO_PAD.encode(sent.sign(key));
        let exp = exp.map(|exp| exp.as_str().to_owned());
        let (src, cts) = (src.clone(), cts.to_owned());
        Ok(SignedLabel { src, uri, cid, val, neg, cts, exp, sig })
    }
}
