//! `app.bsky.draft.*`, one file a method.

pub(super) mod create_draft;
pub(super) mod delete_draft;
pub(super) mod get_drafts;
pub(super) mod update_draft;

use millrace_atproto::cbor;
use millrace_atproto::lexicon::check_draft;
use serde_json::Value;

use crate::error::XrpcError;

/// A draft as it is kept, if it is one.
fn checked(draft: &Value) -> Result<String, XrpcError> {
    let wrong = |reason: String| XrpcError::invalid(format!("draft: {reason}"));
    let value = cbor::from_json(draft).map_err(|error| wrong(error.to_string()))?;
    check_draft(&value).map_err(|error| wrong(error.to_string()))?;
    Ok(draft.to_string())
}
