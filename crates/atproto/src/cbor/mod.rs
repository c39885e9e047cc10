//! Strict DAG-CBOR, the one encoding of everything that is hashed or signed: definite lengths, shortest
//! integers, no floats, map keys that are unique text in canonical order (shorter first, then bytewise),
//! tag 42 only, UTF-8 checked. What is decoded and encoded again gives the same bytes.
//!
//! [`Reader`] walks bytes without allocating and is what frames, commits and tree nodes are read with;
//! [`Value`] is the tree for records; [`Writer`] encodes. Spec: atproto.com/specs/data-model.

mod error;
mod json;
mod reader;
#[cfg(test)]
mod reader_tests;
mod value;
mod writer;

pub use error::CborError;
pub use json::{JsonError, from_json, record_from_json, to_json};
pub use reader::{Kind, Reader};
pub use value::{Value, decode, decode_prefix, encode, validate, validate_record};
pub use writer::Writer;

/// Deepest nesting of arrays and maps; a flat record has depth 1.
pub const DEPTH_MAX: usize = 32;
/// Most items of an array, or pairs of a map.
pub const CONTAINER_ITEMS_MAX: usize = 131_072;
/// Longest map key, in bytes.
pub const KEY_BYTES_MAX: usize = 8 * 1024;
/// Largest integer; the smallest is its negative. Every JSON reader holds these exactly.
pub const INT_MAX: i64 = (1 << 53) - 1;
