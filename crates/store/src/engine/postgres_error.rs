//! PostgreSQL's SQLSTATEs in the store's words.

use std::error::Error as _;

use postgres::error::SqlState;

use super::deadline::Deadline;
use crate::{Domain, StoreError};

/// Where an error happened.
pub(super) struct Context<'a> {
    pub(super) domain: Domain,
    pub(super) statement: &'a str,
    pub(super) deadline: &'a Deadline,
}

impl Context<'_> {
    /// Anything that goes wrong before there is a connection.
    pub(super) fn connecting(&self, error: &postgres::Error) -> StoreError {
        StoreError::Unavailable { domain: self.domain, reason: told(error) }
    }

    pub(super) fn error(&self, error: &postgres::Error) -> StoreError {
        let domain = self.domain;
        let reason = told(error);
        let Some(state) = error.code() else {
            // No SQLSTATE: the connection broke, unless it was our own parameters that did not fit.
            return if error.is_closed() || is_io(error) {
                StoreError::Unavailable { domain, reason }
            } else {
                self.sql(reason)
            };
        };
        match *state {
            SqlState::QUERY_CANCELED => self.deadline.error(domain),
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE => StoreError::Busy { domain },
            SqlState::DISK_FULL => StoreError::DiskFull { domain },
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
                StoreError::Corrupt { domain, reason }
            }
            SqlState::READ_ONLY_SQL_TRANSACTION => self.sql(reason),
            _ => match state.code().get(..2) {
                Some("23") => StoreError::Constraint { reason },
                // Connection, resources, operator intervention, system: another time, another answer.
                Some("08" | "53" | "57" | "58") => StoreError::Unavailable { domain, reason },
                _ => self.sql(reason),
            },
        }
    }

    fn sql(&self, reason: String) -> StoreError {
        StoreError::Sql { reason, statement: self.statement.to_owned() }
    }
}

fn is_io(error: &postgres::Error) -> bool {
    error.source().is_some_and(|source| source.is::<std::io::Error>())
}

/// The message with its cause: the client's own messages name only the kind.
fn told(error: &postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
