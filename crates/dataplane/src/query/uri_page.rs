//! Pages of records by name, newest first.

use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::lookup;
use crate::collection::Collection;
use crate::error::DataplaneError;

/// A page of records by name; no cursor on the last one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UriPage {
    pub uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A record with the time it is sorted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dated {
    pub(crate) actor: i64,
    pub(crate) rkey: i64,
    pub(crate) sort_at_us: i64,
}

impl Dated {
    /// Turns up to `limit + 1` rows, newest first, into a page; the extra row proves a next page.
    pub(crate) fn page(
        tx: &mut Tx,
        rows: &mut Vec<Self>,
        limit: i64,
        collection: Collection,
    ) -> Result<UriPage, DataplaneError> {
        let cursor = TimeKey::next(rows, limit, |row| (row.sort_at_us, row.rkey, row.actor));
        let names =
            lookup::Names::of(tx, rows.iter().map(|r| r.actor), rows.iter().map(|r| r.rkey))?;
        let uris = rows.iter().map(|row| names.uri(row.actor, collection.code(), row.rkey));
        Ok(UriPage { uris: uris.collect::<Result<_, _>>()?, cursor })
    }
}
