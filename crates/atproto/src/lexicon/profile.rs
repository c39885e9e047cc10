//! `app.bsky.actor.profile`.

use super::blob::{BlobRef, PICTURE};
use super::fields::{Object, format, text_of_graphemes};
use super::{RecordError, StrongRef, self_labels};
use crate::syntax::{DatetimeGrammar, UriGrammar};

const DISPLAY_NAME_GRAPHEMES_MAX: usize = 64;
const DESCRIPTION_GRAPHEMES_MAX: usize = 256;
const PRONOUNS_GRAPHEMES_MAX: usize = 20;

/// How an account presents itself. Every field is optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile<'v> {
    /// The name that is shown.
    pub display_name: Option<&'v str>,
    /// A few words about it.
    pub description: Option<&'v str>,
    /// Pronouns.
    pub pronouns: Option<&'v str>,
    /// A link.
    pub website: Option<&'v str>,
    /// The small picture.
    pub avatar: Option<BlobRef<'v>>,
    /// The wide picture.
    pub banner: Option<BlobRef<'v>>,
    /// The account's own labels.
    pub labels: Vec<&'v str>,
    /// The starter pack through which it joined.
    pub joined_via_starter_pack: Option<StrongRef<'v>>,
    /// The post that is shown first.
    pub pinned_post: Option<StrongRef<'v>>,
    /// When it says it was made, as written.
    pub created_at: Option<&'v str>,
}

impl<'v> Profile<'v> {
    /// The collection of profiles.
    pub const COLLECTION: &'static str = "app.bsky.actor.profile";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            display_name: object
                .optional("displayName", text_of_graphemes(DISPLAY_NAME_GRAPHEMES_MAX))?,
            description: object
                .optional("description", text_of_graphemes(DESCRIPTION_GRAPHEMES_MAX))?,
            pronouns: object.optional("pronouns", text_of_graphemes(PRONOUNS_GRAPHEMES_MAX))?,
            website: object.optional("website", format::<UriGrammar>)?,
            avatar: object.optional("avatar", |value| PICTURE.read(value))?,
            banner: object.optional("banner", |value| PICTURE.read(value))?,
            labels: object.optional("labels", self_labels::read)?.unwrap_or_default(),
            joined_via_starter_pack: object.optional("joinedViaStarterPack", StrongRef::read)?,
            pinned_post: object.optional("pinnedPost", StrongRef::read)?,
            created_at: object.optional("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
