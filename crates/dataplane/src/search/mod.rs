//! Search: what words a text has, what a person typed means, and which documents hold it.
//!
//! Texts become tokens here, the same way when they are indexed and when they are asked for, so
//! both stores find the same whatever the language. Besides words a document holds marks: tokens
//! no text can write, for what a search can be narrowed to (author, mention, language …).

pub(crate) mod document_id;
pub(crate) mod marks;
pub(crate) mod typed;
pub(crate) mod words;

/// The full-text table of posts.
pub(crate) const POSTS: &str = "post_text";
/// The full-text table of accounts.
pub(crate) const ACTORS: &str = "actor_text";
