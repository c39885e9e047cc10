//! `site.standard.publication`: a blog or another site that documents are published on.

use super::blob::{BlobRef, BlobRule};
use super::fields::{Object, format, text_of_graphemes};
use super::{RecordError, self_labels};
use crate::syntax::UriGrammar;

const NAME_GRAPHEMES_MAX: usize = 500;
const DESCRIPTION_GRAPHEMES_MAX: usize = 3_000;
const ICON: BlobRule = BlobRule { accept: &["image/*"], size_bytes_max: 1_000_000 };

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication<'v> {
    /// Where it is; a document's address is this and the document's path.
    pub url: &'v str,
    /// Its name.
    pub name: &'v str,
    /// What it is about.
    pub description: Option<&'v str>,
    /// A square picture.
    pub icon: Option<BlobRef<'v>>,
    /// Its author's own labels.
    pub labels: Vec<&'v str>,
}

impl<'v> Publication<'v> {
    /// The collection of publications.
    pub const COLLECTION: &'static str = "site.standard.publication";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            url: object.required("url", format::<UriGrammar>)?,
            name: object.required("name", text_of_graphemes(NAME_GRAPHEMES_MAX))?,
            description: object
                .optional("description", text_of_graphemes(DESCRIPTION_GRAPHEMES_MAX))?,
            icon: object.optional("icon", |value| ICON.read(value))?,
            labels: object.optional("labels", self_labels::read)?.unwrap_or_default(),
        })
    }
}
