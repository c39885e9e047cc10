//! The posts of a thread, as far as one answer can hold them: what the methods about threads share.

use std::collections::HashMap;

use millrace_atproto::{AtIdentifier, AtUri};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::hydrate::HYDRATE_MAX;
use millrace_dataplane::query::thread::{GetPostThread, Thread};

use crate::error::XrpcError;
use crate::hydration::{Hydrated, known_uri};
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
    /// The anchor, its parents and its replies; empty where the anchor is not known.
    posts: Vec<AtUri>,
    pub(in crate::xrpc) replies: Vec<String>,
    /// URIs of the root author's likes, by the post they like.
    pub(in crate::xrpc) root_author_likes: HashMap<String, String>,
    pub(in crate::xrpc) op_thread: Vec<String>,
}

/// The URI by DID, where it was given by a handle that is known here.
pub(in crate::xrpc) async fn resolved(call: &Call<'_>, uri: AtUri) -> Result<AtUri, XrpcError> {
    if uri.did().is_some() {
        return Ok(uri);
    }
    let known = call.standing(&uri.authority).await?;
    Ok(match known {
        Some(standing) => AtUri { authority: AtIdentifier::Did(standing.did), ..uri },
        None => uri,
    })
}

/// The posts around `anchor`; none where it is not known here.
pub(in crate::xrpc) async fn around(
    call: &Call<'_>,
    anchor: &AtUri,
    Reach { above, below, op_thread }: Reach,
) -> Result<ThreadPosts, XrpcError> {
    if anchor.as_record().is_none() {
        return Ok(ThreadPosts::default());
    }
    let question = GetPostThread { uri: anchor.clone(), below, above, op_thread };
    let found = match call.api().dataplane.ask(question).await {
        Err(DataplaneError::NotFound(_)) => return Ok(ThreadPosts::default()),
        found => found?,
    };
    let Thread { ancestors, descendants, root_author_likes, op_thread } = found;
    let uris = ancestors.iter().chain(&descendants).take(HYDRATE_MAX);
    let posts = uris.map(|uri| known_uri(uri)).collect::<Result<_, _>>()?;
    let likes = root_author_likes.into_iter().map(|liked| (liked.uri, liked.like));
    Ok(ThreadPosts { posts, replies: descendants, root_author_likes: likes.collect(), op_thread })
}

impl ThreadPosts {
    pub(in crate::xrpc) async fn hydrate(
        &mut self,
        call: &Call<'_>,
    ) -> Result<Hydrated, XrpcError> {
        let posts = std::mem::take(&mut self.posts);
        call.hydrate(Skeleton { posts, ..Skeleton::default() }).await
    }
}
