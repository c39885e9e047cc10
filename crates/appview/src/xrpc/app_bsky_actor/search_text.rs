//! What is searched for among accounts: `q`, or `term`, as it was called before.

use crate::error::XrpcError;
use crate::request::params::Params;

pub(super) fn search_text(params: &Params<'_>) -> Result<String, XrpcError> {
    let (q, term) = (params.text("q")?, params.text("term")?);
    Ok(q.or(term).unwrap_or_default())
}
