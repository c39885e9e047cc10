//! How a process learns what it is. Values come from seven layers, later ones winning:
//! defaults, base file, overlay file, environment aliases (`DATABASE_URL` …), `MILLRACE_A__B`
//! environment, flags. Every value remembers where it came from ([`Origin`]).
//!
//! What must stay true: a setting that does not exist is an error wherever it is written, with a
//! suggestion; every problem names its file or variable and its key, and all of them are told at
//! once; secrets never appear in what is printed.
//!
//! A configuration type derives `Serialize, Deserialize, JsonSchema` and implements `Default`; its
//! structs carry `#[serde(default, deny_unknown_fields)]` and doc comments, from which
//! [`example`] and [`reference`] are made. Durations and sizes are plain integers whose name ends
//! with the unit.

mod docs;
mod env;
mod error;
mod file;
mod load;
mod schema;
mod secret;
mod show;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use docs::{env_example, example, reference};
pub use error::{ConfigError, Problem};
pub use load::load;
pub use secret::Secret;
pub use show::{show, show_json};

/// Prefix of the environment variables that name settings: `MILLRACE_STORE__DIR` is `store.dir`.
pub const ENV_PREFIX: &str = "MILLRACE_";

/// Variables with the prefix that choose the files rather than a setting; the binary reads them.
pub const ENV_RESERVED: &[&str] = &["MILLRACE_CONFIG", "MILLRACE_ENV"];

/// Bytes a configuration or secret file may have.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where values may come from, apart from the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    /// The base file.
    pub file: Option<PathBuf>,
    /// The file laid over it; see [`overlay_path`].
    pub overlay: Option<PathBuf>,
    /// The process's environment; variables that are neither aliases nor prefixed are ignored,
    /// and an empty value counts as unset.
    pub env: Vec<(String, String)>,
    /// Plain variable names and the settings they stand for.
    pub aliases: &'a [(&'a str, &'a str)],
    /// Dotted keys and values from the command line.
    pub flags: Vec<(String, String)>,
}

/// A configuration and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// Dotted key → where its value came from. Keys absent here have their default.
    pub origins: BTreeMap<String, Origin>,
}

impl<T> Loaded<T> {
    /// Where the value of `key` came from.
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The base file or the overlay, at a line.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, prefixed or an alias.
    Env(String),
    /// The command line.
    Flag(String),
    /// A file named by a `…_file` setting.
    SecretFile {
        /// The file read.
        path: PathBuf,
        /// Where it was named.
        named_by: Box<Origin>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::SecretFile { path, named_by } => {
                write!(f, "file {} named by {named_by}", path.display())
            }
        }
    }
}

/// The overlay of `file` for the environment `name`: `millrace.toml` → `millrace.staging.toml`.
pub fn overlay_path(file: &Path, name: &str) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    file.with_file_name(format!("{stem}.{name}.toml"))
}
