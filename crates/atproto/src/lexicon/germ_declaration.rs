//! `com.germnetwork.declaration`: an account's presence on another messenger. Keys and proofs are that
//! messenger's affair and mean nothing here.

use super::RecordError;
use super::fields::{Object, bytes, format, text_from, text_of_bytes};
use crate::cbor::Value;
use crate::syntax::UriGrammar;

const VERSION_BYTES_MIN: usize = 5;
const VERSION_BYTES_MAX: usize = 14;
const CONTINUITY_PROOFS_MAX: usize = 1_000;
const URL_BYTES_MAX: usize = 2_047;
const SHOW_BUTTON_TO_BYTES_MAX: usize = 100;

/// A declaration of such a presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GermDeclaration<'v> {
    /// The format's version, such as `1.0.0`.
    pub version: &'v str,
    /// The account's public key there.
    pub current_key: &'v [u8],
    /// Who can write to it there, and where.
    pub message_me: Option<MessageMe<'v>>,
    /// What is needed to write the first message.
    pub key_package: Option<&'v [u8]>,
    /// Proofs that later keys follow from earlier ones.
    pub continuity_proofs: Vec<&'v [u8]>,
}

/// The button that leads to the messenger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageMe<'v> {
    /// Who sees it: `none`, `usersIFollow`, `everyone`, or something newer.
    pub show_button_to: &'v str,
    /// Where it leads.
    pub message_me_url: &'v str,
}

impl<'v> GermDeclaration<'v> {
    /// The collection of these declarations.
    pub const COLLECTION: &'static str = "com.germnetwork.declaration";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        let version = text_from(VERSION_BYTES_MIN, text_of_bytes(VERSION_BYTES_MAX));
        Ok(Self {
            version: object.required("version", version)?,
            current_key: object.required("currentKey", bytes)?,
            message_me: object.optional("messageMe", MessageMe::read)?,
            key_package: object.optional("keyPackage", bytes)?,
            continuity_proofs: object.list("continuityProofs", CONTINUITY_PROOFS_MAX, bytes)?,
        })
    }
}

impl<'v> MessageMe<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "com.germnetwork.declaration#messageMe")?;
        let show_button_to = text_from(1, text_of_bytes(SHOW_BUTTON_TO_BYTES_MAX));
        Ok(Self {
            show_button_to: object.required("showButtonTo", show_button_to)?,
            message_me_url: object.required("messageMeUrl", |value| {
                text_of_bytes(URL_BYTES_MAX)(value)?;
                format::<UriGrammar>(value)
            })?,
        })
    }
}
