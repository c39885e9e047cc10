//! The payload of events of posts: JSON, camelCase. Members may be added, none is renamed, removed or given another
//! meaning. `docs/guides/feeds.md` has it with its headers.

use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::model::Post;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The collection of posts.
pub(super) const POST: &str = "app.bsky.feed.post";
/// Bytes of a post's text that an event carries; the lexicon allows no more.
pub const TEXT_BYTES_MAX: usize = 3_000;
/// Pictures and videos of one post that an event names.
pub const MEDIA_MAX: usize = 10;
/// Languages of one post; the lexicon's bound.
const LANGS_MAX: usize = 3;

/// A post as an event tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostEvent {
    pub uri: String,
    pub cid: String,
    /// DID.
    pub author: String,
    /// As the author says; absent where the record says nothing readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When this version was indexed here.
    pub indexed_at: String,
    /// Cut at [`TEXT_BYTES_MAX`].
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub langs: Vec<String>,
    /// The post it replies to, and the first of that thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_parent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_root: Option<String>,
    /// The post it quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// At most [`MEDIA_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaItem>,
}

/// A picture or a video of a post: a blob in its author's PDS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaItem {
    pub cid: String,
    pub mime_type: String,
}

impl PostEvent {
    pub(super) fn of(post: &Post) -> Self {
        let record: Value = serde_json::from_str(post.record.value.get()).unwrap_or_default();
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let langs = record.get("langs").and_then(Value::as_array).into_iter().flatten();
        let langs = langs.filter_map(Value::as_str).take(LANGS_MAX).map(str::to_owned);
        Self {
            uri: post.uri.clone(),
            cid: post.record.cid.to_string(),
            author: post.author.to_string(),
            created_at: text("createdAt").map(str::to_owned),
            indexed_at: format_ms_us(post.record.indexed_at_us),
            text: cut(text("text").unwrap_or_default()).to_owned(),
            langs: langs.collect(),
            reply_parent: post.reply_parent.clone(),
            reply_root: post.reply_root.clone(),
            quote: post.quoted.clone(),
            media: record.get("embed").map(media).unwrap_or_default(),
        }
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(TEXT_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// The blobs that an embed shows itself, or beside a quote.
fn media(embed: &Value) -> Vec<MediaItem> {
    let shown = embed.get("media").unwrap_or(embed);
    let images = shown.get("images").and_then(Value::as_array).into_iter().flatten();
    let images = images.filter_map(|image| image.get("image"));
    images.chain(shown.get("video")).filter_map(blob).take(MEDIA_MAX).collect()
}

fn blob(value: &Value) -> Option<MediaItem> {
    let cid = value.get("ref")?.get("$link")?.as_str()?;
    let mime_type = value.get("mimeType").and_then(Value::as_str).unwrap_or_default();
    Some(MediaItem { cid: cid.to_owned(), mime_type: mime_type.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blobs_of_an_embed_are_found_wherever_they_are_shown() {
        let blob = |cid: &str| json!({"$type": "blob", "ref": {"$link": cid}, "mimeType": "image/png", "size": 1});
        let check = |embed: Value, expected: &[&str]| {
            let found: Vec<String> = media(&embed).into_iter().map(|item| item.cid).collect();
            assert_eq!(found, expected, "{embed}");
        };
        let images = json!({"images": [{"image": blob("a"), "alt": ""}, {"image": blob("b")}]});
        check(images.clone(), &["a", "b"]);
        check(json!({"video": blob("v")}), &["v"]);
        check(json!({"record": {"uri": "at://x"}, "media": images}), &["a", "b"]);
        check(json!({"external": {"uri": "https://x", "thumb": blob("t")}}), &[]);
        check(json!({"images": [{"image": {"ref": 5}}, "odd"]}), &[]);
        check(json!("odd"), &[]);
        let many: Vec<Value> = (0..30).map(|_| json!({"image": blob("a")})).collect();
        check(json!({"images": many}), &["a"; MEDIA_MAX]);
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(TEXT_BYTES_MAX);
        assert_eq!(cut(&long).len(), TEXT_BYTES_MAX);
        let long = ["a", &long].concat();
        assert_eq!(cut(&long).len(), TEXT_BYTES_MAX - 1);
    }
}
