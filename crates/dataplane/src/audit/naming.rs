//! Findings by name: DIDs and AT URIs instead of ids. An id that nobody gave is shown as a number,
//! since that may be what was found.

use millrace_store::{StoreError, Tx};

use super::{Drift, Finding};
use crate::collection::Collection;
use crate::names::Names;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Actor(i64),
    Record {
        actor: i64,
        collection: i64,
        rkey: i64,
    },
    /// A document of a full-text table.
    Document(i64),
}

impl Subject {
    pub(crate) fn record(actor: i64, collection: Collection, rkey: i64) -> Self {
        Self::Record { actor, collection: collection.code(), rkey }
    }
}

/// The findings as an operator reads them.
pub(super) fn named(tx: &mut Tx, findings: &[Finding]) -> Result<Vec<Drift>, StoreError> {
    if findings.is_empty() {
        return Ok(Vec::new());
    }
    let actors = findings.iter().filter_map(|finding| match finding.subject {
        Subject::Actor(actor) | Subject::Record { actor, .. } => Some(actor),
        Subject::Document(_) => None,
    });
    let keys = findings.iter().flat_map(|finding| match finding.subject {
        Subject::Record { collection, rkey, .. } => vec![collection, rkey],
        Subject::Actor(_) | Subject::Document(_) => Vec::new(),
    });
    let names = Names::of(tx, actors, keys)?;
    let drift = |finding: &Finding| Drift {
        check: finding.check.to_owned(),
        subject: name(&names, finding.subject),
        expected: finding.expected.clone(),
        found: finding.found.clone(),
    };
    Ok(findings.iter().map(drift).collect())
}

fn name(names: &Names, subject: Subject) -> String {
    let did = |actor| names.did(actor).map_or(format!("account #{actor}"), ToString::to_string);
    match subject {
        Subject::Actor(actor) => did(actor),
        Subject::Record { actor, collection, rkey } => names
            .uri(actor, collection, rkey)
            .unwrap_or_else(|_| format!("record #{rkey} of {}", did(actor))),
        Subject::Document(id) => format!("document #{id}"),
    }
}

/// `a, b` of columns, each with a prefix.
pub(crate) fn list(columns: &[&str], prefix: &str) -> String {
    columns.iter().map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
}

/// `a BIGINT, b BIGINT`, as `{rows:…}` wants it.
pub(crate) fn typed(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("{column} BIGINT")).collect::<Vec<_>>().join(", ")
}

/// The rows whose key is beyond the first parameters, in order, at most as many as the next says:
/// `WHERE (a, b) > ($1, $2) ORDER BY a, b LIMIT $3`.
pub(crate) fn beyond(key: &[&str], among: &str) -> String {
    let places: Vec<String> = (1..=key.len()).map(|number| format!("${number}")).collect();
    let columns = list(key, "");
    format!(
        "WHERE {among} ({columns}) > ({}) ORDER BY {columns} LIMIT ${}",
        places.join(", "),
        key.len() + 1
    )
}

/// The DIDs of those accounts that have one.
pub(crate) fn dids(tx: &mut Tx, actors: &[i64]) -> Result<Vec<String>, StoreError> {
    let names = Names::of(tx, actors.iter().copied(), [])?;
    Ok(actors.iter().filter_map(|actor| Some(names.did(*actor).ok()?.to_string())).collect())
}
