//! SQLite's result codes in the store's words.

use rusqlite::ErrorCode;

use super::deadline::Deadline;
use crate::{Domain, StoreError};

/// Where an error happened.
pub(super) struct Context<'a> {
    pub(super) domain: Domain,
    pub(super) statement: &'a str,
    pub(super) deadline: Option<&'a Deadline>,
}

impl Context<'_> {
    pub(super) fn error(&self, error: rusqlite::Error) -> StoreError {
        let domain = self.domain;
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy { domain }
            }
            Some(ErrorCode::DiskFull) => StoreError::DiskFull { domain },
            Some(ErrorCode::OperationInterrupted) => self
                .deadline
                .map_or(StoreError::Timeout { domain, limit_ms: 0 }, |it| it.error(domain)),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt { domain, reason }
            }
            Some(ErrorCode::ConstraintViolation) => StoreError::Constraint { reason },
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied,
            ) => StoreError::Unavailable { domain, reason },
            _ => StoreError::Sql { reason, statement: self.statement.to_owned() },
        }
    }
}
