//! The configuration in force: every setting, its value and where it came from. Secrets are
//! masked, and so are passwords inside URLs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::schema::Section;
use super::secret::MASK;
use super::{Loaded, Origin};

/// One line for each setting: `key = value  # origin`.
pub fn show<T: Serialize + JsonSchema>(loaded: &Loaded<T>) -> String {
    let mut text = String::new();
    for (key, value, origin) in settings(loaded) {
        text.push_str(&format!("{key} = {value}  # {origin}\n"));
    }
    text
}

/// A list of `{key, value, origin}`.
pub fn show_json<T: Serialize + JsonSchema>(loaded: &Loaded<T>) -> Value {
    let setting = |(key, value, origin): (String, Value, Origin)| json!({ "key": key, "value": value, "origin": origin.to_string() });
    Value::Array(settings(loaded).into_iter().map(setting).collect())
}

fn settings<T: Serialize + JsonSchema>(loaded: &Loaded<T>) -> Vec<(String, Value, Origin)> {
    let values =
        serde_json::to_value(&loaded.value).expect("invariant: a configuration serialises");
    let section = Section::of::<T>();
    let setting = |(key, _): (String, _)| {
        let found = key.split('.').try_fold(&values, |value, name| value.get(name));
        let value = masked(found.unwrap_or(&Value::Null));
        let origin = origin_within(loaded, &key);
        (key, value, origin)
    };
    section.settings().into_iter().map(setting).collect()
}

/// The setting's origin; for a table with names of the operator's own, that of any of them.
fn origin_within<T>(loaded: &Loaded<T>, key: &str) -> Origin {
    let inside = format!("{key}.");
    let found = loaded.origins.iter().find(|(set, _)| *set == key || set.starts_with(&inside));
    found.map_or(Origin::Default, |(_, origin)| origin.clone())
}

fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask_url(text)),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), masked(value))).collect()
        }
        value => value.clone(),
    }
}

/// `scheme://user:password@host` without the password.
fn mask_url(text: &str) -> String {
    let masked = || {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (credentials, _) = authority.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:{MASK}{}", rest.get(credentials.len()..)?))
    };
    masked().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_masked() {
        let check = |text: &str, expected: &str| assert_eq!(mask_url(text), expected);
        check("postgres://me:secret@db/x", "postgres://me:***@db/x");
        check("postgres://me:p@ss@db:5432", "postgres://me:***@db:5432");
        check("postgres://me@db/x", "postgres://me@db/x");
        check("https://host/a:b@c", "https://host/a:b@c");
        check("plain text", "plain text");
    }
}
