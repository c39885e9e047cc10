//! Sync 1.1 for any history: what a repository writes passes, what is bent does not.

use millrace_atproto::cid::Cid;
use millrace_atproto::crypto::Curve;
use millrace_atproto::frame::{Action, Frame};
use millrace_atproto::sync::{Limits, Reject, verify_commit, verify_repo};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::repository::{Made, NOW_US, Op, Repository, Write, record};

/// A batch: which records are written, and how; later ones of a path are dropped.
type Batch = Vec<(u16, Option<u8>)>;

fn histories() -> impl Strategy<Value = Vec<Batch>> {
    let write = (0..120_u16, prop::option::weighted(0.65, any::<u8>()));
    prop::collection::vec(prop::collection::vec(write, 0..30), 1..12)
}

/// The writes of a batch that can be done: one a path, and nothing deleted that is not there.
fn writes(repository: &Repository, batch: &Batch) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for (at, text) in batch {
        let collections = ["app.bsky.feed.like", "app.bsky.feed.post", "app.bsky.graph.follow"];
        let path = format!("{}/3k{at:04}", collections[usize::from(*at) % collections.len()]);
        let known = repository.records.contains_key(&path);
        if writes.iter().all(|(other, _)| *other != path) && (text.is_some() || known) {
            writes.push((path, text.map(|text| record(&format!("text {text}")))));
        }
    }
    writes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every commit of any history inverts to the root before it; the repository at the end is what was written.
    #[test]
    fn histories_chain(history in histories()) {
        let mut repository = Repository::new(Curve::K256);
        let (key, limits) = (repository.public(), Limits::default());
        let mut chain = None;
        for batch in &history {
            let writes = writes(&repository, batch);
            let mut made = repository.commit(&writes);
            let message = made.frame().encode();
            let Ok(Frame::Commit(frame)) = Frame::parse(&message) else { panic!("a #commit reads back") };
            let verified = verify_commit(&frame, &key, chain.as_ref(), NOW_US, &limits).unwrap();
            prop_assert_eq!(verified.ops.len(), writes.len());
            for (op, (path, record)) in verified.ops.iter().zip(&writes) {
                prop_assert_eq!(&format!("{}/{}", op.collection, op.rkey), path);
                prop_assert_eq!(op.record, record.as_deref());
            }
            chain = Some(verified.chain);
            prop_assert_eq!(chain, repository.state);
        }
        let (bytes, _) = repository.export();
        let repo = verify_repo(&bytes, &repository.did, &key, NOW_US, &limits).unwrap();
        let leaves = repo.leaves().map(|leaf| (leaf.path, leaf.record.to_vec()));
        prop_assert!(leaves.eq(repository.records));
    }

    /// One lie about the operations, of any kind, anywhere: never accepted.
    #[test]
    fn lies_about_operations_are_refused(history in histories(), at in any::<Index>(), lie in 0..6_u8) {
        let mut repository = Repository::new(Curve::K256);
        let (prior, mut made) = last_commit(&mut repository, &history);
        prop_assume!(!made.ops.is_empty());
        let other = Cid::of_dag_cbor(b"other");
        let at = at.index(made.ops.len());
        match lie {
            // An update to what was there already changed nothing: not to tell of it is no lie.
            0 => prop_assume!({ let op = made.ops.remove(at); op.cid != op.prev }),
            1 => made.ops[at].cid = Some(other),
            2 => made.ops[at].prev = Some(other),
            3 => made.ops[at].path.push('x'),
            4 => made.ops.push(Op::new(Action::Create, "app.bsky.feed.post/lie".to_owned(), Some(other), None)),
            _ => made.prev_data = Some(other),
        }
        let result = verify_commit(&made.frame(), &repository.public(), prior.as_ref(), NOW_US, &Limits::default());
        prop_assert!(matches!(result, Err(Reject::Invalid(_) | Reject::Desync(_))));
    }

    /// Blocks that are missing or changed are noticed, unless nothing depended on them.
    #[test]
    fn lost_and_changed_bytes_are_noticed(
        history in histories(), at in any::<Index>(), bit in 0..8_u8, lose in any::<bool>(),
    ) {
        let mut repository = Repository::new(Curve::K256);
        let (prior, mut made) = last_commit(&mut repository, &history);
        let (key, limits) = (repository.public(), Limits::default());
        let honest = made.clone().frame().encode();
        let Ok(Frame::Commit(honest)) = Frame::parse(&honest) else { panic!("a #commit reads back") };
        let expected = verify_commit(&honest, &key, prior.as_ref(), NOW_US, &limits).unwrap();
        let mut message = if lose {
            made.blocks.remove(at.index(made.blocks.len()));
            made.frame().encode()
        } else {
            made.frame().encode()
        };
        if !lose {
            let at = at.index(message.len());
            message[at] ^= 1 << bit;
        }
        if let Ok(Frame::Commit(frame)) = Frame::parse(&message)
            && let Ok(verified) = verify_commit(&frame, &key, prior.as_ref(), NOW_US, &limits)
        {
            prop_assert_eq!(verified.chain, expected.chain);
            prop_assert_eq!(verified.ops, expected.ops);
        }
    }
}

/// Plays a history and returns the state before its last commit, and that commit.
fn last_commit(
    repository: &mut Repository,
    history: &[Batch],
) -> (Option<millrace_atproto::sync::ChainState>, Made) {
    let mut last = None;
    for batch in history {
        let prior = repository.state;
        let writes = writes(repository, batch);
        last = Some((prior, repository.commit(&writes)));
    }
    last.unwrap()
}
