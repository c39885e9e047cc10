//! From the bytes of a log entry to operations with names, before any id is known.
//!
//! A record of a kind that is not kept here is skipped; one that breaks its lexicon is dropped
//! alone and counted. An entry whose bytes are not an entry is parked.

use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::epoch_us;
use millrace_atproto::entry::{Action, Entry, EntryBody, EntryError};
use millrace_atproto::lexicon::{Embed, Feature, Media, Post, Record};
use millrace_atproto::syntax::{AtUri, Did, Nsid, RecordKey, Tid};

use super::ids::{Ids, Names, Subject, SubjectName};
use super::{Fields, Put, follow, like, post, profile};
use crate::collection::Collection;
use crate::flags;

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
    pub body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    Commit(Vec<DecodedOp>),
    Snapshot { after: Option<String>, through: Option<String>, records: Vec<DecodedOp>, last: bool },
    Identity { handle: Option<String> },
    Account { active: bool, status: Option<String> },
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
    cid: Cid,
    json: String,
    fields: NamedFields,
}

#[derive(Debug)]
enum NamedFields {
    Profile,
    Post(PostNames),
    Like { subject: SubjectName, created_at_us: i64 },
    Follow { subject: Did, created_at_us: i64 },
}

#[derive(Debug)]
struct PostNames {
    created_at_us: i64,
    flags: i64,
    root: Option<SubjectName>,
    parent: Option<SubjectName>,
    quote: Option<SubjectName>,
    mentions: Vec<Did>,
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
    let body = match body {
        EntryBody::Commit { ops } => {
            let ops = ops.into_iter().filter_map(|op| match (op.action, op.cid, op.record) {
                (Action::Delete, _, _) => deletion(&op.collection, op.rkey),
                (_, Some(cid), Some(bytes)) => {
                    put(&op.collection, op.rkey, cid, &bytes, at_us, dropped)
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
                put(&collection, rkey, record.cid, &record.record, at_us, dropped)
            });
            Body::Snapshot { records: records.collect(), after, through, last }
        }
        EntryBody::Identity { handle, pds: _ } => {
            Body::Identity { handle: handle.map(|handle| handle.as_str().to_owned()) }
        }
        EntryBody::Account { active, status } => Body::Account { active, status },
        EntryBody::Mark => Body::Mark,
    };
    Ok(Decoded {
        source: header.source,
        source_seq: header.source_seq,
        did: header.did,
        rev: header.rev,
        time_us: header.time_us,
        at_us,
        body,
    })
}

fn deletion(collection: &Nsid, rkey: RecordKey) -> Option<DecodedOp> {
    let collection = Collection::from_nsid(collection.as_str())?;
    Some(DecodedOp { collection, rkey, put: None })
}

/// Largest record that is kept. The lexicons' own bounds end far below; only unknown fields can
/// make a record larger, and every answer that shows it would have to carry them.
const RECORD_BYTES_MAX: usize = 128 << 10;

fn put(
    nsid: &Nsid,
    rkey: RecordKey,
    cid: Cid,
    bytes: &[u8],
    at_us: i64,
    dropped: &mut dyn FnMut(&'static str),
) -> Option<DecodedOp> {
    let collection = Collection::from_nsid(nsid.as_str())?;
    // The other collections have codes because edges lead to them; their records are not kept.
    if !matches!(
        collection,
        Collection::Profile | Collection::Post | Collection::Like | Collection::Follow
    ) {
        return None;
    }
    let mut drop = |reason| {
        dropped(reason);
        None
    };
    if bytes.len() > RECORD_BYTES_MAX {
        return drop("too_large");
    }
    let Ok(value) = cbor::decode(bytes) else { return drop("undecodable") };
    let fields = match Record::parse(nsid, &value) {
        Ok(Some(record)) => fields(record, at_us),
        Ok(None) => return None,
        Err(error) => return drop(error.reason()),
    };
    match fields {
        Some(fields) => {
            let put = NamedPut { cid, json: cbor::to_json(&value), fields };
            Some(DecodedOp { collection, rkey, put: Some(put) })
        }
        None => drop("subject"),
    }
}

/// The fields kept of a record; `None` when its subject is not named by DID.
fn fields(record: Record<'_>, at_us: i64) -> Option<NamedFields> {
    Some(match record {
        Record::Profile(_) => NamedFields::Profile,
        Record::Like(like) => NamedFields::Like {
            subject: SubjectName::of(&like.subject.uri)?,
            created_at_us: created_at_us(like.created_at, at_us),
        },
        Record::Follow(follow) => NamedFields::Follow {
            created_at_us: created_at_us(follow.created_at, at_us),
            subject: follow.subject,
        },
        Record::Post(post) => NamedFields::Post(post_names(&post, at_us)),
        // Kinds that are not kept do not come here.
        Record::Repost(_)
        | Record::Threadgate(_)
        | Record::Postgate(_)
        | Record::Generator(_)
        | Record::Block(_)
        | Record::List(_)
        | Record::ListItem(_)
        | Record::ListBlock(_)
        | Record::StarterPack(_)
        | Record::Verification(_)
        | Record::Status(_)
        | Record::Labeler(_)
        | Record::NotificationDeclaration(_)
        | Record::ChatDeclaration(_)
        | Record::GermDeclaration(_) => return None,
    })
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
        let (Body::Commit(ops) | Body::Snapshot { records: ops, .. }) = &self.body else { return };
        for op in ops {
            names.rkey(&op.rkey);
            if let Some(put) = &op.put {
                put.names(names);
            }
        }
    }
}

impl NamedPut {
    fn names(&self, names: &mut Names) {
        match &self.fields {
            NamedFields::Profile => {}
            NamedFields::Like { subject, .. } => names.subject(subject),
            NamedFields::Follow { subject, .. } => names.actor(subject),
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
        let fields = match &self.fields {
            NamedFields::Profile => Fields::Profile(profile::Fields),
            NamedFields::Like { subject, created_at_us } => Fields::Like(like::Fields {
                subject: ids.subject(subject),
                created_at_us: *created_at_us,
            }),
            NamedFields::Follow { subject, created_at_us } => Fields::Follow(follow::Fields {
                subject: ids.actor(subject),
                created_at_us: *created_at_us,
            }),
            NamedFields::Post(names) => Fields::Post(post::Fields {
                created_at_us: names.created_at_us,
                flags: names.flags,
                root: post(&names.root),
                parent: post(&names.parent),
                quote: post(&names.quote),
                mentions: names.mentions.iter().map(|did| ids.actor(did)).collect(),
            }),
        };
        Put { cid: self.cid, json: self.json.clone(), fields }
    }
}
