//! The parameter `purposes` of the methods that list an account's lists: the lexicon's short names
//! or the whole tokens. Reference lists, which stand behind starter packs, are never listed.

use millrace_dataplane::query::lists::ListPurpose;

use crate::error::XrpcError;
use crate::request::params::Params;

/// Values one request may have; there are two of a meaning.
const PURPOSES_MAX: usize = 16;

const NAMES: &[(&str, ListPurpose)] = &[
    ("modlist", ListPurpose::Modlist),
    ("app.bsky.graph.defs#modlist", ListPurpose::Modlist),
    ("curatelist", ListPurpose::Curatelist),
    ("app.bsky.graph.defs#curatelist", ListPurpose::Curatelist),
];

/// The purposes asked for: all when none is named, none when all that are named are others.
pub(super) fn purposes(params: &Params<'_>) -> Result<Vec<ListPurpose>, XrpcError> {
    let named: Vec<String> = params.list("purposes", PURPOSES_MAX)?;
    if named.is_empty() {
        return Ok(vec![ListPurpose::Modlist, ListPurpose::Curatelist]);
    }
    let known = NAMES.iter().filter(|(name, _)| named.iter().any(|text| text == name));
    Ok(known.map(|(_, purpose)| *purpose).collect())
}
