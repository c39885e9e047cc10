//! `getPost`, `getPosts`: posts by URI, with their counters.

use millrace_atproto::syntax::AtUri;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, hydrate, lookup, taken_down};
use crate::error::DataplaneError;
use crate::model::Post;

/// Most posts one question may ask for.
pub const POSTS_MAX: usize = 200;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPost {
    pub uri: AtUri,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPosts {
    pub uris: Vec<AtUri>,
}

/// The posts found, in the order asked for; unknown ones, and those taken down here, are left
/// out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Posts {
    pub posts: Vec<Post>,
}

impl Question for GetPost {
    const NAME: &'static str = "getPost";
    type Answer = Post;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<Post, DataplaneError> {
        let not_found = DataplaneError::NotFound(format!("post not found: {}", self.uri));
        GetPosts { uris: vec![self.uri] }.answer(tx, cx)?.posts.pop().ok_or(not_found)
    }
}

impl Question for GetPosts {
    const NAME: &'static str = "getPosts";
    type Answer = Posts;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Posts, DataplaneError> {
        if self.uris.len() > POSTS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {POSTS_MAX} uris, not {}",
                self.uris.len()
            )));
        }
        let keys = lookup::post_keys(tx, &self.uris)?;
        let mut found = hydrate::posts(tx, &keys)?;
        if taken_down::any(tx)? {
            let down = taken_down::among(tx, keys.iter().map(|key| taken_down::post(*key)))?;
            found.retain(|key, _| !down.hides(taken_down::post(*key)));
        }
        Ok(Posts { posts: keys.iter().filter_map(|key| found.remove(key)).collect() })
    }
}
