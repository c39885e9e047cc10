//! Firehoses in files: the same recipe makes the same file, which reads back, verifies and is served.

use std::path::Path;

use futures_util::StreamExt;
use millrace_atproto::Did;
use millrace_atproto::car::{CarLimits, CarSlice};
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::frame::Frame;
use millrace_atproto::sync::{self, Limits};
use millrace_sim::Mix;
use millrace_sim::frame_file::{
    FrameFile, FrameFileError, FrameRelay, Recipe, Recorded, Summary, write,
};
use std::collections::HashMap;

const NOW_US: i64 = 1_767_225_600_000_000;

fn recipe(seed: u64) -> Recipe {
    Recipe { seed, accounts: 3, repo_records: 50, mix: Mix::Rich, commits: 200, start_us: NOW_US }
}

fn frames(path: &Path) -> Vec<Recorded> {
    let mut file = FrameFile::open(path).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = file.next_frame().unwrap() {
        frames.push(frame);
    }
    assert_eq!(file.next_frame().unwrap(), None);
    frames
}

#[test]
fn a_file_repeats_with_its_recipe_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second, other] = ["1", "2", "3"].map(|name| dir.path().join(name));
    let summary = write(&first, &recipe(1)).unwrap();
    write(&second, &recipe(1)).unwrap();
    write(&other, &recipe(2)).unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    assert_ne!(FrameFile::check(&other).unwrap().digest, summary.digest);

    let read = frames(&first);
    let bytes = read.iter().map(|frame| frame.frame.len() as u64).sum();
    let count = u64::try_from(read.len()).unwrap();
    assert_eq!(summary, Summary { frames: count, bytes, digest: summary.digest.clone() });
    assert_eq!(FrameFile::check(&first).unwrap(), summary);
    assert!(read.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    for frame in &read {
        assert_eq!(Frame::parse(&frame.frame).unwrap().seq(), Some(frame.seq));
    }
    assert_eq!(FrameFile::open(&first).unwrap().header().recipe, recipe(1));
}

/// Frames are at least as large, and made of as many blocks, as those outside.
#[test]
fn large_repositories_make_frames_as_outside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames");
    let summary =
        write(&path, &Recipe { repo_records: 2_000, mix: Mix::Simple, ..recipe(3) }).unwrap();
    assert!(summary.mean_bytes() >= 4_000, "{}", summary.mean_bytes());
    let header = FrameFile::open(&path).unwrap().header().clone();
    let keys: HashMap<&str, PublicKey> = header
        .accounts
        .iter()
        .map(|account| (account.did.as_str(), PublicKey::from_multibase(&account.key).unwrap()))
        .collect();
    let (mut commits, mut blocks) = (0, 0);
    let mut chains = HashMap::new();
    for frame in frames(&path) {
        let Frame::Commit(commit) = Frame::parse(&frame.frame).unwrap() else { continue };
        let did = Did::parse(commit.repo).unwrap();
        let chain = chains.get(&did);
        let key = &keys[commit.repo];
        // A chain is broken once: by the records that were there before the first frame.
        let verified = sync::verify_commit(&commit, key, chain, NOW_US * 2, &Limits::default())
            .or_else(|_| sync::verify_commit(&commit, key, None, NOW_US * 2, &Limits::default()));
        chains.insert(did, verified.unwrap().chain);
        blocks += CarSlice::parse(commit.blocks, &CarLimits::COMMIT).unwrap().blocks().len();
        commits += 1;
    }
    assert_eq!(commits, 200);
    assert!(blocks >= 5 * commits, "{blocks}");
}

#[test]
fn damage_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames");
    write(&path, &recipe(4)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        FrameFile::check(&path).unwrap_err()
    };
    assert!(matches!(check(b"something else altogether"), FrameFileError::Magic));
    assert!(matches!(check(&whole[..whole.len() - 7]), FrameFileError::Truncated(_)));
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert!(matches!(
        check(&changed),
        FrameFileError::Digest
            | FrameFileError::FrameTooLarge { .. }
            | FrameFileError::Truncated(_)
    ));
    let mut newer = whole;
    newer[8] = 9;
    assert!(matches!(check(&newer), FrameFileError::Version(9)));
}

#[tokio::test]
async fn a_file_is_served_as_a_relay_serves_its_firehose() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames");
    write(&path, &recipe(5)).unwrap();
    let recorded = frames(&path);
    let relay = FrameRelay::start(&path).await.unwrap();
    let from = recorded[10].seq;
    let url = format!("{}/xrpc/com.atproto.sync.subscribeRepos?cursor={from}", relay.relay_url());
    let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let served = socket.filter_map(async |message| Some(message.unwrap().into_data()));
    let served: Vec<_> = served.take(recorded.len() - 10).collect().await;
    let expected: Vec<_> = recorded[10..].iter().map(|frame| frame.frame.clone()).collect();
    assert_eq!(served, expected);

    millrace_runtime::tls::install_provider();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let account = FrameFile::open(&path).unwrap().header().accounts[0].clone();
    let document = format!("{}/{}", relay.plc_url(), account.did);
    let document = client.get(document).send().await.unwrap().text().await.unwrap();
    let did = Did::parse(&account.did).unwrap();
    let identity = millrace_atproto::did_doc::Identity::parse(document.as_bytes(), &did).unwrap();
    assert_eq!(identity.signing_key.unwrap().to_multibase(), account.key);
}
