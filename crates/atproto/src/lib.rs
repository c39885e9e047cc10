//! AT Protocol values: identifiers, repository formats, event frames, signatures, records.
//!
//! Pure: no IO, no clock, no random source; what depends on the time takes it as an argument.
//! Total on untrusted bytes: every parser returns an error where input is wrong and never panics,
//! and its memory is bounded by its input or by a named limit.
//! Facts come from the AT Protocol specification (<https://atproto.com/specs>) and its interop vectors.
//! Start at [`syntax`] for identifiers, [`frame`] and [`sync`] for the firehose, [`entry`] for the log.

// words
pub mod datetime;
pub mod syntax;
// data model and repository
pub mod car;
pub mod cbor;
pub mod cid;
pub mod commit;
pub mod mst;
// keys and identity
pub mod crypto;
pub mod did_doc;
pub mod jwt;
// events
pub mod frame;
pub mod jetstream;
pub mod label;
pub mod sync;
// records
pub mod lexicon;
// what is in the log
pub mod entry;
// what must hold for every input
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;

pub use cid::Cid;
pub use syntax::{
    AtIdentifier, AtUri, Datetime, Did, Handle, Language, Nsid, RecordKey, SyntaxError, Tid, Uri,
};
