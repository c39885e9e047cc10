//! Records of the kinds that are indexed, read from the data model and held to their lexicon.
//!
//! A record that parses is valid as its lexicon means it: required fields, bounds, formats, blobs, and
//! known variants of unions. What the lexicon does not know (further fields, other variants, unknown
//! values of open sets) is let through and left out here; the record's own bytes are what is kept.
//! Everything borrows from the decoded value. Sources: <https://atproto.com/specs/lexicon> and the
//! `app.bsky` lexicons named in each file.

mod blob;
mod embed;
mod error;
mod facet;
mod fields;
mod follow;
mod like;
mod post;
mod profile;
mod self_labels;
mod strong_ref;
#[cfg(test)]
mod tests;

use crate::cbor::Value;
use crate::syntax::{Nsid, RecordKey};

pub use blob::BlobRef;
pub use embed::{AspectRatio, Caption, Embed, External, Image, Media, Video};
pub use error::{Fault, RecordError};
pub use facet::{Facet, Feature};
pub use follow::Follow;
pub use like::Like;
pub use post::{Post, Reply};
pub use profile::Profile;
pub use strong_ref::StrongRef;

use fields::Object;

/// A valid record of a kind that is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'v> {
    /// `app.bsky.feed.post`
    Post(Post<'v>),
    /// `app.bsky.actor.profile`
    Profile(Profile<'v>),
    /// `app.bsky.feed.like`
    Like(Like<'v>),
    /// `app.bsky.graph.follow`
    Follow(Follow<'v>),
}

impl<'v> Record<'v> {
    /// Reads a record of `collection`; `None` if the collection is not one of the indexed kinds.
    ///
    /// # Errors
    /// [`RecordError`]: the first field that breaks the lexicon, and how. `$type` must be the collection.
    pub fn parse(collection: &Nsid, value: &'v Value<'_>) -> Result<Option<Self>, RecordError> {
        let record = match collection.as_str() {
            Post::COLLECTION => Self::Post(Post::read(Object::record(value, Post::COLLECTION)?)?),
            Profile::COLLECTION => {
                Self::Profile(Profile::read(Object::record(value, Profile::COLLECTION)?)?)
            }
            Like::COLLECTION => Self::Like(Like::read(Object::record(value, Like::COLLECTION)?)?),
            Follow::COLLECTION => {
                Self::Follow(Follow::read(Object::record(value, Follow::COLLECTION)?)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(record))
    }
}

/// Whether `rkey` is of the type that the collection's lexicon demands: `self` for profiles, a TID for
/// the other indexed kinds, anything elsewhere.
pub fn key_fits(collection: &Nsid, rkey: &RecordKey) -> bool {
    match collection.as_str() {
        Profile::COLLECTION => rkey.as_str() == "self",
        Post::COLLECTION | Like::COLLECTION | Follow::COLLECTION => rkey.as_tid().is_some(),
        _ => true,
    }
}
