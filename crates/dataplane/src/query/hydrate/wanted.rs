//! Which rows an answer needs, by family: what the question names, and what that refers to.

use std::collections::BTreeSet;

use millrace_atproto::syntax::AtUri;
use millrace_store::Tx;

use super::gates::Gates;
use super::posts::Posts;
use super::{Hydrate, PostKey};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::query::{curated, lookup};

#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub posts: Vec<PostKey>,
    pub actors: Vec<i64>,
    pub detailed: Vec<i64>,
    pub trusted_verifiers: Vec<i64>,
    pub lists: BTreeSet<PostKey>,
    pub generators: BTreeSet<PostKey>,
    pub labelers: BTreeSet<PostKey>,
    pub starter_packs: BTreeSet<PostKey>,
}

impl Wanted {
    /// What the question names, as far as it was ever seen.
    pub(super) fn of(tx: &mut Tx, asked: &Hydrate) -> Result<Self, DataplaneError> {
        let set = |keys: Vec<PostKey>| keys.into_iter().collect::<BTreeSet<_>>();
        let detailed = lookup::actor_ids(tx, &asked.detailed)?;
        let mut actors = lookup::actor_ids(tx, &asked.actors)?;
        actors.extend_from_slice(&detailed);
        Ok(Self {
            posts: lookup::post_keys(tx, &asked.posts)?,
            lists: set(lookup::keys_in(tx, Collection::List, &asked.lists)?),
            generators: set(lookup::keys_in(tx, Collection::Generator, &asked.generators)?),
            starter_packs: set(lookup::keys_in(tx, Collection::StarterPack, &asked.starter_packs)?),
            labelers: labelers(tx, asked)?,
            trusted_verifiers: trusted_verifiers(tx, asked)?,
            actors,
            detailed,
        })
    }

    /// What posts show, and whoever wrote it.
    pub(super) fn add_posts(&mut self, posts: &Posts) {
        self.actors.extend(posts.people());
        self.lists.extend(posts.embedded_in(Collection::List));
        self.generators.extend(posts.embedded_in(Collection::Generator));
        self.labelers.extend(posts.embedded_in(Collection::Labeler));
        self.starter_packs.extend(posts.embedded_in(Collection::StarterPack));
    }

    pub(super) fn add_gates(&mut self, gates: &Gates) {
        self.lists.extend(gates.lists());
        self.actors.extend(gates.owners());
    }

    /// The lists and feeds that starter packs name.
    pub(super) fn add_named(&mut self, tx: &mut Tx, uris: &[AtUri]) -> Result<(), DataplaneError> {
        for key in lookup::record_keys(tx, uris)?.into_iter().flatten() {
            match Collection::from_code(key.collection) {
                Some(Collection::List) => self.lists.insert((key.actor, key.rkey)),
                Some(Collection::Generator) => self.generators.insert((key.actor, key.rkey)),
                _ => false,
            };
        }
        Ok(())
    }

    /// Whoever made the lists and services.
    pub(super) fn add_creators(&mut self) {
        let made = self.lists.iter().chain(&self.generators).chain(&self.labelers);
        self.actors.extend(made.map(|key| key.0));
    }

    /// The accounts wanted so far, each once.
    pub(super) fn people(&self) -> Vec<i64> {
        let people: BTreeSet<i64> = self.actors.iter().copied().collect();
        people.into_iter().collect()
    }
}

/// Whom the caller trusts and whom the operator has chosen, each once.
fn trusted_verifiers(tx: &mut Tx, asked: &Hydrate) -> Result<Vec<i64>, DataplaneError> {
    let mut trusted = lookup::actor_ids(tx, &asked.trusted_verifiers)?;
    trusted.extend(curated::verifiers(tx)?);
    trusted.sort_unstable();
    trusted.dedup();
    Ok(trusted)
}

/// An account has one labeler service.
fn labelers(tx: &mut Tx, asked: &Hydrate) -> Result<BTreeSet<PostKey>, DataplaneError> {
    let Some(own) = lookup::side_table_id(tx, "self")? else { return Ok(BTreeSet::new()) };
    let ids = lookup::actor_ids(tx, &asked.labelers)?;
    Ok(ids.into_iter().map(|id| (id, own)).collect())
}
