//! The outside, asked: guarded HTTP, DID and handle resolution, the sync questions a PDS or relay
//! answers, and people's own sessions with their PDS.
//!
//! What must stay true: nothing here connects to an address that is not on the public internet
//! (loopback only where `allow_loopback` says so), whatever name, redirect or document led there;
//! every request has bounds in bytes and time; no answer from outside is trusted to be well formed.
//!
//! Start at [`HttpClient`], through which every request goes; [`Resolver`] and [`PdsClient`]
//! stand on it, and on both [`OAuthClient`] (signing in, `oauth/mod.rs`) and [`PdsSession`] (asking as
//! somebody, `session/mod.rs`). An event's author is asked for in `identity/mod.rs` → `identity/lookups.rs`
//! (cache) → `identity/ask.rs` (the request) → `http/mod.rs` → `guard.rs`.

// how a request leaves
pub mod guard;
pub mod http;

// what is asked
pub mod identity;
pub mod jetstream;
pub mod pds;

// as somebody
pub mod oauth;
pub mod session;

pub mod codes;
mod metrics;

pub use guard::Guard;
pub use http::{BodyStream, HttpClient, HttpConfig, HttpError, Limits, Request, Response};
pub use identity::{ResolveError, Resolver, ResolverConfig};
pub use jetstream::{ZstdDictionary, zstd_dictionary};
pub use oauth::{OAuthClient, OAuthError, OAuthGrant};
pub use pds::{PdsClient, PdsError, RepoStream};
pub use session::{AppPasswords, Grant, PdsSession, SessionError};
