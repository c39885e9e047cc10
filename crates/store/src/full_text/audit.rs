//! Looking whether a full-text table holds what it should. Neither engine gives a document back; both
//! can say whether it is the one expected.

use super::{fts5_document, tsvector};
use crate::sql::Dialect;
use crate::{Param, StoreError, Tx};

impl Tx {
    /// Ids of documents above `after`, in order.
    pub fn text_ids(
        &mut self,
        table: &'static str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let (ids, id) = match self.dialect() {
            Dialect::Sqlite => (format!("{table}_docsize"), "id"),
            Dialect::Postgres => (table.to_owned(), "rowid"),
        };
        self.query(
            &format!("SELECT {id} FROM {ids} WHERE {id} > $1 ORDER BY {id} LIMIT $2"),
            &[Param::Int(after), Param::Int(limit)],
            |row| row.get(0),
        )
    }

    /// The ids of those of `documents` that are not there as they should be; an empty document
    /// should not be there.
    pub fn texts_that_differ(
        &mut self,
        table: &'static str,
        documents: &[(i64, Vec<String>)],
    ) -> Result<Vec<i64>, StoreError> {
        match self.dialect() {
            Dialect::Sqlite => self.fts5_that_differ(table, documents),
            Dialect::Postgres => self.tsvectors_that_differ(table, documents),
        }
    }

    /// A document is the one expected when it has as many tokens and holds all of them in a row.
    fn fts5_that_differ(
        &mut self,
        table: &'static str,
        documents: &[(i64, Vec<String>)],
    ) -> Result<Vec<i64>, StoreError> {
        let size_of = format!("SELECT sz FROM {table}_docsize WHERE id = $1");
        let holds = format!("SELECT rowid FROM {table} WHERE {table} MATCH $2 AND rowid = $1");
        let mut differ = Vec::new();
        for (id, tokens) in documents {
            let text = fts5_document(tokens);
            let expected = text.split(' ').filter(|token| !token.is_empty()).count() as u64;
            let size = self.query_opt(&size_of, &[Param::Int(*id)], |row| row.get::<Vec<u8>>(0))?;
            let same = match size.as_deref().map(varint) {
                None => expected == 0,
                Some(found) if found != expected || expected == 0 => false,
                Some(_) => {
                    let phrase = format!("\"{text}\"");
                    let params = [Param::Int(*id), Param::Text(&phrase)];
                    self.query_opt(&holds, &params, |row| row.get::<i64>(0))?.is_some()
                }
            };
            if !same {
                differ.push(*id);
            }
        }
        Ok(differ)
    }

    fn tsvectors_that_differ(
        &mut self,
        table: &'static str,
        documents: &[(i64, Vec<String>)],
    ) -> Result<Vec<i64>, StoreError> {
        let texts: Vec<String> = documents.iter().map(|(_, tokens)| tsvector(tokens)).collect();
        let sql = format!(
            "SELECT v.id FROM {{rows:id BIGINT, tokens TEXT}} AS v
             LEFT JOIN {table} AS t ON t.rowid = v.id
             WHERE CASE WHEN v.tokens = '' THEN t.rowid IS NOT NULL
                   ELSE t.rowid IS NULL OR t.tokens <> CAST(v.tokens AS tsvector) END"
        );
        let rows = documents.iter().zip(&texts);
        let rows = rows.map(|((id, _), text)| [Param::Int(*id), Param::Text(text)]);
        self.query_many(&sql, rows, |row| row.get(0))
    }
}

/// A number as SQLite writes it: seven bits a byte, the highest first.
fn varint(bytes: &[u8]) -> u64 {
    let mut value = 0_u64;
    for byte in bytes.iter().take(8) {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::varint;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(varint(&[5]), 5);
        assert_eq!(varint(&[0x81, 0x00]), 128);
        assert_eq!(varint(&[0x81, 0x05, 0xff]), 133);
        assert_eq!(varint(&[]), 0);
    }
}
