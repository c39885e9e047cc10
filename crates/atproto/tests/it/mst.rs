//! The tree: the interop vectors, known roots, and a model (a sorted map) beside it.

use std::collections::BTreeMap;

use millrace_atproto::car::{CarLimits, CarSlice, CarWriter};
use millrace_atproto::cid::Cid;
use millrace_atproto::mst::{Mst, MstError, Walk, layer, shared_prefix};
use proptest::prelude::*;
use serde::Deserialize;

use crate::fixtures;

const LEAF: &str = "bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";

fn leaf() -> Cid {
    Cid::parse(LEAF).unwrap()
}

#[derive(Deserialize)]
struct Height {
    key: String,
    height: u8,
}

#[derive(Deserialize)]
struct Prefix {
    left: String,
    right: String,
    len: usize,
}

#[test]
fn layers_are_those_of_the_vectors() {
    for vector in fixtures::json::<Height>("mst/key_heights.json", 9) {
        assert_eq!(layer(&vector.key), vector.height, "{}", vector.key);
    }
    for key in fixtures::lines("mst/example_keys.txt", 156) {
        let height = key.as_bytes()[1] - b'0';
        assert_eq!(layer(&key), height, "{key}");
    }
}

#[test]
fn shared_prefixes_are_those_of_the_vectors() {
    for vector in fixtures::json::<Prefix>("mst/common_prefix.json", 13) {
        assert_eq!(shared_prefix(&vector.left, &vector.right), vector.len);
    }
}

#[test]
fn known_trees_have_known_roots() {
    let record = |rkey: &str| format!("com.example.record/{rkey}");
    let cases: [(&[&str], &str); 4] = [
        (&[], "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm"),
        (&["3jqfcqzm3fo2j"], "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu"),
        (&["3jqfcqzm3fx2j"], "bafyreih7wfei65pxzhauoibu3ls7jgmkju4bspy4t2ha2qdjnzqvoy33ai"),
        (
            &["3jqfcqzm3fp2j", "3jqfcqzm3fr2j", "3jqfcqzm3fs2j", "3jqfcqzm3ft2j", "3jqfcqzm4fc2j"],
            "bafyreicmahysq4n6wfuxo522m6dpiy7z7qzym3dzs756t5n7nfdgccwq7m",
        ),
    ];
    for (rkeys, root) in cases {
        let leaves = rkeys.iter().map(|rkey| (record(rkey), leaf()));
        assert_eq!(Mst::from_leaves(leaves).unwrap().root().to_string(), root, "{rkeys:?}");
    }
}

/// All keys of the vectors, through every way to make and unmake a tree.
#[test]
fn example_keys_build_the_same_tree_in_any_order() {
    let keys = fixtures::lines("mst/example_keys.txt", 156);
    let mut whole = Mst::from_leaves(keys.iter().map(|key| (key, leaf()))).unwrap();
    let mut grown = Mst::empty();
    // 61 and 156 share no factor, so this visits every key once.
    let shuffled: Vec<_> = (0..keys.len()).map(|at| &keys[at * 61 % keys.len()]).collect();
    for key in &shuffled {
        grown.insert(key, leaf()).unwrap();
    }
    assert_eq!(grown.root(), whole.root());
    assert!(grown.leaves().map(|(key, _)| key).eq(keys.iter().map(String::as_str)));
    for key in shuffled.iter().rev() {
        assert_eq!(grown.delete(key), Ok(leaf()));
    }
    assert!(grown.is_empty());
    assert_eq!(grown.root(), Mst::empty().root());
}

fn car(root: &Cid, blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut writer = CarWriter::new(root);
    blocks.iter().for_each(|(cid, block)| writer.block(cid, block));
    writer.finish()
}

/// Loads a tree from blocks, both ways there are.
fn load(root: &Cid, blocks: &[(Cid, Vec<u8>)]) -> Result<Vec<(String, Cid)>, MstError> {
    let bytes = car(root, blocks);
    let car = CarSlice::parse(&bytes, &CarLimits::COMMIT).unwrap();
    let mut tree = Mst::load(root, &car)?;
    assert_eq!(tree.root(), *root);
    let leaves: Vec<_> = tree.leaves().map(|(key, value)| (key.to_owned(), value)).collect();
    let walked: Result<Vec<_>, _> = Walk::new(root, |cid| car.get(cid)).collect();
    if let Ok(walked) = walked {
        assert!(walked.into_iter().map(|leaf| (leaf.key, leaf.value)).eq(leaves.iter().cloned()));
    }
    Ok(leaves)
}

#[test]
fn steps_on_leaves_that_are_not_there_change_nothing() {
    let mut tree = Mst::from_leaves([("a/1", leaf()), ("a/2", leaf())]).unwrap();
    let root = tree.root();
    assert_eq!(tree.insert("a/1", leaf()), Err(MstError::KeyExists));
    assert_eq!(tree.update("a/3", leaf()), Err(MstError::KeyAbsent));
    assert_eq!(tree.delete("a/3"), Err(MstError::KeyAbsent));
    assert_eq!(tree.insert("", leaf()), Err(MstError::Key));
    assert_eq!(tree.get("a/3"), Ok(None));
    assert_eq!(tree.root(), root);
    assert!(matches!(Mst::from_leaves([("a", leaf()), ("a", leaf())]), Err(MstError::KeyExists)));
}

/// Proofs lead to the key, or to where it would be, and nothing else is needed.
#[test]
fn proofs_show_what_is_there_and_what_is_not() {
    let keys = fixtures::lines("mst/example_keys.txt", 156);
    let mut tree = Mst::from_leaves(keys.iter().map(|key| (key, leaf()))).unwrap();
    let root = tree.root();
    for key in &keys {
        for (key, expected) in [(key.clone(), Some(leaf())), (format!("{key}x"), None)] {
            let bytes = car(&root, &tree.proof_blocks(&key).unwrap());
            let part =
                Mst::load(&root, &CarSlice::parse(&bytes, &CarLimits::COMMIT).unwrap()).unwrap();
            assert_eq!(part.get(&key), Ok(expected), "{key}");
        }
    }
}

/// A tree of one layer more than it should be, keys on wrong layers, out of order, and so on.
mod malformed {
    use super::*;
    use millrace_atproto::cbor::{Value, encode};

    fn entry(prefix: i64, suffix: &str, right: Option<Cid>) -> Value<'static> {
        Value::map([
            ("k", Value::Bytes(suffix.as_bytes().to_vec().into())),
            ("p", Value::Int(prefix)),
            ("t", right.map_or(Value::Null, Value::Link)),
            ("v", Value::Link(leaf())),
        ])
    }

    fn node(left: Option<Cid>, entries: Vec<Value<'static>>) -> (Cid, Vec<u8>) {
        let block = encode(&Value::map([
            ("e", Value::Array(entries)),
            ("l", left.map_or(Value::Null, Value::Link)),
        ]));
        (Cid::of_dag_cbor(&block), block)
    }

    /// The root is the last block.
    fn check(blocks: &[(Cid, Vec<u8>)], expected: MstError) {
        let (root, _) = blocks.last().unwrap();
        let bytes = car(root, blocks);
        let car = CarSlice::parse(&bytes, &CarLimits::COMMIT).unwrap();
        assert_eq!(Mst::load(root, &car).map(|_| ()), Err(expected));
        let walked: Result<Vec<_>, _> = Walk::new(root, |cid| car.get(cid)).collect();
        // The walk has no memory of nodes, so it sees a repeated node as one out of order.
        let walked = walked.map(|_| ()).unwrap_err();
        assert!(
            walked == expected || (expected == MstError::Repeated && walked == MstError::Order)
        );
    }

    // Of the vectors' keys: A0, B0, C0 are on layer 0, B1 on 1, B2 on 2.
    const A0: &str = "A0/374913";
    const B0: &str = "B0/601692";
    const B1: &str = "B1/986427";
    const B2: &str = "B2/827649";
    const C0: &str = "C0/451630";

    #[test]
    fn nodes_are_refused() {
        check(&[node(None, vec![entry(0, B0, None), entry(0, A0, None)])], MstError::Order);
        check(&[node(None, vec![entry(0, A0, None), entry(0, A0, None)])], MstError::Prefix);
        check(&[node(None, vec![entry(0, A0, None), entry(9, "", None)])], MstError::Order);
        check(&[node(None, vec![entry(1, A0, None)])], MstError::Prefix);
        check(&[node(None, vec![entry(0, A0, None), entry(10, "x", None)])], MstError::Prefix);
        check(&[node(None, vec![entry(-1, A0, None)])], MstError::Prefix);
        check(&[node(None, vec![entry(0, "é", None)])], MstError::Key);
        check(&[node(None, vec![entry(0, &"k".repeat(831), None)])], MstError::Key);
        check(&[node(None, vec![entry(0, A0, None), entry(0, B1, None)])], MstError::Layer);
        let many = (0..1025).map(|at| entry(0, &format!("k{at}"), None)).collect();
        check(&[node(None, many)], MstError::Entries);
    }

    #[test]
    fn shapes_are_refused() {
        let low = node(None, vec![entry(0, A0, None)]);
        let empty = node(None, Vec::new());
        // A root without keys, a node without anything, a child of layer 0.
        check(&[low.clone(), node(Some(low.0), Vec::new())], MstError::EmptyNode);
        check(&[empty.clone(), node(Some(empty.0), vec![entry(0, B1, None)])], MstError::EmptyNode);
        check(&[low.clone(), node(Some(low.0), vec![entry(0, B0, None)])], MstError::Layer);
        // A layer left out; one too many.
        check(&[low.clone(), node(Some(low.0), vec![entry(0, B2, None)])], MstError::Layer);
        let lifted = node(Some(low.0), Vec::new());
        check(
            &[low.clone(), lifted.clone(), node(Some(lifted.0), vec![entry(0, B1, None)])],
            MstError::Layer,
        );
        // A subtree on the wrong side of its key, and one on both.
        check(&[low.clone(), node(None, vec![entry(0, B1, Some(low.0))])], MstError::Order);
        check(&[low.clone(), node(Some(low.0), vec![entry(0, B1, Some(low.0))])], MstError::Order);
        let high = node(None, vec![entry(0, C0, None)]);
        check(&[high.clone(), node(Some(high.0), vec![entry(0, B1, None)])], MstError::Order);
    }

    #[test]
    fn a_node_that_hangs_in_many_places_is_refused() {
        // Without keys of its own a node fits anywhere, as long as nobody sees what is below it.
        let hollow = node(Some(Cid::of_dag_cbor(b"not at hand")), Vec::new());
        let keys = ["B2/827649", "C2/014073", "D2/269196"];
        let entries = keys.iter().map(|key| entry(0, key, Some(hollow.0))).collect();
        let root = node(None, entries);
        let bytes = car(&root.0, &[hollow, root.clone()]);
        let car = CarSlice::parse(&bytes, &CarLimits::COMMIT).unwrap();
        assert_eq!(Mst::load(&root.0, &car).map(|_| ()), Err(MstError::Repeated));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u16, u8),
    Delete(u16),
}

/// Keys that share prefixes as real ones do.
fn key(at: u16) -> String {
    let collections = ["app.bsky.feed.like", "app.bsky.feed.post", "app.bsky.graph.follow"];
    format!("{}/3k{at:05}", collections[usize::from(at) % collections.len()])
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..400_u16, any::<u8>()).prop_map(|(at, value)| Step::Put(at, value)),
        2 => (0..400_u16).prop_map(Step::Delete),
    ];
    prop::collection::vec(step, 1..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to it, a tree is the tree of its leaves.
    #[test]
    fn a_tree_depends_on_its_leaves_alone(steps in steps()) {
        let mut model = BTreeMap::new();
        let mut tree = Mst::empty();
        for step in &steps {
            match step {
                Step::Put(at, value) => {
                    let (key, value) = (key(*at), Cid::of_raw(&[*value]));
                    match model.insert(key.clone(), value) {
                        None => tree.insert(&key, value).unwrap(),
                        Some(old) => prop_assert_eq!(tree.update(&key, value), Ok(old)),
                    }
                }
                Step::Delete(at) => {
                    let key = key(*at);
                    let expected = model.remove(&key).ok_or(MstError::KeyAbsent);
                    prop_assert_eq!(tree.delete(&key), expected);
                }
            }
        }
        prop_assert!(tree.leaves().map(|(key, value)| (key.to_owned(), value)).eq(model.clone()));
        let mut built = Mst::from_leaves(model.clone()).unwrap();
        prop_assert_eq!(tree.root(), built.root());
        prop_assert_eq!(tree.blocks(), built.blocks());
        for (key, value) in &model {
            prop_assert_eq!(tree.get(key), Ok(Some(*value)));
        }
        let root = tree.root();
        let blocks = tree.blocks();
        prop_assert_eq!(load(&root, &blocks), Ok(model.into_iter().collect()));
    }
}
