//! `app.bsky.graph.starterpack`: accounts and feeds for somebody who is new.

use super::RecordError;
use super::facet::Facet;
use super::fields::{Object, at_uri, format, text_from, text_of_graphemes};
use crate::cbor::{CONTAINER_ITEMS_MAX, Value};
use crate::syntax::{AtUri, DatetimeGrammar};

const NAME_GRAPHEMES_MAX: usize = 50;
const DESCRIPTION_GRAPHEMES_MAX: usize = 300;
const FEEDS_MAX: usize = 3;

/// A starter pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StarterPack<'v> {
    /// Its name; not empty.
    pub name: &'v str,
    /// A few words about it.
    pub description: Option<&'v str>,
    /// Mentions, links and hashtags in the description.
    pub description_facets: Vec<Facet<'v>>,
    /// The list of its accounts.
    pub list: AtUri,
    /// Its feed generators.
    pub feeds: Vec<AtUri>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> StarterPack<'v> {
    /// The collection of starter packs.
    pub const COLLECTION: &'static str = "app.bsky.graph.starterpack";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            name: object.required("name", text_from(1, text_of_graphemes(NAME_GRAPHEMES_MAX)))?,
            description: object
                .optional("description", text_of_graphemes(DESCRIPTION_GRAPHEMES_MAX))?,
            description_facets: object.list(
                "descriptionFacets",
                CONTAINER_ITEMS_MAX,
                Facet::read,
            )?,
            list: object.required("list", at_uri)?,
            feeds: object.list("feeds", FEEDS_MAX, feed_item)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}

fn feed_item<'v>(value: &'v Value<'v>) -> Result<AtUri, RecordError> {
    Object::of(value, "app.bsky.graph.starterpack#feedItem")?.required("uri", at_uri)
}
