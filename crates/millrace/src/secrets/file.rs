//! A file with secrets: only its owner may read it, and it is whole whatever happens while it is written.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::failure::ProgramError;

/// Bytes of one that are read.
const BYTES_MAX: u64 = 4_096;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    pub path: PathBuf,
}

impl SecretFile {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What is in it; nothing while it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> Result<String, ProgramError> {
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(self.unusable(&error)),
            Ok(found) if found.len() > BYTES_MAX => {
                let reason = format!("has more than {BYTES_MAX} bytes");
                Err(ProgramError::FolderUnusable { path: self.path.clone(), reason })
            }
            Ok(_) => fs::read_to_string(&self.path).map_err(|error| self.unusable(&error)),
        }
    }

    /// When it was written last.
    pub fn written_at(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|found| found.modified()).ok()
    }

    /// Puts `text` in its place at once; owner and group stay who they were.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn replace(&self, text: &str) -> Result<(), ProgramError> {
        self.try_replace(text).map_err(|error| self.unusable(&error))
    }

    fn try_replace(&self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut next = tempfile::Builder::new().prefix(".secret-").tempfile_in(folder)?;
        next.write_all(text.as_bytes())?;
        #[cfg(unix)]
        if let Ok(found) = fs::metadata(&self.path) {
            use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
            // A group that was let in stays let in, others never are.
            let mode = found.permissions().mode() & 0o660;
            next.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
            fchown(next.as_file(), Some(found.uid()), Some(found.gid()))?;
        }
        next.as_file().sync_all()?;
        next.persist(&self.path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    }

    fn unusable(&self, error: &io::Error) -> ProgramError {
        ProgramError::FolderUnusable { path: self.path.clone(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn it_is_private_and_a_group_that_was_let_in_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = SecretFile::at(dir.path().join("a.key"));
        assert_eq!(file.read().unwrap(), "");
        let mode = || fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
        file.replace("one\n").unwrap();
        assert_eq!((file.read().unwrap().as_str(), mode()), ("one\n", 0o600));
        fs::set_permissions(&file.path, fs::Permissions::from_mode(0o644)).unwrap();
        file.replace("two\n").unwrap();
        assert_eq!((file.read().unwrap().as_str(), mode()), ("two\n", 0o640));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(&file.path, "x".repeat(5_000)).unwrap();
        assert!(file.read().is_err());
    }
}
