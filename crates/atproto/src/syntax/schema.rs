//! The types as JSON Schema: strings, with the format's name as lexicons spell it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{AtIdentifier, AtUri, Checked, Grammar, Tid};
use crate::cid::Cid;

fn text(format: &str) -> Schema {
    json_schema!({ "type": "string", "format": format })
}

impl<G: Grammar> JsonSchema for Checked<G> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        G::FORMAT.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text(G::FORMAT)
    }
}

/// A type that is written as text of one format.
macro_rules! text_of_format {
    ($($kind:ty: $format:literal),+ $(,)?) => {
        $(impl JsonSchema for $kind {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $format.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                text($format)
            }
        })+
    };
}

text_of_format!(AtIdentifier: "at-identifier", AtUri: "at-uri", Tid: "tid", Cid: "cid");

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::syntax::Did;

    #[test]
    fn types_are_strings_with_their_format() {
        let mut schemas = SchemaGenerator::default();
        for (schema, format) in [
            (schemas.subschema_for::<Did>(), "did"),
            (schemas.subschema_for::<AtIdentifier>(), "at-identifier"),
            (schemas.subschema_for::<AtUri>(), "at-uri"),
            (schemas.subschema_for::<Tid>(), "tid"),
            (schemas.subschema_for::<Cid>(), "cid"),
        ] {
            assert_eq!(*schema.as_value(), json!({ "type": "string", "format": format }));
        }
        assert!(schemas.definitions().is_empty());
    }
}
