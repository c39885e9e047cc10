//! Parameters and columns in PostgreSQL's binary formats.
//!
//! A statement is prepared with the types its first parameters have (NULL leaves the choice to the
//! server), so that `$1` means the same as on SQLite wherever it stands.

use std::error::Error;

use bytes::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::value::{Cell, Param, ParamType, storable};

/// The type a parameter is declared with.
pub(super) fn type_of(param: &Param<'_>) -> Type {
    let known = match param {
        Param::Null => return Type::UNKNOWN,
        Param::NullOf(known) => *known,
        Param::Int(_) | Param::Bool(_) => ParamType::BigInt,
        Param::Real(_) => ParamType::Double,
        Param::Text(_) => ParamType::Text,
        Param::Blob(_) => ParamType::Blob,
        Param::Ids(_) => ParamType::BigInts,
        Param::Texts(_) => ParamType::Texts,
    };
    match known {
        ParamType::BigInt => Type::INT8,
        ParamType::Double => Type::FLOAT8,
        ParamType::Text => Type::TEXT,
        ParamType::Blob => Type::BYTEA,
        ParamType::BigInts => Type::INT8_ARRAY,
        ParamType::Texts => Type::TEXT_ARRAY,
    }
}

/// Whether these parameters can be sent to a statement prepared for `types`.
pub(super) fn fits(params: &[Param<'_>], types: &[Type]) -> bool {
    params.len() == types.len()
        && params
            .iter()
            .zip(types)
            .all(|(param, ty)| matches!(param, Param::Null) || type_of(param) == *ty)
}

/// A parameter on its way to the server.
#[derive(Debug)]
pub(super) struct Bound<'a, 'p>(pub(super) &'a Param<'p>);

impl ToSql for Bound<'_, '_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self.0 {
            Param::Null | Param::NullOf(_) => Ok(IsNull::Yes),
            Param::Int(value) => value.to_sql(ty, out),
            Param::Bool(value) => i64::from(value).to_sql(ty, out),
            Param::Real(value) => value.to_sql(ty, out),
            Param::Text(text) => storable(text).to_sql(ty, out),
            Param::Blob(bytes) => bytes.to_sql(ty, out),
            Param::Ids(ids) => ids.to_sql(ty, out),
            Param::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| storable(text)).collect();
                texts.to_sql(ty, out)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        // Statements are prepared for their parameters' types; see `fits`.
        true
    }

    to_sql_checked!();
}

/// What a column of a row holds.
pub(crate) fn cell(row: &postgres::Row, column: usize) -> Cell<'_> {
    row.try_get::<_, Wire<'_>>(column).map_or(Cell::Other("no such column"), |wire| wire.0)
}

/// A column as it came over the wire.
struct Wire<'a>(Cell<'a>);

impl<'a> FromSql<'a> for Wire<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Wire(match *ty {
            Type::INT8 => Cell::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Cell::Int(i64::from(i32::from_sql(ty, raw)?)),
            Type::INT2 => Cell::Int(i64::from(i16::from_sql(ty, raw)?)),
            Type::BOOL => Cell::Int(i64::from(bool::from_sql(ty, raw)?)),
            Type::FLOAT8 => Cell::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => Cell::Real(f64::from(f32::from_sql(ty, raw)?)),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => {
                Cell::Text(<&str>::from_sql(ty, raw)?)
            }
            Type::BYTEA => Cell::Blob(raw),
            Type::NUMERIC => Cell::Other("a NUMERIC; CAST it AS BIGINT"),
            _ => Cell::Other("a type outside the portable list"),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Wire(Cell::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
