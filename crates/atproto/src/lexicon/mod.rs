//! Records of the kinds that are indexed, read from the data model and held to their lexicon.
//!
//! A record that parses is valid as its lexicon means it: required fields, bounds, formats, blobs, and
//! known variants of unions. What the lexicon does not know (further fields, other variants, unknown
//! values of open sets) is let through and left out here; the record's own bytes are what is kept.
//! Everything borrows from the decoded value. Sources: <https://atproto.com/specs/lexicon> and the
//! lexicons named in each file.

mod blob;
mod block;
mod chat_declaration;
mod draft;
mod embed;
mod error;
mod facet;
mod fields;
mod follow;
mod generator;
mod germ_declaration;
mod label_definition;
mod labeler;
mod like;
mod list;
mod list_block;
mod list_item;
mod notification_declaration;
mod post;
mod postgate;
mod profile;
mod publication;
mod repost;
mod self_labels;
mod starter_pack;
mod status;
mod strong_ref;
#[cfg(test)]
mod tests;
mod threadgate;
mod verification;

use crate::cbor::Value;
use crate::syntax::{Nsid, RecordKey};

pub use blob::BlobRef;
pub use block::Block;
pub use chat_declaration::ChatDeclaration;
pub use draft::check_draft;
pub use embed::{AspectRatio, Caption, Embed, External, Image, Media, Video};
pub use error::{Fault, RecordError};
pub use facet::{Facet, Feature};
pub use follow::Follow;
pub use generator::Generator;
pub use germ_declaration::{GermDeclaration, MessageMe};
pub use label_definition::{LabelDefinition, LabelStrings};
pub use labeler::{Labeler, LabelerPolicies};
pub use like::Like;
pub use list::List;
pub use list_block::ListBlock;
pub use list_item::ListItem;
pub use notification_declaration::NotificationDeclaration;
pub use post::{Post, Reply};
pub use postgate::{EmbeddingRule, Postgate};
pub use profile::Profile;
pub use publication::Publication;
pub use repost::Repost;
pub use starter_pack::StarterPack;
pub use status::Status;
pub use strong_ref::StrongRef;
pub use threadgate::{AllowRule, Threadgate};
pub use verification::Verification;

use fields::Object;

/// A valid record of a kind that is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'v> {
    /// `app.bsky.feed.post`
    Post(Post<'v>),
    /// `app.bsky.feed.like`
    Like(Like<'v>),
    /// `app.bsky.feed.repost`
    Repost(Repost<'v>),
    /// `app.bsky.feed.threadgate`
    Threadgate(Threadgate<'v>),
    /// `app.bsky.feed.postgate`
    Postgate(Postgate<'v>),
    /// `app.bsky.feed.generator`
    Generator(Generator<'v>),
    /// `app.bsky.graph.follow`
    Follow(Follow<'v>),
    /// `app.bsky.graph.block`
    Block(Block<'v>),
    /// `app.bsky.graph.list`
    List(List<'v>),
    /// `app.bsky.graph.listitem`
    ListItem(ListItem<'v>),
    /// `app.bsky.graph.listblock`
    ListBlock(ListBlock<'v>),
    /// `app.bsky.graph.starterpack`
    StarterPack(StarterPack<'v>),
    /// `app.bsky.graph.verification`
    Verification(Verification<'v>),
    /// `app.bsky.actor.profile`
    Profile(Profile<'v>),
    /// `app.bsky.actor.status`
    Status(Status<'v>),
    /// `app.bsky.labeler.service`
    Labeler(Labeler<'v>),
    /// `app.bsky.notification.declaration`
    NotificationDeclaration(NotificationDeclaration<'v>),
    /// `chat.bsky.actor.declaration`
    ChatDeclaration(ChatDeclaration<'v>),
    /// `com.germnetwork.declaration`
    GermDeclaration(GermDeclaration<'v>),
    /// `site.standard.publication`
    Publication(Publication<'v>),
}

impl<'v> Record<'v> {
    /// Reads a record of `collection`; `None` if the collection is not one of the indexed kinds.
    ///
    /// # Errors
    /// [`RecordError`]: the first field that breaks the lexicon, and how. `$type` must be the collection.
    pub fn parse(collection: &Nsid, value: &'v Value<'_>) -> Result<Option<Self>, RecordError> {
        let of = |collection| Object::record(value, collection);
        Ok(Some(match collection.as_str() {
            Post::COLLECTION => Self::Post(Post::read(of(Post::COLLECTION)?)?),
            Like::COLLECTION => Self::Like(Like::read(of(Like::COLLECTION)?)?),
            Repost::COLLECTION => Self::Repost(Repost::read(of(Repost::COLLECTION)?)?),
            Threadgate::COLLECTION => {
                Self::Threadgate(Threadgate::read(of(Threadgate::COLLECTION)?)?)
            }
            Postgate::COLLECTION => Self::Postgate(Postgate::read(of(Postgate::COLLECTION)?)?),
            Generator::COLLECTION => Self::Generator(Generator::read(of(Generator::COLLECTION)?)?),
            Follow::COLLECTION => Self::Follow(Follow::read(of(Follow::COLLECTION)?)?),
            Block::COLLECTION => Self::Block(Block::read(of(Block::COLLECTION)?)?),
            List::COLLECTION => Self::List(List::read(of(List::COLLECTION)?)?),
            ListItem::COLLECTION => Self::ListItem(ListItem::read(of(ListItem::COLLECTION)?)?),
            ListBlock::COLLECTION => Self::ListBlock(ListBlock::read(of(ListBlock::COLLECTION)?)?),
            StarterPack::COLLECTION => {
                Self::StarterPack(StarterPack::read(of(StarterPack::COLLECTION)?)?)
            }
            Verification::COLLECTION => {
                Self::Verification(Verification::read(of(Verification::COLLECTION)?)?)
            }
            Profile::COLLECTION => Self::Profile(Profile::read(of(Profile::COLLECTION)?)?),
            Status::COLLECTION => Self::Status(Status::read(of(Status::COLLECTION)?)?),
            Labeler::COLLECTION => Self::Labeler(Labeler::read(of(Labeler::COLLECTION)?)?),
            NotificationDeclaration::COLLECTION => Self::NotificationDeclaration(
                NotificationDeclaration::read(of(NotificationDeclaration::COLLECTION)?)?,
            ),
            ChatDeclaration::COLLECTION => {
                Self::ChatDeclaration(ChatDeclaration::read(of(ChatDeclaration::COLLECTION)?)?)
            }
            GermDeclaration::COLLECTION => {
                Self::GermDeclaration(GermDeclaration::read(of(GermDeclaration::COLLECTION)?)?)
            }
            Publication::COLLECTION => {
                Self::Publication(Publication::read(of(Publication::COLLECTION)?)?)
            }
            _ => return Ok(None),
        }))
    }
}

/// Whether `rkey` is of the type that the collection's lexicon demands: `self` where an account has one
/// such record, anything for feed generators and elsewhere, a TID for the other indexed kinds.
pub fn key_fits(collection: &Nsid, rkey: &RecordKey) -> bool {
    match collection.as_str() {
        Profile::COLLECTION
        | Status::COLLECTION
        | Labeler::COLLECTION
        | NotificationDeclaration::COLLECTION
        | ChatDeclaration::COLLECTION
        | GermDeclaration::COLLECTION => rkey.as_str() == "self",
        Post::COLLECTION
        | Like::COLLECTION
        | Repost::COLLECTION
        | Threadgate::COLLECTION
        | Postgate::COLLECTION
        | Follow::COLLECTION
        | Block::COLLECTION
        | List::COLLECTION
        | ListItem::COLLECTION
        | ListBlock::COLLECTION
        | StarterPack::COLLECTION
        | Verification::COLLECTION
        | Publication::COLLECTION => rkey.as_tid().is_some(),
        _ => true,
    }
}
