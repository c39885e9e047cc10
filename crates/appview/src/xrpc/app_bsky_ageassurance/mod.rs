//! `app.bsky.ageassurance.*`, one file a method. Nobody's age is verified here, and no region is said to
//! ask for it: a client that was told of such a region would lock its people out, with no way back in.

pub(super) mod begin;
pub(super) mod get_config;
pub(super) mod get_state;

use crate::error::XrpcError;

/// What is known of an account's age, and so what it may see.
pub(super) const UNKNOWN: &str = "unknown";

pub(super) const NO_AGE_ASSURANCE: XrpcError =
    XrpcError::NotConfigured("This service is not configured to support age assurance.");
