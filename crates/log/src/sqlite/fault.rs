//! What SQLite's failures mean for the log: the only file that reads its error codes.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::LogError;

/// The situation behind a failure of SQLite.
pub(super) fn fault(path: &Path, error: &rusqlite::Error) -> LogError {
    let path = path.to_owned();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LogError::DiskFull { place: path.display().to_string() },
        Some(ErrorCode::NotADatabase) => {
            LogError::Foreign { path, detail: "not an SQLite file".into() }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation) => {
            LogError::Corrupt { path, detail }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LogError::InUse { path },
        // A table or column that is missing, or holds another type.
        Some(ErrorCode::Unknown) | None => LogError::Corrupt { path, detail },
        Some(_) => LogError::Io { path, detail },
    }
}
