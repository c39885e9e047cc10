//! `app.bsky.richtext.facet`: what stretches of a text mean. Positions are bytes of UTF-8, and may lie
//! outside the text: that is for whoever presents it.

use super::RecordError;
use super::fields::{Object, format, int_from, list, parsed, text_of_graphemes};
use crate::cbor::{CONTAINER_ITEMS_MAX, Value};
use crate::syntax::{Did, DidGrammar, UriGrammar};

const TAG_GRAPHEMES_MAX: usize = 64;

/// A stretch of text and its meanings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet<'v> {
    /// First byte.
    pub byte_start: i64,
    /// The byte after the last.
    pub byte_end: i64,
    /// What it means; variants that are not known are left out.
    pub features: Vec<Feature<'v>>,
}

/// What a stretch of text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feature<'v> {
    /// It names an account.
    Mention(Did),
    /// It leads to a URI.
    Link(&'v str),
    /// It is a hashtag; the tag without `#`.
    Tag(&'v str),
}

impl<'v> Facet<'v> {
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "app.bsky.richtext.facet")?;
        let (byte_start, byte_end) = object.required("index", |value| {
            let slice = Object::of(value, "app.bsky.richtext.facet#byteSlice")?;
            Ok((slice.required("byteStart", int_from(0))?, slice.required("byteEnd", int_from(0))?))
        })?;
        let features: Vec<Option<Feature<'v>>> =
            object.required("features", list(CONTAINER_ITEMS_MAX, Feature::read))?;
        Ok(Self { byte_start, byte_end, features: features.into_iter().flatten().collect() })
    }
}

impl<'v> Feature<'v> {
    fn read(value: &'v Value<'v>) -> Result<Option<Self>, RecordError> {
        let (object, name) = Object::variant(value)?;
        Ok(Some(match name {
            "app.bsky.richtext.facet#mention" => {
                Self::Mention(object.required("did", parsed::<DidGrammar>)?)
            }
            "app.bsky.richtext.facet#link" => {
                Self::Link(object.required("uri", format::<UriGrammar>)?)
            }
            "app.bsky.richtext.facet#tag" => {
                Self::Tag(object.required("tag", text_of_graphemes(TAG_GRAPHEMES_MAX))?)
            }
            _ => return Ok(None),
        }))
    }
}
