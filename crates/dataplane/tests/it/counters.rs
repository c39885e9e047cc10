//! Counters and edges beside a small model: random writes, replays and batch borders.

use std::collections::{BTreeMap, BTreeSet};

use millrace_atproto::entry::Entry;
use millrace_atproto::syntax::{AtIdentifier, AtUri, Did};
use millrace_dataplane::query::follows::GetFollowers;
use millrace_dataplane::query::likes::GetLikes;
use millrace_dataplane::query::posts::GetPosts;
use millrace_dataplane::query::profiles::GetProfile;
use millrace_runtime::rng::Rng;
use millrace_sim::records::{self, Ref, Reply};

use crate::entries::{self, FOLLOW, LIKE, POST, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    story_07_counters_equal_a_count_of_rows,
    story_06_like_unlike_like_ends_liked,
    insert_is_insert_delete_insert
);

const ACTORS: [&str; 4] = ["alice", "bob", "carol", "dan"];
/// Record keys each actor writes under: few, so that writes collide.
const KEYS: u64 = 4;

/// What a record points at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Points {
    Nowhere,
    At(String),
}

/// The records there are: (did, collection, rkey) → what it points at.
#[derive(Debug, Default)]
struct Model {
    records: BTreeMap<(Did, &'static str, String), Points>,
}

impl Model {
    fn pointing(&self, collection: &str, target: &str) -> BTreeSet<&Did> {
        let at = Points::At(target.to_owned());
        self.records
            .iter()
            .filter(|(key, points)| key.1 == collection && **points == at)
            .map(|(key, _)| &key.0)
            .collect()
    }

    fn replies(&self, target: &str) -> usize {
        let at = Points::At(target.to_owned());
        self.records.iter().filter(|(key, points)| key.1 == POST && **points == at).count()
    }

    fn of(&self, did: &Did, collection: &str) -> impl Iterator<Item = (&String, &Points)> {
        let (did, collection) = (did.clone(), collection.to_owned());
        let own = self.records.iter().filter(move |(key, _)| key.0 == did && key.1 == collection);
        own.map(|(key, points)| (&key.2, points))
    }
}

fn reference(uri: &str) -> Ref {
    Ref { uri: uri.to_owned(), cid: millrace_atproto::cid::Cid::of_dag_cbor(uri.as_bytes()) }
}

fn some_post(rng: &Rng) -> String {
    let author = did(ACTORS[rng.below(4) as usize]);
    entries::uri(&author, POST, &tid(rng.below(KEYS) as i64).to_string())
}

/// One random write; the model follows.
fn write(
    rng: &Rng,
    model: &mut Model,
    author: &Did,
    step: i64,
) -> millrace_atproto::entry::EntryOp {
    let collection = [POST, LIKE, FOLLOW][rng.below(3) as usize];
    let rkey = tid(rng.below(KEYS) as i64).to_string();
    let key = (author.clone(), collection, rkey.clone());
    if rng.below(3) == 0 {
        model.records.remove(&key);
        return entries::delete(collection, &rkey);
    }
    let at_us = entries::START_US + step * 1_000;
    let (record, points) = match collection {
        LIKE => {
            let subject = some_post(rng);
            (records::like(&reference(&subject), at_us), Points::At(subject))
        }
        FOLLOW => {
            let subject = did(ACTORS[rng.below(4) as usize]);
            (records::follow(&subject, at_us), Points::At(subject.to_string()))
        }
        _ if rng.below(2) == 0 => {
            let parent = some_post(rng);
            let reply = Reply { root: reference(&parent), parent: reference(&parent) };
            (records::post("reply", at_us, Some(&reply), None, None), Points::At(parent))
        }
        _ => (records::post("post", at_us, None, None, None), Points::Nowhere),
    };
    model.records.insert(key, points);
    entries::put(collection, &rkey, record)
}

async fn story_07_counters_equal_a_count_of_rows(harness: Harness) {
    for seed in 0..12 {
        let rng = Rng::seeded(seed);
        let harness = harness.fresh().await;
        let mut model = Model::default();
        // Every account is known, with a name that nothing else writes.
        let mut history: Vec<Entry> =
            ACTORS.iter().map(|name| entries::identity(&did(name), 0, None)).collect();
        for step in 1..60 {
            let author = did(ACTORS[rng.below(4) as usize]);
            let ops = (0..=rng.below(3)).map(|_| write(&rng, &mut model, &author, step)).collect();
            history.push(entries::commit(&author, step, ops));
        }
        let mut from = 0;
        while from < history.len() {
            let to = (from + 1 + rng.below(20) as usize).min(history.len());
            // A log may hold what was read before: replay from anywhere.
            let replayed = rng.below(from as u64 + 1) as usize;
            harness.apply(&history[replayed..to]).await;
            from = to;
        }
        compare(&harness, &model, seed).await;
    }
}

async fn compare(harness: &Harness, model: &Model, seed: u64) {
    for name in ACTORS {
        let actor = did(name);
        let profile = harness
            .client
            .ask(GetProfile { actor: AtIdentifier::Did(actor.clone()) })
            .await
            .unwrap();
        let followed: BTreeSet<String> = model
            .of(&actor, FOLLOW)
            .filter_map(
                |(_, points)| if let Points::At(whom) = points { Some(whom.clone()) } else { None },
            )
            .collect();
        let followers = model.pointing(FOLLOW, actor.as_str());
        assert_eq!(
            profile.posts_count as usize,
            model.of(&actor, POST).count(),
            "posts of {name}, seed {seed}"
        );
        assert_eq!(
            profile.follows_count as usize,
            followed.len(),
            "follows of {name}, seed {seed}"
        );
        assert_eq!(
            profile.followers_count as usize,
            followers.len(),
            "followers of {name}, seed {seed}"
        );
        let page =
            GetFollowers { actor: AtIdentifier::Did(actor.clone()), limit: 100, cursor: None };
        let listed = harness.client.ask(page).await.unwrap();
        let listed: BTreeSet<&Did> = listed.follows.iter().map(|edge| &edge.did).collect();
        assert_eq!(listed, followers, "listed followers of {name}, seed {seed}");
        for (rkey, _) in model.of(&actor, POST) {
            let uri = entries::uri(&actor, POST, rkey);
            let likers = model.pointing(LIKE, &uri);
            let asked = AtUri::parse(&uri).unwrap();
            let post = harness
                .client
                .ask(GetPosts { uris: vec![asked.clone()] })
                .await
                .unwrap()
                .posts
                .remove(0);
            assert_eq!(post.like_count as usize, likers.len(), "likes of {uri}, seed {seed}");
            assert_eq!(
                post.reply_count as usize,
                model.replies(&uri),
                "replies of {uri}, seed {seed}"
            );
            let listed = harness
                .client
                .ask(GetLikes { uri: asked, limit: 100, cursor: None })
                .await
                .unwrap();
            let listed: BTreeSet<&Did> = listed.likes.iter().map(|like| &like.actor).collect();
            assert_eq!(listed, likers, "listed likes of {uri}, seed {seed}");
        }
    }
}

async fn story_06_like_unlike_like_ends_liked(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let post = entries::uri(&bob, POST, &tid(1).to_string());
    let like = |rkey: i64| {
        entries::put(
            LIKE,
            &tid(rkey).to_string(),
            records::like(&reference(&post), entries::START_US),
        )
    };
    let unlike = |rkey: i64| entries::delete(LIKE, &tid(rkey).to_string());
    harness
        .apply(&[
            entries::commit(
                &bob,
                1,
                vec![entries::put(
                    POST,
                    &tid(1).to_string(),
                    records::post("x", 1, None, None, None),
                )],
            ),
            // The same key and another one, within one commit and across commits.
            entries::commit(&alice, 2, vec![like(5), unlike(5), like(5)]),
            entries::commit(&alice, 3, vec![unlike(5)]),
            entries::commit(&alice, 4, vec![like(6)]),
            entries::commit(&alice, 5, vec![like(7), unlike(6)]),
        ])
        .await;
    assert_eq!(likes(&harness, &post).await, 1);
    harness.apply(&[entries::commit(&alice, 6, vec![unlike(7)])]).await;
    assert_eq!(likes(&harness, &post).await, 0);
}

async fn insert_is_insert_delete_insert(harness: Harness) {
    let bob = did("bob");
    let rkey = tid(1).to_string();
    let post =
        || entries::put(POST, &rkey, records::post("x", entries::START_US, None, None, None));
    harness.apply(&[entries::commit(&bob, 1, vec![post()])]).await;
    let once = harness.dump().await;
    let again = harness.fresh().await;
    again
        .apply(&[entries::commit(&bob, 1, vec![post(), entries::delete(POST, &rkey), post()])])
        .await;
    assert_eq!(again.dump().await, once);
}

async fn likes(harness: &Harness, post: &str) -> i64 {
    let asked = GetPosts { uris: vec![AtUri::parse(post).unwrap()] };
    harness.client.ask(asked).await.unwrap().posts.remove(0).like_count
}
