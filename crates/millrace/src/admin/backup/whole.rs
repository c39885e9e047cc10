//! Whether a backup is whole: every file is there, as long as it was and with the bytes it had.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

use ring::digest::{Context, SHA256};

use super::damaged;
use super::manifest::{FORMAT, FileMark, MANIFEST, Manifest, SUMS};
use crate::failure::ProgramError;

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes of a manifest or of the sums that are read.
const TEXT_BYTES_MAX: u64 = 16 << 20;

/// The manifest of the backup at `path`, once every file has been read and compared.
///
/// # Errors
/// It is no backup, not whole, or of a form that this program does not know.
pub fn check(path: &Path) -> Result<Manifest, ProgramError> {
    if !path.is_dir() {
        return Err(damaged(path, "there is no such folder"));
    }
    let sums = sums(path)?;
    let manifest = sum(&path.join(MANIFEST)).map_err(|error| damaged(path, error))?;
    compare(path, &sums, &manifest)?;
    let manifest = read(path)?;
    for file in &manifest.files {
        let found = sum(&path.join(&file.name)).map_err(|error| damaged(path, error))?;
        if found.bytes != file.bytes {
            let reason = format!("{} has {} bytes, it had {}", file.name, found.bytes, file.bytes);
            return Err(damaged(path, reason));
        }
        compare(path, &sums, &found)?;
    }
    for domain in &manifest.domains {
        if let Some(missing) =
            domain.files.iter().find(|name| !manifest.files.iter().any(|file| file.name == **name))
        {
            return Err(damaged(path, format!("{missing} is not among its files")));
        }
    }
    Ok(manifest)
}

/// The manifest alone, unchecked but for its form.
fn read(path: &Path) -> Result<Manifest, ProgramError> {
    let text = text(&path.join(MANIFEST)).map_err(|error| damaged(path, error))?;
    let form: Form = serde_json::from_str(&text)
        .map_err(|error| damaged(path, format!("{MANIFEST}: {error}")))?;
    if form.format > FORMAT {
        return Err(ProgramError::BackupUnfit {
            path: path.to_owned(),
            reason: format!(
                "it is of form {}, made by version {}; this program reads up to form {FORMAT}",
                form.format, form.program
            ),
        });
    }
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| damaged(path, format!("{MANIFEST}: {error}")))?;
    match manifest.files.iter().find(|file| !is_plain(&file.name)) {
        None => Ok(manifest),
        Some(odd) => Err(damaged(path, format!("{:?} is no name of a file of it", odd.name))),
    }
}

/// What every form has.
#[derive(serde::Deserialize)]
struct Form {
    format: u32,
    program: String,
}

/// A name in the backup's own folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn compare(
    path: &Path,
    sums: &BTreeMap<String, String>,
    found: &FileMark,
) -> Result<(), ProgramError> {
    match sums.get(&found.name) {
        Some(sum) if *sum == found.sha256 => Ok(()),
        Some(_) => Err(damaged(
            path,
            format!("{} is not as it was written: its checksum is another", found.name),
        )),
        None => Err(damaged(path, format!("{SUMS} does not name {}", found.name))),
    }
}

/// Length and checksum of a file.
pub fn sum(path: &Path) -> std::io::Result<FileMark> {
    let named = |error: std::io::Error| named(path, error);
    copy_summed(File::open(path).map_err(named)?, path, &mut std::io::sink()).map_err(named)
}

/// Copies a file, summing what was read; the copy is on disk when this returns.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<FileMark> {
    let mut target = File::create_new(to).map_err(|error| named(to, error))?;
    let source = File::open(from).map_err(|error| named(from, error))?;
    let found = copy_summed(source, from, &mut target).map_err(|error| named(to, error))?;
    target.sync_all().map_err(|error| named(to, error))?;
    Ok(found)
}

fn copy_summed(
    mut source: File,
    path: &Path,
    target: &mut impl Write,
) -> std::io::Result<FileMark> {
    let mut sum = Context::new(&SHA256);
    let mut bytes = 0;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sum.update(&piece[..read]);
        target.write_all(&piece[..read])?;
        bytes += read as u64;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sha256 = sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(FileMark { name, bytes, sha256 })
}

/// The checksums, as `sha256sum` writes them.
pub fn sums_text(files: &[FileMark]) -> String {
    files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect()
}

fn sums(path: &Path) -> Result<BTreeMap<String, String>, ProgramError> {
    if !path.join(SUMS).exists() {
        return Err(damaged(path, format!("it has no {SUMS}, which is written last")));
    }
    let text = text(&path.join(SUMS)).map_err(|error| damaged(path, error))?;
    if !text.ends_with('\n') {
        return Err(damaged(path, format!("{SUMS} ends too early")));
    }
    text.lines()
        .map(|line| {
            let (sum, name) = line
                .split_once("  ")
                .ok_or_else(|| damaged(path, format!("{SUMS} has a line that is none")))?;
            Ok((name.to_owned(), sum.to_owned()))
        })
        .collect()
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(TEXT_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| named(path, error))?;
    Ok(text)
}

fn named(path: &Path, error: std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn names_stay_in_the_folder() {
        for name in ["own.db", "dataplane.post_document.copy", "log.db"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", ".", "..", "../own.db", "a/b", ".hidden", "a\\b", "a b", "a\0"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
