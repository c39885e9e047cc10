//! The made-up network is what it claims to be: deterministic, signed, and served as outside.
#![expect(clippy::unwrap_used, reason = "tests")]

mod frames;
mod jetstream;
mod served;
