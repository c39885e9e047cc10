//! The gates of threads and posts, and what they let the viewer do.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_atproto::lexicon::AllowRule;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, StoreError, Tx};

use super::PostKey;
use super::counts::Counted;
use super::documents::{self, Documents, RecordBytes};
use super::lists::Lists;
use super::names::NameIds;
use super::posts::{PostRow, Posts};
use super::relations::Relations;
use super::viewer::Viewer;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::gate::{self, Postgate, Standing};
use crate::model::Threadgate;
use crate::names::Names;
use crate::query::lookup;

#[derive(Debug, Default)]
pub(super) struct Gates {
    /// By the post that begins the thread.
    threads: Documents,
    rules: HashMap<PostKey, Rules>,
    posts: HashMap<PostKey, Post>,
}

/// What a thread's gate says.
#[derive(Debug)]
struct Rules {
    allow: Option<Vec<AllowRule>>,
    hidden: HashSet<String>,
    /// Keys of the lists it names, as far as they are known.
    lists: Vec<(AtUri, PostKey)>,
}

/// What a post's gate says.
#[derive(Debug)]
struct Post {
    disabled: bool,
    detached: HashSet<String>,
}

impl Gates {
    /// The gates of the threads of the posts shown, and of all the posts.
    pub(super) fn load(
        tx: &mut Tx,
        counted: &mut Counted,
        posts: &Posts,
        bytes: &mut RecordBytes,
    ) -> Result<Self, DataplaneError> {
        let roots = posts.shown.iter().filter_map(|key| posts.rows.get(key)).map(PostRow::thread);
        let mut roots: BTreeSet<PostKey> = roots.collect();
        let mut keys: BTreeSet<PostKey> = posts.rows.keys().copied().collect();
        counted.read(tx, roots.iter().chain(&keys).map(|key| key.0))?;
        roots.retain(|key| counted.of(key.0).gates > 0);
        keys.retain(|key| counted.of(key.0).gates > 0);
        let threads = documents::load(tx, Collection::Threadgate, &roots, bytes)?;
        let mut rules = HashMap::with_capacity(threads.len());
        for (root, row) in &threads {
            if let Some(gate) = gate::Threadgate::parse(&row.record) {
                rules.insert(*root, Rules::of(tx, gate)?);
            }
        }
        let postgates = documents::load(tx, Collection::Postgate, &keys, bytes)?;
        let said = |(key, row): (&PostKey, &documents::DocumentRow)| {
            let gate = Postgate::parse(&row.record)?;
            let detached = gate.detached.iter().map(AtUri::to_string).collect();
            Some((*key, Post { disabled: gate.disabled, detached }))
        };
        let posts = postgates.iter().filter_map(said).collect();
        Ok(Self { threads, rules, posts })
    }

    /// Keys of the lists that gates name.
    pub(super) fn lists(&self) -> impl Iterator<Item = PostKey> {
        self.rules.values().flat_map(|rules| rules.lists.iter().map(|list| list.1))
    }

    /// Authors of gated threads: what the viewer is to them may decide.
    pub(super) fn owners(&self) -> impl Iterator<Item = i64> {
        self.threads.keys().map(|root| root.0)
    }

    /// Whether the viewer may not reply in each gated thread.
    pub(super) fn closed(
        &self,
        tx: &mut Tx,
        viewer: &Viewer,
        posts: &Posts,
        relations: &Relations,
        lists: &Lists,
    ) -> Result<HashMap<PostKey, bool>, StoreError> {
        let mut closed = HashMap::with_capacity(self.rules.len());
        for (root, rules) in &self.rules {
            let may = root.0 == viewer.id || {
                let standing = rules.standing(tx, viewer, *root, posts, relations, lists)?;
                gate::allows(rules.allow.as_deref(), &standing)
            };
            closed.insert(*root, !may);
        }
        Ok(closed)
    }

    /// The author of the thread hides a reply in it.
    pub(super) fn hides(&self, root: PostKey, reply: &str) -> bool {
        self.rules.get(&root).is_some_and(|rules| rules.hidden.contains(reply))
    }

    /// Nobody but its author may quote the post.
    pub(super) fn forbids_quotes(&self, post: PostKey) -> bool {
        self.posts.get(&post).is_some_and(|gate| gate.disabled)
    }

    /// The author of a post took it out of one that quotes it.
    pub(super) fn detaches(&self, quoted: PostKey, quoting: &str) -> bool {
        self.posts.get(&quoted).is_some_and(|gate| gate.detached.contains(quoting))
    }

    pub(super) fn name(&self, ids: &mut NameIds) {
        ids.records(self.threads.keys());
    }

    pub(super) fn present(self, names: &Names) -> Result<Vec<Threadgate>, DataplaneError> {
        let mut gates = Vec::with_capacity(self.threads.len());
        for (key, row) in self.threads {
            gates.push(Threadgate {
                uri: names.uri(key.0, Collection::Threadgate.code(), key.1)?,
                post: names.uri(key.0, Collection::Post.code(), key.1)?,
                record: row.into_record()?,
            });
        }
        Ok(gates)
    }
}

impl Rules {
    fn of(tx: &mut Tx, gate: gate::Threadgate) -> Result<Self, DataplaneError> {
        let named = gate.allow.iter().flatten().filter_map(|rule| match rule {
            AllowRule::List(list) => list.as_record().is_some().then(|| list.clone()),
            AllowRule::Mention | AllowRule::Follower | AllowRule::Following => None,
        });
        let named: Vec<AtUri> = named.collect();
        let keys = lookup::record_keys(tx, &named)?;
        let lists = named.into_iter().zip(keys).filter_map(|(uri, key)| {
            let key = key.filter(|key| key.collection == Collection::List.code())?;
            Some((uri, (key.actor, key.rkey)))
        });
        let hidden = gate.hidden_replies.iter().map(AtUri::to_string).collect();
        Ok(Self { lists: lists.collect(), hidden, allow: gate.allow })
    }

    /// What the viewer is to the author of the thread.
    fn standing(
        &self,
        tx: &mut Tx,
        viewer: &Viewer,
        root: PostKey,
        posts: &Posts,
        relations: &Relations,
        lists: &Lists,
    ) -> Result<Standing, StoreError> {
        let asks_for_mentions =
            self.allow.iter().flatten().any(|rule| matches!(rule, AllowRule::Mention));
        let relation = relations.of(root.0);
        let on_lists = self.lists.iter().filter(|list| lists.has_viewer(list.1));
        Ok(Standing {
            mentioned: asks_for_mentions && is_mentioned(tx, viewer, root, posts)?,
            follower: relation.following.is_some(),
            following: relation.followed_by.is_some(),
            lists: on_lists.map(|list| list.0.clone()).collect(),
        })
    }
}

/// Whether the first post of a thread mentions the viewer; it need not be shown.
fn is_mentioned(
    tx: &mut Tx,
    viewer: &Viewer,
    root: PostKey,
    posts: &Posts,
) -> Result<bool, StoreError> {
    if let Some(row) = posts.rows.get(&root) {
        return Ok(gate::mentioned(&row.record).contains(&viewer.did));
    }
    let record: Option<String> = tx.query_opt(
        "SELECT record FROM post WHERE actor_id = $1 AND rkey = $2",
        &[root.0, root.1].map(Param::Int),
        |row| row.get(0),
    )?;
    Ok(record.is_some_and(|record| gate::mentioned(&record).contains(&viewer.did)))
}
