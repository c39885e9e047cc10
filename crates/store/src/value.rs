//! What goes into a statement ([`Param`]) and what comes out of it ([`Row`], [`FromColumn`]).
//!
//! Both engines agree on every value: whole numbers are 64-bit, booleans are the numbers 0 and 1,
//! and NUL characters are stripped from text (PostgreSQL cannot keep them, and one of them must not
//! abort a batch).

use std::borrow::Cow;

use millrace_atproto::{Did, RecordKey};

use millrace_atproto::syntax::{Checked, Grammar};

use crate::engine::EngineRow;
use crate::{ActorId, RkeyId, StoreError};

/// One parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Param<'a> {
    /// SQL NULL of the type the statement wants. Where only the value tells the type
    /// (`$1 IS NULL OR a = $1`), pass an `Option`, which makes a [`Param::NullOf`].
    Null,
    /// SQL NULL of a type: what an `Option` becomes when it is `None`.
    NullOf(ParamType),
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// BIGINT 0 or 1.
    Bool(bool),
    /// TEXT; NUL characters are stripped.
    Text(&'a str),
    /// `{blob}`.
    Blob(&'a [u8]),
    /// The list of an `{id_list:$N}`.
    Ids(&'a [i64]),
    /// The list of a `{text_list:$N}`; NUL characters are stripped.
    Texts(&'a [String]),
}

/// The type a parameter has in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    BigInt,
    Double,
    Text,
    Blob,
    BigInts,
    Texts,
}

/// A Rust type whose values are parameters of one SQL type, so that its `None` has that type too.
pub trait TypedParam {
    const TYPE: ParamType;
}

/// Text as it may be stored: borrowed unless a NUL has to go.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

macro_rules! param_from {
    ($($from:ty: $kind:ident => |$value:ident| $param:expr;)+) => {$(
        impl<'a> From<$from> for Param<'a> {
            fn from($value: $from) -> Self {
                $param
            }
        }

        impl<'a> TypedParam for $from {
            const TYPE: ParamType = ParamType::$kind;
        }
    )+};
}

param_from! {
    i64: BigInt => |v| Param::Int(v);
    i32: BigInt => |v| Param::Int(i64::from(v));
    u32: BigInt => |v| Param::Int(i64::from(v));
    bool: BigInt => |v| Param::Bool(v);
    f64: Double => |v| Param::Real(v);
    &'a str: Text => |v| Param::Text(v);
    &'a String: Text => |v| Param::Text(v);
    &'a [u8]: Blob => |v| Param::Blob(v);
    &'a Vec<u8>: Blob => |v| Param::Blob(v);
    &'a [i64]: BigInts => |v| Param::Ids(v);
    &'a Vec<i64>: BigInts => |v| Param::Ids(v);
    &'a [String]: Texts => |v| Param::Texts(v);
    &'a Vec<String>: Texts => |v| Param::Texts(v);
    ActorId: BigInt => |v| Param::Int(v.0);
    RkeyId: BigInt => |v| Param::Int(v.0);
    &'a Did: Text => |v| Param::Text(v.as_str());
    &'a RecordKey: Text => |v| Param::Text(v.as_str());
}

impl<'a, T: Into<Param<'a>> + TypedParam> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::NullOf(T::TYPE), Into::into)
    }
}

/// One value of a row, as the engine holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// A type the portable list does not have; the name says which.
    Other(&'static str),
}

impl Cell<'_> {
    fn kind(self) -> &'static str {
        match self {
            Cell::Null => "NULL",
            Cell::Int(_) => "a whole number",
            Cell::Real(_) => "a real number",
            Cell::Text(_) => "text",
            Cell::Blob(_) => "bytes",
            Cell::Other(name) => name,
        }
    }
}

/// One row of an answer; lives as long as the closure it is given to.
pub struct Row<'a>(pub(crate) EngineRow<'a>);

impl Row<'_> {
    /// Column `column`, counted from 0.
    pub fn get<T: FromColumn>(&self, column: usize) -> Result<T, StoreError> {
        let cell = self.0.cell(column);
        T::from_cell(cell).ok_or(StoreError::Column {
            column,
            wanted: T::WANTED,
            found: cell.kind(),
        })
    }

    /// The text in `column`, without a copy.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.cell(column) {
            Cell::Text(text) => Ok(text),
            other => Err(StoreError::Column { column, wanted: "text", found: other.kind() }),
        }
    }

    /// The bytes in `column`, without a copy.
    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.cell(column) {
            Cell::Blob(bytes) => Ok(bytes),
            other => Err(StoreError::Column { column, wanted: "bytes", found: other.kind() }),
        }
    }
}

/// A Rust type that a column can be read as.
pub trait FromColumn: Sized {
    /// What the type is called in an error.
    const WANTED: &'static str;
    /// The value, if the cell holds one of this type.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl FromColumn for i64 {
    const WANTED: &'static str = "a whole number";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }
}

impl FromColumn for u32 {
    const WANTED: &'static str = "a whole number from 0 to 4294967295";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|value| u32::try_from(value).ok())
    }
}

impl FromColumn for f64 {
    const WANTED: &'static str = "a real number";
    #[expect(clippy::cast_precision_loss, reason = "asked for as a real number")]
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Real(value) => Some(value),
            Cell::Int(value) => Some(value as f64),
            _ => None,
        }
    }
}

impl FromColumn for bool {
    const WANTED: &'static str = "0 or 1";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value != 0),
            _ => None,
        }
    }
}

impl FromColumn for String {
    const WANTED: &'static str = "text";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl FromColumn for Vec<u8> {
    const WANTED: &'static str = "bytes";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

/// DIDs, record keys and whatever else is checked text.
impl<G: Grammar> FromColumn for Checked<G> {
    const WANTED: &'static str = G::FORMAT;
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text).ok(),
            _ => None,
        }
    }
}

impl FromColumn for ActorId {
    const WANTED: &'static str = "an actor id";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(ActorId)
    }
}

impl FromColumn for RkeyId {
    const WANTED: &'static str = "a record key id";
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(RkeyId)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    const WANTED: &'static str = T::WANTED;
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            other => T::from_cell(other).map(Some),
        }
    }
}
