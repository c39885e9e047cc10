//! Text to values: what an environment variable or a flag says, read as the setting's type; and
//! the check that a value from a file has that type.

use serde_json::{Number, Value};

use super::ENV_PREFIX;
use super::schema::Kind;

/// The dotted key of `MILLRACE_A__B`, or `None` for a variable of somebody else.
pub(super) fn key_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(ENV_PREFIX)?;
    Some(name.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>().join("."))
}

/// The variable that sets a dotted key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Reads `text` as a setting's type. The error says what was expected.
pub(super) fn parse(kind: &Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Bool => parse_bool(text),
        Kind::Integer { .. } => {
            let digits = text.replace('_', "");
            let number = digits.parse::<i64>().map(Value::from);
            let number = number.or_else(|_| digits.parse::<u64>().map(Value::from));
            check(kind, number.map_err(|_| expected(kind, text))?)
        }
        Kind::Number => {
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            number.map(Value::Number).ok_or_else(|| expected(kind, text))
        }
        Kind::Text | Kind::Choice(_) => check(kind, Value::from(text)),
        Kind::Secret => Ok(Value::from(text)),
        Kind::List(item) if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|text| parse(item, text)).collect::<Result<_, _>>()?))
        }
        Kind::List(_) | Kind::Map(_) | Kind::Any => {
            let value = serde_json::from_str(text);
            check(
                kind,
                value.map_err(|error| format!("expected {} as JSON: {error}", kind.describe()))?,
            )
        }
        Kind::Section(_) => Err("is a section; set the settings in it one by one".to_owned()),
    }
}

fn parse_bool(text: &str) -> Result<Value, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Value::Bool(true)),
        "0" | "false" | "no" | "off" => Ok(Value::Bool(false)),
        _ => Err(expected(&Kind::Bool, text)),
    }
}

/// `value`, if it has the setting's type. What is inside tables is left to the type itself.
pub(super) fn check(kind: &Kind, value: Value) -> Result<Value, String> {
    let fits = match kind {
        Kind::Bool => value.is_boolean(),
        Kind::Number => value.is_number(),
        Kind::Text => value.is_string(),
        Kind::Secret if !value.is_string() => return Err("expected a secret as text".to_owned()),
        Kind::Secret | Kind::Any => true,
        Kind::Integer { min, max } => match as_integer(&value) {
            Some(number) => {
                min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
            }
            None => false,
        },
        Kind::Choice(words) => {
            let word = value.as_str().unwrap_or_default();
            words.iter().any(|(known, _)| known == word)
        }
        Kind::List(item) => match value {
            Value::Array(items) => {
                let items = items.into_iter().map(|value| check(item, value));
                return Ok(Value::Array(items.collect::<Result<_, _>>()?));
            }
            _ => false,
        },
        Kind::Map(_) | Kind::Section(_) => value.is_object(),
    };
    if fits { Ok(value) } else { Err(expected(kind, &shown(&value))) }
}

fn as_integer(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Characters of a wrong value that an error repeats.
const SHOWN_CHARS_MAX: usize = 60;

fn expected(kind: &Kind, found: &str) -> String {
    let found: String = found.chars().take(SHOWN_CHARS_MAX).collect();
    format!("expected {}, found `{found}`", kind.describe())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PORT: Kind = Kind::Integer { min: Some(0), max: Some(65_535) };

    #[test]
    fn variables_name_settings() {
        assert_eq!(key_of("MILLRACE_STORE__DATA_DIR").as_deref(), Some("store.data_dir"));
        assert_eq!(key_of("PATH"), None);
        assert_eq!(variable_of("store.data_dir"), "MILLRACE_STORE__DATA_DIR");
    }

    #[test]
    fn texts_are_read_as_the_settings_type() {
        let check = |kind: &Kind, text: &str, expected: Value| {
            assert_eq!(parse(kind, text), Ok(expected), "{text}");
        };
        check(&Kind::Bool, "Yes", json!(true));
        check(&Kind::Bool, "0", json!(false));
        check(&PORT, "5_000", json!(5000));
        check(&Kind::Number, "0.5", json!(0.5));
        check(&Kind::Text, "42", json!("42"));
        check(&Kind::List(Box::new(Kind::Text)), "a, b,", json!(["a", "b"]));
        check(&Kind::List(Box::new(PORT)), "[1, 2]", json!([1, 2]));
        check(&Kind::Map(Box::new(Kind::Text)), r#"{"a":"b"}"#, json!({ "a": "b" }));
    }

    #[test]
    fn wrong_texts_say_what_was_expected() {
        let check = |kind: &Kind, text: &str, expected: &str| {
            assert_eq!(parse(kind, text), Err(expected.to_owned()), "{text}");
        };
        check(&Kind::Bool, "maybe", "expected true or false, found `maybe`");
        check(&PORT, "70000", "expected a whole number from 0 to 65535, found `70000`");
        check(&PORT, "5s", "expected a whole number from 0 to 65535, found `5s`");
        check(&Kind::Number, "NaN", "expected a number, found `NaN`");
        let words = Kind::Choice(vec![
            ("sqlite".into(), String::new()),
            ("postgres".into(), String::new()),
        ]);
        check(&words, "mysql", "expected one of `sqlite`, `postgres`, found `mysql`");
    }
}
