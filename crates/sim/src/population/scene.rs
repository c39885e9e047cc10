//! One moment: the world, who lives there, and how they find each other and what was written.

use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Did;
use millrace_runtime::rng::Rng;

use super::memory::{Memory, Turn};
use crate::records::{Ref, odd};
use crate::repo::{RepoError, Write};
use crate::words;
use crate::world::World;

pub(super) type Done = Result<(), RepoError>;

pub(super) const POST: &str = "app.bsky.feed.post";
pub(super) const LIKE: &str = "app.bsky.feed.like";
pub(super) const REPOST: &str = "app.bsky.feed.repost";
pub(super) const THREADGATE: &str = "app.bsky.feed.threadgate";
pub(super) const POSTGATE: &str = "app.bsky.feed.postgate";
pub(super) const GENERATOR: &str = "app.bsky.feed.generator";
pub(super) const PUBLICATION: &str = "site.standard.publication";
pub(super) const FOLLOW: &str = "app.bsky.graph.follow";
pub(super) const BLOCK: &str = "app.bsky.graph.block";
pub(super) const LIST: &str = "app.bsky.graph.list";
pub(super) const LIST_ITEM: &str = "app.bsky.graph.listitem";
pub(super) const LIST_BLOCK: &str = "app.bsky.graph.listblock";
pub(super) const STARTER_PACK: &str = "app.bsky.graph.starterpack";
pub(super) const VERIFICATION: &str = "app.bsky.graph.verification";
pub(super) const LABELER: &str = "app.bsky.labeler.service";
pub(super) const PROFILE: &str = "app.bsky.actor.profile";
pub(super) const STATUS: &str = "app.bsky.actor.status";

/// Looks for something that still stands before giving up.
const LOOKS_MAX: u32 = 12;

/// Somebody is about to do something at `now_us`.
pub(super) struct Scene<'a> {
    pub world: &'a mut World,
    pub memory: &'a mut Memory,
    pub rng: &'a Rng,
    pub people: &'a [Did],
    pub popularity: u32,
    pub now_us: i64,
}

impl Scene<'_> {
    /// A person, the first ones more often; active or not.
    pub(super) fn anybody(&self) -> Did {
        let people = self.people.len() as u64;
        let mut at = self.rng.below(people);
        for _ in 1..self.popularity.max(1) {
            at = at * self.rng.below(people) / people.max(1);
        }
        self.people[usize::try_from(at).unwrap_or(0)].clone()
    }

    /// A person who can write, the first ones more often.
    pub(super) fn someone(&self) -> Did {
        let drawn = (0..LOOKS_MAX).map(|_| self.anybody()).find(|did| self.can_write(did));
        drawn
            .or_else(|| self.people.iter().find(|did| self.can_write(did)).cloned())
            .unwrap_or_else(|| self.anybody())
    }

    /// Another person than `who`, if there is one.
    pub(super) fn somebody_else(&self, who: &Did) -> Did {
        let drawn = (0..LOOKS_MAX).map(|_| self.anybody()).find(|did| did != who);
        drawn
            .or_else(|| self.people.iter().find(|did| *did != who).cloned())
            .unwrap_or_else(|| who.clone())
    }

    pub(super) fn can_write(&self, did: &Did) -> bool {
        self.world.account(did).is_some_and(|account| account.status.is_active())
    }

    /// A remembered record that still stands, recent ones more often, as it is now.
    pub(super) fn standing(&self, collection: &str) -> Option<Ref> {
        let made = self.memory.of(collection);
        (0..LOOKS_MAX).find_map(|_| {
            let back = self.index(made.len()).min(self.index(made.len()));
            self.as_it_stands(made.get(made.len().checked_sub(back + 1)?)?)
        })
    }

    /// The same of somebody who can write, together with them.
    pub(super) fn standing_own(&self, collection: &str) -> Option<(Did, Ref)> {
        (0..LOOKS_MAX).find_map(|_| {
            let at = self.standing(collection)?;
            let did = at.did()?;
            self.can_write(&did).then_some((did, at))
        })
    }

    /// The record as it is now; none if it is gone.
    pub(super) fn as_it_stands(&self, at: &Ref) -> Option<Ref> {
        Some(Ref { uri: at.uri.clone(), cid: self.lookup(at)?.0 })
    }

    /// The record of somebody at a path, if there is one.
    pub(super) fn at(&self, who: &Did, path: &str) -> Option<Ref> {
        let (cid, _) = self.world.account(who)?.repo.records().get(path)?;
        Some(Ref { uri: format!("at://{who}/{path}"), cid: *cid })
    }

    pub(super) fn lookup(&self, at: &Ref) -> Option<&(Cid, Vec<u8>)> {
        self.world.account(&at.did()?)?.repo.records().get(at.path())
    }

    /// A text in a record, by keys from the outside in.
    pub(super) fn text_in(&self, at: &Ref, keys: &[&str]) -> Option<String> {
        let value = cbor::decode(&self.lookup(at)?.1).ok()?;
        let inner = keys.iter().try_fold(&value, |value, key| value.get(key))?;
        inner.as_str().map(str::to_owned)
    }

    /// Writes a record under a new TID and remembers it.
    pub(super) fn create(
        &mut self,
        who: &Did,
        collection: &str,
        record: Vec<u8>,
    ) -> Result<Ref, RepoError> {
        let made = self.world.create_record(who, collection, self.now_us, record)?;
        self.memory.remember(collection, &made);
        Ok(made)
    }

    /// Writes a record under a key of the caller's choice and remembers it, unless it was there.
    pub(super) fn put(
        &mut self,
        who: &Did,
        collection: &str,
        rkey: &str,
        record: Vec<u8>,
    ) -> Result<Ref, RepoError> {
        let path = format!("{collection}/{rkey}");
        let made = self.world.put_record(who, path, self.now_us, record)?;
        self.memory.forget(collection, &made.uri);
        self.memory.remember(collection, &made);
        Ok(made)
    }

    /// Replaces a record.
    pub(super) fn replace(&mut self, who: &Did, at: &Ref, record: Vec<u8>) -> Done {
        self.world.put_record(who, at.path().to_owned(), self.now_us, record).map(|_| ())
    }

    /// Deletes and forgets a record.
    pub(super) fn delete(&mut self, who: &Did, at: &Ref) -> Done {
        let collection = at.path().split('/').next().unwrap_or_default();
        self.memory.forget(collection, &at.uri);
        if collection == POST {
            self.memory.bury(at.clone());
        }
        self.world.delete_record(who, at.path(), self.now_us)
    }

    /// Deletes one of the remembered records of a collection, made for the purpose if there is none.
    pub(super) fn delete_one(&mut self, collection: &str, make: fn(&mut Self) -> Done) -> Done {
        match self.own(collection, make)? {
            Some((who, at)) => self.delete(&who, &at),
            None => Ok(()),
        }
    }

    /// A record of somebody who can write, made if there is none.
    pub(super) fn own(
        &mut self,
        collection: &str,
        make: fn(&mut Self) -> Done,
    ) -> Result<Option<(Did, Ref)>, RepoError> {
        if let Some(own) = self.standing_own(collection) {
            return Ok(Some(own));
        }
        make(self)?;
        Ok(self.standing_own(collection))
    }

    pub(super) fn commit(&mut self, who: &Did, writes: &[Write]) -> Done {
        self.world.commit(who, self.now_us, writes)
    }

    /// A path of a record that is not there yet.
    pub(super) fn new_path(&mut self, collection: &str) -> String {
        format!("{collection}/{}", self.world.tid(self.now_us))
    }

    /// The time as clients write it: mostly with milliseconds, sometimes otherwise.
    pub(super) fn stamp(&self) -> String {
        let ms = format_ms_us(self.now_us);
        let plain = ms.trim_end_matches('Z');
        match self.rng.below(40) {
            0 => format!("{plain}123Z"),
            1 => format!("{plain}+00:00"),
            2 => format!("{plain}456789Z"),
            3 => format!("{}Z", plain.split('.').next().unwrap_or(plain)),
            _ => ms,
        }
    }

    /// A time that breaks naive readers.
    pub(super) fn odd_stamp(&mut self) -> String {
        odd::ODD_TIMES[self.turn(Turn::OddTime, odd::ODD_TIMES.len())].to_owned()
    }

    /// Goes round: 0 to one less than `of`, and again.
    pub(super) fn turn(&mut self, what: Turn, of: usize) -> usize {
        self.memory.turn(what) % of.max(1)
    }

    pub(super) fn sentence(&self) -> String {
        let part = |words| words::pick(self.rng, words);
        format!("{} {} {}", part(words::OPENERS), part(words::SUBJECTS), part(words::ENDINGS))
    }

    pub(super) fn pick(&self, of: &[&'static str]) -> &'static str {
        words::pick(self.rng, of)
    }

    /// True once in so many times.
    pub(super) fn once_in(&self, times: u64) -> bool {
        self.rng.below(times) == 0
    }

    /// A number of 1 to `most`.
    pub(super) fn some(&self, most: u64) -> u64 {
        1 + self.rng.below(most)
    }

    pub(super) fn index(&self, len: usize) -> usize {
        usize::try_from(self.rng.below(len.max(1) as u64)).unwrap_or(0)
    }
}
