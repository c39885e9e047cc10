//! What no well-behaved client writes.

use super::memory::Turn;
use super::scene::{Done, FOLLOW, LIKE, POST, Scene};
use crate::records::{self, Draft, odd};
use crate::repo::Write;

impl Scene<'_> {
    /// A record that breaks its lexicon.
    pub(super) fn write_invalid(&mut self) -> Done {
        let subject = match self.standing(POST) {
            Some(post) => post,
            None => self.nothing(),
        };
        let (who, somebody) = (self.someone(), self.anybody());
        let at = self.turn(Turn::Invalid, odd::INVALID_KINDS);
        let (collection, record) = odd::invalid(at, &subject, &somebody, &self.stamp());
        self.world.create_record(&who, collection, self.now_us, record).map(|_| ())
    }

    /// A text with a NUL in it, which databases choke on.
    pub(super) fn write_nul(&mut self) -> Done {
        let who = self.someone();
        if self.once_in(3) {
            let record = records::profile("No\0ll", "says \0 nothing", self.now_us);
            return self.put(&who, "app.bsky.actor.profile", "self", record).map(|_| ());
        }
        let draft = Draft::new("before\0after \\ and a \u{feff}mark", self.now_us);
        self.create(&who, POST, draft.encode()).map(|_| ())
    }

    /// A record made in the far past or future, or at no time at all.
    pub(super) fn write_odd_time(&mut self) -> Done {
        let (who, stamp) = (self.someone(), self.odd_stamp());
        let post = self.standing(POST).filter(|_| self.once_in(2));
        match post {
            Some(post) if self.once_in(2) => {
                let record = records::repost(&post, &stamp, None);
                self.create(&who, "app.bsky.feed.repost", record)
            }
            Some(post) => self.create(&who, LIKE, records::like_of(&post, &stamp, None)),
            None if self.once_in(3) => {
                let record = records::follow_of(&self.somebody_else(&who), &stamp, None);
                self.create(&who, FOLLOW, record)
            }
            None => {
                let mut draft = Draft::new(self.sentence(), self.now_us);
                draft.created_at = stamp;
                self.create(&who, POST, draft.encode())
            }
        }
        .map(|_| ())
    }

    /// A record under a key that its lexicon does not allow, or that is as long as a key can be.
    pub(super) fn write_odd_key(&mut self) -> Done {
        let who = self.someone();
        let (collection, rkey) = match self.turn(Turn::OddKey, 4) {
            0 => (POST, "not-a-tid".to_owned()),
            1 => (POST, format!("a:b~c_{}", self.rng.below(100))),
            2 => (odd::UNKNOWN_COLLECTION, "k".repeat(512)),
            // A TID whose first bit is set.
            _ => (POST, format!("zzzzzzzzzzz{}z", self.pick(&["a", "b", "c"]))),
        };
        let record = match collection {
            POST => Draft::new(self.sentence(), self.now_us).encode(),
            _ => odd::unknown("under a long key", &self.stamp()).1,
        };
        let path = format!("{collection}/{rkey}");
        self.world.put_record(&who, path, self.now_us, record).map(|_| ())
    }

    pub(super) fn write_unknown(&mut self) -> Done {
        let (who, note) = (self.someone(), self.sentence());
        let (collection, record) = odd::unknown(&note, &self.stamp());
        self.create(&who, collection, record).map(|_| ())
    }

    /// Several writes in one commit.
    pub(super) fn write_several(&mut self) -> Done {
        let who = self.someone();
        let mut writes = Vec::new();
        for _ in 0..1 + self.some(3) {
            let record = Draft::new(self.sentence(), self.now_us).encode();
            writes.push(Write::Put { path: self.new_path(POST), record });
        }
        if let Some(post) = self.standing(POST) {
            let record = records::like(&post, self.now_us);
            writes.push(Write::Put { path: self.new_path(LIKE), record });
        }
        let (_, record) = odd::unknown("in good company", &self.stamp());
        let path = self.new_path(odd::UNKNOWN_COLLECTION);
        writes.push(Write::Put { path, record });
        self.commit(&who, &writes)
    }

    /// Bytes that are no record, in a commit with one that is.
    pub(super) fn write_undecodable(&mut self) -> Done {
        let who = self.someone();
        let good = Draft::new(self.sentence(), self.now_us).encode();
        let writes = [
            Write::Put { path: self.new_path(POST), record: odd::undecodable(self.rng) },
            Write::Put { path: self.new_path(POST), record: good },
        ];
        self.commit(&who, &writes)
    }
}
