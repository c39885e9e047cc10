//! `app.bsky.embed.*` and blobs. Nothing is behind the blobs' CIDs.

use millrace_atproto::cbor::Value;
use millrace_atproto::cid::Cid;
use millrace_runtime::rng::Rng;

use super::{Ref, strong_ref, text};

/// A link to bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub cid: Cid,
    pub mime_type: &'static str,
    pub size_bytes: i64,
}

impl Blob {
    /// Bytes nobody has.
    pub fn drawn(mime_type: &'static str, rng: &Rng) -> Self {
        let mut noise = [0; 16];
        rng.fill(&mut noise);
        let size_bytes = 1_000 + i64::try_from(rng.below(900_000)).unwrap_or(0);
        Self { cid: Cid::of_raw(&noise), mime_type, size_bytes }
    }

    pub(super) fn value(&self) -> Value<'static> {
        Value::map([
            ("$type", Value::text("blob")),
            ("ref", Value::Link(self.cid)),
            ("mimeType", Value::text(self.mime_type)),
            ("size", Value::Int(self.size_bytes)),
        ])
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub blob: Blob,
    pub alt: String,
    /// Width and height.
    pub aspect_ratio: Option<(i64, i64)>,
}

/// A link card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    pub uri: String,
    pub title: String,
    pub description: String,
    pub thumb: Option<Blob>,
}

/// What a post carries besides the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Embed {
    Images(Vec<Image>),
    Gallery(Vec<Image>),
    /// With the language of its subtitles, if it has some.
    Video {
        video: Blob,
        alt: Option<String>,
        captions: Option<(String, Blob)>,
        aspect_ratio: Option<(i64, i64)>,
    },
    External(External),
    Record(Ref),
    RecordWithMedia(Ref, Box<Embed>),
}

impl Embed {
    pub(super) fn value(&self) -> Value<'static> {
        match self {
            Self::Images(images) => {
                let images = images.iter().map(|image| image.value(None)).collect();
                variant("app.bsky.embed.images", [("images", Value::Array(images))])
            }
            Self::Gallery(images) => {
                let name = Some("app.bsky.embed.gallery#image");
                let items = images.iter().map(|image| image.value(name)).collect();
                variant("app.bsky.embed.gallery", [("items", Value::Array(items))])
            }
            Self::Video { video, alt, captions, aspect_ratio } => {
                let mut fields = vec![("video", video.value())];
                fields.extend(alt.as_ref().map(|alt| ("alt", text(alt))));
                fields.extend(captions.as_ref().map(|(lang, file)| {
                    let caption = Value::map([("lang", text(lang)), ("file", file.value())]);
                    ("captions", Value::Array(vec![caption]))
                }));
                fields.extend(aspect_ratio.map(ratio));
                variant("app.bsky.embed.video", fields)
            }
            Self::External(external) => {
                variant("app.bsky.embed.external", [("external", external.value())])
            }
            Self::Record(record) => {
                variant("app.bsky.embed.record", [("record", strong_ref(record))])
            }
            Self::RecordWithMedia(record, media) => variant(
                "app.bsky.embed.recordWithMedia",
                [("record", Self::Record(record.clone()).value()), ("media", media.value())],
            ),
        }
    }
}

impl Image {
    fn value(&self, name: Option<&'static str>) -> Value<'static> {
        let mut fields = vec![("image", self.blob.value()), ("alt", text(&self.alt))];
        fields.extend(name.map(|name| ("$type", Value::text(name))));
        fields.extend(self.aspect_ratio.map(ratio));
        Value::map(fields)
    }
}

impl External {
    pub(super) fn value(&self) -> Value<'static> {
        let mut fields = vec![
            ("uri", text(&self.uri)),
            ("title", text(&self.title)),
            ("description", text(&self.description)),
        ];
        fields.extend(self.thumb.as_ref().map(|thumb| ("thumb", thumb.value())));
        Value::map(fields)
    }
}

fn ratio((width, height): (i64, i64)) -> (&'static str, Value<'static>) {
    let ratio = Value::map([("width", Value::Int(width)), ("height", Value::Int(height))]);
    ("aspectRatio", ratio)
}

fn variant(
    name: &'static str,
    fields: impl IntoIterator<Item = (&'static str, Value<'static>)>,
) -> Value<'static> {
    Value::map(fields.into_iter().chain([("$type", Value::text(name))]))
}
