//! `app.bsky.notification.unregisterPush`: a device of the viewer's is to be pushed to no more; also
//! where none may be registered any longer.

use millrace_dataplane::query::push;
use serde::Deserialize;

use super::push::Named;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct UnregisterPush {
    #[serde(flatten)]
    named: Named,
}

impl Procedure for UnregisterPush {
    const NSID: &'static str = "app.bsky.notification.unregisterPush";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let (actor, device) = (call.account()?.clone(), self.named.device(call)?);
        call.api().dataplane.command(push::UnregisterPush { actor, device }).await?;
        Ok(())
    }
}
