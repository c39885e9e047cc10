//! Tags that a search names, as long as their lexicons let them be.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::error::XrpcError;
use crate::request::params::Params;

/// Longest tag.
const GRAPHEMES_MAX: usize = 64;
const BYTES_MAX: usize = 10 * GRAPHEMES_MAX;

/// The values of an array of tags.
pub(super) fn tags(
    params: &Params<'_>,
    name: &str,
    tags_max: usize,
) -> Result<Vec<String>, XrpcError> {
    let tags: Vec<String> = params.list(name, tags_max)?;
    let is_long = |tag: &String| {
        tag.len() > BYTES_MAX
            || tag.len() > GRAPHEMES_MAX && tag.graphemes(true).count() > GRAPHEMES_MAX
    };
    match tags.iter().any(is_long) {
        true => Err(XrpcError::invalid(format!(
            "{name}: a tag has at most {GRAPHEMES_MAX} characters and {BYTES_MAX} bytes"
        ))),
        false => Ok(tags),
    }
}
