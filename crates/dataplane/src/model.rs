//! What the data-plane says of the network: the shapes its answers are made of.
//!
//! Actors and posts are named by DID and AT URI here, never by the store's integer ids, so that
//! an answer means the same after a rebuild. Records are the JSON text made once at apply
//! (`RawValue`): the AppView splices it into its answers and never serialises it again.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::{Did, Handle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A stored record: its CID and the JSON text it is served as.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub cid: Cid,
    pub value: Box<RawValue>,
    /// When this version was indexed, microseconds since the epoch.
    pub indexed_at_us: i64,
}

/// An account as it is known here.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    pub did: Did,
    /// Verified both ways; `None` is shown as `handle.invalid`.
    pub handle: Option<Handle>,
    pub active: bool,
    /// The upstream status (`takendown`, `suspended`, `deactivated` …) of an account.
    pub status: Option<String>,
    pub indexed_at_us: i64,
    /// `app.bsky.actor.profile/self`.
    pub profile: Option<Record>,
    pub followers_count: i64,
    pub follows_count: i64,
    pub posts_count: i64,
    pub lists_count: i64,
    pub generators_count: i64,
    pub starter_packs_count: i64,
    /// It has a labeler service record.
    pub is_labeler: bool,
    /// `app.bsky.actor.status/self`.
    pub status_record: Option<Record>,
    /// `app.bsky.notification.declaration/self`.
    pub notification_declaration: Option<Box<RawValue>>,
    /// `chat.bsky.actor.declaration/self`.
    pub chat_declaration: Option<Box<RawValue>>,
    /// `com.germnetwork.declaration/self`.
    pub germ_declaration: Option<Record>,
    /// It is one of the verifiers the question trusts.
    pub trusted_verifier: bool,
    /// Which of the trusted verifiers vouch for this account, the earliest first.
    pub verifications: Vec<Verification>,
    /// The starter pack it came by, if it says so and the account is shown in detail.
    pub joined_via: Option<String>,
    /// What the asking viewer has to do with this account; `None` without a viewer.
    pub viewer: Option<ActorViewer>,
}

/// What of an answer is taken down here: shown to nobody but those who moderate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakenDown {
    /// DIDs of accounts, URIs of records.
    #[serde(default)]
    pub subjects: Vec<String>,
    #[serde(default)]
    pub blobs: Vec<TakenDownBlob>,
}

/// A blob that is not shown in the records of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenDownBlob {
    pub did: Did,
    pub cid: String,
}

/// One account's word that another is who it says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub uri: String,
    pub issuer: Did,
    /// The handle and the name the account had then.
    pub handle: String,
    pub display_name: String,
    pub created_at_us: i64,
}

/// The relation of a viewer to an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorViewer {
    /// URI of the viewer's follow of this account.
    pub following: Option<String>,
    /// URI of this account's follow of the viewer.
    pub followed_by: Option<String>,
    /// URI of the viewer's block of this account.
    pub blocking: Option<String>,
    /// URI of this account's block of the viewer.
    pub blocked_by: Option<String>,
    /// A moderation list the viewer blocks and this account is on.
    pub blocking_by_list: Option<String>,
    /// A moderation list this account blocks and the viewer is on.
    pub blocked_by_list: Option<String>,
    /// The viewer mutes the account itself …
    #[serde(default)]
    pub muted: bool,
    /// … or only what it reposts or quotes.
    #[serde(default)]
    pub muted_only_reposts: bool,
    #[serde(default)]
    pub muted_only_quoteposts: bool,
    /// A moderation list the viewer mutes and this account is on.
    pub muted_by_list: Option<String>,
    /// Accounts the viewer follows that follow this one, where it was asked for.
    pub known_followers: Option<KnownFollowers>,
    /// Of which of its posts the viewer wants to be told, where it was asked for; whether the account
    /// lets the viewer is not looked at.
    #[serde(default)]
    pub activity_subscription: Option<ActivitySubscription>,
}

/// Of which posts of another an account wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivitySubscription {
    /// Posts that begin threads.
    pub post: bool,
    pub reply: bool,
}

/// Accounts a viewer follows that follow another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownFollowers {
    pub count: i64,
    /// The first few of them.
    pub followers: Vec<Did>,
}

/// A post with its counters.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    pub uri: String,
    pub author: Did,
    pub record: Record,
    /// `min(createdAt, indexedAt)`, microseconds.
    pub sort_at_us: i64,
    pub like_count: i64,
    pub reply_count: i64,
    pub repost_count: i64,
    pub quote_count: i64,
    /// Accounts that have a bookmark of it here.
    #[serde(default)]
    pub bookmark_count: i64,
    pub reply_parent: Option<String>,
    pub reply_root: Option<String>,
    /// The post this one quotes.
    pub quoted: Option<String>,
    /// The reply does not belong to the thread its root names.
    pub invalid_reply_root: bool,
    /// The thread's gate did not allow this reply.
    pub violates_threadgate: bool,
    /// The quoted post's gate did not allow this quote.
    pub violates_postgate: bool,
    /// The author of this post's root hides it in that thread.
    pub hidden_by_root: bool,
    /// The author of the quoted post took it out of this one.
    pub quote_detached: bool,
    /// A block, direct or by list, stands between this post's author and that of the post it
    /// answers, begins its thread with, or quotes.
    pub parent_blocked: bool,
    pub root_blocked: bool,
    pub quote_blocked: bool,
    pub viewer: Option<PostViewer>,
}

/// A thread's gate.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Threadgate {
    pub uri: String,
    /// The post the thread begins with.
    pub post: String,
    pub record: Record,
}

/// The relation of a viewer to a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostViewer {
    /// URI of the viewer's like.
    pub like: Option<String>,
    /// URI of the viewer's repost.
    pub repost: Option<String>,
    #[serde(default)]
    pub bookmarked: bool,
    pub thread_muted: bool,
    /// Whether the thread's gate keeps the viewer from replying; `None` where there is no gate.
    pub reply_disabled: Option<bool>,
    /// The post's gate does not let the viewer quote it.
    pub embedding_disabled: bool,
}

/// A list of accounts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List {
    pub uri: String,
    pub creator: Did,
    pub record: Record,
    /// `min(createdAt, indexedAt)`, microseconds.
    pub sort_at_us: i64,
    /// Accounts on it.
    pub items_count: i64,
    pub viewer: Option<ListViewer>,
}

/// The relation of a viewer to a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListViewer {
    pub muted: bool,
    /// URI of the viewer's block of the list.
    pub blocked: Option<String>,
    /// URI of the item that puts the viewer on the list.
    pub in_list: Option<String>,
}

/// An account on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListItem {
    /// URI of the item that puts it there.
    pub uri: String,
    pub subject: Did,
}

/// A feed generator or a labeler: a service's record that can be liked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub uri: String,
    pub creator: Did,
    pub record: Record,
    pub sort_at_us: i64,
    pub like_count: i64,
    /// URI of the viewer's like.
    pub viewer_like: Option<String>,
}

/// A starter pack.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StarterPack {
    pub uri: String,
    pub creator: Did,
    pub record: Record,
    pub sort_at_us: i64,
    /// Accounts that say they came by it, in all and of the last seven days.
    pub joined_all_time_count: i64,
    pub joined_week_count: i64,
}

/// What a labeler says of an account or a record, and has not taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// The schema's version, where the signature is told too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ver: Option<u8>,
    pub src: Did,
    /// The account's DID or the record's URI.
    pub uri: String,
    /// The version of the record that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<String>,
    pub val: String,
    /// When it was said and when it ends, as the labeler wrote it.
    pub cts: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<String>,
    /// Of labels that are issued here, where they are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<LabelSignature>,
}

/// Bytes as JSON has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelSignature {
    /// In base64, without padding.
    #[serde(rename = "$bytes")]
    pub bytes: String,
}

/// One line of an author feed or a timeline, before hydration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedItem {
    /// The post shown.
    pub uri: String,
    /// URI of the repost that brought it here.
    pub repost: Option<String>,
    /// Its CID, where what is kept of it tells.
    pub repost_cid: Option<Cid>,
    pub sort_at_us: i64,
}

/// The seed's flat profile, as `/internal/getProfile` answers it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileRecord {
    pub did: Did,
    pub handle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner_url: Option<String>,
    pub followers_count: i64,
    pub follows_count: i64,
    pub posts_count: i64,
    /// RFC 3339, milliseconds, UTC.
    pub indexed_at: String,
}

/// One notification of a recipient.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The record that caused it.
    pub uri: String,
    pub cid: Cid,
    pub author: Did,
    /// `like`, `reply`, `follow`, `mention`, `quote` …, the lexicon's known values.
    pub reason: String,
    pub reason_subject: Option<String>,
    pub record: Box<RawValue>,
    pub sort_at_us: i64,
    /// What follows it is found with this cursor.
    pub cursor: String,
}

/// A like of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Like {
    pub uri: String,
    pub actor: Did,
    pub created_at_us: i64,
    pub indexed_at_us: i64,
}

/// A follow, seen from either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowEdge {
    pub uri: String,
    /// The other account: the follower in getFollowers, the followed in getFollows.
    pub did: Did,
}

/// What two accounts are to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Relationship {
    pub did: Did,
    /// URI of the asking actor's follow of `did`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub following: Option<String>,
    /// URI of `did`'s follow of the asking actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocking_by_list: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by_list: Option<String>,
}

/// How far a source's events are visible in the answers given here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceProgress {
    pub source: String,
    pub visible_seq: i64,
}
