//! The outside, asked: guarded HTTP, DID and handle resolution, and the sync questions a PDS or
//! relay answers.
//!
//! What must stay true: nothing here connects to an address that is not on the public internet
//! (loopback only where `allow_loopback` says so), whatever name, redirect or document led there;
//! every request has bounds in bytes and time; no answer from outside is trusted to be well formed.
//!
//! Start at [`HttpClient`], through which every request goes; [`Resolver`] and [`PdsClient`]
//! stand on it. An event's author is asked for in `identity/mod.rs` → `identity/lookups.rs`
//! (cache) → `identity/ask.rs` (the request) → `http/mod.rs` → `guard.rs`.

// how a request leaves
pub mod guard;
pub mod http;

// what is asked
pub mod identity;
pub mod jetstream;
pub mod pds;

pub mod codes;
mod metrics;

pub use guard::Guard;
pub use http::{BodyStream, HttpClient, HttpConfig, HttpError, Limits, Request, Response};
pub use identity::{ResolveError, Resolver, ResolverConfig};
pub use jetstream::{ZstdDictionary, zstd_dictionary};
pub use pds::{PdsClient, PdsError, RepoStream};
