//! Ids of DIDs and record keys: given once, meant for ever.

use millrace_atproto::{Did, RecordKey};
use millrace_runtime::supervise::spawn_detached_named;
use millrace_store::{ActorId, Dictionary, Domain, RkeyId, StoreConfig, StoreError, dictionary};

use crate::toy;
use crate::world::World;

fn dids(names: &[&str]) -> Vec<Did> {
    names.iter().map(|name| Did::parse(&format!("did:example:{name}")).unwrap()).collect()
}

fn keys(keys: &[&str]) -> Vec<RecordKey> {
    keys.iter().map(|key| RecordKey::parse(key).unwrap()).collect()
}

fn actors(ids: &[i64]) -> Vec<ActorId> {
    ids.iter().copied().map(ActorId).collect()
}

pub async fn ids_are_given_in_sorted_order(world: &World) {
    let dictionary = world.dictionary().await;
    let ids = dictionary.actor_ids(&dids(&["c", "a", "b", "a"])).await.unwrap();
    assert_eq!(ids, actors(&[3, 1, 2, 1]));
    let ids = dictionary.actor_ids(&dids(&["b", "aa", "d"])).await.unwrap();
    assert_eq!(ids, actors(&[2, 4, 5]));
    assert_eq!(dictionary.actor_ids(&[]).await.unwrap(), []);
}

pub async fn an_id_never_changes(world: &World) {
    let before = world.dictionary().await;
    let ids = before.actor_ids(&dids(&["a", "b"])).await.unwrap();
    before.store().close().await;
    let after = world.dictionary().await;
    assert_eq!(after.actor_ids(&dids(&["b", "a"])).await.unwrap(), actors(&[ids[1].0, ids[0].0]));
    let texts = after.dids(&[ids[1], ActorId(99), ids[0]]).await.unwrap();
    let expected = dids(&["b", "a"]);
    assert_eq!(texts, [Some(expected[0].clone()), None, Some(expected[1].clone())]);
}

pub async fn looking_up_gives_no_id(world: &World) {
    let dictionary = world.dictionary().await;
    dictionary.actor_ids(&dids(&["a"])).await.unwrap();
    let found = dictionary.find_actors(&dids(&["z", "a"])).await.unwrap();
    assert_eq!(found, [None, Some(ActorId(1))]);
    assert_eq!(dictionary.actor_ids(&dids(&["z"])).await.unwrap(), actors(&[2]));
}

pub async fn two_processes_agree_on_ids(world: &World) {
    let (one, two) = (world.dictionary().await, world.dictionary().await);
    let names: Vec<String> = (0..40).map(|n| format!("n{n:02}")).collect();
    let tasks: Vec<_> = [one.clone(), two.clone(), one.clone(), two.clone()]
        .into_iter()
        .enumerate()
        .map(|(start, dictionary)| {
            let names = names.clone();
            spawn_detached_named("allocate", async move {
                for name in names.iter().cycle().skip(start * 9).take(40) {
                    dictionary.actor_ids(&dids(&[name])).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = one.actor_ids(&dids(&all)).await.unwrap();
    assert_eq!(ids, two.actor_ids(&dids(&all)).await.unwrap());
    let mut numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<i64>>(), "dense, each once");
}

pub async fn record_keys_are_tids_or_negative(world: &World) {
    let dictionary = world.dictionary().await;
    let asked = keys(&["self", "3jzfcijpj2z2a", "post-1", "jzzzzzzzzzzzz", "self"]);
    let ids = dictionary.rkey_ids(&asked).await.unwrap();
    let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
    assert!(numbers[1] > 0, "a TID is its own id");
    // Sorted: the TID with its top bit set, post-1, self.
    assert_eq!([numbers[0], numbers[2], numbers[3], numbers[4]], [-3, -2, -1, -3]);
    let back = dictionary.rkeys(&ids).await.unwrap();
    assert_eq!(back.into_iter().map(Option::unwrap).collect::<Vec<_>>(), asked);
    assert_eq!(dictionary.rkeys(&[RkeyId(-99)]).await.unwrap(), [None]);
}

pub async fn ids_are_joined_from_other_domains(world: &World) {
    let ids = world.dictionary().await;
    let store =
        world.open(Domain::Dataplane, toy::MIGRATIONS, &[Domain::Dictionary]).await.unwrap();
    let people = dids(&["a", "b", "nobody"]);
    let given = ids.actor_ids(&people[..2]).await.unwrap();
    let named = ids.rkey_ids(&keys(&["self"])).await.unwrap()[0];
    let result: Result<(), StoreError> = store
        .write(move |tx| {
            tx.execute("INSERT INTO tally (id, n) VALUES ($1, 7)", &[given[1].into()])?;
            let joined: String = tx.query_one(
                "SELECT a.did FROM tally t JOIN dictionary.actor a ON a.id = t.id",
                &[],
                |row| row.get(0),
            )?;
            assert_eq!(joined, people[1].as_str());
            assert_eq!(dictionary::find_actor(tx, &people[0])?, Some(given[0]));
            let found = dictionary::find_actors(tx, &people)?;
            assert_eq!(found, [Some(given[0]), Some(given[1]), None]);
            assert_eq!(dictionary::did(tx, given[1])?.as_ref(), Some(&people[1]));
            let keys = keys(&["self", "3jzfcijpj2z2a", "unseen"]);
            assert_eq!(dictionary::find_rkey(tx, &keys[0])?, Some(named));
            assert_eq!(dictionary::find_rkey(tx, &keys[2])?, None);
            let tid = dictionary::find_rkey(tx, &keys[1])?.unwrap();
            assert_eq!(dictionary::rkey(tx, tid)?.as_ref(), Some(&keys[1]));
            assert_eq!(dictionary::rkey(tx, named)?.as_ref(), Some(&keys[0]));
            Ok(())
        })
        .await;
    result.unwrap();
}

pub async fn a_small_cache_forgets_and_still_answers(world: &World) {
    let config = StoreConfig { dictionary_cache_bytes: 2_000, ..world.config.clone() };
    let dictionary = Dictionary::open(&config, &world.clock, &world.registry).await.unwrap();
    let names: Vec<String> = (0..200).map(|n| format!("n{n:03}")).collect();
    let all = dids(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let first = dictionary.actor_ids(&all).await.unwrap();
    assert_eq!(dictionary.actor_ids(&all).await.unwrap(), first);
    let back: Vec<Did> = dictionary.dids(&first).await.unwrap().into_iter().flatten().collect();
    assert_eq!(back, all);
}

pub async fn more_than_a_batch_of_ids(world: &World) {
    let dictionary = world.dictionary().await;
    let names: Vec<String> = (0..12_000).map(|n| format!("n{n:05}")).collect();
    let all = dids(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let ids = dictionary.actor_ids(&all).await.unwrap();
    let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
    assert_eq!(numbers, (1..=12_000).collect::<Vec<i64>>());
}
