//! How many bytes are in use. A database file does not shrink when rows go; its free pages are used
//! again before it grows, so they count as free.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The beginning of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;
/// What is beside the databases: the lock, the token, anything else that lies there.
const OTHER: &str = "other";

/// Bytes in use by domain, of the files that lie in these folders. A file that goes meanwhile counts
/// for nothing.
///
/// # Errors
/// A folder cannot be listed.
pub fn files(folders: &[PathBuf]) -> std::io::Result<BTreeMap<String, u64>> {
    let mut used = BTreeMap::new();
    for folder in distinct(folders) {
        for file in fs::read_dir(folder)? {
            let file = file?;
            let Ok(metadata) = file.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let name = file.file_name().to_string_lossy().into_owned();
            let domain = domain(&name);
            let reusable = match name.ends_with(".db") {
                true => free_bytes_of(&file.path()).unwrap_or(0),
                false => 0,
            };
            *used.entry(domain).or_default() += metadata.len().saturating_sub(reusable);
        }
    }
    Ok(used)
}

/// Bytes that are free to us on the disk of a folder.
///
/// # Errors
/// There is no such folder, or the system does not tell.
pub fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let told = rustix::fs::statvfs(folder)?;
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

fn distinct(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut distinct: Vec<PathBuf> = folders
        .iter()
        .map(|folder| fs::canonicalize(folder).unwrap_or_else(|_| folder.clone()))
        .collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

/// Whose file it is: `dataplane.db-wal` is the data-plane's.
fn domain(name: &str) -> String {
    let stem = [".db", ".db-wal", ".db-shm", ".db-journal"]
        .into_iter()
        .find_map(|suffix| name.strip_suffix(suffix));
    stem.unwrap_or(OTHER).to_owned()
}

/// Bytes of a database's free pages, as of its last checkpoint.
fn free_bytes_of(path: &Path) -> Option<u64> {
    let mut header = [0; HEADER_BYTES];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    free_bytes_in(&header)
}

fn free_bytes_in(header: &[u8; HEADER_BYTES]) -> Option<u64> {
    if !header.starts_with(MAGIC) {
        return None;
    }
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    // 65,536 does not fit.
    let page = if page == 1 { 65_536 } else { page };
    let pages = u32::from_be_bytes([header[36], header[37], header[38], header[39]]);
    Some(page * u64::from(pages))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn files_count_by_domain_and_free_pages_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        let mut database = vec![0; 8_192];
        database[..16].copy_from_slice(MAGIC);
        database[16..18].copy_from_slice(&4_096_u16.to_be_bytes());
        database[36..40].copy_from_slice(&1_u32.to_be_bytes());
        file("dataplane.db", &database);
        file("dataplane.db-wal", &[0; 100]);
        file("log.db", b"no database");
        file("LOCK", b"7");
        let folders = [folder.path().to_owned(), folder.path().join(".")];
        let used: Vec<_> = files(&folders).unwrap().into_iter().collect();
        let expected = [("dataplane", 4_196), ("log", 11), ("other", 1)];
        assert_eq!(used, expected.map(|(domain, bytes)| (domain.to_owned(), bytes)));
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(files(&[folder.path().join("none")]).is_err());
    }
}
