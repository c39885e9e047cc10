//! A network of the past, told entry by entry: everybody with handle and profile first, then follows, posts,
//! replies, likes and reposts in between each other, a few accounts followed by most, most by few.

use std::collections::HashSet;

use anyhow::Result;
use millrace_atproto::cid::Cid;
use millrace_atproto::entry::{Action, Entry, EntryBody, EntryHeader, EntryKind, EntryOp};
use millrace_atproto::syntax::{Nsid, RecordKey, Tid};
use millrace_log::Append;
use millrace_runtime::rng::Rng;
use millrace_sim::records::{self, Blob, Draft, Embed, External, Image, Ref, Reply};

use super::texts::{Texts, unit};
use crate::people::{self, CLASSES, People};
use crate::plan::Sizes;

/// When it began: January 2026.
pub const START_US: i64 = 1_767_225_600_000_000;
/// It lasted thirty days.
const SPAN_US: i64 = 30 * 86_400 * 1_000_000;
const SEED: u64 = 11;
/// How far back people like, repost and quote.
const RECENT: f64 = 30_000.0;
/// How far back people answer.
const CONVERSATION: f64 = 3_000.0;
/// Every so many posts another one is talked about a lot.
const HOT_EVERY: usize = 10_000;

/// A post that was written.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    pub author: u32,
    pub rkey: Tid,
    cid: Cid,
    /// The post that began its thread, by its place; its own, if it did.
    pub root: u32,
}

/// What is still to be told.
pub struct World {
    rng: Rng,
    texts: Texts,
    people: People,
    source: &'static str,
    todo: Todo,
    posts: Vec<Post>,
    followed: HashSet<(u32, u32)>,
    viewers_follows: Vec<(u32, u32)>,
    hot: u32,
    entries: u64,
    entries_total: u64,
    marked: bool,
}

#[derive(Clone, Copy, Debug)]
struct Todo {
    handles: u32,
    profiles: u32,
    posts: u32,
    likes: u32,
    follows: u32,
    reposts: u32,
}

enum Kind {
    Post,
    Like,
    Follow,
    Repost,
}

impl World {
    pub fn new(people: &People, sizes: &Sizes, source: &'static str) -> Self {
        let Sizes { people: count, posts, likes, follows, reposts, .. } = *sizes;
        let todo = Todo { handles: count, profiles: count, posts, likes, follows, reposts };
        let mut world = Self {
            rng: Rng::seeded(SEED),
            texts: Texts,
            people: people.clone(),
            source,
            todo,
            posts: Vec::with_capacity(posts as usize),
            followed: HashSet::new(),
            viewers_follows: Vec::new(),
            hot: 0,
            entries: 0,
            entries_total: 0,
            marked: false,
        };
        world.draw_viewers_follows();
        let rest = [count, count, posts, likes, follows, reposts].map(u64::from);
        world.entries_total = rest.iter().sum::<u64>() + world.viewers_follows.len() as u64;
        world
    }

    pub fn entries(&self) -> u64 {
        self.entries
    }

    pub fn into_posts(self) -> Vec<Post> {
        self.posts
    }

    /// Each viewer follows as many as its class says, all of them before anything is written.
    fn draw_viewers_follows(&mut self) {
        for (class, count) in CLASSES.iter().enumerate() {
            for viewer in self.people.viewers(class) {
                let before = self.viewers_follows.len();
                while self.viewers_follows.len() - before < *count as usize {
                    let other = self.someone(1.6);
                    if self.followed.insert((viewer, other)) {
                        self.viewers_follows.push((viewer, other));
                    }
                }
            }
        }
    }

    /// The next entry and its time; a mark comes last.
    pub fn next_entry(&mut self) -> Result<Option<(i64, Append)>> {
        let at_us = START_US + SPAN_US / (self.entries_total as i64 + 1) * self.entries as i64;
        let append = if self.todo.handles > 0 {
            self.todo.handles -= 1;
            let who = self.todo.handles;
            let pds = Some("http://localhost".to_owned());
            let body = EntryBody::Identity { handle: Some(people::handle(who)), pds };
            self.entry(who, at_us, None, body)?
        } else if self.todo.profiles > 0 {
            self.todo.profiles -= 1;
            let who = self.todo.profiles;
            let record = records::profile(&format!("Person {who}"), "who writes a lot", at_us);
            self.create(who, at_us, "app.bsky.actor.profile", "self", record)?.0
        } else if let Some((viewer, other)) = self.viewers_follows.pop() {
            self.follow_record(viewer, other, at_us)?
        } else {
            match self.deal() {
                Some(Kind::Post) => self.post(at_us)?,
                Some(Kind::Like) => self.like_or_repost(at_us, "app.bsky.feed.like")?,
                Some(Kind::Repost) => self.like_or_repost(at_us, "app.bsky.feed.repost")?,
                Some(Kind::Follow) => self.follow(at_us)?,
                None if self.marked => return Ok(None),
                None => {
                    self.marked = true;
                    return self.entry(0, at_us, None, EntryBody::Mark).map(|it| Some((at_us, it)));
                }
            }
        };
        Ok(Some((at_us, append)))
    }

    /// What comes next, as often as there is left of it.
    fn deal(&mut self) -> Option<Kind> {
        let todo = &mut self.todo;
        let left = [todo.posts, todo.likes, todo.follows, todo.reposts].map(u64::from);
        let mut at = self.rng.below(left.iter().sum());
        if left.iter().sum::<u64>() == 0 {
            return None;
        }
        let kinds = [Kind::Post, Kind::Like, Kind::Follow, Kind::Repost];
        let counts = [&mut todo.posts, &mut todo.likes, &mut todo.follows, &mut todo.reposts];
        for ((kind, left), count) in kinds.into_iter().zip(left).zip(counts) {
            if at < left {
                *count -= 1;
                return Some(kind);
            }
            at -= left;
        }
        None
    }

    /// Some account; the larger `skew`, the more likely one of the first.
    fn someone(&self, skew: f64) -> u32 {
        let count = self.people.dids.len() as f64;
        (count * unit(&self.rng).powf(skew)) as u32
    }

    /// A post among the last `back`, more likely a newer one, and of two the one of the better known account.
    fn recent(&self, back: f64) -> Option<u32> {
        let draw = || {
            let age = (back.min(self.posts.len() as f64) * unit(&self.rng).powi(2)) as usize;
            let at = self.posts.len().checked_sub(1 + age)?;
            Some((self.posts.get(at)?.author, u32::try_from(at).ok()?))
        };
        Some(draw()?.min(draw()?).1)
    }

    fn post(&mut self, at_us: i64) -> Result<Append> {
        let who = self.someone(2.0);
        let mut draft = Draft::new(self.texts.sentence(&self.rng), at_us);
        draft.langs = vec!["en".to_owned()];
        let place = u32::try_from(self.posts.len())?;
        let mut root = place;
        match self.rng.below(100) {
            0..25 => {
                if let Some(parent) = self.recent(CONVERSATION) {
                    root = self.reply(&mut draft, parent);
                }
            }
            25..28 if !self.posts.is_empty() => root = self.reply(&mut draft, self.hot),
            28..40 => draft.embed = Some(Embed::Images(vec![self.image()])),
            40..45 => draft.embed = Some(Embed::External(self.link_card())),
            45..49 => {
                let quoted = self.recent(RECENT).map(|at| self.at(at));
                draft.embed = quoted.map(Embed::Record);
            }
            _ => {}
        }
        let rkey = Tid::from_time(at_us, 1);
        let (append, cid) =
            self.create(who, at_us, "app.bsky.feed.post", &rkey.to_string(), draft.encode())?;
        if self.posts.len().is_multiple_of(HOT_EVERY) {
            self.hot = place;
        }
        self.posts.push(Post { author: who, rkey, cid, root });
        Ok(append)
    }

    /// Makes it an answer, and says which thread it is in.
    fn reply(&self, draft: &mut Draft, parent: u32) -> u32 {
        let root = self.posts[parent as usize].root;
        draft.reply = Some(Reply { root: self.at(root), parent: self.at(parent) });
        root
    }

    fn image(&self) -> Image {
        let blob = Blob::drawn("image/jpeg", &self.rng);
        Image { blob, alt: self.texts.sentence(&self.rng), aspect_ratio: Some((1_200, 800)) }
    }

    fn link_card(&self) -> External {
        External {
            uri: format!("https://news.bench.test/{}", self.rng.below(10_000)),
            title: self.texts.sentence(&self.rng),
            description: self.texts.sentence(&self.rng),
            thumb: Some(Blob::drawn("image/jpeg", &self.rng)),
        }
    }

    fn like_or_repost(&mut self, at_us: i64, collection: &str) -> Result<Append> {
        let who = self.someone(1.2);
        let Some(subject) = self.recent(RECENT) else { return self.follow(at_us) };
        let subject = self.at(subject);
        let record = match collection {
            "app.bsky.feed.like" => records::like(&subject, at_us),
            _ => records::repost(&subject, &millrace_atproto::datetime::format_ms_us(at_us), None),
        };
        let rkey = Tid::from_time(at_us, 1).to_string();
        Ok(self.create(who, at_us, collection, &rkey, record)?.0)
    }

    fn follow(&mut self, at_us: i64) -> Result<Append> {
        loop {
            let (who, other) = (self.someone(1.0), self.someone(3.0));
            if who != other && self.followed.insert((who, other)) {
                return self.follow_record(who, other, at_us);
            }
        }
    }

    fn follow_record(&mut self, who: u32, other: u32, at_us: i64) -> Result<Append> {
        let record = records::follow(self.people.did(other), at_us);
        let rkey = Tid::from_time(at_us, 1).to_string();
        Ok(self.create(who, at_us, "app.bsky.graph.follow", &rkey, record)?.0)
    }

    fn at(&self, post: u32) -> Ref {
        let Post { author, rkey, cid, .. } = self.posts[post as usize];
        Ref { uri: format!("at://{}/app.bsky.feed.post/{rkey}", self.people.did(author)), cid }
    }

    fn create(
        &mut self,
        who: u32,
        at_us: i64,
        collection: &str,
        rkey: &str,
        record: Vec<u8>,
    ) -> Result<(Append, Cid)> {
        let cid = Cid::of_dag_cbor(&record);
        let op = EntryOp {
            action: Action::Create,
            collection: Nsid::parse(collection)?,
            rkey: RecordKey::parse(rkey)?,
            cid: Some(cid),
            record: Some(record),
        };
        let rev = Some(Tid::from_time(at_us, 1));
        Ok((self.entry(who, at_us, rev, EntryBody::Commit { ops: vec![op] })?, cid))
    }

    fn entry(&mut self, who: u32, at_us: i64, rev: Option<Tid>, body: EntryBody) -> Result<Append> {
        self.entries += 1;
        let did = self.people.did(who).clone();
        let key = did.as_str().as_bytes().to_vec();
        let kind: EntryKind = body.kind();
        let header = EntryHeader {
            kind,
            source: self.source.to_owned(),
            source_seq: i64::try_from(self.entries).ok(),
            did,
            rev,
            time_us: at_us,
            trace: [0; 16],
        };
        Ok(Append::new(key, Entry { header, body }.encode()?))
    }
}
