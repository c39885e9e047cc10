//! Who may reply, who may quote, what is hidden and detached.

use millrace_atproto::cbor;
use millrace_atproto::syntax::Did;

use super::memory::Turn;
use super::scene::{Done, POST, POSTGATE, Scene, THREADGATE};
use crate::records::{AllowRule, Draft, Embed, Postgate, Ref, Reply, Threadgate};
use crate::repo::RepoError;

impl Scene<'_> {
    /// A gate on a thread of one's own.
    pub(super) fn threadgate(&mut self) -> Done {
        let (who, post) = self.own_root()?;
        let rules = self.rules();
        let gate = self.gate(&post, rules, Vec::new());
        self.put(&who, THREADGATE, post.rkey(), gate.encode()).map(|_| ())
    }

    pub(super) fn update_threadgate(&mut self) -> Done {
        let Some((who, gate)) = self.own(THREADGATE, Self::threadgate)? else { return Ok(()) };
        let Some(uri) = self.text_in(&gate, &["post"]) else { return Ok(()) };
        let (rules, hidden) = (self.rules(), self.hidden_in(&gate));
        let renewed = self.gate(&Ref { uri, cid: gate.cid }, rules, hidden);
        self.replace(&who, &gate, renewed.encode())
    }

    /// Somebody answers and is hidden.
    pub(super) fn hide_reply(&mut self) -> Done {
        let (who, post) = self.own_root()?;
        let other = self.somebody_else(&who);
        let author = if self.can_write(&other) { other } else { who.clone() };
        let mut draft = Draft::new("First!", self.now_us);
        draft.reply = Some(Reply { root: post.clone(), parent: post.clone() });
        let reply = self.create(&author, POST, draft.encode())?;
        let mut hidden = vec![reply.uri];
        if let Some(before) = self.at(&who, &format!("{THREADGATE}/{}", post.rkey())) {
            hidden.extend(self.hidden_in(&before));
        }
        let gate = self.gate(&post, None, hidden);
        self.put(&who, THREADGATE, post.rkey(), gate.encode()).map(|_| ())
    }

    /// A gate on somebody else's thread, where it does not count.
    pub(super) fn foreign_threadgate(&mut self) -> Done {
        let (owner, post) = self.own_root()?;
        let who = self.somebody_else(&owner);
        if !self.can_write(&who) {
            return Ok(());
        }
        let gate = self.gate(&post, Some(Vec::new()), Vec::new());
        self.put(&who, THREADGATE, post.rkey(), gate.encode()).map(|_| ())
    }

    /// Nobody may quote it.
    pub(super) fn postgate(&mut self) -> Done {
        let (who, post) = self.own_post()?;
        let gate = Postgate {
            post: post.uri.clone(),
            disabled: true,
            detached: Vec::new(),
            created_at: self.stamp(),
        };
        self.put(&who, POSTGATE, post.rkey(), gate.encode())?;
        if self.once_in(2) {
            self.quote_it(&post)?;
        }
        Ok(())
    }

    /// Somebody quotes a post, and its author has the quote detached.
    pub(super) fn detach_quote(&mut self) -> Done {
        let (who, post) = self.own_post()?;
        let quote = self.quote_it(&post)?;
        let gate = Postgate {
            post: post.uri.clone(),
            disabled: self.once_in(3),
            detached: vec![quote.uri],
            created_at: self.stamp(),
        };
        self.put(&who, POSTGATE, post.rkey(), gate.encode()).map(|_| ())
    }

    fn quote_it(&mut self, post: &Ref) -> Result<Ref, RepoError> {
        let who = self.someone();
        let mut draft = Draft::new(self.sentence(), self.now_us);
        draft.embed = Some(Embed::Record(post.clone()));
        self.create(&who, POST, draft.encode())
    }

    /// A post of one's own that begins a thread, made if need be.
    fn own_root(&mut self) -> Result<(Did, Ref), RepoError> {
        let drawn = (0..8).filter_map(|_| self.standing_own(POST));
        let root = drawn
            .into_iter()
            .find(|(_, post)| self.text_in(post, &["reply", "root", "uri"]).is_none());
        if let Some(root) = root {
            return Ok(root);
        }
        let (who, sentence) = (self.someone(), self.sentence());
        let post = self.create(&who, POST, Draft::new(sentence, self.now_us).encode())?;
        Ok((who, post))
    }

    /// All rules there are, in turns.
    fn rules(&mut self) -> Option<Vec<AllowRule>> {
        match self.turn(Turn::Gate, 8) {
            0 => Some(Vec::new()),
            1 => Some(vec![AllowRule::Mention]),
            2 => Some(vec![AllowRule::Follower]),
            3 => Some(vec![AllowRule::Following]),
            4 => {
                let list = self.a_list_for("curate").or_else(|| self.a_list_for("mod"));
                Some(list.map(|list| AllowRule::List(list.uri)).into_iter().collect())
            }
            5 => None,
            6 => Some(vec![AllowRule::Unknown]),
            _ => Some(vec![AllowRule::Mention, AllowRule::Following]),
        }
    }

    fn gate(
        &self,
        post: &Ref,
        allow: Option<Vec<AllowRule>>,
        hidden_replies: Vec<String>,
    ) -> Threadgate {
        Threadgate { post: post.uri.clone(), allow, hidden_replies, created_at: self.stamp() }
    }

    /// Replies that a gate hides already.
    fn hidden_in(&self, gate: &Ref) -> Vec<String> {
        let Some((_, record)) = self.lookup(gate) else { return Vec::new() };
        let value = cbor::decode(record).ok();
        let hidden = value.as_ref().and_then(|value| value.get("hiddenReplies")?.as_array());
        let uris = hidden.unwrap_or_default().iter().filter_map(|uri| uri.as_str());
        uris.map(str::to_owned).collect()
    }
}
