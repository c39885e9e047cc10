//! `app.bsky.feed.generator`: a feed that a service puts together.

use super::blob::{BlobRef, PICTURE};
use super::facet::Facet;
use super::fields::{Object, boolean, format, parsed, text, text_of_graphemes};
use super::{RecordError, self_labels};
use crate::cbor::CONTAINER_ITEMS_MAX;
use crate::syntax::{DatetimeGrammar, Did, DidGrammar};

const DISPLAY_NAME_GRAPHEMES_MAX: usize = 24;
const DESCRIPTION_GRAPHEMES_MAX: usize = 300;

/// A feed generator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator<'v> {
    /// The service that answers for it.
    pub did: Did,
    /// Its name; may be empty.
    pub display_name: &'v str,
    /// A few words about it.
    pub description: Option<&'v str>,
    /// Mentions, links and hashtags in the description.
    pub description_facets: Vec<Facet<'v>>,
    /// Its picture.
    pub avatar: Option<BlobRef<'v>>,
    /// Whether it wants to be told what readers do with its posts; not said counts as no.
    pub accepts_interactions: bool,
    /// Its author's own labels.
    pub labels: Vec<&'v str>,
    /// What it shows: `app.bsky.feed.defs#contentModeUnspecified`, `#contentModeVideo`, or something newer.
    pub content_mode: Option<&'v str>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> Generator<'v> {
    /// The collection of feed generators.
    pub const COLLECTION: &'static str = "app.bsky.feed.generator";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            did: object.required("did", parsed::<DidGrammar>)?,
            display_name: object
                .required("displayName", text_of_graphemes(DISPLAY_NAME_GRAPHEMES_MAX))?,
            description: object
                .optional("description", text_of_graphemes(DESCRIPTION_GRAPHEMES_MAX))?,
            description_facets: object.list(
                "descriptionFacets",
                CONTAINER_ITEMS_MAX,
                Facet::read,
            )?,
            avatar: object.optional("avatar", |value| PICTURE.read(value))?,
            accepts_interactions: object
                .optional("acceptsInteractions", boolean)?
                .unwrap_or_default(),
            labels: object.optional("labels", self_labels::read)?.unwrap_or_default(),
            content_mode: object.optional("contentMode", text)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
