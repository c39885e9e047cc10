//! A thread around an anchor: its parents upwards, its replies downwards, newest first.
//!
//! Threads may be a thousand levels deep, so nothing here recurses: the JSON is written with a
//! stack of its own, and its depth costs no memory of the program's.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::Views;
use super::feed::HiddenPost;
use crate::error::XrpcError;
use crate::hydration::HydratedPost;

/// URIs of the posts of a thread, in any order that has newer replies before older ones.
#[derive(Debug)]
pub(crate) struct ThreadSkeleton {
    pub(crate) anchor: String,
    pub(crate) replies: Vec<String>,
}

/// How far a thread is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadBounds {
    pub(crate) parents_max: u32,
    pub(crate) levels_max: u32,
}

/// URIs of the root author's likes, by the post they like.
pub(crate) type RootAuthorLikes = HashMap<String, String>;

/// `app.bsky.feed.defs#threadContext`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    root_author_like: Option<&'a str>,
}

const PARENT: &str = r#","parent":"#;

/// What stands above a post.
enum Parent<'a> {
    Shown(&'a HydratedPost),
    /// What stands for a post that is not shown; nothing stands above it.
    Hidden(HiddenPost<'a>),
    /// The post is of another thread.
    Elsewhere,
}

/// What is still to be written, the next thing last.
enum Step<'a> {
    Post { uri: &'a str, levels_left: u32 },
    Text(&'static str),
}

struct ThreadWriter<'a> {
    views: Views<'a>,
    likes: &'a RootAuthorLikes,
    root: &'a str,
    children: HashMap<&'a str, Vec<&'a str>>,
    json: Vec<u8>,
}

impl<'a> Views<'a> {
    /// The thread as JSON, or `None` if its anchor cannot be shown. An anchor behind a block stands
    /// alone as what it is; one its thread's gate does not allow stands without parents and replies.
    pub(crate) fn thread(
        &self,
        skeleton: &'a ThreadSkeleton,
        bounds: ThreadBounds,
        likes: &'a RootAuthorLikes,
    ) -> Result<Option<Vec<u8>>, XrpcError> {
        let Some(anchor) = self.hydrated.post(&skeleton.anchor) else { return Ok(None) };
        if self.hydrated.post_blocked(&skeleton.anchor) {
            let blocked = self.blocked_post(&skeleton.anchor);
            return Ok(Some(serde_json::to_vec(&blocked)?));
        }
        let mut writer = ThreadWriter {
            views: *self,
            likes,
            root: anchor.root(),
            children: self.children(skeleton),
            json: Vec::new(),
        };
        writer.open(anchor)?;
        if !anchor.post.violates_threadgate {
            writer.parents(anchor, bounds.parents_max)?;
            writer.replies(&anchor.post.uri, bounds.levels_max)?;
        }
        writer.json.push(b'}');
        Ok(Some(writer.json))
    }

    /// Replies by the post they answer; each once, so that no cycle is followed.
    fn children(&self, skeleton: &'a ThreadSkeleton) -> HashMap<&'a str, Vec<&'a str>> {
        let mut placed = HashSet::from([skeleton.anchor.as_str()]);
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for uri in &skeleton.replies {
            let Some(known) = self.hydrated.post(uri) else { continue };
            if let Some(parent) = known.parent().filter(|_| placed.insert(uri)) {
                children.entry(parent).or_default().push(&known.post.uri);
            }
        }
        children
    }
}

impl<'a> ThreadWriter<'a> {
    fn write(&mut self, view: &impl Serialize) -> Result<(), XrpcError> {
        Ok(serde_json::to_writer(&mut self.json, view)?)
    }

    fn text(&mut self, text: &str) {
        self.json.extend_from_slice(text.as_bytes());
    }

    /// A `threadViewPost` without its closing brace.
    fn open(&mut self, known: &'a HydratedPost) -> Result<(), XrpcError> {
        let uri = known.post.uri.as_str();
        let Some(post) = self.views.post(uri) else {
            return Err(XrpcError::Internal(format!("{uri} was visible and is no more")));
        };
        self.text(r#"{"$type":"app.bsky.feed.defs#threadViewPost","post":"#);
        self.write(&post)?;
        self.text(r#","threadContext":"#);
        self.write(&ThreadContext { root_author_like: self.likes.get(uri).map(String::as_str) })
    }

    /// The chain of parents as far as it is known, belongs to the thread and no block is met.
    fn parents(&mut self, anchor: &'a HydratedPost, parents_max: u32) -> Result<(), XrpcError> {
        let mut child = anchor;
        let mut seen = HashSet::from([anchor.post.uri.as_str()]);
        let mut open = 0;
        while open < parents_max {
            let Some(uri) = child.parent() else { break };
            match self.parent(child, uri) {
                Parent::Shown(parent) if seen.insert(uri) => {
                    self.text(PARENT);
                    self.open(parent)?;
                    open += 1;
                    child = parent;
                }
                Parent::Shown(_) | Parent::Elsewhere => break,
                Parent::Hidden(instead) => {
                    self.text(PARENT);
                    self.write(&instead)?;
                    break;
                }
            }
        }
        for _ in 0..open {
            self.json.push(b'}');
        }
        Ok(())
    }

    fn parent(&self, child: &HydratedPost, uri: &'a str) -> Parent<'a> {
        let Views { hydrated, .. } = self.views;
        if child.post.parent_blocked && hydrated.respects_blocks_between_others() {
            return Parent::Hidden(self.views.blocked_post(uri));
        }
        match hydrated.post(uri) {
            None => Parent::Hidden(self.views.not_found_post(uri)),
            Some(parent) if parent.root() != self.root => Parent::Elsewhere,
            Some(_) if hydrated.post_blocked(uri) => Parent::Hidden(self.views.blocked_post(uri)),
            Some(parent) => Parent::Shown(parent),
        }
    }

    /// `,"replies":[…]` of a post; nothing where no further level is wanted.
    fn replies(&mut self, uri: &'a str, levels_max: u32) -> Result<(), XrpcError> {
        let mut steps = Vec::new();
        self.push_replies(&mut steps, uri, levels_max);
        while let Some(step) = steps.pop() {
            match step {
                Step::Text(text) => self.text(text),
                Step::Post { uri, levels_left } => {
                    let Some(known) = self.views.hydrated.post(uri) else { continue };
                    if !self.json.ends_with(b"[") {
                        self.json.push(b',');
                    }
                    if self.views.hydrated.post_blocked(uri) {
                        self.write(&self.views.blocked_post(uri))?;
                        continue;
                    }
                    self.open(known)?;
                    steps.push(Step::Text("}"));
                    self.push_replies(&mut steps, uri, levels_left);
                }
            }
        }
        Ok(())
    }

    fn push_replies(&self, steps: &mut Vec<Step<'a>>, uri: &'a str, levels_left: u32) {
        let Some(levels_left) = levels_left.checked_sub(1) else { return };
        steps.push(Step::Text("]"));
        let children = self.children.get(uri).map_or(&[][..], Vec::as_slice);
        let shown = children.iter().rev().filter(|uri| self.belongs(uri));
        steps.extend(shown.map(|uri| Step::Post { uri, levels_left }));
        steps.push(Step::Text(r#","replies":["#));
    }

    /// A reply that needs review; one behind a block stands as what it is.
    fn held_back(&self, known: &HydratedPost) -> bool {
        let Views { hydrated, viewer, .. } = self.views;
        let post = &known.post;
        !hydrated.post_blocked(&post.uri) && hydrated.held_back(viewer, &post.author, &post.uri)
    }

    /// A reply that stands below its parent, were it only as one behind a block of the viewer's.
    /// A block between its author and the parent's hides it from everybody, and so does the gate.
    fn belongs(&self, uri: &str) -> bool {
        let hydrated = self.views.hydrated;
        let respected = hydrated.respects_blocks_between_others();
        hydrated.post(uri).is_some_and(|known| {
            let hidden = known.post.violates_threadgate
                || (respected && known.post.parent_blocked)
                || self.held_back(known);
            known.root() == self.root && !hidden
        })
    }
}
