//! What the facts of one account mean for homes: a pure reading of a payload of `dataplane.changes.v1`.

use foldhash::HashMap;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_dataplane::apply::change::{Change, Changes, Op};
use millrace_dataplane::query::limited_post::LIMITED_POST;
use millrace_dataplane::query::mute::ACTOR_MUTE;

const LIKE: &str = "app.bsky.feed.like";
const REPOST: &str = "app.bsky.feed.repost";
const POST: &str = "app.bsky.feed.post";
const FOLLOW: &str = "app.bsky.graph.follow";
const BLOCK: &str = "app.bsky.graph.block";

/// Something that matters to homes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A post or repost is there.
    Came { item: AtUri },
    /// A post or repost was there and is, with another record.
    Renewed { item: AtUri },
    /// It is there no longer; `post` is what a repost showed.
    Went { item: AtUri, post: Option<AtUri> },
    /// Somebody did something with a post, or took it back.
    Touched { post: AtUri, by: Option<Did> },
    /// What `user`'s home shows of `other` may have changed.
    Between { user: Did, other: Did },
    /// `user` follows `other`, or no longer does.
    Follows { user: Did, other: Did, still: bool },
}

/// Reads a payload. A line that cannot be one of the data-plane's says nothing.
pub(crate) fn read(changes: &Changes) -> Vec<Fact> {
    let spans = spans(changes);
    let mut facts = Vec::new();
    for change in &changes.changes {
        match change.collection.as_str() {
            POST | REPOST | LIMITED_POST => {
                let last = spans.get(&key(change)).is_some_and(|span| span.last == change.op);
                facts.extend(item(changes, change, is_news(&spans, change)).filter(|_| last));
                touched(changes, change, &mut facts);
            }
            LIKE => touched(changes, change, &mut facts),
            FOLLOW => {
                let Some(other) = change.subject.as_deref().and_then(did) else { continue };
                let (user, still) = (changes.did.clone(), change.op == Op::Inserted);
                facts.push(Fact::Between { user: user.clone(), other: other.clone() });
                facts.push(Fact::Follows { user, other, still });
            }
            ACTOR_MUTE => {
                let Some(other) = change.subject.as_deref().and_then(did) else { continue };
                facts.push(Fact::Between { user: changes.did.clone(), other });
            }
            BLOCK => {
                let Some(other) = change.subject.as_deref().and_then(did) else { continue };
                let user = changes.did.clone();
                facts.push(Fact::Between { user: other.clone(), other: user.clone() });
                facts.push(Fact::Between { user, other });
            }
            _ => {}
        }
    }
    facts
}

/// What becomes of a record within a payload.
struct Span {
    first: Op,
    last: Op,
}

type Key<'c> = (&'c str, &'c str);

fn key(change: &Change) -> Key<'_> {
    (&change.collection, &change.rkey)
}

fn spans(changes: &Changes) -> HashMap<Key<'_>, Span> {
    let mut spans: HashMap<Key<'_>, Span> = HashMap::default();
    for change in &changes.changes {
        let span = spans.entry(key(change)).or_insert(Span { first: change.op, last: change.op });
        span.last = change.op;
    }
    spans
}

/// A record that is there before and after was written anew, and keeps its place; one that came and went within
/// the payload was written by an earlier one, perhaps, and is gone.
fn is_news(spans: &HashMap<Key<'_>, Span>, change: &Change) -> bool {
    spans
        .get(&key(change))
        .is_none_or(|span| (span.first, span.last) != (Op::Removed, Op::Inserted))
}

fn item(changes: &Changes, change: &Change, is_news: bool) -> Option<Fact> {
    let Change { collection, rkey, .. } = change;
    let item = uri(&format!("at://{}/{collection}/{rkey}", changes.did))?;
    Some(match change.op {
        Op::Inserted if is_news => Fact::Came { item },
        Op::Inserted => Fact::Renewed { item },
        Op::Removed => Fact::Went { item, post: change.subject.as_deref().and_then(uri) },
    })
}

fn touched(changes: &Changes, change: &Change, facts: &mut Vec<Fact>) {
    let by = (change.op == Op::Inserted).then(|| changes.did.clone());
    let subject = change.subject.as_deref().filter(|_| change.collection != POST);
    let posts = [subject, change.parent.as_deref(), change.quote.as_deref()];
    let posts = posts.into_iter().flatten().filter_map(uri);
    let is_post = |post: &AtUri| post.collection.as_ref().is_some_and(|nsid| nsid.as_str() == POST);
    facts.extend(posts.filter(is_post).map(|post| Fact::Touched { post, by: by.clone() }));
}

fn uri(text: &str) -> Option<AtUri> {
    AtUri::parse(text).ok().filter(|uri| uri.as_record().is_some())
}

fn did(text: &str) -> Option<Did> {
    Did::parse(text).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn change(op: Op, collection: &str, rkey: &str) -> Change {
        Change::of(op, collection.to_owned(), rkey.to_owned())
    }

    fn of(changes: Vec<Change>) -> Vec<Fact> {
        let did = Did::parse("did:plc:alice").unwrap();
        read(&Changes { did, changes, traceparent: None })
    }

    fn at(text: &str) -> AtUri {
        AtUri::parse(text).unwrap()
    }

    const BOBS: &str = "at://did:plc:bob/app.bsky.feed.post/b";
    const ALICES: &str = "at://did:plc:alice/app.bsky.feed.post/a";

    #[test]
    fn what_comes_and_goes() {
        let came = Fact::Came { item: at(ALICES) };
        let went = Fact::Went { item: at(ALICES), post: None };
        let ops = |ops: &[Op]| of(ops.iter().map(|op| change(*op, POST, "a")).collect());
        assert_eq!(ops(&[Op::Inserted]), std::slice::from_ref(&came));
        assert_eq!(ops(&[Op::Removed]), std::slice::from_ref(&went));
        // Written anew: it keeps its place.
        assert_eq!(ops(&[Op::Removed, Op::Inserted]), [Fact::Renewed { item: at(ALICES) }]);
        assert_eq!(ops(&[Op::Inserted, Op::Removed]), [went]);
    }

    #[test]
    fn a_reply_touches_what_it_answers_and_quotes() {
        let mut reply = change(Op::Inserted, POST, "a");
        reply.parent = Some(BOBS.to_owned());
        reply.quote = Some("at://did:plc:bob/app.bsky.graph.list/l".to_owned());
        let by = Some(Did::parse("did:plc:alice").unwrap());
        let touched = Fact::Touched { post: at(BOBS), by };
        assert_eq!(of(vec![reply]), [Fact::Came { item: at(ALICES) }, touched]);
    }

    #[test]
    fn a_repost_shows_and_touches_its_subject() {
        let mut gone = change(Op::Removed, REPOST, "r");
        gone.subject = Some(BOBS.to_owned());
        let item = at("at://did:plc:alice/app.bsky.feed.repost/r");
        let went = Fact::Went { item, post: Some(at(BOBS)) };
        assert_eq!(of(vec![gone]), [went, Fact::Touched { post: at(BOBS), by: None }]);
    }

    #[test]
    fn blocks_matter_on_both_sides() {
        let mut block = change(Op::Removed, BLOCK, "x");
        block.subject = Some("did:plc:bob".to_owned());
        let [alice, bob] = ["did:plc:alice", "did:plc:bob"].map(|did| Did::parse(did).unwrap());
        let there = Fact::Between { user: alice.clone(), other: bob.clone() };
        assert_eq!(of(vec![block]), [Fact::Between { user: bob, other: alice }, there]);
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        let mut odd = change(Op::Inserted, FOLLOW, "f");
        odd.subject = Some("bob".to_owned());
        let profile = change(Op::Inserted, "app.bsky.actor.profile", "self");
        assert_eq!(of(vec![odd, profile, change(Op::Inserted, LIKE, "l")]), []);
    }
}
