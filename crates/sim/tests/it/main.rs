//! The made-up network is what it claims to be: deterministic, signed, of every kind, served as outside, and
//! however it misbehaves, the truth can be learnt from it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod faults;
mod feeds;
mod frame_files;
mod frames;
mod jetstream;
mod kinds;
mod labels;
mod reader;
mod served;
