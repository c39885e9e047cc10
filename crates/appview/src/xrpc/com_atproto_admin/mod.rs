//! `com.atproto.admin.*`, one file a method: what is taken down here, as moderation services (Ozone) ask and say.

pub(super) mod get_account_infos;
pub(super) mod get_subject_status;
pub(super) mod update_subject_status;

use serde::Serialize;

/// A reference that a takedown has if nobody gave it one.
const REFERENCE_DEFAULT: &str = "TAKEDOWN";

/// `com.atproto.admin.defs#statusAttr`.
#[derive(Serialize)]
struct StatusAttr {
    applied: bool,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}
