//! `queryLabels`: what labelers say of subjects that are named one by one or by what they begin with.
//!
//! Patterns are answered one after the other, of each what is issued here and then what labelers sent,
//! in the order of the tables' keys; the cursor says which
//! pattern is next, and behind which label.

use millrace_atproto::label::LabelSubject;
use millrace_atproto::syntax::{AtUri, Did, Nsid, Uri};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hydrate::LabelRow;
use super::issued_labels::{self, Among};
use super::{Context, Question, cursor, lookup, page_limit};
use crate::apply::ids::Subject;
use crate::apply::label::ACCOUNT;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Label;
use crate::names::Names;

/// Most labels of one page.
pub const LABELS_MAX: u32 = 250;
/// Most patterns of one question.
pub const PATTERNS_MAX: usize = 256;
/// Most labelers of one question.
pub const SOURCES_MAX: usize = 256;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryLabels {
    /// DIDs, URIs of records by DID, `at://<did>/*` and `at://<did>/<collection>/*`.
    pub uri_patterns: Vec<String>,
    /// Whose labels; everybody's where it is absent.
    #[serde(default)]
    pub sources: Option<Vec<Did>>,
    pub limit: u32,
    #[serde(default)]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelsPage {
    pub labels: Vec<Label>,
    pub cursor: Option<String>,
}

/// Subjects that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    One(LabelSubject),
    /// All records of an account.
    Records(Did),
    Collection(Did, Nsid),
    /// What no label can be about here.
    Nothing,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, DataplaneError> {
        let malformed = || {
            let shown: String = text.chars().take(64).collect();
            DataplaneError::InvalidRequest(format!(
                "not a DID, a record's URI by DID, at://<did>/* or at://<did>/<collection>/*: {shown}"
            ))
        };
        let Some(prefix) = text.strip_suffix("/*") else {
            return match LabelSubject::parse(text) {
                Some(subject) => Ok(Self::One(subject)),
                None if !text.contains('*') && Uri::parse(text).is_ok() => Ok(Self::Nothing),
                None => Err(malformed()),
            };
        };
        let uri = AtUri::parse(prefix).map_err(|_| malformed())?;
        match (uri.did().cloned(), uri.collection, uri.rkey) {
            (Some(did), None, None) => Ok(Self::Records(did)),
            (Some(did), Some(collection), None) => Ok(Self::Collection(did, collection)),
            _ => Err(malformed()),
        }
    }

    /// Which subjects it means of what is issued here.
    fn issued(&self) -> Option<Among<'_>> {
        match self {
            Self::One(subject) => Some(Among::One(subject)),
            Self::Records(did) => Some(Among::Records(did)),
            Self::Collection(did, nsid) => Some(Among::Collection(did, nsid)),
            Self::Nothing => None,
        }
    }

    /// Bounds of the subjects, both inclusive; `None` where a name was never seen here.
    fn range(&self, tx: &mut Tx) -> Result<Option<(Subject, Subject)>, DataplaneError> {
        let did = match self {
            Self::Nothing => return Ok(None),
            Self::One(LabelSubject::Account(did))
            | Self::Records(did)
            | Self::Collection(did, _) => did,
            Self::One(LabelSubject::Record(uri)) => {
                let key = lookup::record_key(tx, uri)?;
                let one = key.map(|key| Subject {
                    actor: key.actor,
                    collection: key.collection,
                    rkey: key.rkey,
                });
                return Ok(one.map(|one| (one, one)));
            }
        };
        let Some(actor) = lookup::actor_id(tx, did)? else { return Ok(None) };
        let span = |from: (i64, i64), to: (i64, i64)| {
            let at = |(collection, rkey)| Subject { actor, collection, rkey };
            Some((at(from), at(to)))
        };
        Ok(match self {
            Self::Records(_) => span((i64::MIN, i64::MIN), (i64::MAX, i64::MAX)),
            Self::Collection(_, nsid) => {
                collection_code(tx, nsid)?.and_then(|it| span((it, i64::MIN), (it, i64::MAX)))
            }
            Self::One(_) | Self::Nothing => span((ACCOUNT, 0), (ACCOUNT, 0)),
        })
    }
}

fn collection_code(tx: &mut Tx, nsid: &Nsid) -> Result<Option<i64>, DataplaneError> {
    match Collection::from_nsid(nsid.as_str()) {
        Some(known) => Ok(Some(known.code())),
        None => lookup::side_table_id(tx, nsid.as_str()),
    }
}

const LABELS: &str = "SELECT l.subject_actor, l.subject_collection, l.subject_rkey, l.src,
        l.val, l.cid, l.cts, l.exp
    FROM label AS l
    WHERE l.subject_actor = $1
      AND (l.subject_collection, l.subject_rkey) >= ($2, $3)
      AND (l.subject_collection, l.subject_rkey) <= ($4, $5)
      AND (l.subject_collection, l.subject_rkey, l.src, l.val) > ($6, $7, $8, $9)
      AND l.neg = 0 AND (l.exp_us IS NULL OR l.exp_us > $10)
      AND (CAST($11 AS BIGINT) = 0 OR l.src IN (SELECT ids.id FROM {id_list:$12} AS ids))
      AND (CAST($13 AS BIGINT) = 0 OR l.subject_collection <> 0)
    ORDER BY l.subject_collection, l.subject_rkey, l.src, l.val LIMIT $14";

/// Where the next page begins: a pattern, and the label of it that was the last one. What is issued here
/// comes before what labelers sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    pattern: usize,
    behind: Behind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Behind {
    Issued(issued_labels::Place),
    /// Collection, record key, labeler; and value.
    Sent([i64; 3], String),
}

/// How the text of a place among labels that are issued here begins.
const ISSUED: &str = "issued ";

impl Place {
    fn start(pattern: usize) -> Self {
        Self { pattern, behind: Behind::Issued(issued_labels::Place::default()) }
    }

    fn pack(&self) -> String {
        match &self.behind {
            Behind::Issued(issued_labels::Place { subject, src, val }) => {
                format!("{ISSUED}{} {subject} {src} {val}", self.pattern)
            }
            Behind::Sent([collection, rkey, src], val) => {
                format!("{}:{collection}:{rkey}:{src}:{val}", self.pattern)
            }
        }
    }

    fn parse(cursor: Option<&str>) -> Result<Self, DataplaneError> {
        let Some(cursor) = cursor else { return Ok(Self::start(0)) };
        let place = match cursor.strip_prefix(ISSUED) {
            _ if cursor.contains(char::is_control) => None,
            Some(issued) => Self::parse_issued(issued),
            None => Self::parse_sent(cursor),
        };
        place.ok_or_else(|| DataplaneError::InvalidRequest("malformed cursor".to_owned()))
    }

    fn parse_issued(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(4, ' ').collect();
        let [pattern, subject, src, val] = parts[..] else { return None };
        let [subject, src, val] = [subject, src, val].map(str::to_owned);
        let behind = Behind::Issued(issued_labels::Place { subject, src, val });
        Some(Self { pattern: pattern.parse().ok()?, behind })
    }

    fn parse_sent(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ':');
        let mut number = || parts.next()?.parse::<i64>().ok();
        let (pattern, key) = (number()?, [number()?, number()?, number()?]);
        let behind = Behind::Sent(key, parts.next()?.to_owned());
        Some(Self { pattern: usize::try_from(pattern).unwrap_or(usize::MAX), behind })
    }
}

/// A label of a page, with its place.
enum Found {
    Issued(Place, Label),
    Sent(Place, LabelRow),
}

impl Found {
    fn place(&self) -> &Place {
        match self {
            Self::Issued(place, _) | Self::Sent(place, _) => place,
        }
    }
}

impl Question for QueryLabels {
    const NAME: &'static str = "queryLabels";
    type Answer = LabelsPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<LabelsPage, DataplaneError> {
        let limit = page_limit(self.limit, LABELS_MAX)?;
        let sources = self.sources.unwrap_or_default();
        if self.uri_patterns.len() > PATTERNS_MAX || sources.len() > SOURCES_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {PATTERNS_MAX} patterns and {SOURCES_MAX} sources"
            )));
        }
        let patterns: Vec<Pattern> =
            self.uri_patterns.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?;
        let mut place = Place::parse(self.cursor.as_deref())?;
        let sources = (!sources.is_empty()).then_some(sources);
        let among = sources.as_ref().map(|dids| lookup::actor_ids(tx, dids)).transpose()?;
        let mut rows: Vec<Found> = Vec::new();
        for (at, pattern) in patterns.iter().enumerate().skip(place.pattern) {
            if place.pattern < at {
                place = Place::start(at);
            }
            let missing = limit + 1 - rows.len() as i64;
            if let (Behind::Issued(after), Some(among)) = (&place.behind, pattern.issued()) {
                let found = issued_labels::page(tx, &among, sources.as_deref(), after, missing)?;
                rows.extend(found.into_iter().map(|(after, label)| {
                    Found::Issued(Place { pattern: at, behind: Behind::Issued(after) }, label)
                }));
            }
            let missing = limit + 1 - rows.len() as i64;
            if missing <= 0 {
                break;
            }
            if let Some(range) = pattern.range(tx)? {
                let after = match std::mem::replace(&mut place, Place::start(at)).behind {
                    Behind::Sent(key, val) => (key, val),
                    Behind::Issued(_) => ([i64::MIN; 3], String::new()),
                };
                let all_records = matches!(pattern, Pattern::Records(_));
                let found = page(tx, range, all_records, &after, among.as_deref(), missing)?;
                rows.extend(found.into_iter().map(|row| {
                    let key = [row.subject.collection, row.subject.rkey, row.src];
                    let behind = Behind::Sent(key, row.val.clone());
                    Found::Sent(Place { pattern: at, behind }, row)
                }));
            }
        }
        let cursor = cursor::next(&mut rows, limit, |last| last.place().pack());
        let sent = || {
            rows.iter().filter_map(|found| match found {
                Found::Sent(_, row) => Some(row),
                Found::Issued(..) => None,
            })
        };
        let actors = sent().flat_map(|row| [row.subject.actor, row.src]);
        let keys = sent().flat_map(|row| [row.subject.rkey, row.subject.collection]);
        let names = Names::of(tx, actors, keys)?;
        let labels = rows.into_iter().map(|found| match found {
            Found::Issued(_, label) => Ok(label),
            Found::Sent(_, row) => row.present(&names),
        });
        Ok(LabelsPage { labels: labels.collect::<Result<_, _>>()?, cursor })
    }
}

fn page(
    tx: &mut Tx,
    (from, to): (Subject, Subject),
    records_only: bool,
    (after, val): &([i64; 3], String),
    among: Option<&[i64]>,
    limit: i64,
) -> Result<Vec<LabelRow>, DataplaneError> {
    let [collection, rkey, src] = *after;
    let params = [
        Param::Int(from.actor),
        Param::Int(from.collection),
        Param::Int(from.rkey),
        Param::Int(to.collection),
        Param::Int(to.rkey),
        Param::Int(collection),
        Param::Int(rkey),
        Param::Int(src),
        Param::Text(val),
        Param::Int(tx.now_us()),
        Param::Int(among.is_some().into()),
        Param::Ids(among.unwrap_or_default()),
        Param::Int(records_only.into()),
        Param::Int(limit),
    ];
    Ok(tx.query(LABELS, &params, LabelRow::read)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use millrace_atproto::syntax::RecordKey;

    use super::*;

    #[test]
    fn patterns_end_with_a_star_between_slashes_or_not_at_all() {
        let did = || Did::parse("did:plc:abc").unwrap();
        let post = Nsid::parse("app.bsky.feed.post").unwrap();
        let uri = AtUri::record(did(), post.clone(), RecordKey::parse("1").unwrap());
        let table = [
            ("did:plc:abc", Some(Pattern::One(LabelSubject::Account(did())))),
            (
                "at://did:plc:abc/app.bsky.feed.post/1",
                Some(Pattern::One(LabelSubject::Record(uri))),
            ),
            ("at://did:plc:abc/*", Some(Pattern::Records(did()))),
            ("at://did:plc:abc/app.bsky.feed.post/*", Some(Pattern::Collection(did(), post))),
            ("*", None),
            ("did:*", None),
            ("did:plc:abc*", None),
            ("at://did:plc:abc", Some(Pattern::Nothing)),
            ("https://example.com/", Some(Pattern::Nothing)),
            ("alice.test", None),
            ("at://did:plc:abc/app.bsky.feed.post/1*", None),
            ("at://did:plc:abc/app.bsky.feed.post/1/*", None),
            ("at://alice.test/*", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(Pattern::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn places_pack_what_they_parse() {
        let sent = Behind::Sent([-5, 7, 9], "a:b::c".to_owned());
        let [subject, src, val] = ["a.b.c/d", "did:plc:a", "a b"].map(str::to_owned);
        let issued = Behind::Issued(issued_labels::Place { subject, src, val });
        for behind in [sent, issued] {
            let place = Place { pattern: 3, behind };
            assert_eq!(Place::parse(Some(&place.pack())).unwrap(), place);
        }
        assert_eq!(Place::parse(Some(&Place::start(1).pack())).unwrap(), Place::start(1));
        for text in
            ["", "1", "1:2:3:4", "a:1:2:3:x", "1:2:3:4:\0", ":::::", "issued ", "issued 1 a b"]
        {
            assert!(Place::parse(Some(text)).is_err(), "{text:?}");
        }
    }
}
