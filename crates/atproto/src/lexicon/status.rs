//! `app.bsky.actor.status`: what an account is doing just now.

use super::RecordError;
use super::embed::External;
use super::fields::{Object, format, int_from, text};
use crate::cbor::Value;
use crate::syntax::DatetimeGrammar;

/// A status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status<'v> {
    /// Which one: `app.bsky.actor.status#live`, or something newer.
    pub status: &'v str,
    /// A link card that goes with it; none if the embed is another variant.
    pub embed: Option<External<'v>>,
    /// How long it lasts from `created_at` on, in minutes; at least 1, with no upper bound.
    pub duration_minutes: Option<i64>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> Status<'v> {
    /// The collection of statuses.
    pub const COLLECTION: &'static str = "app.bsky.actor.status";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            status: object.required("status", text)?,
            embed: object.optional("embed", external)?.flatten(),
            duration_minutes: object.optional("durationMinutes", int_from(1))?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}

fn external<'v>(value: &'v Value<'v>) -> Result<Option<External<'v>>, RecordError> {
    match Object::variant(value)? {
        (object, "app.bsky.embed.external") => {
            object.required("external", External::read).map(Some)
        }
        _ => Ok(None),
    }
}
