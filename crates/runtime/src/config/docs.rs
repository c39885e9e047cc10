//! Documents made from the configuration type itself, so that they cannot go stale: the example
//! file, the example environment and the reference page.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::env::variable_of;
use super::schema::{Field, Kind, Section, join};

/// A complete TOML file: every setting with its meaning and its default, commented out. Loading it
/// unchanged, or with every comment sign before a setting removed, gives the defaults.
pub fn example<T: Serialize + Default + JsonSchema>() -> String {
    let section = Section::of::<T>();
    let mut lines = comment(&section.doc);
    example_section(&mut lines, "", &section, &defaults::<T>(), "");
    finished(lines)
}

/// A complete `.env` file, commented out, the aliases first.
pub fn env_example<T: Serialize + Default + JsonSchema>(aliases: &[(&str, &str)]) -> String {
    let section = Section::of::<T>();
    let defaults = defaults::<T>();
    let mut lines = Vec::new();
    for (alias, key) in aliases {
        lines.push(format!("# the same as {}", variable_of(key)));
        lines.push(format!("#{alias}={}", env_value(at(&defaults, key))));
    }
    for (key, field) in section.settings() {
        lines.push(String::new());
        lines.extend(comment(first_sentence(&field.doc)));
        lines.push(format!("#{}={}", variable_of(&key), env_value(at(&defaults, &key))));
    }
    finished(lines)
}

/// The reference page: one table for each section.
pub fn reference<T: Serialize + Default + JsonSchema>(aliases: &[(&str, &str)]) -> String {
    let section = Section::of::<T>();
    let mut lines = Vec::new();
    reference_section(&mut lines, "", &section, &defaults::<T>(), aliases);
    finished(lines)
}

fn finished(lines: Vec<String>) -> String {
    let mut text = lines.join("\n").trim().to_owned();
    text.push('\n');
    text
}

fn defaults<T: Serialize + Default>() -> Value {
    serde_json::to_value(T::default()).expect("invariant: a configuration serialises")
}

/// The value at a dotted key; null where there is none.
fn at<'a>(values: &'a Value, key: &str) -> &'a Value {
    key.split('.').fold(values, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn comment(doc: &str) -> Vec<String> {
    doc.lines().map(|line| format!("# {line}").trim_end().to_owned()).collect()
}

/// `off` is `#` where the section itself is absent by default.
fn example_section(
    lines: &mut Vec<String>,
    prefix: &str,
    section: &Section,
    values: &Value,
    off: &str,
) {
    for (name, field) in &section.fields {
        if !matches!(field.kind, Kind::Section(_)) && !is_tables(&field.kind) {
            lines.push(String::new());
            lines.extend(example_setting(name, field, values.get(name).unwrap_or(&field.default)));
        }
    }
    for (name, field) in &section.fields {
        let key = join(prefix, name);
        match &field.kind {
            Kind::Section(inner) => {
                let present = values.get(name).filter(|value| value.is_object());
                let off = if present.is_some() { off } else { "#" };
                lines.push(String::new());
                lines.extend(comment(if field.doc.is_empty() { &inner.doc } else { &field.doc }));
                lines.push(format!("{off}[{key}]"));
                example_section(lines, &key, inner, present.unwrap_or(&Value::Null), off);
            }
            Kind::List(item) if is_tables(&field.kind) => {
                lines.push(String::new());
                lines.extend(comment(&field.doc));
                lines.push(format!("#[[{key}]]"));
                if let Kind::Section(inner) = item.as_ref() {
                    example_section(lines, &key, inner, &Value::Null, "#");
                }
            }
            _ => {}
        }
    }
}

fn is_tables(kind: &Kind) -> bool {
    matches!(kind, Kind::List(item) if matches!(item.as_ref(), Kind::Section(_)))
}

fn example_setting(name: &str, field: &Field, default: &Value) -> Vec<String> {
    let mut lines = comment(&field.doc);
    if let Kind::Choice(words) = &field.kind {
        for (word, meaning) in words {
            lines.push(format!("#   {word}: {meaning}").trim_end_matches([':', ' ']).to_owned());
        }
    }
    if field.kind == Kind::Secret {
        lines.push(format!("# Or `{name}_file`: the path of a file that holds it."));
    }
    let unset = if default.is_null() { "  # unset by default" } else { "" };
    lines.push(format!("#{name} = {}{unset}", toml_value(default, &field.kind)));
    lines
}

/// A value as TOML on one line; a value of the right type where there is none.
fn toml_value(value: &Value, kind: &Kind) -> String {
    match value {
        Value::Null => placeholder(kind),
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| toml_value(item, &Kind::Any)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                format!("{} = {}", Value::from(name.as_str()), toml_value(value, &Kind::Any))
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
        }
        // JSON's strings and numbers are TOML's too.
        value => value.to_string(),
    }
}

fn placeholder(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "false".to_owned(),
        Kind::Integer { min, .. } => min.unwrap_or(0).max(0).to_string(),
        Kind::Number => "0.0".to_owned(),
        Kind::Choice(words) => {
            let first = words.first().map(|(word, _)| word.as_str()).unwrap_or_default();
            Value::from(first).to_string()
        }
        Kind::List(_) => "[]".to_owned(),
        Kind::Map(_) | Kind::Section(_) => "{}".to_owned(),
        Kind::Text | Kind::Secret | Kind::Any => "\"\"".to_owned(),
    }
}

/// A value as an environment variable holds it.
fn env_value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(env_value).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

fn first_sentence(doc: &str) -> &str {
    doc.split("\n\n").next().unwrap_or_default()
}

fn reference_section(
    lines: &mut Vec<String>,
    prefix: &str,
    section: &Section,
    defaults: &Value,
    aliases: &[(&str, &str)],
) {
    let rows: Vec<String> = section
        .fields
        .iter()
        .filter(|(_, field)| !matches!(field.kind, Kind::Section(_)))
        .map(|(name, field)| reference_row(&join(prefix, name), field, defaults, aliases))
        .collect();
    if !prefix.is_empty() {
        lines.extend([format!("## `{prefix}`"), String::new()]);
        lines.extend([section.doc.clone(), String::new()]);
    }
    if !rows.is_empty() {
        lines.push("| setting | meaning | type | default | environment |".to_owned());
        lines.push("| --- | --- | --- | --- | --- |".to_owned());
        lines.extend(rows);
        lines.push(String::new());
    }
    for (name, field) in &section.fields {
        if let Kind::Section(inner) = &field.kind {
            reference_section(lines, &join(prefix, name), inner, defaults, aliases);
        }
    }
}

fn reference_row(key: &str, field: &Field, defaults: &Value, aliases: &[(&str, &str)]) -> String {
    let default = match at(defaults, key) {
        Value::Null => "unset".to_owned(),
        value => format!("`{}`", toml_value(value, &field.kind)),
    };
    let mut variables = vec![format!("`{}`", variable_of(key))];
    variables
        .extend(aliases.iter().filter(|(_, of)| *of == key).map(|(alias, _)| format!("`{alias}`")));
    let cells = [
        format!("`{key}`"),
        field.doc.replace("\n\n", "<br>").replace('\n', " "),
        field.kind.describe(),
        default,
        variables.join(", "),
    ];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}
