//! Full text: documents of tokens, matched by queries of tokens. The one file with two texts.
//!
//! A full-text table is made by the token `{full_text:name}` in a migration and holds documents
//! under 64-bit ids of the caller's. What a token is, the caller decides, and does it alike when
//! indexing and when asking; so both engines find the same documents, whatever the language.
//! SQLite keeps them in FTS5 without the text itself, PostgreSQL in a `tsvector` with a GIN index.
//!
//! A token is made of letters, digits and private-use characters, in lower case, and is at most
//! [`TOKEN_BYTES_MAX`] long: neither engine's own syntax can be written with it.

mod audit;

use std::fmt::Write as _;

use crate::sql::Dialect;
use crate::{Param, StoreError, Tx};

/// Longest token, bytes; longer ones are cut.
pub const TOKEN_BYTES_MAX: usize = 256;
/// Most tokens of a document; what follows is not found.
pub const DOCUMENT_TOKENS_MAX: usize = 4_000;
/// Most tokens of a query.
pub const QUERY_TOKENS_MAX: usize = 64;

/// What a document must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextQuery {
    /// Each must be there.
    pub wanted: Vec<Phrase>,
    /// None may be there.
    pub unwanted: Vec<Phrase>,
}

/// Tokens that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phrase {
    pub tokens: Vec<String>,
    /// The last token is the beginning of one.
    pub prefix: bool,
}

/// Which of the matching documents are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRange {
    /// Ids above this …
    pub above: i64,
    /// … and below this.
    pub below: i64,
    /// The highest ids first; else the lowest.
    pub descending: bool,
    pub limit: u32,
}

impl TextQuery {
    /// Whether it can match anything: something must be wanted, within the bounds.
    pub fn is_askable(&self) -> bool {
        let phrases = || self.wanted.iter().chain(&self.unwanted);
        let tokens: usize = phrases().map(|phrase| phrase.tokens.len()).sum();
        !self.wanted.is_empty()
            && phrases().all(|phrase| phrase.tokens.iter().any(|token| !cut(token).is_empty()))
            && tokens <= QUERY_TOKENS_MAX
    }
}

impl Tx {
    /// Writes documents; one that is there already under an id is replaced.
    pub fn put_text(
        &mut self,
        table: &'static str,
        documents: &[(i64, Vec<String>)],
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = documents.iter().map(|document| document.0).collect();
        self.delete_text(table, &ids)?;
        let texts: Vec<String> = match self.dialect() {
            Dialect::Sqlite => documents.iter().map(|(_, tokens)| fts5_document(tokens)).collect(),
            Dialect::Postgres => documents.iter().map(|(_, tokens)| tsvector(tokens)).collect(),
        };
        let value = match self.dialect() {
            Dialect::Sqlite => "v.tokens",
            Dialect::Postgres => "CAST(v.tokens AS tsvector)",
        };
        let sql = format!(
            "INSERT INTO {table} (rowid, tokens)
             SELECT v.id, {value} FROM {{rows:id BIGINT KEY, tokens TEXT}} AS v"
        );
        let rows = documents.iter().zip(&texts);
        self.execute_many(&sql, rows.map(|((id, _), text)| [Param::Int(*id), Param::Text(text)]))?;
        Ok(())
    }

    /// Removes documents; those that are not there are no fault.
    pub fn delete_text(&mut self, table: &'static str, ids: &[i64]) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM {table} WHERE rowid IN (SELECT k.id FROM {{rows:id BIGINT}} AS k)"
        );
        self.execute_many(&sql, ids.iter().map(|id| [Param::Int(*id)]))?;
        Ok(())
    }

    /// The ids of the documents that match, in the order asked for. A query that is not
    /// [askable](TextQuery::is_askable) matches nothing.
    pub fn match_text(
        &mut self,
        table: &'static str,
        query: &TextQuery,
        range: TextRange,
    ) -> Result<Vec<i64>, StoreError> {
        if !query.is_askable() {
            return Ok(Vec::new());
        }
        let (text, matches) = match self.dialect() {
            Dialect::Sqlite => (fts5_query(query), format!("{table} MATCH $1")),
            Dialect::Postgres => (tsquery(query), "tokens @@ CAST($1 AS tsquery)".to_owned()),
        };
        let order = if range.descending { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT rowid FROM {table} WHERE {matches} AND rowid > $2 AND rowid < $3
             ORDER BY rowid {order} LIMIT $4"
        );
        let params = [
            Param::Text(&text),
            Param::Int(range.above),
            Param::Int(range.below),
            Param::Int(i64::from(range.limit)),
        ];
        self.query(&sql, &params, |row| row.get(0))
    }
}

/// What makes a full-text table, in a migration.
pub(crate) fn table(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!(
            "CREATE VIRTUAL TABLE {name} USING fts5(tokens, content='', contentless_delete=1, tokenize='ascii')"
        ),
        Dialect::Postgres => format!(
            "CREATE TABLE {name} (rowid BIGINT NOT NULL PRIMARY KEY, tokens tsvector NOT NULL);
             CREATE INDEX {name}_tokens ON {name} USING gin (tokens)"
        ),
    }
}

/// What is kept of a token: characters that mean nothing to either engine, up to the bound.
fn cut(token: &str) -> String {
    let private = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c);
    let mut kept = String::new();
    for c in token.chars().filter(|c| c.is_alphanumeric() || private(*c)) {
        if kept.len() + c.len_utf8() > TOKEN_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    kept
}

fn fts5_document(tokens: &[String]) -> String {
    let tokens = tokens.iter().take(DOCUMENT_TOKENS_MAX).map(|token| cut(token));
    tokens.filter(|token| !token.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `'token':1 'other':2`, which PostgreSQL reads without a parser of its own.
fn tsvector(tokens: &[String]) -> String {
    let tokens = tokens.iter().take(DOCUMENT_TOKENS_MAX).map(|token| cut(token));
    let mut text = String::new();
    for (at, token) in tokens.filter(|token| !token.is_empty()).enumerate() {
        let _ = write!(text, "'{token}':{} ", at + 1);
    }
    text
}

fn fts5_query(query: &TextQuery) -> String {
    let phrase = |phrase: &Phrase| {
        let tokens: Vec<String> = phrase.tokens.iter().map(|token| cut(token)).collect();
        format!("\"{}\"{}", tokens.join(" "), if phrase.prefix { " *" } else { "" })
    };
    let wanted: Vec<String> = query.wanted.iter().map(phrase).collect();
    let mut text = format!("({})", wanted.join(" AND "));
    for unwanted in &query.unwanted {
        let _ = write!(text, " NOT {}", phrase(unwanted));
    }
    text
}

fn tsquery(query: &TextQuery) -> String {
    let phrase = |phrase: &Phrase| {
        let mut tokens: Vec<String> = phrase
            .tokens
            .iter()
            .map(|token| cut(token))
            .filter(|token| !token.is_empty())
            .map(|token| format!("'{token}'"))
            .collect();
        if let Some(last) = tokens.last_mut().filter(|_| phrase.prefix) {
            last.push_str(":*");
        }
        format!("({})", tokens.join(" <-> "))
    };
    let wanted = query.wanted.iter().map(phrase);
    let unwanted = query.unwanted.iter().map(|unwanted| format!("!{}", phrase(unwanted)));
    wanted.chain(unwanted).collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(tokens: &[&str], prefix: bool) -> Phrase {
        Phrase { tokens: tokens.iter().map(|token| (*token).to_owned()).collect(), prefix }
    }

    #[test]
    fn neither_syntax_can_be_written_with_a_token() {
        let hostile = phrase(&["a' | 'b\" OR c:*\\", "(x)"], false);
        let query = TextQuery { wanted: vec![hostile], unwanted: vec![phrase(&["ö"], true)] };
        assert_eq!(fts5_query(&query), "(\"abORc x\") NOT \"ö\" *");
        assert_eq!(tsquery(&query), "('abORc' <-> 'x') & !('ö':*)");
        assert_eq!(tsvector(&["a'\\".to_owned(), "''".to_owned(), "b".to_owned()]), "'a':1 'b':2 ");
    }

    #[test]
    fn a_query_wants_something_and_little() {
        let wanted = |tokens: &[&str]| TextQuery {
            wanted: vec![phrase(tokens, false)],
            unwanted: Vec::new(),
        };
        assert!(wanted(&["a"]).is_askable());
        assert!(!wanted(&[]).is_askable() && !wanted(&["\"", "'"]).is_askable());
        assert!(!wanted(&["a"; QUERY_TOKENS_MAX + 1]).is_askable());
        assert!(
            !TextQuery { unwanted: vec![phrase(&["a"], false)], ..TextQuery::default() }
                .is_askable()
        );
    }

    #[test]
    fn tokens_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(TOKEN_BYTES_MAX)).len(), TOKEN_BYTES_MAX);
        assert_eq!(cut("\u{e000}a1"), "\u{e000}a1");
    }
}
