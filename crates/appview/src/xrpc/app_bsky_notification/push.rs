//! What registering a device for push notifications and its undoing share.

use millrace_atproto::Did;
use millrace_dataplane::query::push::{Device, Platform};
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::Call;

/// The device that a request names, and the service it was meant for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    service_did: Did,
    token: String,
    platform: String,
    app_id: String,
}

impl Named {
    /// The device, if it is one and this is the service.
    pub(super) fn device(self, call: &Call<'_>) -> Result<Device, XrpcError> {
        let Self { service_did, token, platform, app_id } = self;
        if service_did != call.api().service_did {
            return Err(XrpcError::invalid("Invalid serviceDid."));
        }
        let platform = match platform.as_str() {
            "ios" => Platform::Ios,
            "android" => Platform::Android,
            "web" => Platform::Web,
            _ => {
                return Err(XrpcError::invalid(
                    "Unsupported platform: must be \"ios\", \"android\", or \"web\".",
                ));
            }
        };
        Ok(Device { platform, app_id, token })
    }
}
