//! `hydrate`: everything a page of views needs, in one question and one snapshot.
//!
//! The caller names the posts, accounts, lists and services of its skeleton; the answer adds what
//! their views refer to: authors, the posts a reply answers, quoted posts two levels deep, other
//! records that posts show, gates with their lists, and the relation of the viewer to each. Unknown
//! URIs and DIDs have no item. Each family first loads its rows, a query for the whole page at a
//! time; then the names behind all ids are read at once, and the rows become the answer.

mod actors;
mod between;
mod bookmarks;
mod counts;
mod documents;
mod gates;
mod known_followers;
mod labels;
mod lists;
mod names;
mod post_views;
mod posts;
mod relations;
mod services;
mod starter_packs;
mod subscriptions;
mod verifications;
mod viewer;
mod wanted;

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::{AtUri, Did, Tid};
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::between::blocked;
pub(crate) use self::counts::Counted;
pub(crate) use self::labels::LabelRow;
pub(crate) use self::viewer::muted_lists;

use self::actors::Actors;
use self::documents::RecordBytes;
use self::gates::Gates;
use self::known_followers::KnownFollowers;
use self::labels::Labels;
use self::lists::Lists;
use self::names::NameIds;
use self::post_views::Around;
use self::posts::Posts;
use self::relations::Relations;
use self::services::Services;
use self::starter_packs::StarterPacks;
use self::verifications::Verifications;
use self::viewer::Viewer;
use self::wanted::Wanted;
use super::lookup::{self, RecordKeyIds};
use super::{Context, Question, issued_labels, taken_down};
use crate::apply::ids::Subject;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::{
    ActivitySubscription, Actor, ActorViewer, Label, List, Post, Service, StarterPack, TakenDown,
    Threadgate,
};
use crate::names::Names;

/// Most records and most accounts one question may name.
pub const HYDRATE_MAX: usize = 6_000;
/// Most issuers of verifications one question may trust.
pub const TRUSTED_VERIFIERS_MAX: usize = 1_000;
/// Most labelers one question may accept.
pub const ACCEPT_LABELERS_MAX: usize = 256;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hydrate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
    #[serde(default)]
    pub posts: Vec<AtUri>,
    #[serde(default)]
    pub actors: Vec<Did>,
    #[serde(default)]
    pub lists: Vec<AtUri>,
    #[serde(default)]
    pub generators: Vec<AtUri>,
    /// With them come the lists and feeds they name.
    #[serde(default)]
    pub starter_packs: Vec<AtUri>,
    /// Accounts whose labeler services are wanted.
    #[serde(default)]
    pub labelers: Vec<Did>,
    /// Also bring the parent, root and grandparent's author of replies (feed views show them).
    #[serde(default)]
    pub reply_refs: bool,
    /// Accounts shown in detail: also whom the viewer follows among their followers, and by which
    /// starter pack they came.
    #[serde(default)]
    pub detailed: Vec<Did>,
    /// Accounts whose word on who others are is passed on.
    #[serde(default)]
    pub trusted_verifiers: Vec<Did>,
    /// Also bring how far the viewer's own repository is visible.
    #[serde(default)]
    pub repo_rev: bool,
    /// Labelers whose labels of all of this are wanted.
    #[serde(default)]
    pub accept_labelers: Vec<Did>,
    /// Further records of which nothing but labels is wanted.
    #[serde(default)]
    pub labelled: Vec<AtUri>,
    /// Reposts by which the posts came: whether they are taken down is wanted.
    #[serde(default)]
    pub reposts: Vec<AtUri>,
}

/// What was named and what it refers to, each once.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hydration {
    pub posts: Vec<Post>,
    pub actors: Vec<Actor>,
    pub lists: Vec<List>,
    pub generators: Vec<Service>,
    pub starter_packs: Vec<StarterPack>,
    pub labelers: Vec<Service>,
    /// The gates of the threads the posts belong to.
    pub threadgates: Vec<Threadgate>,
    /// The revision up to which the viewer's own repository is visible in this answer, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo_rev: Option<Tid>,
    /// Labels that hold, of whatever is here and of those who made it.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// What of this is taken down here.
    #[serde(default)]
    pub taken_down: TakenDown,
}

/// A record's key within its collection: author and record key.
pub(crate) type PostKey = (i64, i64);

impl Question for Hydrate {
    const NAME: &'static str = "hydrate";
    type Answer = Hydration;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Hydration, DataplaneError> {
        self.check()?;
        let repo_rev = match self.viewer.as_ref().filter(|_| self.repo_rev) {
            Some(viewer) => lookup::repo_rev(tx, viewer)?,
            None => None,
        };
        let viewer = Viewer::of(tx, self.viewer.as_ref())?;
        let wanted = Wanted::of(tx, &self)?;
        let mut gathered = Gathered::load(tx, viewer, wanted, self.reply_refs)?;
        let has_takedowns = taken_down::any(tx)?;
        let mut subjects = BTreeSet::new();
        if has_takedowns || !self.accept_labelers.is_empty() {
            subjects = gathered.label_subjects(tx, &self.labelled)?;
            gathered.labels = Labels::load(tx, &self.accept_labelers, &subjects)?;
        }
        let names = gathered.names(tx)?;
        gathered.close_threads(tx, &names)?;
        gathered.around.kept =
            bookmarks::kept(tx, gathered.viewer.as_ref(), &gathered.posts, &names)?;
        let issued = issued_labels::holding(tx, &self.accept_labelers, &subjects)?;
        let taken_down = match has_takedowns {
            true => taken_down::shown(tx, subjects, &self.reposts)?,
            false => TakenDown::default(),
        };
        let mut found = gathered.present(&names)?;
        found.labels.extend(issued);
        Ok(Hydration { repo_rev, taken_down, ..found })
    }
}

impl Hydrate {
    fn check(&self) -> Result<(), DataplaneError> {
        let records =
            [&self.posts, &self.lists, &self.generators, &self.starter_packs, &self.labelled];
        let accounts = [&self.actors, &self.labelers, &self.detailed];
        let records: usize = records.iter().map(|uris| uris.len()).sum();
        let accounts: usize = accounts.iter().map(|dids| dids.len()).sum();
        if records > HYDRATE_MAX || accounts > HYDRATE_MAX || self.reposts.len() > HYDRATE_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {HYDRATE_MAX} records and as many accounts"
            )));
        }
        if self.trusted_verifiers.len() > TRUSTED_VERIFIERS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {TRUSTED_VERIFIERS_MAX} trusted verifiers"
            )));
        }
        if self.accept_labelers.len() > ACCEPT_LABELERS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {ACCEPT_LABELERS_MAX} labelers"
            )));
        }
        Ok(())
    }
}

/// The rows of an answer.
struct Gathered {
    viewer: Option<Viewer>,
    posts: Posts,
    around: Around,
    gates: Gates,
    lists: Lists,
    generators: Services,
    labelers: Services,
    starter_packs: StarterPacks,
    joined_via: HashMap<i64, PostKey>,
    actors: Actors,
    relations: Relations,
    known_followers: KnownFollowers,
    subscriptions: HashMap<i64, ActivitySubscription>,
    verifications: Verifications,
    labels: Labels,
}

impl Gathered {
    fn load(
        tx: &mut Tx,
        viewer: Option<Viewer>,
        mut wanted: Wanted,
        reply_refs: bool,
    ) -> Result<Self, DataplaneError> {
        let (bytes, counted) = (&mut RecordBytes::default(), &mut Counted::default());
        let asking = viewer.as_ref();
        let posts = Posts::load(tx, std::mem::take(&mut wanted.posts), reply_refs, bytes)?;
        let around = Around::load(tx, counted, asking, &posts)?;
        let gates = Gates::load(tx, counted, &posts, bytes)?;
        let named_packs = wanted.starter_packs.clone();
        wanted.add_posts(&posts);
        wanted.add_gates(&gates);
        let joined_via = starter_packs::joined_via(tx, &wanted.detailed)?;
        wanted.starter_packs.extend(joined_via.values());
        let starter_packs = StarterPacks::load(tx, &wanted.starter_packs, bytes)?;
        wanted.add_named(tx, &starter_packs.named(&named_packs))?;
        wanted.actors.extend(starter_packs.creators());
        let generators =
            Services::load(tx, asking, Collection::Generator, &wanted.generators, bytes)?;
        let labelers = Services::load(tx, asking, Collection::Labeler, &wanted.labelers, bytes)?;
        let known_followers = match asking {
            Some(viewer) => KnownFollowers::load(tx, counted, viewer.id, &wanted.detailed)?,
            None => KnownFollowers::default(),
        };
        let subscriptions = subscriptions::load(tx, asking, &wanted.detailed)?;
        wanted.add_creators();
        wanted.actors.extend(known_followers.shown());
        let people = wanted.people();
        let relations = match asking {
            Some(viewer) => Relations::load(tx, counted, viewer, &people)?,
            None => Relations::default(),
        };
        wanted.lists.extend(relations.lists());
        let lists = Lists::load(tx, asking, &wanted.lists, bytes)?;
        let verifications = Verifications::load(tx, &wanted.trusted_verifiers, &people)?;
        wanted.actors.extend(verifications.issuers());
        let actors = Actors::load(tx, counted, &wanted.people(), bytes)?;
        Ok(Self {
            viewer,
            posts,
            around,
            gates,
            lists,
            generators,
            labelers,
            starter_packs,
            joined_via,
            actors,
            relations,
            known_followers,
            subscriptions,
            verifications,
            labels: Labels::default(),
        })
    }

    /// Whatever a label of can be of interest: what is shown, its makers, their profiles and statuses.
    fn label_subjects(
        &self,
        tx: &mut Tx,
        labelled: &[AtUri],
    ) -> Result<BTreeSet<Subject>, DataplaneError> {
        let record = |collection: Collection| {
            let collection = collection.code();
            move |key: PostKey| Subject { actor: key.0, collection, rkey: key.1 }
        };
        let further = lookup::record_keys(tx, labelled)?.into_iter().flatten().map(|key| {
            let RecordKeyIds { actor, collection, rkey } = key;
            Subject { actor, collection, rkey }
        });
        let mut subjects: BTreeSet<Subject> = further.collect();
        subjects.extend(self.posts.keys().map(record(Collection::Post)));
        subjects.extend(self.lists.keys().map(record(Collection::List)));
        subjects.extend(self.generators.keys().map(record(Collection::Generator)));
        subjects.extend(self.labelers.keys().map(record(Collection::Labeler)));
        subjects.extend(self.starter_packs.keys().map(record(Collection::StarterPack)));
        // Whoever made a list by which the viewer blocks or is blocked counts too.
        let makers = self.lists.keys().map(|key| key.0);
        let people: BTreeSet<i64> = self.actors.ids().chain(makers).collect();
        subjects.extend(people.iter().map(|id| labels::account(*id)));
        if let Some(own) = lookup::side_table_id(tx, "self")? {
            let of = |collection| people.iter().map(|id| (*id, own)).map(record(collection));
            subjects.extend(of(Collection::Profile));
            subjects.extend(of(Collection::Status));
        }
        Ok(subjects)
    }

    fn names(&self, tx: &mut Tx) -> Result<Names, DataplaneError> {
        let viewer = self.viewer.as_ref();
        let mut ids = NameIds::default();
        self.posts.name(&mut ids);
        self.around.name(viewer, &mut ids);
        self.gates.name(&mut ids);
        self.lists.name(viewer, &mut ids);
        self.generators.name(viewer, &mut ids);
        self.labelers.name(viewer, &mut ids);
        self.starter_packs.name(&mut ids);
        ids.records(self.joined_via.values());
        if let Some(viewer) = viewer {
            self.relations.name(viewer.id, &mut ids);
        }
        self.known_followers.name(&mut ids);
        self.verifications.name(&mut ids);
        self.labels.name(&mut ids);
        Ok(ids.read(tx)?)
    }

    /// Which threads the viewer mutes, and in which they may not reply.
    fn close_threads(&mut self, tx: &mut Tx, names: &Names) -> Result<(), DataplaneError> {
        let Some(viewer) = &self.viewer else { return Ok(()) };
        let threads = self.posts.threads();
        self.around.muted = viewer.muted_threads(tx, &threads, names)?.into_iter().collect();
        self.around.closed =
            self.gates.closed(tx, viewer, &self.posts, &self.relations, &self.lists)?;
        Ok(())
    }

    fn present(self, names: &Names) -> Result<Hydration, DataplaneError> {
        let viewer = self.viewer.as_ref();
        let mut relations = match viewer {
            Some(viewer) => self.relations.present(viewer.id, names)?,
            None => HashMap::new(),
        };
        let mut actors = self.actors.present()?;
        for (id, actor) in &mut actors {
            actor.verifications = self.verifications.present(*id, names)?;
            actor.trusted_verifier = self.verifications.is_trusted(*id);
            let pack = self.joined_via.get(id);
            let uri = |pack: &PostKey| names.uri(pack.0, Collection::StarterPack.code(), pack.1);
            actor.joined_via = pack.map(uri).transpose()?;
            if viewer.is_some() {
                let relation = relations.remove(id).unwrap_or_default();
                let known_followers = self.known_followers.present(*id, names)?;
                let activity_subscription = self.subscriptions.get(id).copied();
                actor.viewer =
                    Some(ActorViewer { known_followers, activity_subscription, ..relation });
            }
        }
        let posts = self.posts.present(viewer, &self.gates, &self.around, names)?;
        Ok(Hydration {
            posts: posts.into_values().collect(),
            actors: actors.into_values().collect(),
            lists: self.lists.present(viewer, names)?,
            generators: self.generators.present(viewer, names)?,
            starter_packs: self.starter_packs.present(names)?,
            labelers: self.labelers.present(viewer, names)?,
            threadgates: self.gates.present(names)?,
            repo_rev: None,
            labels: self.labels.present(names)?,
            taken_down: TakenDown::default(),
        })
    }
}

/// The posts of `keys` with their counters, as nobody in particular sees them.
pub(crate) fn posts(
    tx: &mut Tx,
    keys: &[PostKey],
) -> Result<HashMap<PostKey, Post>, DataplaneError> {
    let (bytes, counted) = (&mut RecordBytes::default(), &mut Counted::default());
    let posts = Posts::alone(tx, keys.to_vec(), bytes)?;
    let mut around = Around::load(tx, counted, None, &posts)?;
    let gates = Gates::load(tx, counted, &posts, bytes)?;
    let mut ids = NameIds::default();
    posts.name(&mut ids);
    let names = ids.read(tx)?;
    around.kept = bookmarks::kept(tx, None, &posts, &names)?;
    posts.present(None, &gates, &around, &names)
}

/// The accounts of `ids` that are known here, inactive ones included, as nobody in particular sees
/// them.
pub(crate) fn actors(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Actor>, DataplaneError> {
    let ids: BTreeSet<i64> = ids.iter().copied().collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    Actors::load(tx, &mut Counted::default(), &ids, &mut RecordBytes::default())?.present()
}

/// The follows and blocks between `viewer` and each of `ids`; accounts without any have no item.
pub(crate) fn actor_viewers(
    tx: &mut Tx,
    viewer: i64,
    ids: &[i64],
) -> Result<HashMap<i64, ActorViewer>, DataplaneError> {
    let relations = Relations::edges(tx, &mut Counted::default(), viewer, ids)?;
    let mut named = NameIds::default();
    relations.name(viewer, &mut named);
    let names = named.read(tx)?;
    Ok(relations.present(viewer, &names)?)
}
