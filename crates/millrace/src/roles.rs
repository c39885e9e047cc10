//! Roles: the parts of the program that may run in processes of their own.

use std::collections::BTreeSet;
use std::fmt;

use clap::ValueEnum;

use crate::failure::ProgramError;

/// A part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Role {
    /// Follows the sources and fills the log
    Ingest,
    /// Applies the log to tables, and answers questions about them
    Dataplane,
    /// Answers the public
    Appview,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Dataplane => "dataplane",
            Self::Appview => "appview",
        }
    }
}

/// The roles of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Every role in one process.
    pub fn all() -> Self {
        Self(Role::value_variants().iter().copied().collect())
    }

    /// The roles given; all of them when none was.
    pub fn of(given: &[Role]) -> Self {
        if given.is_empty() {
            return Self::all();
        }
        Self(given.iter().copied().collect())
    }

    /// Whether `role` is among them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether the process has the log and the tables: ingest and data-plane.
    pub fn hold_data(&self) -> bool {
        self.has(Role::Ingest) || self.has(Role::Dataplane)
    }

    /// Whether these roles can make up one process. The log is a file of its process, so those who write
    /// and read it cannot be apart.
    ///
    /// # Errors
    /// [`ProgramError::RolesImpossible`].
    pub fn check(&self) -> Result<(), ProgramError> {
        if self.has(Role::Ingest) == self.has(Role::Dataplane) {
            return Ok(());
        }
        Err(ProgramError::RolesImpossible { roles: self.clone(), log: "sqlite" })
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|role| role.name()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{Appview, Dataplane, Ingest};
    use super::{Role, Roles};

    #[test]
    fn the_log_s_writer_and_reader_stay_together() {
        let check = |roles: &[Role], fine: bool| {
            assert_eq!(Roles::of(roles).check().is_ok(), fine, "{roles:?}");
        };
        check(&[], true);
        check(&[Ingest, Dataplane, Appview], true);
        check(&[Ingest, Dataplane], true);
        check(&[Appview], true);
        check(&[Ingest], false);
        check(&[Dataplane], false);
        check(&[Ingest, Appview], false);
        check(&[Dataplane, Appview], false);
    }
}
