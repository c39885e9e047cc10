//! From the bytes of a log entry to operations with names, before any id is known.
//!
//! A record of a kind that is not kept here is skipped; one that breaks its lexicon is dropped
//! alone and counted, and what was stored under its key goes. An entry whose bytes are not an
//! entry is parked.

use std::sync::Arc;

use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::epoch_us;
use millrace_atproto::entry::{Action, Entry, EntryBody, EntryError};
use millrace_atproto::lexicon::{Embed, Feature, Media, Post, Record};
use millrace_atproto::syntax::{AtUri, Did, Nsid, RecordKey, Tid};
use millrace_runtime::telemetry::journey::Trace;

use super::edge::Fields as EdgeFields;
use super::ids::{Ids, Names, Subject, SubjectName};
use super::label::{self, NamedLabel};
use super::list_item::Listed;
use super::run::Fields;
use super::{Put, document, list_block, post, profile, verification};
use crate::collection::Collection;
use crate::flags;
use crate::search::{marks, words};

/// A log entry as the batch applies it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub source: String,
    pub source_seq: Option<i64>,
    pub did: Did,
    pub rev: Option<Tid>,
    /// When the event happened by its source.
    pub time_us: i64,
    /// When the log took the entry.
    pub at_us: i64,
    pub trace: Trace,
    pub body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    Commit(Vec<DecodedOp>),
    Snapshot { after: Option<String>, through: Option<String>, records: Vec<DecodedOp>, last: bool },
    Identity { handle: Option<String> },
    Account { active: bool, status: Option<String> },
    Labels(Vec<NamedLabel>),
    Mark,
}

/// A put, or a deletion when there is none, of one record.
#[derive(Debug)]
pub(crate) struct DecodedOp {
    pub collection: Collection,
    pub rkey: RecordKey,
    pub put: Option<NamedPut>,
}

/// A record to be stored, its references by name.
#[derive(Debug)]
pub(crate) struct NamedPut {
    collection: Collection,
    cid: Cid,
    json: String,
    fields: NamedFields,
}

#[derive(Debug)]
enum NamedFields {
    Profile { joined_via: Option<SubjectName> },
    Post(PostNames),
    Like(RecordEdge),
    Repost(RecordEdge),
    Follow { subject: Did, created_at_us: i64 },
    Block { subject: Did, created_at_us: i64 },
    ListItem { list: RecordKey, subject: Did, created_at_us: i64 },
    ListBlock { list: SubjectName, created_at_us: i64 },
    Verification { subject: Did, handle: String, display_name: String, created_at_us: i64 },
    Document { created_at_us: i64, purpose: Option<i64> },
}

/// A like or a repost.
#[derive(Debug)]
struct RecordEdge {
    subject: SubjectName,
    via: Option<SubjectName>,
    created_at_us: i64,
}

#[derive(Debug)]
struct PostNames {
    created_at_us: i64,
    flags: i64,
    root: Option<SubjectName>,
    parent: Option<SubjectName>,
    quote: Option<SubjectName>,
    mentions: Vec<Did>,
    words: Arc<[String]>,
}

/// Mentions of a post that are looked at: 300 graphemes have no room for more. Each is a row for
/// somebody else, and nothing but its size bounds a record's facets.
pub(crate) const MENTIONS_MAX: usize = 60;

/// Decodes an entry; `dropped` is told of each record that is dropped, with the reason.
pub(crate) fn entry(
    payload: &[u8],
    at_us: i64,
    dropped: &mut dyn FnMut(&'static str),
) -> Result<Decoded, EntryError> {
    let Entry { header, body } = Entry::decode(payload)?;
    let did = &header.did;
    let body = match body {
        EntryBody::Commit { ops } => {
            let ops = ops.into_iter().filter_map(|op| match (op.action, op.cid, op.record) {
                (Action::Delete, _, _) => deletion(&op.collection, op.rkey),
                (_, Some(cid), Some(bytes)) => {
                    put(did, &op.collection, op.rkey, cid, &bytes, at_us, dropped)
                }
                _ => None,
            });
            Body::Commit(ops.collect())
        }
        EntryBody::Snapshot { after, through, records, last } => {
            let records = records.into_iter().filter_map(|record| {
                let (collection, rkey) = record.path.split_once('/')?;
                let collection = Nsid::parse(collection).ok()?;
                let rkey = RecordKey::parse(rkey).ok()?;
                put(did, &collection, rkey, record.cid, &record.record, at_us, dropped)
            });
            Body::Snapshot { records: records.collect(), after, through, last }
        }
        EntryBody::Identity { handle, pds: _ } => {
            Body::Identity { handle: handle.map(|handle| handle.as_str().to_owned()) }
        }
        EntryBody::Account { active, status } => Body::Account { active, status },
        EntryBody::Labels { labels } => Body::Labels(
            labels.iter().filter_map(|bytes| label::named(bytes, did, dropped)).collect(),
        ),
        EntryBody::Mark => Body::Mark,
    };
    Ok(Decoded {
        source: header.source,
        source_seq: header.source_seq,
        did: header.did,
        rev: header.rev,
        time_us: header.time_us,
        at_us,
        trace: header.trace,
        body,
    })
}

fn deletion(collection: &Nsid, rkey: RecordKey) -> Option<DecodedOp> {
    let collection = Collection::from_nsid(collection.as_str())?;
    let kept = !is_single(collection) || rkey.as_str() == SELF;
    kept.then_some(DecodedOp { collection, rkey, put: None })
}

/// Largest record that is kept. The lexicons' own bounds end far below; only unknown fields can
/// make a record larger, and every answer that shows it would have to carry them.
const RECORD_BYTES_MAX: usize = 128 << 10;

fn put(
    did: &Did,
    nsid: &Nsid,
    rkey: RecordKey,
    cid: Cid,
    bytes: &[u8],
    at_us: i64,
    dropped: &mut dyn FnMut(&'static str),
) -> Option<DecodedOp> {
    let collection = Collection::from_nsid(nsid.as_str())?;
    if is_single(collection) && rkey.as_str() != SELF {
        dropped("record_key");
        return None;
    }
    // A record that is not kept takes the place of the one that was: nothing is under its key.
    let mut drop = |reason| {
        dropped(reason);
        Some(DecodedOp { collection, rkey: rkey.clone(), put: None })
    };
    if bytes.len() > RECORD_BYTES_MAX {
        return drop("too_large");
    }
    let Ok(value) = cbor::decode(bytes) else { return drop("undecodable") };
    let fields = match Record::parse(nsid, &value) {
        Ok(Some(record)) => fields(record, did, &rkey, at_us),
        Ok(None) => return None,
        Err(error) => return drop(error.reason()),
    };
    match fields {
        None => drop("subject"),
        Some(fields) => {
            let put = NamedPut { collection, cid, json: cbor::to_json(&value), fields };
            Some(DecodedOp { collection, rkey, put: Some(put) })
        }
    }
}

/// A record that is kept as text, as it was put: what follows from it can be computed again. `None`
/// when the text is no record of its kind, or not one that is kept.
pub(crate) fn stored(
    did: &Did,
    collection: Collection,
    rkey: &RecordKey,
    cid: Cid,
    json: &str,
    indexed_at_us: i64,
) -> Option<NamedPut> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    let value = cbor::record_from_json(&value).ok()?;
    let record = Record::parse(&Nsid::parse(collection.nsid()).ok()?, &value).ok()??;
    let fields = fields(record, did, rkey, indexed_at_us)?;
    Some(NamedPut { collection, cid, json: json.to_owned(), fields })
}

/// The record key where an account has one record of a kind.
const SELF: &str = "self";

/// Whether an account has one record of the kind.
fn is_single(collection: Collection) -> bool {
    matches!(
        collection,
        Collection::Profile
            | Collection::Labeler
            | Collection::Status
            | Collection::NotificationDeclaration
            | Collection::ChatDeclaration
            | Collection::GermDeclaration
    )
}

/// The fields kept of a record of `did`; `None` when what it points at is not named by DID, or not
/// the record's to point at.
fn fields(record: Record<'_>, did: &Did, rkey: &RecordKey, at_us: i64) -> Option<NamedFields> {
    let document = |created_at: Option<&str>| NamedFields::Document {
        created_at_us: created_at.map_or(at_us, |text| created_at_us(text, at_us)),
        purpose: None,
    };
    Some(match record {
        Record::Profile(profile) => NamedFields::Profile {
            joined_via: profile
                .joined_via_starter_pack
                .and_then(|pack| SubjectName::of(&pack.uri))
                .filter(|pack| pack.collection == Collection::StarterPack.nsid()),
        },
        Record::Post(post) => NamedFields::Post(post_names(&post, at_us)),
        Record::Like(like) => NamedFields::Like(RecordEdge {
            subject: SubjectName::of(&like.subject.uri)?,
            via: like.via.and_then(|via| SubjectName::of(&via.uri)),
            created_at_us: created_at_us(like.created_at, at_us),
        }),
        Record::Repost(repost) => NamedFields::Repost(RecordEdge {
            subject: SubjectName::of(&repost.subject.uri)?,
            via: repost.via.and_then(|via| SubjectName::of(&via.uri)),
            created_at_us: created_at_us(repost.created_at, at_us),
        }),
        Record::Follow(follow) => NamedFields::Follow {
            created_at_us: created_at_us(follow.created_at, at_us),
            subject: follow.subject,
        },
        Record::Block(block) => NamedFields::Block {
            created_at_us: created_at_us(block.created_at, at_us),
            subject: block.subject,
        },
        Record::ListItem(item) => NamedFields::ListItem {
            created_at_us: created_at_us(item.created_at, at_us),
            list: list_name(&item.list).filter(|list| list.did == *did)?.rkey,
            subject: item.subject,
        },
        Record::ListBlock(block) => NamedFields::ListBlock {
            created_at_us: created_at_us(block.created_at, at_us),
            list: list_name(&block.subject)?,
        },
        Record::Verification(verification) => NamedFields::Verification {
            created_at_us: created_at_us(verification.created_at, at_us),
            handle: verification.handle.as_str().to_owned(),
            // PostgreSQL keeps no NUL in a text.
            display_name: verification.display_name.replace('\0', ""),
            subject: verification.subject,
        },
        Record::List(list) => NamedFields::Document {
            created_at_us: created_at_us(list.created_at, at_us),
            purpose: Some(purpose(list.purpose)),
        },
        Record::Threadgate(gate) if !is_of_post(&gate.post, did, rkey) => return None,
        Record::Postgate(gate) if !is_of_post(&gate.post, did, rkey) => return None,
        Record::Threadgate(gate) => document(Some(gate.created_at)),
        Record::Postgate(gate) => document(Some(gate.created_at)),
        Record::Generator(generator) => document(Some(generator.created_at)),
        Record::StarterPack(pack) => document(Some(pack.created_at)),
        Record::Labeler(labeler) => document(Some(labeler.created_at)),
        Record::Status(status) => document(Some(status.created_at)),
        Record::NotificationDeclaration(_)
        | Record::ChatDeclaration(_)
        | Record::GermDeclaration(_)
        | Record::Publication(_) => document(None),
    })
}

fn list_name(uri: &AtUri) -> Option<SubjectName> {
    SubjectName::of(uri).filter(|name| name.collection == Collection::List.nsid())
}

/// Whether `post` is the post of `did` that has this record key.
fn is_of_post(post: &AtUri, did: &Did, rkey: &RecordKey) -> bool {
    SubjectName::of(post).is_some_and(|name| {
        name.collection == Collection::Post.nsid() && name.did == *did && name.rkey == *rkey
    })
}

/// A list's purpose as it is stored.
fn purpose(purpose: &str) -> i64 {
    match purpose {
        "app.bsky.graph.defs#modlist" => 1,
        "app.bsky.graph.defs#curatelist" => 2,
        "app.bsky.graph.defs#referencelist" => 3,
        _ => 0,
    }
}

fn post_names(post: &Post<'_>, at_us: i64) -> PostNames {
    let is_post = |name: &SubjectName| name.collection == Collection::Post.nsid();
    let named = |uri: &AtUri| SubjectName::of(uri).filter(is_post);
    let mut flags = 0;
    if post.reply.is_some() {
        flags |= flags::REPLY;
    }
    match post.embed.as_ref().and_then(Embed::media) {
        Some(Media::Images(_) | Media::Gallery(_)) => flags |= flags::IMAGES,
        Some(Media::Video(_)) => flags |= flags::VIDEO,
        Some(Media::External(_) | Media::Unknown(_)) | None => {}
    }
    let features = post.facets.iter().flat_map(|facet| &facet.features);
    let mentions = features.filter_map(|feature| match feature {
        Feature::Mention(did) => Some(did.clone()),
        Feature::Link(_) | Feature::Tag(_) => None,
    });
    PostNames {
        created_at_us: created_at_us(post.created_at, at_us),
        flags,
        root: post.reply.as_ref().and_then(|reply| named(&reply.root.uri)),
        parent: post.reply.as_ref().and_then(|reply| named(&reply.parent.uri)),
        quote: post.embed.as_ref().and_then(Embed::record).and_then(|quoted| named(&quoted.uri)),
        mentions: mentions.take(MENTIONS_MAX).collect(),
        words: words::words(post.text).into_iter().chain(marks::of_post(post)).collect(),
    }
}

/// A record whose time cannot be read counts as made when it was indexed.
fn created_at_us(created_at: &str, at_us: i64) -> i64 {
    epoch_us(created_at).unwrap_or(at_us)
}

impl Decoded {
    /// Adds every name that needs an id.
    pub(crate) fn names(&self, names: &mut Names) {
        if matches!(self.body, Body::Mark) {
            return;
        }
        names.actor(&self.did);
        let ops = match &self.body {
            Body::Commit(ops) | Body::Snapshot { records: ops, .. } => ops,
            Body::Labels(labels) => return labels.iter().for_each(|label| label.names(names)),
            Body::Identity { .. } | Body::Account { .. } | Body::Mark => return,
        };
        for op in ops {
            names.rkey(&op.rkey);
            if let Some(put) = &op.put {
                put.names(names);
            }
        }
    }
}

impl NamedPut {
    pub(crate) fn names(&self, names: &mut Names) {
        match &self.fields {
            NamedFields::Document { .. } => {}
            NamedFields::Profile { joined_via } => {
                joined_via.iter().for_each(|pack| names.subject(pack));
            }
            NamedFields::Like(edge) | NamedFields::Repost(edge) => {
                names.subject(&edge.subject);
                edge.via.iter().for_each(|via| names.subject(via));
            }
            NamedFields::Follow { subject, .. }
            | NamedFields::Block { subject, .. }
            | NamedFields::Verification { subject, .. } => names.actor(subject),
            NamedFields::ListItem { list, subject, .. } => {
                names.rkey(list);
                names.actor(subject);
            }
            NamedFields::ListBlock { list, .. } => names.subject(list),
            NamedFields::Post(post) => {
                [&post.root, &post.parent, &post.quote]
                    .into_iter()
                    .flatten()
                    .for_each(|name| names.subject(name));
                post.mentions.iter().for_each(|did| names.actor(did));
            }
        }
    }

    /// The put with ids in the place of names.
    pub(crate) fn resolved(&self, ids: &Ids) -> Put<Fields> {
        let post = |name: &Option<SubjectName>| {
            name.as_ref().map(|name| ids.subject(name)).and_then(Subject::post)
        };
        let key = |name: &SubjectName| {
            let subject = ids.subject(name);
            (subject.actor, subject.rkey)
        };
        let record_edge = |edge: &RecordEdge| EdgeFields {
            target: ids.subject(&edge.subject),
            via: edge.via.as_ref().map(|via| ids.subject(via)),
            created_at_us: edge.created_at_us,
        };
        let actor_edge = |subject: &Did, created_at_us: i64| EdgeFields {
            target: ids.actor(subject),
            via: None,
            created_at_us,
        };
        let fields = match &self.fields {
            NamedFields::Profile { joined_via } => {
                Fields::Profile(profile::Fields { joined_via: joined_via.as_ref().map(key) })
            }
            NamedFields::Like(edge) => Fields::Like(record_edge(edge)),
            NamedFields::Repost(edge) => Fields::Repost(record_edge(edge)),
            NamedFields::Follow { subject, created_at_us } => {
                Fields::Follow(actor_edge(subject, *created_at_us))
            }
            NamedFields::Block { subject, created_at_us } => {
                Fields::Block(actor_edge(subject, *created_at_us))
            }
            NamedFields::ListItem { list, subject, created_at_us } => {
                let target = Listed { list_rkey: ids.rkey(list), subject: ids.actor(subject) };
                Fields::ListItem(EdgeFields { target, via: None, created_at_us: *created_at_us })
            }
            NamedFields::ListBlock { list, created_at_us } => {
                Fields::ListBlock(list_block::Fields {
                    list: key(list),
                    created_at_us: *created_at_us,
                })
            }
            NamedFields::Verification { subject, handle, display_name, created_at_us } => {
                Fields::Verification(verification::Fields {
                    subject: ids.actor(subject),
                    handle: handle.clone(),
                    display_name: display_name.clone(),
                    created_at_us: *created_at_us,
                })
            }
            NamedFields::Document { created_at_us, purpose } => Fields::Document(
                self.collection,
                document::Fields { created_at_us: *created_at_us, purpose: *purpose },
            ),
            NamedFields::Post(names) => Fields::Post(post::Fields {
                created_at_us: names.created_at_us,
                flags: names.flags,
                root: post(&names.root),
                parent: post(&names.parent),
                quote: post(&names.quote),
                mentions: names.mentions.iter().map(|did| ids.actor(did)).collect(),
                words: Arc::clone(&names.words),
            }),
        };
        Put { cid: self.cid, json: self.json.clone(), fields }
    }
}
