//! What somebody wants to post: checked, and made a record of `app.bsky.feed.post`.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::{AtIdentifier, Did, Handle};
use millrace_dataplane::query::actors::GetActors;
use millrace_dataplane::query::limited_post::{CONTENT_BYTES_MAX, Limit};
use millrace_dataplane::query::media::{GetMedia, KEPT_US, Media};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::facets::{self, Feature};
use crate::error::XrpcError;
use crate::xrpc::Api;

/// Graphemes of a text, as the lexicon of posts says.
const CONTENT_GRAPHEMES_MAX: usize = 300;
const MEDIA_MAX: usize = 4;
const LANGS_MAX: usize = 3;
pub(super) const POST: &str = "app.bsky.feed.post";

/// Who may see a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Visibility {
    #[default]
    Public,
    Followers,
    Private,
}

impl Visibility {
    /// None where everybody may.
    pub(super) fn limit(self) -> Option<Limit> {
        match self {
            Self::Public => None,
            Self::Followers => Some(Limit::Followers),
            Self::Private => Some(Limit::Private),
        }
    }

    pub(crate) fn of(limit: Limit) -> Self {
        match limit {
            Limit::Followers => Self::Followers,
            Limit::Private => Self::Private,
        }
    }
}

/// A post as it is sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Draft {
    pub(super) content: String,
    #[serde(default)]
    pub(super) media_ids: Vec<String>,
    #[serde(default)]
    pub(super) visibility: Visibility,
    /// Whose it is: the account that asks.
    #[schemars(with = "Option<String>")]
    pub(super) user_id: Option<Did>,
    /// BCP 47.
    #[serde(default)]
    pub(super) langs: Vec<String>,
}

impl Draft {
    pub(super) fn check(&self, actor: &Did) -> Result<(), XrpcError> {
        if self.user_id.as_ref().is_some_and(|user| user != actor) {
            return Err(XrpcError::NotYou);
        }
        if self.media_ids.len() > MEDIA_MAX {
            return Err(XrpcError::invalid(format!("mediaIds may be at most {MEDIA_MAX}")));
        }
        if self.visibility != Visibility::Public && !self.media_ids.is_empty() {
            return Err(XrpcError::invalid(
                "only a PUBLIC post may have media: they lie at the PDS, where everybody may fetch them",
            ));
        }
        check_langs(&self.langs)?;
        check_content(&self.content, !self.media_ids.is_empty())
    }

    /// The media it names, which its author uploaded within the last hour.
    pub(super) async fn media(&self, api: &Api, actor: &Did) -> Result<Vec<Media>, XrpcError> {
        if self.media_ids.is_empty() {
            return Ok(Vec::new());
        }
        let after_us = api.clock.now_us().saturating_sub(KEPT_US);
        let asked = GetMedia { actor: actor.clone(), cids: self.media_ids.clone(), after_us };
        let found = api.dataplane.ask(asked).await?.media;
        let missing = self.media_ids.iter().find(|id| !found.iter().any(|media| media.cid == **id));
        match missing {
            None => Ok(found),
            Some(id) => Err(XrpcError::named(
                "MediaNotFound",
                format!("{id} is no media of this account, or was uploaded more than an hour ago"),
            )),
        }
    }
}

pub(super) fn check_langs(langs: &[String]) -> Result<(), XrpcError> {
    if langs.len() > LANGS_MAX {
        return Err(XrpcError::invalid(format!("langs may be at most {LANGS_MAX}")));
    }
    match langs.iter().find(|lang| millrace_atproto::Language::parse(lang).is_err()) {
        Some(lang) => Err(XrpcError::invalid(format!("not a language: {lang:?}"))),
        None => Ok(()),
    }
}

pub(super) fn check_content(content: &str, has_media: bool) -> Result<(), XrpcError> {
    if content.trim().is_empty() && !has_media {
        return Err(XrpcError::invalid("content must not be empty"));
    }
    if content.len() > CONTENT_BYTES_MAX {
        let message = format!("content may have at most {CONTENT_BYTES_MAX} bytes");
        return Err(XrpcError::invalid(message));
    }
    if content.graphemes(true).nth(CONTENT_GRAPHEMES_MAX).is_some() {
        let message = format!("content may have at most {CONTENT_GRAPHEMES_MAX} characters");
        return Err(XrpcError::invalid(message));
    }
    Ok(())
}

/// A new record.
pub(super) async fn record(
    api: &Api,
    content: &str,
    langs: &[String],
    media: &[Media],
    created_at_us: i64,
) -> Result<Value, XrpcError> {
    let mut record = json!({"$type": POST, "createdAt": format_ms_us(created_at_us)});
    if !langs.is_empty() {
        record["langs"] = json!(langs);
    }
    if !media.is_empty() {
        let images: Vec<Value> = media.iter().map(image).collect();
        record["embed"] = json!({"$type": "app.bsky.embed.images", "images": images});
    }
    with_text(api, &record, content).await
}

fn image(media: &Media) -> Value {
    let Media { cid, mime_type, bytes, width, height, alt } = media;
    let blob =
        json!({"$type": "blob", "ref": {"$link": cid}, "mimeType": mime_type, "size": bytes});
    json!({"image": blob, "alt": alt, "aspectRatio": {"width": width, "height": height}})
}

/// The record with another text; everything else of it stays.
pub(super) async fn with_text(
    api: &Api,
    record: &Value,
    content: &str,
) -> Result<Value, XrpcError> {
    let found = facets::find(content);
    let handle = |found: &facets::Found<'_>| match &found.feature {
        Feature::Mention(handle) => Some(handle.clone()),
        _ => None,
    };
    let handles: Vec<Handle> = found.iter().filter_map(handle).collect();
    let mentioned = match handles.is_empty() {
        true => Vec::new(),
        false => {
            let actors = handles.iter().cloned().map(AtIdentifier::from).collect();
            api.dataplane.ask(GetActors { actors }).await?.actors
        }
    };
    let did_of = |handle: &Handle| {
        let standing = mentioned.iter().find(|it| it.asked.as_str() == handle.as_str())?;
        Some(standing.did.clone())
    };
    let facets = facets::facets(&found, did_of);
    let mut fields = record.as_object().cloned().unwrap_or_else(Map::new);
    fields.insert("text".to_owned(), content.into());
    match facets.is_empty() {
        true => fields.remove("facets"),
        false => fields.insert("facets".to_owned(), facets.into()),
    };
    Ok(Value::Object(fields))
}
