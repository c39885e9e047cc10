//! People who post, reply, quote, like, follow, unlike and unfollow, drawn from a seed.
//!
//! Popularity is skewed: a few accounts are followed and answered by most, as outside.

use std::collections::HashMap;

use millrace_atproto::syntax::Did;
use millrace_runtime::rng::Rng;

use crate::records::{self, Ref, Reply};
use crate::repo::{RepoError, Write};
use crate::words;
use crate::world::World;

/// Posts the population remembers and may answer or like.
const MEMORY_POSTS: usize = 2_000;

/// What the population has done and may refer to.
#[derive(Debug)]
pub struct Population {
    rng: Rng,
    people: Vec<Did>,
    posts: Vec<Remembered>,
    likes: Vec<(Did, String)>,
    follows: HashMap<(Did, Did), String>,
}

#[derive(Debug, Clone)]
struct Remembered {
    post: Ref,
    root: Ref,
}

impl Population {
    /// Creates `accounts` accounts with profiles.
    pub fn settle(
        world: &mut World,
        seed: u64,
        accounts: u32,
        start_us: i64,
    ) -> Result<Self, RepoError> {
        let rng = Rng::seeded(seed ^ 0x9E37_79B9_7F4A_7C15);
        let mut people = Vec::new();
        for index in 0..accounts {
            let now_us = start_us + i64::from(index) * 1_000;
            let did = world.create_account(now_us);
            let name = display_name(world, &did);
            let about = pick(&rng, words::ABOUT);
            let record = records::profile(&name, about, now_us);
            let path = "app.bsky.actor.profile/self".to_owned();
            world.commit(&did, now_us, &[Write::Put { path, record }])?;
            people.push(did);
        }
        Ok(Self { rng, people, posts: Vec::new(), likes: Vec::new(), follows: HashMap::new() })
    }

    /// One person does one thing at `now_us`.
    pub fn act(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        let who = self.person();
        match self.rng.below(100) {
            0..25 => self.post(world, &who, now_us),
            25..40 => self.reply(world, &who, now_us),
            40..45 => self.quote(world, &who, now_us),
            45..78 => self.like(world, &who, now_us),
            78..94 => self.follow(world, &who, now_us),
            94..97 => self.unlike(world, now_us),
            _ => self.unfollow(world, now_us),
        }
    }

    fn post(&mut self, world: &mut World, who: &Did, now_us: i64) -> Result<(), RepoError> {
        let mention = (self.rng.below(8) == 0).then(|| self.person());
        let handle = mention
            .as_ref()
            .and_then(|did| world.account(did))
            .map(|a| a.identity.handle.to_string());
        let mention = handle.as_deref().zip(mention.as_ref());
        let record = records::post(&self.sentence(), now_us, None, None, mention);
        let post = world.create_record(who, POST, now_us, record)?;
        self.remember(Remembered { root: post.clone(), post });
        Ok(())
    }

    fn reply(&mut self, world: &mut World, who: &Did, now_us: i64) -> Result<(), RepoError> {
        let Some(parent) = self.remembered() else { return self.post(world, who, now_us) };
        let reply = Reply { root: parent.root.clone(), parent: parent.post };
        let record =
            records::post(pick(&self.rng, words::REPLIES), now_us, Some(&reply), None, None);
        let post = world.create_record(who, POST, now_us, record)?;
        self.remember(Remembered { post, root: parent.root });
        Ok(())
    }

    fn quote(&mut self, world: &mut World, who: &Did, now_us: i64) -> Result<(), RepoError> {
        let Some(quoted) = self.remembered() else { return self.post(world, who, now_us) };
        let record = records::post(&self.sentence(), now_us, None, Some(&quoted.post), None);
        let post = world.create_record(who, POST, now_us, record)?;
        self.remember(Remembered { root: post.clone(), post });
        Ok(())
    }

    fn like(&mut self, world: &mut World, who: &Did, now_us: i64) -> Result<(), RepoError> {
        let Some(liked) = self.remembered() else { return self.post(world, who, now_us) };
        let like = world.create_record(who, LIKE, now_us, records::like(&liked.post, now_us))?;
        self.likes.push((who.clone(), like.uri));
        Ok(())
    }

    fn unlike(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        if self.likes.is_empty() {
            return Ok(());
        }
        let at = self.index(self.likes.len());
        let (who, uri) = self.likes.swap_remove(at);
        delete(world, &who, &uri, now_us)
    }

    fn follow(&mut self, world: &mut World, who: &Did, now_us: i64) -> Result<(), RepoError> {
        let whom = self.person();
        if whom == *who || self.follows.contains_key(&(who.clone(), whom.clone())) {
            return self.like(world, who, now_us);
        }
        let follow = world.create_record(who, FOLLOW, now_us, records::follow(&whom, now_us))?;
        self.follows.insert((who.clone(), whom), follow.uri);
        Ok(())
    }

    fn unfollow(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        let mut pairs: Vec<(Did, Did)> = self.follows.keys().cloned().collect();
        if pairs.is_empty() {
            return Ok(());
        }
        pairs.sort_unstable();
        let pair = pairs.swap_remove(self.index(pairs.len()));
        match self.follows.remove(&pair) {
            Some(uri) => delete(world, &pair.0, &uri, now_us),
            None => Ok(()),
        }
    }

    fn remember(&mut self, post: Remembered) {
        if self.posts.len() == MEMORY_POSTS {
            self.posts.remove(0);
        }
        self.posts.push(post);
    }

    /// A remembered post, recent ones more often.
    fn remembered(&self) -> Option<Remembered> {
        let back = self.index(self.posts.len()).min(self.index(self.posts.len()));
        self.posts.len().checked_sub(back + 1).and_then(|at| self.posts.get(at)).cloned()
    }

    /// A person, the first ones more often.
    fn person(&self) -> Did {
        let at = self.index(self.people.len()).min(self.index(self.people.len()));
        self.people[at].clone()
    }

    fn sentence(&self) -> String {
        let part = |words| pick(&self.rng, words);
        format!("{} {} {}", part(words::OPENERS), part(words::SUBJECTS), part(words::ENDINGS))
    }

    fn index(&self, len: usize) -> usize {
        usize::try_from(self.rng.below(len.max(1) as u64)).unwrap_or(0)
    }
}

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const FOLLOW: &str = "app.bsky.graph.follow";

fn delete(world: &mut World, who: &Did, uri: &str, now_us: i64) -> Result<(), RepoError> {
    let path = uri.strip_prefix(&format!("at://{who}/")).unwrap_or(uri).to_owned();
    world.commit(who, now_us, &[Write::Delete { path }])
}

fn display_name(world: &World, did: &Did) -> String {
    let handle =
        world.account(did).map(|account| account.identity.handle.to_string()).unwrap_or_default();
    let label = handle.split('.').next().unwrap_or_default();
    let mut letters = label.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn pick<'a>(rng: &Rng, words: &[&'a str]) -> &'a str {
    let at = usize::try_from(rng.below(words.len() as u64)).unwrap_or(0);
    words[at]
}
