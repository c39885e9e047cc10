//! Accounts that a request names.

use millrace_atproto::{AtIdentifier, Did};

use crate::error::XrpcError;
use crate::xrpc::Call;

/// The DID a name means. A handle must be known here; a DID stands for itself, known or not.
pub(super) async fn did_of(
    call: &Call<'_>,
    actor: &AtIdentifier,
) -> Result<Option<Did>, XrpcError> {
    match actor {
        AtIdentifier::Did(did) => Ok(Some(did.clone())),
        AtIdentifier::Handle(_) => Ok(call.standing(actor).await?.map(|standing| standing.did)),
    }
}
