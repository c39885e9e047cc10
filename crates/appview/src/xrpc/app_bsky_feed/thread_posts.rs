//! The posts of a thread, as far as one answer can hold them: what the methods about threads share.

use std::collections::HashMap;

use millrace_atproto::{AtIdentifier, AtUri};
use millrace_dataplane::query::thread::{GetPostThread, Thread};

use crate::error::XrpcError;
use crate::hydration::Hydrated;
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// How far a thread is read.
#[derive(Debug, Clone, Copy)]
pub(in crate::xrpc) struct Reach {
    /// Levels of parents.
    pub(in crate::xrpc) above: u32,
    /// Levels of replies.
    pub(in crate::xrpc) below: u32,
    /// Also the thread that the author of the root wrote on their own.
    pub(in crate::xrpc) op_thread: bool,
}

/// A thread by name.
#[derive(Debug, Default)]
pub(in crate::xrpc) struct ThreadPosts {
    pub(in crate::xrpc) replies: Vec<String>,
    /// URIs of the root author's likes, by the post they like.
    pub(in crate::xrpc) root_author_likes: HashMap<String, String>,
    pub(in crate::xrpc) op_thread: Vec<String>,
}

/// The URI by DID, where it was given by a handle that is known here.
pub(in crate::xrpc) async fn resolved(call: &Call<'_>, uri: AtUri) -> Result<AtUri, XrpcError> {
    Ok(match call.did_of(&uri.authority).await? {
        Some(did) => AtUri { authority: AtIdentifier::Did(did), ..uri },
        None => uri,
    })
}

/// The posts around `anchor` with everything their views need; none where it is not known here.
pub(in crate::xrpc) async fn around(
    call: &Call<'_>,
    anchor: &AtUri,
    Reach { above, below, op_thread }: Reach,
) -> Result<(ThreadPosts, Hydrated), XrpcError> {
    if anchor.as_record().is_none() {
        return Ok((ThreadPosts::default(), call.hydrate(Skeleton::default()).await?));
    }
    let question = GetPostThread { uri: anchor.clone(), below, above, op_thread };
    let (found, hydrated) = call.ask_hydrated(question, Skeleton::default()).await?;
    Ok((found.map(ThreadPosts::of).unwrap_or_default(), hydrated))
}

impl ThreadPosts {
    fn of(thread: Thread) -> Self {
        let Thread { descendants, root_author_likes, op_thread, .. } = thread;
        let likes = root_author_likes.into_iter().map(|liked| (liked.uri, liked.like));
        Self { replies: descendants, root_author_likes: likes.collect(), op_thread }
    }
}
