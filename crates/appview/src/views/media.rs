//! What a post carries itself: images, a video, a gallery or a link. An embed of an unknown or
//! broken kind is no embed.

use std::borrow::Cow;

use millrace_atproto::Did;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::record::{Blob, StrongRef};
use crate::images::Preset;

/// Items of a gallery that are shown; its lexicon allows more than clients may offer.
const GALLERY_ITEMS_MAX: usize = 10;
const GALLERY_IMAGE: &str = "app.bsky.embed.gallery#image";
const EXTERNAL: &str = "app.bsky.embed.external";

/// Media as a view shows them.
#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
pub(crate) enum MediaView<'a> {
    #[serde(rename = "app.bsky.embed.images#view")]
    Images { images: Vec<ImageView<'a>> },
    #[serde(rename = "app.bsky.embed.video#view")]
    Video(VideoView<'a>),
    #[serde(rename = "app.bsky.embed.gallery#view")]
    Gallery { items: Vec<GalleryItemView<'a>> },
    #[serde(rename = "app.bsky.embed.external#view")]
    External { external: ExternalView<'a> },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageView<'a> {
    thumb: String,
    fullsize: String,
    alt: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<AspectRatio>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
pub(crate) enum GalleryItemView<'a> {
    #[serde(rename = "app.bsky.embed.gallery#viewImage", rename_all = "camelCase")]
    Image { thumbnail: String, fullsize: String, alt: Cow<'a, str>, aspect_ratio: AspectRatio },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VideoView<'a> {
    cid: String,
    playlist: String,
    thumbnail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<AspectRatio>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presentation: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExternalView<'a> {
    uri: Cow<'a, str>,
    title: Cow<'a, str>,
    description: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumb: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_refs: Option<Vec<StrongRef<'a>>>,
}

/// `app.bsky.embed.defs#aspectRatio`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct AspectRatio {
    width: u64,
    height: u64,
}

// The records these views are made from.

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "$type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ImagesRecord<'a> {
    #[serde(borrow)]
    images: Vec<ImageRecord<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageRecord<'a> {
    image: Blob,
    #[serde(borrow)]
    alt: Cow<'a, str>,
    aspect_ratio: Option<AspectRatio>,
}

#[derive(Deserialize)]
struct GalleryRecord<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoRecord<'a> {
    video: Blob,
    #[serde(borrow)]
    alt: Option<Cow<'a, str>>,
    aspect_ratio: Option<AspectRatio>,
    #[serde(borrow)]
    presentation: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ExternalHolder<'a> {
    #[serde(borrow)]
    external: ExternalRecord<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRecord<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
    thumb: Option<Blob>,
    #[serde(borrow)]
    associated_refs: Option<Vec<StrongRef<'a>>>,
}

pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

pub(super) fn kind(json: &RawValue) -> Option<Cow<'_, str>> {
    read::<Kind<'_>>(json).map(|kind| kind.kind)
}

impl<'a> Views<'a> {
    /// Where an image of `author` is served, unless it is taken down.
    pub(super) fn image_of(
        &self,
        preset: Preset,
        author: &Did,
        blob: Option<&Blob>,
    ) -> Option<String> {
        let blob = blob.filter(|blob| self.hydrated.shows_blob(author, blob.cid()))?;
        Some(self.urls.image(preset, author, blob.cid()))
    }

    /// The view of `media` in a record of `author`.
    pub(super) fn media(&self, author: &Did, media: &'a RawValue) -> Option<MediaView<'a>> {
        match kind(media)?.as_ref() {
            "app.bsky.embed.images" => {
                let record: ImagesRecord<'a> = read(media)?;
                let had_any = !record.images.is_empty();
                let images = record.images.into_iter();
                let shown =
                    images.filter(|image| self.hydrated.shows_blob(author, image.image.cid()));
                let images: Vec<_> = shown.map(|image| self.image_view(author, image)).collect();
                (!had_any || !images.is_empty()).then_some(MediaView::Images { images })
            }
            "app.bsky.embed.video" => self.video(author, read(media)?).map(MediaView::Video),
            "app.bsky.embed.gallery" => {
                let record: GalleryRecord<'a> = read(media)?;
                let items = record.items.into_iter().take(GALLERY_ITEMS_MAX);
                let items = items.filter_map(|item| self.gallery_item(author, item));
                Some(MediaView::Gallery { items: items.collect() })
            }
            EXTERNAL => self.link(author, media),
            _ => None,
        }
    }

    /// A link, and nothing else.
    pub(super) fn link(&self, author: &Did, embed: &'a RawValue) -> Option<MediaView<'a>> {
        let holder: ExternalHolder<'a> =
            read(embed).filter(|_| kind(embed).is_some_and(|kind| kind == EXTERNAL))?;
        Some(MediaView::External { external: self.external(author, holder.external) })
    }

    fn image_view(&self, author: &Did, image: ImageRecord<'a>) -> ImageView<'a> {
        let cid = image.image.cid();
        ImageView {
            thumb: self.urls.image(Preset::FeedThumbnail, author, cid),
            fullsize: self.urls.image(Preset::FeedFullsize, author, cid),
            alt: image.alt,
            aspect_ratio: image.aspect_ratio,
        }
    }

    fn gallery_item(&self, author: &Did, item: &'a RawValue) -> Option<GalleryItemView<'a>> {
        if kind(item)? != GALLERY_IMAGE {
            return None;
        }
        let image: ImageRecord<'a> = read(item)?;
        let cid = image.image.cid();
        if !self.hydrated.shows_blob(author, cid) {
            return None;
        }
        Some(GalleryItemView::Image {
            thumbnail: self.urls.image(Preset::FeedThumbnail, author, cid),
            fullsize: self.urls.image(Preset::FeedFullsize, author, cid),
            aspect_ratio: image.aspect_ratio?,
            alt: image.alt,
        })
    }

    fn video(&self, author: &Did, video: VideoRecord<'a>) -> Option<VideoView<'a>> {
        let cid = video.video.cid();
        if !self.hydrated.shows_blob(author, cid) {
            return None;
        }
        Some(VideoView {
            cid: cid.to_owned(),
            playlist: self.urls.video_playlist(author, cid),
            thumbnail: self.urls.video_thumbnail(author, cid),
            alt: video.alt,
            aspect_ratio: video.aspect_ratio,
            presentation: video.presentation,
        })
    }

    fn external(&self, author: &Did, external: ExternalRecord<'a>) -> ExternalView<'a> {
        ExternalView {
            thumb: self.image_of(Preset::FeedThumbnail, author, external.thumb.as_ref()),
            uri: external.uri,
            title: external.title,
            description: external.description,
            associated_refs: external.associated_refs,
        }
    }
}
