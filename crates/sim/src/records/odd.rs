//! Records that no well-behaved client writes: they break their lexicon, hold what breaks readers, or belong
//! to collections nobody knows.

use millrace_atproto::cbor::{Value, encode};
use millrace_atproto::syntax::Did;
use millrace_runtime::rng::Rng;

use super::{Ref, record, strong_ref, text};

/// A record that decodes but breaks its lexicon; the collection it claims to be of.
pub fn invalid(
    at: usize,
    subject: &Ref,
    somebody: &Did,
    created_at: &str,
) -> (&'static str, Vec<u8>) {
    let created = || ("createdAt", text(created_at));
    let (post, like, follow) =
        ("app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.graph.follow");
    match at % INVALID_KINDS {
        // No text.
        0 => (post, record(post, vec![created()])),
        // A text that is too long.
        1 => (post, record(post, vec![("text", text("x".repeat(3_001))), created()])),
        // Another record's type.
        2 => (post, record(like, vec![("text", Value::text("I am no like")), created()])),
        // No type.
        3 => (post, encode(&Value::map([("text", Value::text("I have no type")), created()]))),
        // A null where a text must be.
        4 => (post, record(post, vec![("text", Value::Null), created()])),
        // A subject that is no URI.
        5 => {
            let subject =
                Value::map([("uri", Value::text("nowhere")), ("cid", Value::text("none"))]);
            (like, record(like, vec![("subject", subject), created()]))
        }
        // A follow of a handle.
        6 => (follow, record(follow, vec![("subject", Value::text("alice.sim.test")), created()])),
        // No time.
        7 => (follow, record(follow, vec![("subject", text(somebody.as_str()))])),
        // A number where a text must be.
        8 => {
            let block = "app.bsky.graph.block";
            (block, record(block, vec![("subject", Value::Int(7)), created()]))
        }
        // A list without a name.
        9 => {
            let list = "app.bsky.graph.list";
            let purpose = Value::text("app.bsky.graph.defs#curatelist");
            let fields = vec![("purpose", purpose), ("name", Value::text("")), created()];
            (list, record(list, fields))
        }
        // Five pictures where four may be.
        10 => {
            let images = Value::Array(vec![Value::Null; 5]);
            let embed =
                Value::map([("$type", Value::text("app.bsky.embed.images")), ("images", images)]);
            let fields = vec![("text", Value::text("look")), ("embed", embed), created()];
            (post, record(post, fields))
        }
        // A union without a type.
        11 => {
            let embed = Value::map([("record", strong_ref(subject))]);
            let fields = vec![("text", Value::text("who said")), ("embed", embed), created()];
            (post, record(post, fields))
        }
        // A time that is none.
        _ => {
            let fields =
                vec![("subject", strong_ref(subject)), ("createdAt", Value::text("yesterday"))];
            (like, record(like, fields))
        }
    }
}

/// A collection that only its author knows.
pub const UNKNOWN_COLLECTION: &str = "test.sim.garden.plant";

/// How many ways there are to be invalid.
pub const INVALID_KINDS: usize = 13;

/// A record of a collection that only its author knows.
pub fn unknown(note: &str, created_at: &str) -> (&'static str, Vec<u8>) {
    let collection = UNKNOWN_COLLECTION;
    let inside = Value::map([("depth", Value::Int(3)), ("wet", Value::Bool(true))]);
    let fields = vec![("note", text(note)), ("createdAt", text(created_at)), ("soil", inside)];
    (collection, record(collection, fields))
}

/// Bytes that are no record: not canonical, cut short, or no map.
pub fn undecodable(rng: &Rng) -> Vec<u8> {
    match rng.below(3) {
        // A map whose keys are out of order.
        0 => b"\xa2\x62bb\x01\x61a\x02".to_vec(),
        // A map that promises more than there is.
        1 => b"\xa5\x64text\x61x".to_vec(),
        // A float.
        _ => b"\xa1\x61x\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00".to_vec(),
    }
}

/// Times as some clients write them. Whether they are datetimes, their lexicon says.
pub const ODD_TIMES: [&str; 11] = [
    "2123-04-05T06:07:08.900Z",
    "0001-01-01T00:00:00Z",
    "1985-04-12T23:20:50.123456789Z",
    "2025-06-30T23:59:59+05:45",
    "soon",
    "1970-01-01T00:00:00.000Z",
    "2025-06-30T23:59:59.5-11:30",
    "2024-02-29T12:00:00.12345678901234567890Z",
    "2025-06-30t23:59:59z",
    "2025-06-30",
    "2025-13-45T25:61:61Z",
];
