//! Layers to a value. Each layer becomes assignments that are checked one by one against the
//! type's shape, so that every problem is found and told with its origin; what the shape cannot
//! say, the type's own `Deserialize` judges at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::file::{self, Written};
use super::schema::{Kind, Section, join};
use super::{ConfigError, ENV_RESERVED, Loaded, Origin, Problem, Sources, env};
use crate::crash;

/// Loads a configuration from its layers.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn load<T>(sources: Sources<'_>) -> Result<Loaded<T>, ConfigError>
where
    T: Default + Serialize + DeserializeOwned + JsonSchema,
{
    let section = Section::of::<T>();
    let mut layers = Layers::over_defaults(&section, &T::default());
    for path in [&sources.file, &sources.overlay].into_iter().flatten() {
        layers.file(path);
    }
    layers.environment(&sources);
    layers.flags(&sources.flags);
    layers.finish()
}

struct Layers<'a> {
    section: &'a Section,
    values: Map<String, Value>,
    origins: BTreeMap<String, Origin>,
    /// Secrets set in the layer at hand, to find a secret given twice in it.
    secrets: BTreeMap<String, Origin>,
    problems: Vec<Problem>,
}

/// What a dotted key names.
enum Target<'a> {
    Setting {
        key: String,
        kind: &'a Kind,
    },
    /// `x_file` of the secret `x`.
    SecretFile {
        key: String,
    },
    Unknown,
}

impl<'a> Layers<'a> {
    /// Starts from the whole type's defaults, not from those of each section alone: a section of
    /// which one setting is given keeps the others as the whole type has them.
    fn over_defaults(section: &'a Section, defaults: &impl Serialize) -> Self {
        let mut values = match serde_json::to_value(defaults) {
            Ok(Value::Object(values)) => values,
            other => panic!("invariant: a configuration serialises to a table, not {other:?}"),
        };
        unmask(section, &mut values);
        Self {
            section,
            values,
            origins: BTreeMap::new(),
            secrets: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn file(&mut self, path: &Path) {
        self.secrets.clear();
        match file::read(path) {
            Ok(written) => self.table(self.section, "", written),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn table(
        &mut self,
        section: &'a Section,
        prefix: &str,
        written: Vec<(String, Origin, Written)>,
    ) {
        for (name, origin, value) in written {
            let key = join(prefix, &name);
            let kind = section.fields.get(&name).map(|field| &field.kind);
            match (kind, value) {
                (Some(Kind::Section(inner)), Written::Table(rows)) => self.table(inner, &key, rows),
                (Some(Kind::Section(_)), Written::Value(_)) => {
                    self.wrong(
                        &origin,
                        &key,
                        "is a section: write `[section]` and its settings".into(),
                    );
                }
                (Some(Kind::Map(item)), Written::Table(rows)) => self.own_names(item, &key, rows),
                (_, value) => self.written(&key, origin, value),
            }
        }
    }

    /// A table whose names the operator chose.
    fn own_names(&mut self, item: &'a Kind, prefix: &str, rows: Vec<(String, Origin, Written)>) {
        for (name, origin, value) in rows {
            let key = join(prefix, &name);
            self.checked(&key, &origin, item, plain(value));
        }
    }

    fn written(&mut self, key: &str, origin: Origin, value: Written) {
        match self.target(key) {
            Target::Setting { key, kind } => self.checked(&key, &origin, kind, plain(value)),
            Target::SecretFile { key } => match plain(value) {
                Value::String(path) => self.secret_file(&key, &origin, PathBuf::from(path)),
                _ => self.wrong(&origin, &format!("{key}_file"), "expected a path".into()),
            },
            Target::Unknown => self.unknown(key, origin),
        }
    }

    fn environment(&mut self, sources: &Sources<'_>) {
        self.secrets.clear();
        for (alias, key) in sources.aliases {
            for (variable, suffix) in
                [((*alias).to_owned(), ""), (format!("{alias}_FILE"), "_file")]
            {
                let found =
                    sources.env.iter().find(|(name, text)| *name == variable && !text.is_empty());
                let key = format!("{key}{suffix}");
                // A plain name with `_FILE` belongs to us only where the setting is a secret.
                let ours =
                    suffix.is_empty() || matches!(self.target(&key), Target::SecretFile { .. });
                if let (Some((_, text)), true) = (found, ours) {
                    self.text(&key, Origin::Env(variable), text);
                }
            }
        }
        self.secrets.clear();
        for (variable, text) in &sources.env {
            let is_setting = !ENV_RESERVED.contains(&variable.as_str()) && !crash::reads(variable);
            if text.is_empty() || !is_setting {
                continue;
            }
            if let Some(key) = env::key_of(variable) {
                self.text(&key, Origin::Env(variable.clone()), text);
            }
        }
    }

    fn flags(&mut self, flags: &[(String, String)]) {
        self.secrets.clear();
        for (key, text) in flags {
            self.text(key, Origin::Flag(key.clone()), text);
        }
    }

    /// A value given as text.
    fn text(&mut self, key: &str, origin: Origin, text: &str) {
        match self.target(key) {
            Target::Setting { key, kind } => match env::parse(kind, text) {
                Ok(value) => self.assign(&key, origin, value),
                Err(reason) => self.wrong(&origin, &key, reason),
            },
            Target::SecretFile { key } => self.secret_file(&key, &origin, PathBuf::from(text)),
            Target::Unknown => self.unknown(key, origin),
        }
    }

    fn secret_file(&mut self, key: &str, origin: &Origin, path: PathBuf) {
        match file::read_secret(&path) {
            Ok(secret) => {
                let origin = Origin::SecretFile { path, named_by: Box::new(origin.clone()) };
                self.assign(key, origin, Value::String(secret));
            }
            Err(Problem::Read { path, reason }) => {
                let reason = format!("cannot read {}: {reason}", path.display());
                self.wrong(origin, &format!("{key}_file"), reason);
            }
            Err(other) => self.problems.push(other),
        }
    }

    fn checked(&mut self, key: &str, origin: &Origin, kind: &Kind, value: Value) {
        match env::check(kind, value) {
            Ok(value) => self.assign(key, origin.clone(), value),
            Err(reason) => self.wrong(origin, key, reason),
        }
    }

    fn assign(&mut self, key: &str, origin: Origin, value: Value) {
        let target = self.target(key);
        if matches!(target, Target::Setting { kind, .. } if *kind == Kind::Secret)
            && let Some(other) = self.secrets.insert(key.to_owned(), origin.clone())
        {
            let key = key.to_owned();
            self.problems.push(Problem::Conflict { origin, other, key });
            return;
        }
        place(&mut self.values, key, value);
        self.origins.insert(key.to_owned(), origin);
    }

    fn wrong(&mut self, origin: &Origin, key: &str, reason: String) {
        self.problems.push(Problem::Value { origin: origin.clone(), key: key.to_owned(), reason });
    }

    fn unknown(&mut self, key: &str, origin: Origin) {
        let suggestion = suggest(self.section, key);
        let suggestion = match origin {
            Origin::Env(_) => suggestion.map(|key| env::variable_of(&key)),
            _ => suggestion,
        };
        self.problems.push(Problem::UnknownKey { origin, key: key.to_owned(), suggestion });
    }

    fn target(&self, key: &str) -> Target<'a> {
        let mut section = self.section;
        let mut rest = key;
        loop {
            let (name, deeper) = rest.split_once('.').map_or((rest, None), |(a, b)| (a, Some(b)));
            let kind = section.fields.get(name).map(|field| &field.kind);
            match (kind, deeper) {
                (Some(Kind::Section(inner)), Some(deeper)) => (section, rest) = (inner, deeper),
                (Some(Kind::Map(item)), Some(_)) => {
                    return Target::Setting { key: key.to_owned(), kind: item };
                }
                (Some(kind), None) => {
                    return Target::Setting { key: key.to_owned(), kind };
                }
                (None, None) => return secret_file_of(section, name, key),
                _ => return Target::Unknown,
            }
        }
    }

    fn finish<T: DeserializeOwned>(mut self) -> Result<Loaded<T>, ConfigError> {
        if self.problems.is_empty() {
            match serde_path_to_error::deserialize(Value::Object(self.values)) {
                Ok(value) => {
                    return Ok(Loaded { value, origins: self.origins });
                }
                Err(error) => {
                    let key = error.path().to_string();
                    let origin = nearest_origin(&self.origins, &key);
                    let reason = error.into_inner().to_string();
                    self.problems.push(Problem::Value { origin, key, reason });
                }
            }
        }
        Err(ConfigError { problems: self.problems })
    }
}

/// Takes secrets out of serialised defaults, where they are masked.
fn unmask(section: &Section, values: &mut Map<String, Value>) {
    for (name, field) in &section.fields {
        match (&field.kind, values.get_mut(name)) {
            (Kind::Secret, Some(_)) => {
                values.remove(name);
            }
            (Kind::Section(inner), Some(Value::Object(values))) => unmask(inner, values),
            _ => {}
        }
    }
}

fn secret_file_of<'a>(section: &Section, name: &str, key: &str) -> Target<'a> {
    let secret = name.strip_suffix("_file").and_then(|name| section.fields.get(name));
    match secret.map(|field| &field.kind) {
        Some(Kind::Secret) => {
            Target::SecretFile { key: key.strip_suffix("_file").unwrap_or(key).to_owned() }
        }
        _ => Target::Unknown,
    }
}

fn plain(written: Written) -> Value {
    match written {
        Written::Value(value) => value,
        Written::Table(rows) => {
            Value::Object(rows.into_iter().map(|(name, _, value)| (name, plain(value))).collect())
        }
    }
}

/// Puts `value` at a dotted key, making the tables on the way.
fn place(values: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            values.insert(key.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = values.entry(name).or_insert(Value::Null);
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                place(inner, rest, value);
            }
        }
    }
}

/// Where the value came from that a path of the deserializer (`a.b[0].c`) is in.
fn nearest_origin(origins: &BTreeMap<String, Origin>, path: &str) -> Origin {
    let within = |key: &str| {
        path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let found = origins.iter().rev().find(|(key, _)| within(key));
    found.map_or(Origin::Default, |(_, origin)| origin.clone())
}

/// Edits that may separate a misspelt key from the one meant, for each three of its letters.
const LETTERS_PER_EDIT: usize = 3;

/// The existing key nearest to `key`: the same name in another section, or a misspelling.
fn suggest(section: &Section, key: &str) -> Option<String> {
    let known = section.settings().into_iter().map(|(known, _)| known);
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |known: &str| {
        let whole = strsim::damerau_levenshtein(known, key);
        let elsewhere = if name(known) == name(key) { 1 } else { usize::MAX };
        whole.min(elsewhere)
    };
    let nearest = known.min_by_key(|known| distance(known))?;
    (distance(&nearest) <= (key.len() / LETTERS_PER_EDIT).max(1)).then_some(nearest)
}
