//! What an operator does with who is signed in: look, and end. On the tables alone, so that it works with a server
//! and without one; what PDSs gave for what is ended, a server gives back.

use millrace_atproto::Did;
use millrace_store::{Row, Store, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::api_tokens::{self, ApiToken};
use super::browsers::{self, Browser};

/// Most rows of a page.
pub const SIGNED_IN_PAGE_MAX: u32 = 500;
/// Rows ended in one transaction.
const ENDED_ROWS: i64 = 1_000;

/// A page of browsers or tokens, ordered by account, of each the oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSignedIn {
    /// Only this account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<Did>,
    /// At most [`SIGNED_IN_PAGE_MAX`].
    #[serde(default = "page_default")]
    pub limit: u32,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

fn page_default() -> u32 {
    50
}

/// Browsers that are signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionPage {
    pub sessions: Vec<Browser>,
    /// How many there are on all pages.
    pub total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Tokens of programs, those whose time is over among them: an account removes them when it likes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenPage {
    pub tokens: Vec<ApiToken>,
    /// How many there are on all pages.
    pub total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Whose are ended: one account's, or with `all` everybody's. One of them must be said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndSignedIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<Did>,
    pub all: bool,
}

/// How many were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub ended: u64,
}

/// A request that says nothing, or two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("say whose: `did` of one account, or `all`")]
pub struct NobodyNamed;

impl EndSignedIn {
    /// Whose: one account's, or everybody's.
    pub(crate) fn whose(&self) -> Result<Option<&Did>, NobodyNamed> {
        match (&self.did, self.all) {
            (Some(did), false) => Ok(Some(did)),
            (None, true) => Ok(None),
            _ => Err(NobodyNamed),
        }
    }
}

/// What is listed and ended.
struct Kind {
    table: &'static str,
    id: &'static str,
}

const SESSIONS: Kind = Kind { table: "session", id: "session_id" };
const TOKENS: Kind = Kind { table: "api_token", id: "token_id" };

/// Browsers that are signed in.
///
/// # Errors
/// The store.
pub async fn list_sessions(store: &Store, wanted: ListSignedIn) -> Result<SessionPage, StoreError> {
    store
        .read(move |tx| {
            let columns = browsers::COLUMNS;
            let (sessions, total) = page(tx, &SESSIONS, columns, &wanted, browsers::browser)?;
            let next = |last: &Browser| cursor(&last.did, last.created_at_us, &last.session_id);
            let cursor = full(&sessions, &wanted).map(next);
            Ok::<_, StoreError>(SessionPage { sessions, total, cursor })
        })
        .await
}

/// Tokens of programs.
///
/// # Errors
/// The store.
pub async fn list_tokens(store: &Store, wanted: ListSignedIn) -> Result<TokenPage, StoreError> {
    store
        .read(move |tx| {
            let columns = api_tokens::COLUMNS;
            let (tokens, total) = page(tx, &TOKENS, columns, &wanted, api_tokens::api_token)?;
            let next = |last: &ApiToken| cursor(&last.did, last.created_at_us, &last.token_id);
            let cursor = full(&tokens, &wanted).map(next);
            Ok::<_, StoreError>(TokenPage { tokens, total, cursor })
        })
        .await
}

/// Signs out browsers; programs go on by their tokens.
///
/// # Errors
/// The store.
pub async fn end_sessions(store: &Store, whose: Option<&Did>) -> Result<Ended, StoreError> {
    end(store, &SESSIONS, whose).await
}

/// Ends tokens of programs; browsers stay signed in.
///
/// # Errors
/// The store.
pub async fn end_tokens(store: &Store, whose: Option<&Did>) -> Result<Ended, StoreError> {
    end(store, &TOKENS, whose).await
}

fn page<T>(
    tx: &mut Tx,
    kind: &Kind,
    columns: &str,
    wanted: &ListSignedIn,
    row: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<(Vec<T>, u64), StoreError> {
    let Kind { table, id } = kind;
    let did = wanted.did.as_ref().map(Did::as_str);
    // A cursor that nobody was given is before everything.
    let (after_did, after_us, after_id) =
        wanted.cursor.as_deref().and_then(position).unwrap_or(("", 0, ""));
    let of = of_whom(did.is_some());
    let whose = did.unwrap_or_default();
    let count = format!("SELECT COUNT(*) FROM {table} WHERE {of}");
    let total: i64 = tx.query_one(&count, &[whose.into()], |row| row.get(0))?;
    let rows = tx.query(
        &format!(
            "SELECT {columns} FROM {table} WHERE {of} AND (did, created_at_us, {id}) > ($2, $3, $4)
             ORDER BY did, created_at_us, {id} LIMIT $5"
        ),
        &[
            whose.into(),
            after_did.into(),
            after_us.into(),
            after_id.into(),
            i64::from(limit(wanted)).into(),
        ],
        row,
    )?;
    Ok((rows, u64::try_from(total).unwrap_or_default()))
}

/// One account's, `$1`, or everybody's.
fn of_whom(is_one: bool) -> &'static str {
    if is_one { "did = $1" } else { "$1 = ''" }
}

fn limit(wanted: &ListSignedIn) -> u32 {
    wanted.limit.clamp(1, SIGNED_IN_PAGE_MAX)
}

/// The last row of a page that is full.
fn full<'a, T>(rows: &'a [T], wanted: &ListSignedIn) -> Option<&'a T> {
    rows.last().filter(|_| rows.len() >= limit(wanted) as usize)
}

/// DIDs have no slash.
fn cursor(did: &str, created_at_us: i64, id: &str) -> String {
    format!("{did}/{created_at_us}/{id}")
}

fn position(cursor: &str) -> Option<(&str, i64, &str)> {
    let (did, rest) = cursor.split_once('/')?;
    let (created_at_us, id) = rest.split_once('/')?;
    Some((did, created_at_us.parse().ok()?, id))
}

/// Those that are there now, so many at a time: who signs in meanwhile stays.
async fn end(store: &Store, kind: &'static Kind, whose: Option<&Did>) -> Result<Ended, StoreError> {
    let Kind { table, id } = kind;
    let of = of_whom(whose.is_some());
    let sql = format!(
        "DELETE FROM {table} WHERE {id} IN (
             SELECT {id} FROM {table} WHERE {of} AND created_at_us <= $2 LIMIT $3)"
    );
    let whose = whose.map(Did::to_string).unwrap_or_default();
    let (mut ended, mut before_us) = (0, None);
    loop {
        let (sql, whose) = (sql.clone(), whose.clone());
        let (some, now_us) = store
            .write(move |tx| {
                let before_us = before_us.unwrap_or_else(|| tx.now_us());
                let values = [whose.as_str().into(), before_us.into(), ENDED_ROWS.into()];
                Ok::<_, StoreError>((tx.execute(&sql, &values)?, before_us))
            })
            .await?;
        before_us = Some(now_us);
        ended += some;
        if i64::try_from(some).is_ok_and(|some| some < ENDED_ROWS) {
            return Ok(Ended { ended });
        }
    }
}
