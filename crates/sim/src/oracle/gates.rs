//! Who may reply to a thread and who may quote a post, as it is judged once, when the reply or quote is
//! indexed.
//!
//! The judgement is sure when it would have been the same at the moments before and after the post was
//! written, and nothing that it depends on was written in between. Of the others it is asked.

use super::model::Model;
use super::state::{Document, State};
use super::truth::{self, Judged, items, kind, text};

const DISABLED: &str = "app.bsky.feed.postgate#disableRule";

/// Who may reply, by a gate's rules.
#[derive(Debug, Default)]
struct Rules<'a> {
    mentioned: bool,
    followers: bool,
    followed: bool,
    lists: Vec<&'a str>,
}

/// The rules of a gate; `None` if it lets everybody in.
fn rules(gate: &Document) -> Option<Rules<'_>> {
    let allow = gate.value.get("allow")?.as_array()?;
    let mut rules = Rules::default();
    for rule in allow {
        match kind(rule) {
            "app.bsky.feed.threadgate#mentionRule" => rules.mentioned = true,
            "app.bsky.feed.threadgate#followerRule" => rules.followers = true,
            "app.bsky.feed.threadgate#followingRule" => rules.followed = true,
            "app.bsky.feed.threadgate#listRule" => rules.lists.extend(text(rule, "/list")),
            _ => {}
        }
    }
    Some(rules)
}

impl State {
    /// Whether an account may reply in the thread of a root post.
    pub(super) fn may_reply(&self, did: &str, root: &str) -> bool {
        let owner = truth::did_of(root);
        let Some(rules) = self.threadgate(root).and_then(rules) else { return true };
        let is_mentioned =
            || self.posts.get(root).is_some_and(|post| post.mentions().contains(&did));
        did == owner
            || (rules.mentioned && is_mentioned())
            || (rules.followers && self.follow(did, owner).is_some())
            || (rules.followed && self.follow(owner, did).is_some())
            || rules.lists.iter().any(|list| self.is_on(list, did))
    }

    /// Whether an account may quote a post.
    pub(super) fn may_quote(&self, did: &str, post: &str) -> bool {
        let rules = self.postgate(post).map(|gate| items(&gate.value, "/embeddingRules"));
        did == truth::did_of(post)
            || rules.is_none_or(|rules| rules.iter().all(|rule| kind(rule) != DISABLED))
    }

    /// Whether the gate of a thread hides a reply.
    pub(super) fn hides(&self, root: &str, reply: &str) -> bool {
        let hidden = self.threadgate(root).map(|gate| items(&gate.value, "/hiddenReplies"));
        hidden.unwrap_or_default().iter().any(|uri| uri.as_str() == Some(reply))
    }

    fn judge(&self, post: &Document) -> Judged {
        Judged {
            violates_threadgate: post.is_reply() && !self.may_reply(&post.by, post.root()),
            violates_postgate: post
                .quoted()
                .is_some_and(|quoted| !self.may_quote(&post.by, quoted)),
        }
    }

    /// The gates that stand over a post, by the version that does.
    fn gates_over(&self, post: &Document) -> [Option<&str>; 2] {
        let threadgate = self.threadgate(post.root()).filter(|_| post.is_reply());
        let postgate = post.quoted().and_then(|quoted| self.postgate(quoted));
        [threadgate, postgate].map(|gate| gate.map(|gate| gate.cid.as_str()))
    }

    /// Whether a gate over the post was written or deleted lately.
    fn gates_were_touched(&self, post: &Document) -> bool {
        let touched = |of: &str, collection: &str| {
            let (did, rkey) = (truth::did_of(of), truth::rkey_of(of));
            self.touched.contains(&format!("at://{did}/{collection}/{rkey}"))
        };
        (post.is_reply() && touched(post.root(), "app.bsky.feed.threadgate"))
            || post.quoted().is_some_and(|quoted| touched(quoted, "app.bsky.feed.postgate"))
    }

    /// Whether anything was written lately that a gate's rules may look at.
    fn rules_were_touched(&self, post: &Document) -> bool {
        let owner = truth::did_of(post.root());
        let any_in = |did: &str, collection: &str| {
            let prefix = format!("at://{did}/{collection}/");
            self.touched.range(prefix.clone()..).next().is_some_and(|uri| uri.starts_with(&prefix))
        };
        self.touched.contains(post.root())
            || any_in(owner, "app.bsky.graph.follow")
            || any_in(&post.by, "app.bsky.graph.follow")
            || any_in(owner, "app.bsky.graph.listitem")
    }
}

/// What was decided about a post, and whether that is sure.
pub(super) fn judge(model: &Model, uri: &str) -> (Judged, bool) {
    let Some(post) = model.now().posts.get(uri) else { return (Judged::default(), true) };
    let (before, after) = model.around(uri, &post.cid);
    let judged = after.judge(post);
    let same_gates = !after.gates_were_touched(post)
        && before.is_some_and(|before| before.gates_over(post) == after.gates_over(post));
    let ungated = after.gates_over(post) == [None, None];
    let same_judgement = before.is_some_and(|before| before.judge(post) == judged);
    let is_sure = (same_gates && (ungated || same_judgement && !after.rules_were_touched(post)))
        || (before.is_none() && ungated && !after.gates_were_touched(post));
    (judged, is_sure)
}
