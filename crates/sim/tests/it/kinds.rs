//! A small network shows every kind of record there is, written, changed and deleted, and every way of being
//! odd.

use std::collections::{BTreeMap, BTreeSet};

use millrace_atproto::car::{CarLimits, CarSlice};
use millrace_atproto::cbor::{self, Value};
use millrace_atproto::frame::{Action, Frame};
use millrace_atproto::lexicon::{self, Embed, Media, Record};
use millrace_atproto::{Nsid, RecordKey};
use millrace_sim::{SimConfig, World};

const NOW_US: i64 = 1_767_225_600_000_000;

/// Collections that are written, and whether they are changed and deleted as well.
const COLLECTIONS: [(&str, bool, bool); 21] = [
    ("app.bsky.actor.profile", true, true),
    ("app.bsky.actor.status", false, true),
    ("app.bsky.feed.post", true, true),
    ("app.bsky.feed.like", false, true),
    ("app.bsky.feed.repost", false, true),
    ("app.bsky.feed.threadgate", true, true),
    ("app.bsky.feed.postgate", false, true),
    ("app.bsky.feed.generator", true, true),
    ("app.bsky.graph.follow", false, true),
    ("app.bsky.graph.block", false, true),
    ("app.bsky.graph.list", true, true),
    ("app.bsky.graph.listitem", false, true),
    ("app.bsky.graph.listblock", false, true),
    ("app.bsky.graph.starterpack", true, true),
    ("app.bsky.graph.verification", false, true),
    ("app.bsky.labeler.service", true, true),
    ("app.bsky.notification.declaration", false, false),
    ("chat.bsky.actor.declaration", false, false),
    ("com.germnetwork.declaration", false, false),
    ("site.standard.publication", false, true),
    ("test.sim.garden.plant", false, true),
];

fn world(seed: u64) -> World {
    let config = SimConfig { seed, accounts: 40, history_writes: 500, ..SimConfig::default() };
    millrace_sim::history(&config, NOW_US).unwrap().0
}

/// Every record that was ever written, with its path.
fn written(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut written = Vec::new();
    for event in world.events_from(0, usize::MAX) {
        let Frame::Commit(commit) = Frame::parse(&event.frame).unwrap() else { continue };
        let car = CarSlice::parse(commit.blocks, &CarLimits::COMMIT).unwrap();
        for op in &commit.ops {
            if let Some(cid) = op.cid {
                written.push((op.path.to_owned(), car.get(&cid).unwrap().to_vec()));
            }
        }
    }
    written
}

#[test]
fn every_collection_is_written_changed_and_deleted() {
    for seed in 1..4 {
        let truth = world(seed).truth();
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        for write in &truth.writes {
            let collection = write.path.split('/').next().unwrap();
            seen.insert((collection, write.action.as_str()));
        }
        for (collection, updated, deleted) in COLLECTIONS {
            let must = |action: Action| {
                assert!(
                    seen.contains(&(collection, action.as_str())),
                    "seed {seed}: no {} of {collection}",
                    action.as_str()
                );
            };
            must(Action::Create);
            if updated {
                must(Action::Update);
            }
            if deleted {
                must(Action::Delete);
            }
        }
    }
}

#[test]
fn every_embed_facet_gate_and_oddity_is_there() {
    for seed in 1..4 {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for (path, record) in written(&world(seed)) {
            for kind in kinds(&path, &record) {
                *seen.entry(kind).or_default() += 1;
            }
        }
        for kind in [
            "images",
            "gallery",
            "video",
            "external",
            "quote",
            "quote of no post",
            "media and quote",
            "mention",
            "link",
            "tag",
            "tags",
            "labels",
            "langs",
            "reply",
            "via",
            "nul",
            "invalid",
            "wrong key",
            "allow nobody",
            "mentionRule",
            "followerRule",
            "followingRule",
            "listRule",
            "hidden",
            "disabled",
            "detached",
            "curatelist",
            "modlist",
            "referencelist",
            "pinned",
            "no datetime",
            "future",
            "far past",
            "offset",
            "wide",
        ] {
            assert!(seen.contains_key(kind), "seed {seed}: no {kind} among {seen:?}");
        }
    }
}

fn kinds(path: &str, record: &[u8]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let value = cbor::decode(record).unwrap();
    let (collection, rkey) = path.split_once('/').unwrap();
    let (collection, rkey): (Nsid, RecordKey) =
        (collection.parse().unwrap(), rkey.parse().unwrap());
    let text = format!("{value:?}");
    let mut note = |kind: &str, is: bool| {
        if is {
            kinds.insert(kind.to_owned());
        }
    };
    note("nul", text.contains("\\0"));
    note("wrong key", !lexicon::key_fits(&collection, &rkey));
    for rule in ["mentionRule", "followerRule", "followingRule", "listRule"] {
        note(rule, text.contains(&format!("threadgate#{rule}")));
    }
    for purpose in ["curatelist", "modlist", "referencelist"] {
        note(purpose, text.contains(&format!("#{purpose}")));
    }
    note("tags", value.get("tags").is_some());
    note("langs", value.get("langs").is_some());
    note("via", value.get("via").is_some());
    note("pinned", value.get("pinnedPost").is_some());
    note("allow nobody", value.get("allow") == Some(&Value::Array(Vec::new())));
    note("hidden", value.get("hiddenReplies").is_some());
    note("disabled", value.get("embeddingRules").is_some());
    note("detached", value.get("detachedEmbeddingUris").is_some());
    note("wide", value.get_str("text").is_some_and(|text| text.chars().any(|c| c as u32 > 0x2fff)));
    let created = value.get_str("createdAt").unwrap_or_default();
    match millrace_atproto::datetime::epoch_us(created) {
        None => note("no datetime", !created.is_empty()),
        Some(us) => {
            note("future", us > NOW_US);
            note("far past", us < 86_400_000_000);
            note("offset", !created.ends_with('Z'));
        }
    }
    match Record::parse(&collection, &value) {
        Err(_) => note("invalid", true),
        Ok(Some(Record::Post(post))) => {
            note("labels", !post.labels.is_empty());
            note("reply", post.reply.is_some());
            for feature in post.facets.iter().flat_map(|facet| &facet.features) {
                note("mention", matches!(feature, lexicon::Feature::Mention(_)));
                note("link", matches!(feature, lexicon::Feature::Link(_)));
                note("tag", matches!(feature, lexicon::Feature::Tag(_)));
            }
            let quoted = post.embed.as_ref().and_then(Embed::record);
            let is_post = quoted
                .is_some_and(|quoted| quoted.uri.to_string().contains("/app.bsky.feed.post/"));
            let media = post.embed.as_ref().and_then(Embed::media);
            note("quote", is_post);
            note("quote of no post", quoted.is_some() && !is_post);
            note("media and quote", quoted.is_some() && media.is_some());
            note("images", matches!(media, Some(Media::Images(_))));
            note("gallery", matches!(media, Some(Media::Gallery(_))));
            note("video", matches!(media, Some(Media::Video(_))));
            note("external", matches!(media, Some(Media::External(_))));
        }
        Ok(_) => {}
    }
    kinds
}

#[test]
fn replies_form_trees_circles_and_lead_nowhere() {
    let world = world(3);
    let truth = world.truth();
    let exists = |uri: &str| {
        let (did, path) = uri.strip_prefix("at://").unwrap().split_once('/').unwrap();
        let account = truth.accounts.get(&did.parse::<millrace_atproto::Did>().unwrap());
        account.is_some_and(|account| account.records.contains_key(path))
    };
    let mut parents: BTreeMap<String, (String, String)> = BTreeMap::new();
    for account in truth.accounts.values() {
        for (path, record) in &account.records {
            let value = cbor::decode(&record.record).unwrap();
            let of = |end: &str| Some(value.get("reply")?.get(end)?.get_str("uri")?.to_owned());
            if let Some((root, parent)) = of("root").zip(of("parent")) {
                parents.insert(format!("at://{}/{path}", account.did), (root, parent));
            }
        }
    }
    assert!(parents.values().any(|(_, parent)| !exists(parent)), "no reply to nothing");
    let deep = |uri: &String| {
        let mut at = uri.clone();
        let mut depth = 0;
        while let Some((_, parent)) = parents.get(&at) {
            (at, depth) = (parent.clone(), depth + 1);
            if depth > 50 {
                break;
            }
        }
        depth
    };
    let depths: BTreeSet<u32> = parents.keys().map(deep).collect();
    assert!(depths.contains(&3), "no deep thread: {depths:?}");
    assert!(depths.contains(&51), "no circle: {depths:?}");
}
