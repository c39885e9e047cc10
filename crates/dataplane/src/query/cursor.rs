//! Keyset cursors: a time and a key, so that equal times lose nothing between two pages. Rows of the
//! network have integers for keys, rows that are owned have names.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Row, StoreError, Tx};

use crate::error::DataplaneError;

/// The position after which the next page begins, newest first: a time, the record key and the
/// actor (with the collection, where a page holds several), which together name one row. The
/// text is opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeKey {
    pub time_us: i64,
    pub key: i64,
    pub actor: i64,
}

impl TimeKey {
    /// Before every row.
    pub(crate) const START: Self = Self { time_us: i64::MAX, key: i64::MAX, actor: i64::MAX };

    /// The position of a row.
    pub(crate) fn of((time_us, key, actor): (i64, i64, i64)) -> Self {
        Self { time_us, key, actor }
    }

    /// The text handed to the caller.
    pub(crate) fn pack(self) -> String {
        format!("{}::{}::{}", self.time_us, self.key, self.actor)
    }

    /// Reads a cursor of ours; no cursor means the first page.
    pub(crate) fn parse(cursor: Option<&str>) -> Result<Self, DataplaneError> {
        let Some(cursor) = cursor else { return Ok(Self::START) };
        let parts: Vec<i64> = cursor.split("::").map_while(|part| part.parse().ok()).collect();
        match parts[..] {
            [time_us, key, actor] if cursor.matches("::").count() == 2 => {
                Ok(Self { time_us, key, actor })
            }
            _ => {
                Err(DataplaneError::InvalidRequest(format!("malformed cursor: {}", shown(cursor))))
            }
        }
    }

    /// As [`next`], by this kind of position.
    pub(crate) fn next<R>(
        rows: &mut Vec<R>,
        limit: i64,
        position: impl Fn(&R) -> (i64, i64, i64),
    ) -> Option<String> {
        next(rows, limit, |row| Self::of(position(row)).pack())
    }
}

/// The position after which the next page of an account's own rows begins, newest first: a time,
/// and the name of what the row is about. The text is opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeName {
    pub time_us: i64,
    pub name: String,
}

impl TimeName {
    /// Reads a cursor of ours; no cursor means the first page.
    pub(crate) fn parse(cursor: Option<&str>) -> Result<Self, DataplaneError> {
        let Some(cursor) = cursor else {
            return Ok(Self { time_us: i64::MAX, name: String::new() });
        };
        let parts = cursor.split_once("::").filter(|(_, name)| !name.contains('\0'));
        let read = parts.and_then(|(time, name)| {
            Some(Self { time_us: time.parse().ok()?, name: name.to_owned() })
        });
        read.ok_or_else(|| {
            DataplaneError::InvalidRequest(format!("malformed cursor: {}", shown(cursor)))
        })
    }

    /// Up to `limit + 1` rows of `actor` after this position, by a statement that takes the account, the two
    /// parts of the position and the limit as `$1` to `$4`.
    pub(crate) fn rows<R>(
        &self,
        tx: &mut Tx,
        sql: &str,
        actor: &Did,
        limit: i64,
        read: impl FnMut(&Row<'_>) -> Result<R, StoreError>,
    ) -> Result<Vec<R>, StoreError> {
        let (time, name) = (Param::Int(self.time_us), Param::Text(&self.name));
        tx.query(sql, &[actor.into(), time, name, Param::Int(limit + 1)], read)
    }

    /// As [`next`], by this kind of position.
    pub(crate) fn next<R>(
        rows: &mut Vec<R>,
        limit: i64,
        position: impl Fn(&R) -> (i64, String),
    ) -> Option<String> {
        next(rows, limit, |row| {
            let (time_us, name) = position(row);
            format!("{time_us}::{name}")
        })
    }
}

/// Cuts `limit + 1` rows to a page; the extra row proves that there is a next one, which begins behind the
/// last that is left.
pub(crate) fn next<R>(
    rows: &mut Vec<R>,
    limit: i64,
    pack: impl FnOnce(&R) -> String,
) -> Option<String> {
    if rows.len() as i64 <= limit {
        return None;
    }
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    rows.last().map(pack)
}

/// As much of a foreign text as an error message should repeat.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn packs_what_it_parses() {
        for key in [
            TimeKey { time_us: 0, key: -7, actor: 3 },
            TimeKey { time_us: i64::MAX, key: i64::MIN, actor: 0 },
        ] {
            assert_eq!(TimeKey::parse(Some(&key.pack())).unwrap(), key);
        }
        assert_eq!(TimeKey::parse(None).unwrap(), TimeKey::START);
    }

    #[test]
    fn refuses_what_is_not_ours() {
        let foreign = [
            "",
            "::",
            "1",
            "1::",
            "1::2",
            "::1",
            "a::b::c",
            "1::2::3::4",
            "99999999999999999999::1::1",
            "\0",
            "1::2::3::",
        ];
        for text in foreign {
            assert!(TimeKey::parse(Some(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_were_written() {
        let name = "did:web:a::b/c";
        let mut rows = vec![2, 1];
        let cursor = TimeName::next(&mut rows, 1, |row| (*row, name.to_owned())).unwrap();
        let key = TimeName::parse(Some(&cursor)).unwrap();
        assert_eq!(key, TimeName { time_us: 2, name: name.to_owned() });
        for foreign in ["", "x", "x::y", "1", "1::\0", "99999999999999999999::x"] {
            assert!(TimeName::parse(Some(foreign)).is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn a_full_page_without_a_further_row_has_no_cursor() {
        let mut rows = vec![3, 2, 1];
        assert_eq!(TimeKey::next(&mut rows, 3, |row| (*row, 0, 0)), None);
        assert_eq!(TimeKey::next(&mut rows, 2, |row| (*row, 0, 0)), Some("2::0::0".to_owned()));
        assert_eq!(rows, [3, 2]);
    }
}
