//! Likes, reposts, follows, blocks, verifications.

use millrace_atproto::syntax::Did;

use super::scene::{
    BLOCK, Done, FOLLOW, GENERATOR, LABELER, LIKE, LIST, POST, REPOST, STARTER_PACK, Scene,
    VERIFICATION,
};
use crate::records::{self, Ref};

/// Likes and unlikes in a storm.
const STORM_TURNS_MAX: u64 = 4;

impl Scene<'_> {
    pub(super) fn like(&mut self) -> Done {
        let Some(post) = self.standing(POST) else { return self.post() };
        self.like_it(&post, None)
    }

    /// Found through a repost.
    pub(super) fn like_via(&mut self) -> Done {
        if self.reposted().is_none() {
            self.repost()?;
        }
        let Some((post, repost)) = self.reposted() else { return Ok(()) };
        self.like_it(&post, Some(&repost))
    }

    /// A feed, a labeler, or a list, which nobody can like but many a client lets one.
    pub(super) fn like_other(&mut self) -> Done {
        let found = self
            .standing(GENERATOR)
            .filter(|_| !self.once_in(3))
            .or_else(|| self.standing(LABELER))
            .or_else(|| self.standing(LIST));
        match found {
            Some(found) => self.like_it(&found, None),
            None => self.like(),
        }
    }

    pub(super) fn like_nothing(&mut self) -> Done {
        let nothing = self.nothing();
        self.like_it(&nothing, None)
    }

    /// Somebody cannot make up their mind.
    pub(super) fn like_storm(&mut self) -> Done {
        let Some(post) = self.standing(POST) else { return self.post() };
        let who = self.someone();
        for _ in 0..self.some(STORM_TURNS_MAX) {
            let like = self.create(&who, LIKE, records::like(&post, self.now_us))?;
            self.delete(&who, &like)?;
        }
        if self.once_in(2) {
            self.create(&who, LIKE, records::like(&post, self.now_us))?;
        }
        Ok(())
    }

    /// A record that was written before anybody looked, under its path.
    pub(super) fn something_of_the_past(&mut self, at: u32) -> (String, Vec<u8>) {
        let (collection, record) = match at % 20 {
            0..12 => (LIKE, records::like(&self.nothing(), self.now_us)),
            12..17 => (POST, records::post(&self.sentence(), self.now_us, None, None, None)),
            _ => (FOLLOW, records::follow(&self.anybody(), self.now_us)),
        };
        (self.new_path(collection), record)
    }

    pub(super) fn repost(&mut self) -> Done {
        let Some(post) = self.standing(POST) else { return self.post() };
        self.repost_it(&post, None)
    }

    pub(super) fn repost_via(&mut self) -> Done {
        if self.reposted().is_none() {
            self.repost()?;
        }
        let Some((post, repost)) = self.reposted() else { return Ok(()) };
        self.repost_it(&post, Some(&repost))
    }

    pub(super) fn follow(&mut self) -> Done {
        let who = self.someone();
        let whom = self.somebody_else(&who);
        if !self.memory.follow(&who, &whom) {
            return self.like();
        }
        let record = records::follow_of(&whom, &self.stamp(), None);
        self.create(&who, FOLLOW, record).map(|_| ())
    }

    /// Found through a starter pack.
    pub(super) fn follow_via(&mut self) -> Done {
        let Some(pack) = self.standing(STARTER_PACK) else {
            return self.starter_pack();
        };
        let who = self.someone();
        let whom = self.somebody_else(&who);
        self.memory.follow(&who, &whom);
        let record = records::follow_of(&whom, &self.stamp(), Some(&pack));
        self.create(&who, FOLLOW, record).map(|_| ())
    }

    pub(super) fn follow_self(&mut self) -> Done {
        let who = self.someone();
        let record = records::follow(&who, self.now_us);
        self.create(&who, FOLLOW, record).map(|_| ())
    }

    pub(super) fn unfollow(&mut self) -> Done {
        let Some((who, follow)) = self.own(FOLLOW, Self::follow)? else { return Ok(()) };
        let whom = self.text_in(&follow, &["subject"]).and_then(|did| Did::parse(&did).ok());
        if let Some(whom) = whom {
            self.memory.unfollow(&who, &whom);
        }
        self.delete(&who, &follow)
    }

    pub(super) fn block(&mut self) -> Done {
        let who = self.someone();
        let whom = self.somebody_else(&who);
        let record = records::block(&whom, &self.stamp());
        self.create(&who, BLOCK, record).map(|_| ())
    }

    /// The same record once more under another key: two likes, follows, blocks of one pair.
    pub(super) fn twice(&mut self, collection: &str) -> Done {
        let Some((who, edge)) = self.standing_own(collection) else { return self.like() };
        let Some((_, record)) = self.lookup(&edge) else { return Ok(()) };
        let record = record.clone();
        self.create(&who, collection, record).map(|_| ())
    }

    /// Somebody vouches for another.
    pub(super) fn verify(&mut self) -> Done {
        let who = self.someone();
        let whom = self.somebody_else(&who);
        let Some(handle) =
            self.world.account(&whom).map(|account| account.identity.handle.to_string())
        else {
            return Ok(());
        };
        let profile = self.at(&whom, "app.bsky.actor.profile/self");
        let name = profile.and_then(|profile| self.text_in(&profile, &["displayName"]));
        let name = name.unwrap_or_default();
        let record = records::verification(&whom, &handle, &name, &self.stamp());
        self.create(&who, VERIFICATION, record).map(|_| ())
    }

    /// Somebody vouches for a name that is not the other's.
    pub(super) fn verify_wrongly(&mut self) -> Done {
        let who = self.someone();
        let whom = self.somebody_else(&who);
        let record = records::verification(&whom, "somebody.sim.test", "Somebody", &self.stamp());
        self.create(&who, VERIFICATION, record).map(|_| ())
    }

    fn like_it(&mut self, subject: &Ref, via: Option<&Ref>) -> Done {
        let who = self.someone();
        let record = records::like_of(subject, &self.stamp(), via);
        self.create(&who, LIKE, record).map(|_| ())
    }

    fn repost_it(&mut self, subject: &Ref, via: Option<&Ref>) -> Done {
        let who = self.someone();
        let record = records::repost(subject, &self.stamp(), via);
        self.create(&who, REPOST, record).map(|_| ())
    }

    /// A post that was reposted, and the repost.
    fn reposted(&self) -> Option<(Ref, Ref)> {
        let repost = self.standing(REPOST)?;
        let uri = self.text_in(&repost, &["subject", "uri"])?;
        let post = Ref { uri, cid: repost.cid };
        Some((self.as_it_stands(&post)?, repost))
    }
}
