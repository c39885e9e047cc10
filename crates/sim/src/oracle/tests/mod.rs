//! The model against a network small enough to know by heart, with answers written by hand; and against
//! itself with one record missing, which it must notice.
#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod example;
mod judged;
mod mutations;
mod said;
mod tiny;
