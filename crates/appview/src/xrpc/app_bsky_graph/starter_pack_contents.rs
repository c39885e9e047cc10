//! Whole starter packs: who is in them, and everything their views need.

use millrace_atproto::AtUri;
use millrace_dataplane::query::starter_packs::{Contents, GetStarterPackContents};

use crate::error::XrpcError;
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// Who is in those of `starter_packs` that are known, as the caller may see it.
pub(super) async fn of(
    call: &Call<'_>,
    starter_packs: Vec<AtUri>,
) -> Result<Vec<Contents>, XrpcError> {
    let question = GetStarterPackContents { starter_packs, viewer: call.viewer().cloned() };
    Ok(call.ask(question).await?.contents)
}

/// Everything the views of these starter packs need: their lists and feeds come with them.
pub(super) fn skeleton(starter_packs: Vec<AtUri>, contents: &[Contents]) -> Skeleton {
    let sampled = contents.iter().flat_map(|pack| &pack.sample);
    Skeleton {
        starter_packs,
        actors: sampled.map(|item| item.subject.clone()).collect(),
        ..Skeleton::default()
    }
}
