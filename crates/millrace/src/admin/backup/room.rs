//! Room on a disk.

use std::io;
use std::path::Path;

use crate::disk::measure::free_bytes;

/// Bytes left free beside what is written.
const SPARE_BYTES: u64 = 64 << 20;

/// Whether `wanted` more bytes fit beside `path`; how many are free if not.
pub fn fits(path: &Path, wanted: u64) -> io::Result<Result<(), u64>> {
    let free = free_bytes(path)?;
    let needed = wanted.saturating_add(wanted / 20).saturating_add(SPARE_BYTES);
    Ok(if free >= needed { Ok(()) } else { Err(free) })
}

/// Bytes for people.
pub fn shown(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_000.0 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn bytes_are_shown_in_a_unit_that_fits() {
        let check = |bytes, expected: &str| assert_eq!(shown(bytes), expected);
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(20 << 30, "21.5 GB");
        check(u64::MAX, "18446744.1 TB");
    }

    #[test]
    fn no_disk_is_endless() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(fits(dir.path(), 1).unwrap(), Ok(()));
        assert!(fits(dir.path(), u64::MAX).unwrap().is_err());
        assert!(fits(&dir.path().join("missing"), 1).is_err());
    }
}
