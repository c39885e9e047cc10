//! What a program may do with its token.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask what its account may see.
    Read,
    /// Change what only this place has: mutes, bookmarks, drafts, settings, seen marks.
    Write,
    /// Write records into the account's repository.
    Post,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Post];

    /// As it is said and kept.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Post => "post",
        }
    }
}

/// What a token may do; kept as names between spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    pub(crate) fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As kept. A name that a newer version gave means nothing here, so that nothing more is allowed.
    pub(crate) fn stored(text: &str) -> Self {
        let scope = |name: &str| Scope::ALL.into_iter().find(|scope| scope.name() == name);
        Self(text.split(' ').filter_map(scope).collect())
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|scope| scope.name()).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_read_again() {
        let all: Scopes = Scope::ALL.into_iter().collect();
        assert_eq!(all.to_string(), "read write post");
        assert_eq!(Scopes::stored(&all.to_string()), all);
        let unknown = Scopes::stored("read everything");
        assert!(unknown.contains(Scope::Read) && !unknown.contains(Scope::Post));
        assert!(Scopes::stored("").is_empty());
    }
}
