//! The decision: given what this program knows and what was applied, what is pending, and may this
//! program run here at all?

use ring::digest::{SHA256, digest};

use super::{Migration, MigrationStatus};
use crate::backup::CopiedMigration;
use crate::{Domain, StoreError, Tx, base};

/// The two lists of migrations a domain has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Base,
    Domain,
}

impl Part {
    /// In the order they are applied.
    pub(super) const ALL: [Part; 2] = [Part::Base, Part::Domain];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Part::Base => "base",
            Part::Domain => "domain",
        }
    }

    pub(super) const fn migrations(self, of_domain: &'static [Migration]) -> &'static [Migration] {
        match self {
            Part::Base => base::MIGRATIONS,
            Part::Domain => of_domain,
        }
    }

    pub(super) fn pending(self, migration: &Migration) -> MigrationStatus {
        MigrationStatus {
            part: self.name(),
            number: migration.number,
            name: migration.name.to_owned(),
            compatible_back_to: migration.compatible_back_to,
            applied_us: None,
        }
    }
}

/// A row of `schema_migration`.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    part: String,
    number: u32,
    name: String,
    checksum: String,
    compatible_back_to: u32,
    applied_us: i64,
}

impl Applied {
    pub(super) fn status(&self) -> MigrationStatus {
        let part = Part::ALL.into_iter().find(|part| part.name() == self.part);
        MigrationStatus {
            part: part.map_or("unknown", Part::name),
            number: self.number,
            name: self.name.clone(),
            compatible_back_to: self.compatible_back_to,
            applied_us: Some(self.applied_us),
        }
    }

    pub(super) fn copied(&self) -> CopiedMigration {
        CopiedMigration {
            part: self.part.clone(),
            number: self.number,
            name: self.name.clone(),
            checksum: self.checksum.clone(),
            compatible_back_to: self.compatible_back_to,
        }
    }

    pub(super) fn of_copied(copied: &CopiedMigration) -> Self {
        Self {
            part: copied.part.clone(),
            number: copied.number,
            name: copied.name.clone(),
            checksum: copied.checksum.clone(),
            compatible_back_to: copied.compatible_back_to,
            applied_us: 0,
        }
    }
}

pub(super) fn applied(tx: &mut Tx) -> Result<Vec<Applied>, StoreError> {
    tx.query(
        "SELECT part, number, name, checksum, compatible_back_to, applied_us
         FROM schema_migration ORDER BY part, number",
        &[],
        |row| {
            Ok(Applied {
                part: row.get(0)?,
                number: number(row.get(1)?),
                name: row.get(2)?,
                checksum: row.get(3)?,
                compatible_back_to: number(row.get(4)?),
                applied_us: row.get(5)?,
            })
        },
    )
}

/// A number out of range can only be newer than anything known.
fn number(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

pub(super) fn record(tx: &mut Tx, part: Part, migration: &Migration) -> Result<(), StoreError> {
    let (now_us, checksum) = (tx.now_us(), checksum(migration.sql));
    tx.execute(
        "INSERT INTO schema_migration (part, number, name, checksum, compatible_back_to, applied_us)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            part.name().into(),
            migration.number.into(),
            migration.name.into(),
            (&checksum).into(),
            migration.compatible_back_to.into(),
            now_us.into(),
        ],
    )?;
    Ok(())
}

/// SHA-256 of a migration's text, in hexadecimal.
pub(super) fn checksum(sql: &str) -> String {
    digest(&SHA256, sql.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The migrations of one part that are still to be applied, or why this program must not run.
pub(super) fn assess<'m>(
    domain: Domain,
    part: Part,
    known: &'m [Migration],
    applied: &[Applied],
) -> Result<&'m [Migration], StoreError> {
    for (expected, migration) in (1..).zip(known) {
        if migration.number != expected {
            return Err(StoreError::SchemaOrder { domain, number: migration.number, expected });
        }
    }
    let newest_known = known.last().map_or(0, |it| it.number);
    let mut expected = 1;
    for row in applied.iter().filter(|row| row.part == part.name()) {
        if row.number != expected {
            return Err(StoreError::SchemaOrder { domain, number: row.number, expected });
        }
        expected += 1;
        match known.get(row.number as usize - 1) {
            Some(migration) if checksum(migration.sql) == row.checksum => {}
            Some(migration) => {
                return Err(StoreError::SchemaChecksum {
                    domain,
                    number: row.number,
                    name: migration.name.to_owned(),
                });
            }
            None if row.compatible_back_to <= newest_known => {}
            None => {
                let (found, known) = (row.number, newest_known);
                return Err(StoreError::SchemaNewer { domain, found, known });
            }
        }
    }
    Ok(known.get(expected as usize - 1..).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { number: 1, name: "one", sql: "one", compatible_back_to: 1 },
        Migration { number: 2, name: "two", sql: "two", compatible_back_to: 1 },
    ];

    fn row(number: u32, sql: &str, compatible_back_to: u32) -> Applied {
        Applied {
            part: "domain".into(),
            number,
            name: sql.into(),
            checksum: checksum(sql),
            compatible_back_to,
            applied_us: 5,
        }
    }

    fn check(applied: &[Applied], expected: Result<&[u32], &str>) {
        let found = assess(Domain::Own, Part::Domain, KNOWN, applied)
            .map(|pending| pending.iter().map(|it| it.number).collect::<Vec<_>>());
        let found = found.map_err(|error| error.reason());
        assert_eq!(found.as_deref().map_err(|error| *error), expected, "{applied:?}");
    }

    #[test]
    fn what_is_pending() {
        check(&[], Ok(&[1, 2]));
        check(&[row(1, "one", 1)], Ok(&[2]));
        check(&[row(1, "one", 1), row(2, "two", 1)], Ok(&[]));
    }

    #[test]
    fn a_newer_schema_runs_only_where_it_says_so() {
        let with = |newer: Applied| [row(1, "one", 1), row(2, "two", 1), newer];
        check(&with(row(3, "three", 2)), Ok(&[]));
        check(&with(row(3, "three", 1)), Ok(&[]));
        check(&with(row(3, "three", 3)), Err("schema-newer"));
        check(&with(row(u32::MAX, "odd", 1)), Err("schema-order"));
    }

    #[test]
    fn a_text_is_never_changed() {
        check(&[row(1, "another", 1)], Err("schema-checksum"));
    }

    #[test]
    fn numbers_have_no_gaps() {
        check(&[row(2, "two", 1)], Err("schema-order"));
        let odd = [Migration { number: 2, name: "two", sql: "", compatible_back_to: 1 }];
        let found = assess(Domain::Own, Part::Domain, &odd, &[]);
        assert!(matches!(found, Err(StoreError::SchemaOrder { number: 2, expected: 1, .. })));
    }

    #[test]
    fn parts_are_numbered_apart() {
        let mut base = row(1, "whatever", 1);
        base.part = "base".into();
        check(&[base], Ok(&[1, 2]));
    }
}
