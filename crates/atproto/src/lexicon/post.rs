//! `app.bsky.feed.post`.

use super::embed::Embed;
use super::facet::Facet;
use super::fields::{Object, format, int_from, text, text_of_graphemes};
use super::{RecordError, StrongRef, self_labels};
use crate::cbor::{CONTAINER_ITEMS_MAX, Value};
use crate::syntax::{DatetimeGrammar, LanguageGrammar};

const TEXT_GRAPHEMES_MAX: usize = 300;
const LANGS_MAX: usize = 3;
const TAGS_MAX: usize = 8;
const TAG_GRAPHEMES_MAX: usize = 64;

/// A post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post<'v> {
    /// Its text; may be empty.
    pub text: &'v str,
    /// When its author says it was written, as written.
    pub created_at: &'v str,
    /// What it answers.
    pub reply: Option<Reply<'v>>,
    /// What it carries besides the text.
    pub embed: Option<Embed<'v>>,
    /// Languages of the text.
    pub langs: Vec<&'v str>,
    /// Mentions, links and hashtags in the text.
    pub facets: Vec<Facet<'v>>,
    /// Further hashtags, without `#`.
    pub tags: Vec<&'v str>,
    /// Its author's own labels.
    pub labels: Vec<&'v str>,
}

/// What a post answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<'v> {
    /// The first post of the thread.
    pub root: StrongRef<'v>,
    /// The post that is answered.
    pub parent: StrongRef<'v>,
}

impl<'v> Post<'v> {
    /// The collection of posts.
    pub const COLLECTION: &'static str = "app.bsky.feed.post";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        object.list("entities", CONTAINER_ITEMS_MAX, check_entity)?;
        Ok(Self {
            text: object.required("text", text_of_graphemes(TEXT_GRAPHEMES_MAX))?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
            reply: object.optional("reply", Reply::read)?,
            embed: object.optional("embed", Embed::read)?,
            langs: object.list("langs", LANGS_MAX, format::<LanguageGrammar>)?,
            facets: object.list("facets", CONTAINER_ITEMS_MAX, Facet::read)?,
            tags: object.list("tags", TAGS_MAX, text_of_graphemes(TAG_GRAPHEMES_MAX))?,
            labels: object.optional("labels", self_labels::read)?.unwrap_or_default(),
        })
    }
}

impl<'v> Reply<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "app.bsky.feed.post#replyRef")?;
        Ok(Self {
            root: object.required("root", StrongRef::read)?,
            parent: object.required("parent", StrongRef::read)?,
        })
    }
}

/// Entities are what facets have replaced: held to the lexicon, not used.
fn check_entity<'v>(value: &'v Value<'v>) -> Result<(), RecordError> {
    let object = Object::of(value, "app.bsky.feed.post#entity")?;
    object.required("index", |value| {
        let slice = Object::of(value, "app.bsky.feed.post#textSlice")?;
        slice.required("start", int_from(0))?;
        slice.required("end", int_from(0))
    })?;
    object.required("type", text)?;
    object.required("value", text)?;
    Ok(())
}
