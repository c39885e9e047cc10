//! A configuration type's shape, read from its JSON schema: sections, settings, their types and
//! doc comments. Everything else in this module walks this tree.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::secret;

/// Settings and sections under one heading.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub(super) doc: String,
    pub(super) fields: BTreeMap<String, Field>,
}

/// One setting or section.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) doc: String,
    pub(super) kind: Kind,
    /// The value of `Default`, in the type that holds the field.
    pub(super) default: Value,
}

/// What a setting may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Bool,
    Integer {
        min: Option<i128>,
        max: Option<i128>,
    },
    Number,
    Text,
    Secret,
    /// One of these words; each with its meaning.
    Choice(Vec<(String, String)>),
    List(Box<Kind>),
    /// Keys chosen by the operator.
    Map(Box<Kind>),
    Section(Section),
    /// A shape this module does not look into; the type itself judges it.
    Any,
}

impl Section {
    /// The shape of `T`.
    pub(super) fn of<T: JsonSchema>() -> Self {
        let schema = schemars::schema_for!(T).to_value();
        let definitions =
            schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
        match (Reader { definitions: &definitions }).kind(&schema) {
            Kind::Section(section) => section,
            other => panic!("invariant: a configuration is a struct, not {other:?}"),
        }
    }

    /// Every setting with its dotted key; settings before sections, each sorted by name.
    pub(super) fn settings(&self) -> Vec<(String, &Field)> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }

    fn collect<'a>(&'a self, prefix: &str, found: &mut Vec<(String, &'a Field)>) {
        for (name, field) in &self.fields {
            if !matches!(field.kind, Kind::Section(_)) {
                found.push((join(prefix, name), field));
            }
        }
        for (name, field) in &self.fields {
            if let Kind::Section(section) = &field.kind {
                section.collect(&join(prefix, name), found);
            }
        }
    }
}

/// `prefix.name`.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

impl Kind {
    /// The type as people read it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Integer { min, max } => describe_integer(*min, *max),
            Self::Number => "a number".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Secret => "a secret".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> =
                    words.iter().map(|(word, _)| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::List(item) => match item.as_ref() {
                Self::Text => "a list of texts".to_owned(),
                Self::Section(_) => "a list of tables".to_owned(),
                item => format!("a list, each {}", item.describe()),
            },
            Self::Map(_) => "a table with names of your own".to_owned(),
            Self::Section(_) => "a section".to_owned(),
            Self::Any => "a value".to_owned(),
        }
    }
}

fn describe_integer(min: Option<i128>, max: Option<i128>) -> String {
    // The bounds of the Rust types say nothing to an operator, apart from small ones.
    let max = max.filter(|max| *max <= i128::from(u16::MAX));
    match (min, max) {
        (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
        (Some(min), None) if min >= 0 => format!("a whole number from {min}"),
        _ => "a whole number".to_owned(),
    }
}

struct Reader<'a> {
    definitions: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn kind(&self, schema: &Value) -> Kind {
        let schema = self.resolved(schema);
        if schema.get("format").and_then(Value::as_str) == Some(secret::FORMAT) {
            return Kind::Secret;
        }
        if let Some(words) = choice(schema) {
            return Kind::Choice(words);
        }
        match type_of(schema) {
            Some("boolean") => Kind::Bool,
            Some("integer") => integer(schema),
            Some("number") => Kind::Number,
            Some("string") => Kind::Text,
            Some("array") => {
                let item = schema.get("items").map_or(Kind::Any, |items| self.kind(items));
                Kind::List(Box::new(item))
            }
            Some("object") => self.object(schema),
            _ => Kind::Any,
        }
    }

    /// Follows references and leaves `null` aside: an optional setting has the type it may have.
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.trim_start_matches("#/$defs/");
            return self.definitions.get(name).map_or(&Value::Null, |found| self.resolved(found));
        }
        let arms = schema.get("anyOf").and_then(Value::as_array);
        let mut present = arms.into_iter().flatten().filter(|arm| type_of(arm) != Some("null"));
        match (present.next(), present.next()) {
            (Some(only), None) => self.resolved(only),
            _ => schema,
        }
    }

    fn object(&self, schema: &Value) -> Kind {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            let inner = schema.get("additionalProperties").filter(|inner| inner.is_object());
            return inner.map_or(Kind::Any, |inner| Kind::Map(Box::new(self.kind(inner))));
        };
        let fields = properties.iter().map(|(name, property)| {
            let own = doc(property);
            let field = Field {
                doc: if own.is_empty() { doc(self.resolved(property)) } else { own },
                kind: self.kind(property),
                default: property.get("default").cloned().unwrap_or(Value::Null),
            };
            (name.clone(), field)
        });
        Kind::Section(Section { doc: doc(schema), fields: fields.collect() })
    }
}

fn doc(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

/// The schema's type; of an optional one, the type it may have.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    }
}

fn integer(schema: &Value) -> Kind {
    let bound = |name: &str| {
        let value = schema.get(name)?;
        value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
    };
    Kind::Integer { min: bound("minimum"), max: bound("maximum") }
}

/// The words of an enumeration without contents.
fn choice(schema: &Value) -> Option<Vec<(String, String)>> {
    let word = |value: &Value| Some(value.as_str()?.to_owned());
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words = words.iter().filter(|value| !value.is_null());
        return words.map(|value| Some((word(value)?, String::new()))).collect();
    }
    let arms = schema.get("oneOf")?.as_array()?;
    let mut words = Vec::new();
    for arm in arms {
        match (arm.get("const"), arm.get("enum").and_then(Value::as_array)) {
            (Some(value), _) => words.push((word(value)?, doc(arm))),
            (None, Some(values)) => {
                for value in values {
                    words.push((word(value)?, doc(arm)));
                }
            }
            (None, None) => return None,
        }
    }
    Some(words)
}
