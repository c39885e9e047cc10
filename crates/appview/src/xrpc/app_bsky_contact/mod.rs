//! `app.bsky.contact.*`, one file a method. Whom of one's telephone's contacts one may find here takes a
//! service that sends codes to telephones and keeps their numbers; there is none, and every method says so.

pub(super) mod dismiss_match;
pub(super) mod get_matches;
pub(super) mod get_sync_status;
pub(super) mod import_contacts;
pub(super) mod remove_data;
pub(super) mod send_notification;
pub(super) mod start_phone_verification;
pub(super) mod verify_phone;

use crate::error::XrpcError;

const NO_CONTACTS: XrpcError =
    XrpcError::NotConfigured("This service is not configured to support contact imports.");
