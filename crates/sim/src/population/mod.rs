//! People who write, drawn from a seed: records of every kind, odd and broken ones among them.
//!
//! Popularity is skewed: a few accounts are followed and answered by most, as outside. What happens is dealt
//! from a deck of cards ([`deck`]) that holds every kind of thing as often as it happens, so that even a
//! small network shows all of them.

mod actors;
mod deck;
mod edges;
mod events;
mod gates;
mod lists;
mod memory;
mod odd;
mod play;
mod posts;
mod scene;
mod services;

use millrace_atproto::syntax::Did;
use millrace_runtime::rng::Rng;

use crate::config::{Mix, SimConfig};
use crate::records;
use crate::repo::{RepoError, Write};
use crate::words;
use crate::world::World;

use deck::{Card, Deck};
use events::AccountEvent;
use memory::Memory;
use scene::Scene;

/// Keeps what people do apart from who they are.
const PEOPLE_SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// What the population has done and may refer to.
#[derive(Debug)]
pub struct Population {
    rng: Rng,
    people: Vec<Did>,
    popularity: u32,
    account_events_per_mille: u32,
    account_events_in_history: bool,
    cards: Deck<Card>,
    events: Deck<AccountEvent>,
    memory: Memory,
}

impl Population {
    /// Creates the accounts, with profiles; with the rich mix also the feed generators that are served.
    pub fn settle(world: &mut World, config: &SimConfig, start_us: i64) -> Result<Self, RepoError> {
        let rng = Rng::seeded(config.seed ^ PEOPLE_SEED);
        let mut people = Vec::new();
        for index in 0..config.accounts {
            let now_us = start_us + i64::from(index) * 1_000;
            let did = world.create_account(now_us);
            let name = display_name(world, &did);
            let about = words::pick(&rng, words::ABOUT);
            let record = records::profile(&name, about, now_us);
            let path = "app.bsky.actor.profile/self".to_owned();
            world.commit(&did, now_us, &[Write::Put { path, record }])?;
            people.push(did);
        }
        let rich = config.mix == Mix::Rich;
        let mut settled = Self {
            rng,
            people,
            popularity: config.popularity,
            account_events_per_mille: if rich { config.account_events_per_mille } else { 0 },
            account_events_in_history: config.account_events_in_history,
            cards: Deck::of(if rich { deck::RICH } else { deck::SIMPLE }),
            events: Deck::of(events::EVENTS),
            memory: Memory::default(),
        };
        if rich && !settled.people.is_empty() {
            let now_us = start_us + i64::from(config.accounts) * 1_000;
            settled.scene(world, now_us).publish_served_feeds()?;
        }
        Ok(settled)
    }

    /// Everybody writes their profile anew, a millisecond apart.
    pub fn introduce(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        for (who, at) in self.people.clone().into_iter().zip(0..) {
            let at_us = now_us + at * 1_000;
            let name = display_name(world, &who);
            let record = records::profile(&name, words::pick(&self.rng, words::ABOUT), at_us);
            world.put_record(&who, "app.bsky.actor.profile/self".to_owned(), at_us, record)?;
        }
        Ok(())
    }

    /// One person does one thing at `now_us`, in the network's history.
    pub fn act(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        if self.account_events_in_history && self.is_time_for_an_event() {
            return self.account_event(world, now_us);
        }
        self.write(world, now_us)
    }

    /// One person does one thing at `now_us`, or something happens to an account.
    pub fn live(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        world.maybe_reset_relay();
        if self.is_time_for_an_event() {
            return self.account_event(world, now_us);
        }
        self.write(world, now_us)
    }

    /// One person writes something.
    pub fn write(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        if self.people.is_empty() {
            return Ok(());
        }
        let card = self.cards.deal(&self.rng);
        self.scene(world, now_us).play(card)
    }

    /// Something happens to an account: another handle, key, PDS or status.
    pub fn account_event(&mut self, world: &mut World, now_us: i64) -> Result<(), RepoError> {
        if self.people.is_empty() {
            return Ok(());
        }
        let event = self.events.deal(&self.rng);
        self.scene(world, now_us).account_event(event)
    }

    /// Fills everybody's repository with so many records of the past, none of which is told: likes mostly,
    /// as outside, then posts and follows.
    pub fn fill_repos(
        &mut self,
        world: &mut World,
        records: u32,
        from_us: i64,
    ) -> Result<(), RepoError> {
        for who in self.people.clone() {
            let mut filling = Vec::new();
            for at in 0..records {
                let mut scene = self.scene(world, from_us + i64::from(at) * 1_000);
                filling.push(scene.something_of_the_past(at));
            }
            world.fill_repo(&who, from_us + i64::from(records) * 1_000, filling)?;
        }
        Ok(())
    }

    /// The people, the best known first.
    pub fn people(&self) -> &[Did] {
        &self.people
    }

    fn is_time_for_an_event(&self) -> bool {
        self.rng.below(1_000) < u64::from(self.account_events_per_mille)
    }

    fn scene<'a>(&'a mut self, world: &'a mut World, now_us: i64) -> Scene<'a> {
        Scene {
            world,
            memory: &mut self.memory,
            rng: &self.rng,
            people: &self.people,
            popularity: self.popularity,
            now_us,
        }
    }
}

/// The first part of the handle with a capital letter.
fn display_name(world: &World, did: &Did) -> String {
    let handle =
        world.account(did).map(|account| account.identity.handle.to_string()).unwrap_or_default();
    let label = handle.split('.').next().unwrap_or_default();
    let mut letters = label.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
