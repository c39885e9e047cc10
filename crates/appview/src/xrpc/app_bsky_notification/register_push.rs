//! `app.bsky.notification.registerPush`: a device of the viewer's is to be pushed to. Kept for whoever
//! pushes; where `appview.push_devices` lets nobody have a device, there is no such method.

use millrace_dataplane::query::push;
use serde::Deserialize;

use super::push::Named;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegisterPush {
    #[serde(flatten)]
    named: Named,
    #[serde(default)]
    age_restricted: bool,
}

impl Procedure for RegisterPush {
    const NSID: &'static str = "app.bsky.notification.registerPush";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let devices_max = call.api().push_devices;
        if devices_max == 0 {
            return Err(XrpcError::MethodNotImplemented);
        }
        let (actor, device) = (call.account()?.clone(), self.named.device(call)?);
        let age_restricted = self.age_restricted;
        let command = push::RegisterPush { actor, device, age_restricted, devices_max };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
