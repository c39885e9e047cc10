//! What can be wrong with a configuration. All problems are collected, so that one run shows them
//! all; each names where it was written and the key.

use std::fmt;
use std::path::PathBuf;

use super::Origin;
use crate::error::{Code, Diagnose, Diagnosis, codes};

/// One thing wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A file that should be read cannot be.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is not TOML.
    #[error("{}:{line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser expected.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown setting `{key}`{}", did_you_mean(suggestion.as_deref()))]
    UnknownKey {
        /// Where it is written.
        origin: Origin,
        /// The dotted key.
        key: String,
        /// The nearest key that exists.
        suggestion: Option<String>,
    },
    /// A value that does not fit.
    #[error("{origin}: `{key}`: {reason}")]
    Value {
        /// Where it is written.
        origin: Origin,
        /// The dotted key.
        key: String,
        /// What was expected.
        reason: String,
    },
    /// A secret and its file set at the same level.
    #[error("{origin}: `{key}` and `{key}_file` are both set (the other in {other})")]
    Conflict {
        /// Where one is written.
        origin: Origin,
        /// Where the other is.
        other: Origin,
        /// The dotted key.
        key: String,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default()
}

impl Problem {
    /// The situation's code.
    pub fn code(&self) -> Code {
        match self {
            Self::Read { .. } => codes::CONFIG_READ,
            Self::Syntax { .. } => codes::CONFIG_SYNTAX,
            Self::UnknownKey { .. } => codes::CONFIG_UNKNOWN_KEY,
            Self::Value { .. } => codes::CONFIG_VALUE,
            Self::Conflict { .. } => codes::CONFIG_CONFLICT,
        }
    }
}

/// Everything wrong with a configuration; never empty.
#[derive(Debug)]
pub struct ConfigError {
    /// The problems, in the order of the layers.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl Diagnose for ConfigError {
    fn diagnosis(&self) -> Diagnosis {
        let code = self.problems.first().map_or(codes::CONFIG_VALUE, Problem::code);
        code.diagnosis(self.to_string())
    }
}
