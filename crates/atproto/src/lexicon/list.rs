//! `app.bsky.graph.list`. Who is on a list is told by records of their own: [`super::ListItem`].

use super::blob::{BlobRef, PICTURE};
use super::facet::Facet;
use super::fields::{Object, format, text, text_from, text_of_bytes, text_of_graphemes};
use super::{RecordError, self_labels};
use crate::cbor::CONTAINER_ITEMS_MAX;
use crate::syntax::DatetimeGrammar;

const NAME_BYTES_MAX: usize = 64;
const DESCRIPTION_GRAPHEMES_MAX: usize = 300;

/// A list of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<'v> {
    /// What it is for: `app.bsky.graph.defs#modlist`, `#curatelist`, `#referencelist`, or something newer.
    pub purpose: &'v str,
    /// Its name; not empty.
    pub name: &'v str,
    /// A few words about it.
    pub description: Option<&'v str>,
    /// Mentions, links and hashtags in the description.
    pub description_facets: Vec<Facet<'v>>,
    /// Its picture.
    pub avatar: Option<BlobRef<'v>>,
    /// Its author's own labels.
    pub labels: Vec<&'v str>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> List<'v> {
    /// The collection of lists.
    pub const COLLECTION: &'static str = "app.bsky.graph.list";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            purpose: object.required("purpose", text)?,
            name: object.required("name", text_from(1, text_of_bytes(NAME_BYTES_MAX)))?,
            description: object
                .optional("description", text_of_graphemes(DESCRIPTION_GRAPHEMES_MAX))?,
            description_facets: object.list(
                "descriptionFacets",
                CONTAINER_ITEMS_MAX,
                Facet::read,
            )?,
            avatar: object.optional("avatar", |value| PICTURE.read(value))?,
            labels: object.optional("labels", self_labels::read)?.unwrap_or_default(),
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
