//! `app.bsky.embed.*`: what a post carries besides its text. Media, a quoted record, or both.

use super::blob::{BlobRef, BlobRule};
use super::fields::{Object, format, int_from, list, text};
use super::{RecordError, StrongRef};
use crate::cbor::{CONTAINER_ITEMS_MAX, Value};
use crate::syntax::{LanguageGrammar, UriGrammar};

const IMAGES_MAX: usize = 4;
const GALLERY_ITEMS_MAX: usize = 20;
const CAPTIONS_MAX: usize = 20;
const IMAGE: BlobRule = BlobRule { accept: &["image/*"], size_bytes_max: 2_000_000 };
const THUMB: BlobRule = BlobRule { accept: &["image/*"], size_bytes_max: 1_000_000 };
const VIDEO: BlobRule = BlobRule { accept: &["video/mp4"], size_bytes_max: 300_000_000 };
const CAPTION: BlobRule = BlobRule { accept: &["text/vtt"], size_bytes_max: 20_000 };

/// What a post carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Embed<'v> {
    /// Pictures, a video or a link card.
    Media(Media<'v>),
    /// Another record, quoted (`app.bsky.embed.record`).
    Record(StrongRef<'v>),
    /// Both (`app.bsky.embed.recordWithMedia`).
    RecordWithMedia {
        /// The quoted record.
        record: StrongRef<'v>,
        /// What stands beside it.
        media: Media<'v>,
    },
}

/// Pictures, a video or a link card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media<'v> {
    /// Up to four pictures (`app.bsky.embed.images`).
    Images(Vec<Image<'v>>),
    /// Up to twenty items (`app.bsky.embed.gallery`); those that are not pictures are left out.
    Gallery(Vec<Image<'v>>),
    /// A video (`app.bsky.embed.video`).
    Video(Video<'v>),
    /// A link card (`app.bsky.embed.external`).
    External(External<'v>),
    /// A variant that is not known; its name.
    Unknown(&'v str),
}

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'v> {
    /// Its bytes.
    pub image: BlobRef<'v>,
    /// What it shows, in words; may be empty.
    pub alt: &'v str,
    /// Its shape; always there in a gallery.
    pub aspect_ratio: Option<AspectRatio>,
}

/// Width to height, both at least 1; not necessarily pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AspectRatio {
    /// Width.
    pub width: i64,
    /// Height.
    pub height: i64,
}

/// A video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video<'v> {
    /// Its bytes.
    pub video: BlobRef<'v>,
    /// Subtitles.
    pub captions: Vec<Caption<'v>>,
    /// What it shows, in words.
    pub alt: Option<&'v str>,
    /// Its shape.
    pub aspect_ratio: Option<AspectRatio>,
    /// How to show it: `default`, `gif`, or something newer.
    pub presentation: Option<&'v str>,
}

/// Subtitles in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caption<'v> {
    /// Their language tag.
    pub lang: &'v str,
    /// Their WebVTT file.
    pub file: BlobRef<'v>,
}

/// A link card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External<'v> {
    /// Where it leads.
    pub uri: &'v str,
    /// Its title; may be empty.
    pub title: &'v str,
    /// Its description; may be empty.
    pub description: &'v str,
    /// Its picture.
    pub thumb: Option<BlobRef<'v>>,
    /// Records that belong to what it leads to.
    pub associated_refs: Vec<StrongRef<'v>>,
}

impl<'v> Embed<'v> {
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let (object, name) = Object::variant(value)?;
        match name {
            "app.bsky.embed.record" => quoted(object).map(Self::Record),
            "app.bsky.embed.recordWithMedia" => Ok(Self::RecordWithMedia {
                record: object.required("record", |value| {
                    quoted(Object::of(value, "app.bsky.embed.record")?)
                })?,
                media: object.required("media", Media::read)?,
            }),
            _ => Media::read(value).map(Self::Media),
        }
    }

    /// The quoted record, if there is one.
    pub fn record(&self) -> Option<&StrongRef<'v>> {
        match self {
            Self::Media(_) => None,
            Self::Record(record) | Self::RecordWithMedia { record, .. } => Some(record),
        }
    }

    /// The media, if there are any.
    pub fn media(&self) -> Option<&Media<'v>> {
        match self {
            Self::Record(_) => None,
            Self::Media(media) | Self::RecordWithMedia { media, .. } => Some(media),
        }
    }
}

fn quoted(object: Object<'_>) -> Result<StrongRef<'_>, RecordError> {
    object.required("record", StrongRef::read)
}

impl<'v> Media<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let (object, name) = Object::variant(value)?;
        match name {
            "app.bsky.embed.images" => {
                object.required("images", list(IMAGES_MAX, Image::read)).map(Self::Images)
            }
            "app.bsky.embed.gallery" => {
                let items =
                    object.required("items", list(GALLERY_ITEMS_MAX, Image::read_in_gallery))?;
                Ok(Self::Gallery(items.into_iter().flatten().collect()))
            }
            "app.bsky.embed.video" => Video::read(object).map(Self::Video),
            "app.bsky.embed.external" => {
                object.required("external", External::read).map(Self::External)
            }
            _ => Ok(Self::Unknown(name)),
        }
    }
}

impl<'v> Image<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        Self::read_fields(Object::of(value, "app.bsky.embed.images#image")?)
    }

    fn read_in_gallery(value: &'v Value<'v>) -> Result<Option<Self>, RecordError> {
        let (object, name) = Object::variant(value)?;
        if name != "app.bsky.embed.gallery#image" {
            return Ok(None);
        }
        object.required("aspectRatio", AspectRatio::read)?;
        Self::read_fields(object).map(Some)
    }

    fn read_fields(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            image: object.required("image", |value| IMAGE.read(value))?,
            alt: object.required("alt", text)?,
            aspect_ratio: object.optional("aspectRatio", AspectRatio::read)?,
        })
    }
}

impl AspectRatio {
    fn read<'v>(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "app.bsky.embed.defs#aspectRatio")?;
        Ok(Self {
            width: object.required("width", int_from(1))?,
            height: object.required("height", int_from(1))?,
        })
    }
}

impl<'v> Video<'v> {
    fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            video: object.required("video", |value| VIDEO.read(value))?,
            captions: object.list("captions", CAPTIONS_MAX, Caption::read)?,
            alt: object.optional("alt", text)?,
            aspect_ratio: object.optional("aspectRatio", AspectRatio::read)?,
            presentation: object.optional("presentation", text)?,
        })
    }
}

impl<'v> Caption<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "app.bsky.embed.video#caption")?;
        Ok(Self {
            lang: object.required("lang", format::<LanguageGrammar>)?,
            file: object.required("file", |value| CAPTION.read(value))?,
        })
    }
}

impl<'v> External<'v> {
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "app.bsky.embed.external#external")?;
        Ok(Self {
            uri: object.required("uri", format::<UriGrammar>)?,
            title: object.required("title", text)?,
            description: object.required("description", text)?,
            thumb: object.optional("thumb", |value| THUMB.read(value))?,
            associated_refs: object.list("associatedRefs", CONTAINER_ITEMS_MAX, StrongRef::read)?,
        })
    }
}
