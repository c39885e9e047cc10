//! Bits of a post's and a feed item's `flags` column.

pub const REPLY: i64 = 1;
pub const IMAGES: i64 = 2;
pub const VIDEO: i64 = 4;
/// The reply does not belong to the thread its root names.
pub const INVALID_ROOT: i64 = 8;
/// The thread's gate did not allow the reply when it was indexed.
pub const VIOLATES_THREADGATE: i64 = 16;
/// The quoted post's gate did not allow quoting when the post was indexed.
pub const VIOLATES_POSTGATE: i64 = 32;
