//! What a post shows beside its text: media, another record, or both. Quoted posts are followed two
//! levels deep; what a block, a gate or its absence hides stands as what hides it.

use std::borrow::Cow;

use millrace_atproto::{AtUri, Did};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::blocked::BlockedAuthor;
use super::generator::GeneratorView;
use super::labeler::LabelerView;
use super::list::ListView;
use super::media::{MediaView, kind, read};
use super::post::QuotedPost;
use super::record::StrongRef;
use super::starter_pack::StarterPackViewBasic;
use crate::hydration::HydratedPost;

/// The `embed` of a post view.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum EmbedView<'a> {
    Media(MediaView<'a>),
    Record(RecordEmbedView<'a>),
}

/// An embed that shows another record.
#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
pub(crate) enum RecordEmbedView<'a> {
    #[serde(rename = "app.bsky.embed.record#view")]
    Alone { record: RecordView<'a> },
    #[serde(rename = "app.bsky.embed.recordWithMedia#view")]
    WithMedia { media: Box<MediaView<'a>>, record: RecordHolder<'a> },
}

/// `app.bsky.embed.record#view` where the lexicon has no union and so needs no type. The reference
/// says it where the record is not shown.
#[derive(Debug, Serialize)]
pub(crate) struct RecordHolder<'a> {
    #[serde(rename = "$type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    record: RecordView<'a>,
}

/// A record shown in a post, or why it is not.
#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
pub(crate) enum RecordView<'a> {
    #[serde(rename = "app.bsky.embed.record#viewRecord")]
    Post(Box<QuotedPost<'a>>),
    #[serde(rename = "app.bsky.feed.defs#generatorView")]
    Generator(Box<GeneratorView<'a>>),
    #[serde(rename = "app.bsky.graph.defs#listView")]
    List(Box<ListView<'a>>),
    #[serde(rename = "app.bsky.labeler.defs#labelerView")]
    Labeler(Box<LabelerView<'a>>),
    #[serde(rename = "app.bsky.graph.defs#starterPackViewBasic")]
    StarterPack(Box<StarterPackViewBasic<'a>>),
    #[serde(rename = "app.bsky.embed.record#viewNotFound", rename_all = "camelCase")]
    NotFound { uri: Cow<'a, str>, not_found: bool },
    #[serde(rename = "app.bsky.embed.record#viewBlocked")]
    Blocked { uri: Cow<'a, str>, blocked: bool, author: BlockedAuthor<'a> },
    /// The quoted post's author took it out of the quoting one, or lets nobody quote it.
    #[serde(rename = "app.bsky.embed.record#viewDetached")]
    Detached { uri: Cow<'a, str>, detached: bool },
}

#[derive(Deserialize)]
struct RecordEmbed<'a> {
    #[serde(borrow)]
    record: StrongRef<'a>,
}

#[derive(Deserialize)]
struct RecordWithMedia<'a> {
    #[serde(borrow)]
    record: RecordEmbed<'a>,
    #[serde(borrow)]
    media: &'a RawValue,
}

impl RecordView<'_> {
    /// It says why the record is not shown.
    fn is_hidden(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Blocked { .. } | Self::Detached { .. })
    }
}

impl<'a> Views<'a> {
    /// The view of `embed` in the post `by`. `quotes` is the level at which quoted posts stand: 1 in
    /// a post that nobody quotes here.
    pub(super) fn embed(
        &self,
        by: &HydratedPost,
        embed: &'a RawValue,
        quotes: u8,
    ) -> Option<EmbedView<'a>> {
        match kind(embed)?.as_ref() {
            "app.bsky.embed.record" => {
                let quote: RecordEmbed<'a> = read(embed)?;
                let record = self.quote(by, quote.record, quotes)?;
                Some(EmbedView::Record(RecordEmbedView::Alone { record }))
            }
            "app.bsky.embed.recordWithMedia" => {
                let both: RecordWithMedia<'a> = read(embed)?;
                let media = Box::new(self.media(&by.post.author, both.media)?);
                let record = self.quote(by, both.record.record, quotes)?;
                let kind = record.is_hidden().then_some("app.bsky.embed.record#view");
                let record = RecordHolder { kind, record };
                Some(EmbedView::Record(RecordEmbedView::WithMedia { media, record }))
            }
            _ => self.media(&by.post.author, embed).map(EmbedView::Media),
        }
    }

    /// A record shown in the post `by`.
    fn quote(
        &self,
        by: &HydratedPost,
        quoted: StrongRef<'a>,
        quotes: u8,
    ) -> Option<RecordView<'a>> {
        let uri = AtUri::parse(&quoted.uri).ok()?;
        let shown = match uri.as_record() {
            Some((author, collection, _)) => {
                if let Some(hidden) = self.hidden_quote(by, author, &quoted.uri) {
                    return Some(hidden);
                }
                self.record_view(author, collection.as_str(), &quoted.uri, quotes)
            }
            None => None,
        };
        Some(shown.unwrap_or(RecordView::NotFound { uri: quoted.uri, not_found: true }))
    }

    /// What stands for a record that a block or a gate hides in the post `by`.
    fn hidden_quote(&self, by: &HydratedPost, author: &Did, uri: &str) -> Option<RecordView<'a>> {
        let between_others =
            by.post.quote_blocked && self.hydrated.respects_blocks_between_others();
        let owned = || Cow::Owned(uri.to_owned());
        if between_others || self.hydrated.blocked(author) {
            let author = self.blocked_author(uri)?;
            return Some(RecordView::Blocked { uri: owned(), blocked: true, author });
        }
        let is_detached = by.post.violates_postgate
            || (by.post.quote_detached && self.hydrated.post(uri).is_some());
        is_detached.then(|| RecordView::Detached { uri: owned(), detached: true })
    }

    fn record_view(
        &self,
        author: &Did,
        collection: &str,
        uri: &str,
        quotes: u8,
    ) -> Option<RecordView<'a>> {
        Some(match collection {
            "app.bsky.feed.post" => RecordView::Post(Box::new(self.quoted_post(uri, quotes)?)),
            "app.bsky.feed.generator" => RecordView::Generator(Box::new(self.generator(uri)?)),
            "app.bsky.graph.list" => RecordView::List(Box::new(self.list(uri)?)),
            "app.bsky.labeler.service" => RecordView::Labeler(Box::new(self.labeler(author)?)),
            "app.bsky.graph.starterpack" => {
                RecordView::StarterPack(Box::new(self.starter_pack_basic(uri)?))
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use millrace_dataplane::query::hydrate::Hydration;
    use serde_json::{Value, json};

    use crate::hydration::Hydrated;
    use crate::views::Views;
    use crate::views::tests::{self as made, actor, post};

    const BY: &str = "at://did:plc:bob/app.bsky.feed.post/by";
    const QUOTED: &str = "at://did:plc:alice/app.bsky.feed.post/quoted";

    /// The kind of what stands for alice's post in bob's, `fields` being the latter's.
    fn shown(fields: Value, alice_to_viewer: Value, quoted: bool, all_visible: bool) -> String {
        let strong = json!({"uri": QUOTED, "cid": made::CID});
        let record = json!({"embed": {"$type": "app.bsky.embed.record", "record": strong}});
        let mut posts = vec![post(BY, record, fields)];
        posts.extend(quoted.then(|| post(QUOTED, json!({}), json!({}))));
        let bob = actor("did:plc:bob", true, json!({}));
        let actors = vec![bob, actor("did:plc:alice", true, alice_to_viewer)];
        let hydration = Hydration { posts, actors, ..Hydration::default() };
        let hydrated = Hydrated::new(
            hydration,
            None,
            all_visible,
            &crate::request::labelers::Labelers::default(),
        );
        let viewer = millrace_atproto::Did::parse("did:plc:viewer").unwrap();
        let urls = made::urls();
        let views = Views { hydrated: &hydrated, urls: &urls, viewer: Some(&viewer), now_us: 0 };
        let view = serde_json::to_value(views.post(BY).unwrap()).unwrap();
        let kind = view["embed"]["record"]["$type"].as_str().unwrap();
        kind.trim_start_matches("app.bsky.embed.record#view").to_owned()
    }

    #[test]
    fn what_stands_for_a_quoted_post() {
        let none = || json!({});
        let blocked = || json!({"blockedBy": "at://did:plc:alice/app.bsky.graph.block/b"});
        let between = || json!({"quoteBlocked": true});
        let barred = || json!({"violatesPostgate": true});
        let detached = || json!({"quoteDetached": true});
        let all = || json!({"quoteBlocked": true, "violatesPostgate": true, "quoteDetached": true});
        // the quoting post, alice to the viewer, whether the quoted post is there, what is shown,
        // and what is shown to those who moderate
        let table = [
            (none(), none(), true, "Record", "Record"),
            (none(), none(), false, "NotFound", "NotFound"),
            (none(), blocked(), true, "Blocked", "Record"),
            (none(), blocked(), false, "Blocked", "NotFound"),
            (between(), none(), true, "Blocked", "Record"),
            (between(), none(), false, "Blocked", "NotFound"),
            (barred(), none(), true, "Detached", "Detached"),
            (barred(), none(), false, "Detached", "Detached"),
            (detached(), none(), true, "Detached", "Detached"),
            (detached(), none(), false, "NotFound", "NotFound"),
            (all(), none(), true, "Blocked", "Detached"),
        ];
        for (fields, relation, quoted, expected, to_moderators) in table {
            let case = format!("{fields} {relation} {quoted}");
            assert_eq!(shown(fields.clone(), relation.clone(), quoted, false), expected, "{case}");
            assert_eq!(shown(fields, relation, quoted, true), to_moderators, "{case}");
        }
    }
}
