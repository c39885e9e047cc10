//! A TOML file as assignments: dotted path, value, line.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::{FILE_BYTES_MAX, Origin, Problem};

/// A value as written in a file, with its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Written {
    Table(Vec<(String, Origin, Written)>),
    Value(Value),
}

/// Reads a file of settings.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Origin, Written)>, Problem> {
    parse(path, &read_text(path)?)
}

/// Reads a secret from its file; one line break at the end is not part of it.
pub(super) fn read_secret(path: &Path) -> Result<String, Problem> {
    let mut text = read_text(path)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let problem = |reason: String| Problem::Read { path: path.to_owned(), reason };
    let file = fs::File::open(path).map_err(|error| problem(error.to_string()))?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| problem(error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(problem(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| problem("not UTF-8".to_owned()))
}

fn parse(path: &Path, text: &str) -> Result<Vec<(String, Origin, Written)>, Problem> {
    let walk = Walk { path: path.to_owned(), text };
    match DeTable::parse(text) {
        Ok(table) => walk.table(table.get_ref()),
        Err(error) => Err(Problem::Syntax {
            path: path.to_owned(),
            line: walk.line(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        }),
    }
}

struct Walk<'a> {
    path: PathBuf,
    text: &'a str,
}

impl Walk<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Vec<(String, Origin, Written)>, Problem> {
        let mut written = Vec::new();
        for (key, value) in table.iter() {
            let line = self.line(key.span().start);
            let origin = Origin::File { path: self.path.clone(), line };
            let value = match value.get_ref() {
                DeValue::Table(inner) => Written::Table(self.table(inner)?),
                value => Written::Value(self.value(value, line)?),
            };
            written.push((key.get_ref().to_string(), origin, value));
        }
        written.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
        Ok(written)
    }

    fn value(&self, value: &DeValue<'_>, line: usize) -> Result<Value, Problem> {
        let reason = |reason: String| Problem::Syntax { path: self.path.clone(), line, reason };
        Ok(match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Integer(digits) => {
                let number = i64::from_str_radix(digits.as_str(), digits.radix());
                Value::from(number.map_err(|_| reason(format!("number {digits} is too large")))?)
            }
            DeValue::Float(digits) => {
                let number = digits.as_str().parse().ok().and_then(Number::from_f64);
                Value::Number(number.ok_or_else(|| reason(format!("{digits} is not finite")))?)
            }
            DeValue::Array(items) => {
                let items = items.iter().map(|item| self.value(item.get_ref(), line));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => {
                let mut object = Map::new();
                for (key, value) in table.iter() {
                    object.insert(key.get_ref().to_string(), self.value(value.get_ref(), line)?);
                }
                Value::Object(object)
            }
        })
    }
}
