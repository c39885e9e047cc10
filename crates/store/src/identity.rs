//! The numbers that `{identity}` columns give. Tables that take the place of others go on counting
//! where those stopped, so that a number once given is never given again.

use crate::sql::Dialect;
use crate::{Param, StoreError, Tx};

impl Tx {
    /// The last number that `table` gave; 0 before the first.
    pub fn last_identity(&mut self, table: &'static str) -> Result<i64, StoreError> {
        let (sql, name) = match self.dialect() {
            Dialect::Sqlite => {
                ("SELECT seq FROM sqlite_sequence WHERE name = $1", table.to_owned())
            }
            Dialect::Postgres => (
                "SELECT last_value FROM pg_catalog.pg_sequences
                 WHERE schemaname = current_schema() AND sequencename = $1",
                format!("{table}_id_seq"),
            ),
        };
        let last = self.query_opt(sql, &[Param::Text(&name)], |row| row.get::<Option<i64>>(0))?;
        Ok(last.flatten().unwrap_or(0))
    }

    /// Has `table` give only numbers above `last`.
    pub fn set_last_identity(&mut self, table: &'static str, last: i64) -> Result<(), StoreError> {
        if last <= self.last_identity(table)? {
            return Ok(());
        }
        match self.dialect() {
            Dialect::Sqlite => {
                let params = [Param::Text(table), Param::Int(last)];
                let known = "UPDATE sqlite_sequence SET seq = $2 WHERE name = $1";
                if self.execute(known, &params)? == 0 {
                    let first = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
                    self.execute(first, &params)?;
                }
            }
            Dialect::Postgres => {
                let sequence = format!("{table}_id_seq");
                let sql = "SELECT setval(CAST($1 AS text)::regclass, $2)";
                self.query_one(sql, &[Param::Text(&sequence), Param::Int(last)], |_| Ok(()))?;
            }
        }
        Ok(())
    }
}
