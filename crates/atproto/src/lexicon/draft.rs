//! `app.bsky.draft.defs#draft`: posts that are not written yet. A draft is in no repository: it is
//! sent to who keeps it, and given back as it came. That it is one is all that is asked of it here.

use super::fields::{Object, at_uri, format, list, text_from, text_of_bytes, text_of_graphemes};
use super::{RecordError, StrongRef, self_labels};
use crate::cbor::Value;
use crate::syntax::{LanguageGrammar, UriGrammar};

const POSTS_MAX: usize = 100;
const LANGUAGES_MAX: usize = 3;
const RULES_MAX: usize = 5;
const DEVICE_BYTES_MAX: usize = 100;
const TEXT_GRAPHEMES_MAX: usize = 1_000;
const ALT_GRAPHEMES_MAX: usize = 2_000;
const IMAGES_MAX: usize = 4;
const GALLERY_ITEMS_MAX: usize = 20;
const CAPTIONS_MAX: usize = 20;
const CAPTION_BYTES_MAX: usize = 10_000;
const PATH_BYTES_MAX: usize = 1_024;

/// Whether a value is a draft; if not, the first field that is not as the lexicon says.
///
/// # Errors
/// [`RecordError`]: where, and what is wrong there.
pub fn check_draft(value: &Value<'_>) -> Result<(), RecordError> {
    let draft = Object::of(value, "app.bsky.draft.defs#draft")?;
    draft.optional("deviceId", text_of_bytes(DEVICE_BYTES_MAX))?;
    draft.optional("deviceName", text_of_bytes(DEVICE_BYTES_MAX))?;
    let posts = draft.required("posts", list(POSTS_MAX, post))?;
    if posts.is_empty() {
        return Err(RecordError::from(super::Fault::ItemsAtLeast(1)).under("posts"));
    }
    draft.list("langs", LANGUAGES_MAX, format::<LanguageGrammar>)?;
    draft.list("postgateEmbeddingRules", RULES_MAX, variant)?;
    draft.list("threadgateAllow", RULES_MAX, allow_rule)?;
    Ok(())
}

fn post(value: &Value<'_>) -> Result<(), RecordError> {
    let post = Object::of(value, "app.bsky.draft.defs#draftPost")?;
    post.required("text", text_of_graphemes(TEXT_GRAPHEMES_MAX))?;
    post.optional("labels", self_labels::read)?;
    post.list("embedImages", IMAGES_MAX, image)?;
    post.optional("embedGallery", gallery)?;
    post.list("embedVideos", 1, video)?;
    post.list("embedExternals", 1, external)?;
    post.list("embedRecords", 1, record)?;
    Ok(())
}

/// A variant of a union of which nothing but the name is looked at.
fn variant(value: &Value<'_>) -> Result<(), RecordError> {
    Object::variant(value).map(drop)
}

fn allow_rule(value: &Value<'_>) -> Result<(), RecordError> {
    let (rule, name) = Object::variant(value)?;
    if name == "app.bsky.feed.threadgate#listRule" {
        rule.required("list", at_uri)?;
    }
    Ok(())
}

/// A picture that is still on its author's device.
fn image(value: &Value<'_>) -> Result<(), RecordError> {
    local(Object::of(value, "app.bsky.draft.defs#draftEmbedImage")?)
}

fn gallery(value: &Value<'_>) -> Result<(), RecordError> {
    let gallery = Object::of(value, "app.bsky.draft.defs#draftEmbedGallery")?;
    gallery.required("items", list(GALLERY_ITEMS_MAX, gallery_item)).map(drop)
}

fn gallery_item(value: &Value<'_>) -> Result<(), RecordError> {
    match Object::variant(value)? {
        (image, "app.bsky.draft.defs#draftEmbedImage") => local(image),
        _ => Ok(()),
    }
}

fn video(value: &Value<'_>) -> Result<(), RecordError> {
    let video = Object::of(value, "app.bsky.draft.defs#draftEmbedVideo")?;
    video.list("captions", CAPTIONS_MAX, caption)?;
    local(video)
}

fn caption(value: &Value<'_>) -> Result<(), RecordError> {
    let caption = Object::of(value, "app.bsky.draft.defs#draftEmbedCaption")?;
    caption.required("lang", format::<LanguageGrammar>)?;
    caption.required("content", text_of_bytes(CAPTION_BYTES_MAX)).map(drop)
}

/// Where a file is on its author's device, and what it shows in words.
fn local(object: Object<'_>) -> Result<(), RecordError> {
    object.required("localRef", |value| {
        Object::of(value, "app.bsky.draft.defs#draftEmbedLocalRef")?
            .required("path", text_from(1, text_of_bytes(PATH_BYTES_MAX)))
    })?;
    object.optional("alt", text_of_graphemes(ALT_GRAPHEMES_MAX)).map(drop)
}

fn external(value: &Value<'_>) -> Result<(), RecordError> {
    let external = Object::of(value, "app.bsky.draft.defs#draftEmbedExternal")?;
    external.required("uri", format::<UriGrammar>).map(drop)
}

fn record(value: &Value<'_>) -> Result<(), RecordError> {
    let record = Object::of(value, "app.bsky.draft.defs#draftEmbedRecord")?;
    record.required("record", StrongRef::read).map(drop)
}
