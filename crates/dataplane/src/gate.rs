//! What the gates of a thread and of a post allow, read from their stored records.
//!
//! The write side judges a reply or a quote when it is indexed, the read side tells a viewer what
//! they may do; both ask here. A record that does not read as a gate allows everything.

use foldhash::{HashMap, HashSet};
use millrace_atproto::cbor;
use millrace_atproto::lexicon::{AllowRule, EmbeddingRule, Feature, Record};
use millrace_atproto::syntax::{AtUri, Did, Nsid};
use millrace_store::{Param, StoreError, Tx};

use crate::collection::Collection;

/// The key of a post: author and record key. A gate has that of its post.
pub(crate) type PostKey = (i64, i64);

/// A thread's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Threadgate {
    /// Whom it lets reply besides the thread's author; `None` is everybody.
    pub allow: Option<Vec<AllowRule>>,
    pub hidden_replies: Vec<AtUri>,
}

/// A post's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Postgate {
    /// Nobody but its author may quote the post.
    pub disabled: bool,
    /// Posts that do not show what they quote.
    pub detached: Vec<AtUri>,
}

/// Reads a stored record of one of `collection`'s kind, and hands it to `read`.
fn read<T>(
    collection: Collection,
    json: &str,
    read: impl FnOnce(Record<'_>) -> Option<T>,
) -> Option<T> {
    let json: serde_json::Value = serde_json::from_str(json).ok()?;
    let value = cbor::record_from_json(&json).ok()?;
    let nsid = Nsid::parse(collection.nsid()).ok()?;
    read(Record::parse(&nsid, &value).ok()??)
}

impl Threadgate {
    pub(crate) fn parse(json: &str) -> Option<Self> {
        read(Collection::Threadgate, json, |record| match record {
            Record::Threadgate(gate) => {
                Some(Self { allow: gate.allow, hidden_replies: gate.hidden_replies })
            }
            _ => None,
        })
    }
}

impl Postgate {
    pub(crate) fn parse(json: &str) -> Option<Self> {
        read(Collection::Postgate, json, |record| match record {
            Record::Postgate(gate) => Some(Self {
                disabled: gate.embedding_rules.contains(&EmbeddingRule::Disable),
                detached: gate.detached_embedding_uris,
            }),
            _ => None,
        })
    }
}

/// The accounts a stored post mentions.
pub(crate) fn mentioned(json: &str) -> HashSet<Did> {
    let mentioned = read(Collection::Post, json, |record| match record {
        Record::Post(post) => {
            let features = post.facets.into_iter().flat_map(|facet| facet.features);
            let mentions = features.filter_map(|feature| match feature {
                Feature::Mention(did) => Some(did),
                Feature::Link(_) | Feature::Tag(_) => None,
            });
            Some(mentions.collect())
        }
        _ => None,
    });
    mentioned.unwrap_or_default()
}

/// The stored gates of `collection`'s kind of these posts, as JSON text.
pub(crate) fn stored(
    tx: &mut Tx,
    collection: Collection,
    posts: &HashSet<PostKey>,
) -> Result<HashMap<PostKey, String>, StoreError> {
    let mut posts: Vec<PostKey> = posts.iter().copied().collect();
    posts.sort_unstable();
    let rows = tx.query_many(
        "SELECT d.actor_id, d.rkey, d.record
         FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT} AS k CROSS JOIN document AS d
         WHERE d.actor_id = k.actor AND d.collection = k.collection AND d.rkey = k.rkey",
        posts.iter().map(|key| [key.0, collection.code(), key.1].map(Param::Int)),
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// What an account has to be to an author to reply in a gated thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The thread's first post mentions the account.
    pub mentioned: bool,
    /// The account follows the author.
    pub follower: bool,
    /// The author follows the account.
    pub following: bool,
    /// Lists the account is on.
    pub lists: HashSet<AtUri>,
}

/// Whether one who is no author of the thread may reply under these rules.
pub(crate) fn allows(allow: Option<&[AllowRule]>, standing: &Standing) -> bool {
    allow.is_none_or(|rules| {
        rules.iter().any(|rule| match rule {
            AllowRule::Mention => standing.mentioned,
            AllowRule::Follower => standing.follower,
            AllowRule::Following => standing.following,
            AllowRule::List(list) => standing.lists.contains(list),
        })
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn gate(allow: &str) -> Threadgate {
        let json = format!(
            r#"{{"$type":"app.bsky.feed.threadgate","post":"at://did:plc:a/app.bsky.feed.post/3lzzzzzzzzz2z",
                "createdAt":"2026-01-01T00:00:00Z"{allow}}}"#
        );
        Threadgate::parse(&json).unwrap()
    }

    #[test]
    fn rules_let_in_whom_they_name() {
        let list = AtUri::parse("at://did:plc:a/app.bsky.graph.list/l").unwrap();
        let rule =
            |name: &str| format!(r#","allow":[{{"$type":"app.bsky.feed.threadgate#{name}"}}]"#);
        let list_rule = format!(
            r#","allow":[{{"$type":"app.bsky.feed.threadgate#listRule","list":"{list}"}}]"#
        );
        let nobody = Standing::default();
        let follower = Standing { follower: true, ..Standing::default() };
        let following = Standing { following: true, ..Standing::default() };
        let mentioned = Standing { mentioned: true, ..Standing::default() };
        let listed = Standing { lists: HashSet::from_iter([list]), ..Standing::default() };
        for (allow, standing, expected) in [
            (String::new(), &nobody, true),
            (r#","allow":[]"#.to_owned(), &follower, false),
            (rule("followerRule"), &follower, true),
            (rule("followerRule"), &following, false),
            (rule("followingRule"), &following, true),
            (rule("mentionRule"), &mentioned, true),
            (rule("mentionRule"), &nobody, false),
            (rule("futureRule"), &follower, false),
            (list_rule.clone(), &listed, true),
            (list_rule, &nobody, false),
        ] {
            let gate = gate(&allow);
            assert_eq!(allows(gate.allow.as_deref(), standing), expected, "{allow} {standing:?}");
        }
    }

    #[test]
    fn what_is_no_gate_is_none() {
        for json in ["{}", "null", "[", r#"{"$type":"app.bsky.feed.threadgate"}"#] {
            assert_eq!(Threadgate::parse(json), None);
            assert_eq!(Postgate::parse(json), None);
            assert!(mentioned(json).is_empty());
        }
    }
}
