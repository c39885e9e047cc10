//! Commits carry enough of the tree to be undone: the interop vectors.

use std::collections::BTreeSet;

use millrace_atproto::car::{CarLimits, CarSlice, CarWriter};
use millrace_atproto::cid::Cid;
use millrace_atproto::mst::Mst;
use serde::Deserialize;

use crate::fixtures;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    comment: String,
    leaf_value: Cid,
    keys: Vec<String>,
    adds: Vec<String>,
    dels: Vec<String>,
    root_before_commit: Cid,
    root_after_commit: Cid,
    blocks_in_proof: BTreeSet<Cid>,
}

#[test]
fn commits_carry_exactly_the_blocks_that_undo_them() {
    for vector in fixtures::json::<Proof>("firehose/commit-proof-fixtures.json", 6) {
        let comment = &vector.comment;
        let mut tree =
            Mst::from_leaves(vector.keys.iter().map(|key| (key, vector.leaf_value))).unwrap();
        assert_eq!(tree.root(), vector.root_before_commit, "{comment}");
        for key in &vector.adds {
            tree.insert(key, vector.leaf_value).unwrap();
        }
        for key in &vector.dels {
            assert_eq!(tree.delete(key), Ok(vector.leaf_value), "{comment}");
        }
        assert_eq!(tree.root(), vector.root_after_commit, "{comment}");

        let changed: Vec<_> = vector.adds.iter().chain(&vector.dels).collect();
        let blocks = tree.covering_blocks(&changed).unwrap();
        let cids: BTreeSet<_> = blocks.iter().map(|(cid, _)| *cid).collect();
        assert_eq!(cids, vector.blocks_in_proof, "{comment}");

        let mut writer = CarWriter::new(&vector.root_after_commit);
        blocks.iter().for_each(|(cid, block)| writer.block(cid, block));
        let bytes = writer.finish();
        let car = CarSlice::parse(&bytes, &CarLimits::COMMIT).unwrap();
        let mut part = Mst::load(&vector.root_after_commit, &car).unwrap();
        for key in &vector.adds {
            assert_eq!(part.delete(key), Ok(vector.leaf_value), "{comment}");
        }
        for key in &vector.dels {
            part.insert(key, vector.leaf_value).unwrap();
        }
        assert_eq!(part.root(), vector.root_before_commit, "{comment}");
    }
}
