//! `com.atproto.label.queryLabels`: what labelers say of accounts and records, whoever may see those. Beside
//! single subjects all records of an account, or of one of its collections, can be asked for; what is taken
//! back or over is not among the answers.

use millrace_atproto::Did;
use millrace_dataplane::model::Label;
use millrace_dataplane::query::labels::{self, LABELS_MAX, PATTERNS_MAX, SOURCES_MAX};
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

const LIMIT_DEFAULT: u32 = 50;

pub(crate) struct QueryLabels(labels::QueryLabels);

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    labels: Vec<Label>,
}

impl Query for QueryLabels {
    const NSID: &'static str = "com.atproto.label.queryLabels";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let sources: Vec<Did> = params.list("sources", SOURCES_MAX)?;
        Ok(Self(labels::QueryLabels {
            uri_patterns: params.required_list("uriPatterns", PATTERNS_MAX)?,
            sources: (!sources.is_empty()).then_some(sources),
            limit: params.integer("limit", 1, LABELS_MAX, LIMIT_DEFAULT)?,
            cursor: params.cursor()?,
        }))
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let labels::LabelsPage { labels, cursor } = call.ask(self.0).await?;
        Json::of(&Answer { cursor, labels })
    }
}
