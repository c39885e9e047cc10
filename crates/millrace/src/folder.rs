//! The data folder: one file for each domain, the log, and
//!
//! ```text
//! LOCK          held by the process that has the log and the tables; says where it takes commands
//! LOCK.appview  held by the process that has the sessions; the same process, unless the AppView is apart
//! admin.token   what an operator's command shows the server, 0600
//! session.secret  what seals the sessions of people who signed in, 0600; unless the configuration has one
//! push.key      what push services know this service by, 0600; where browsers are told of notifications
//! RESTORE       there while files of a backup take their places; nobody works on the folder then
//! ```
//!
//! A lock is the operating system's: it ends with its process, however that ends. The files are never
//! removed, because whoever waits for one must wait for the same one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use millrace_runtime::config::Secret;
use millrace_runtime::rng::Rng;
use serde::{Deserialize, Serialize};

use crate::admin::backup::swap;
use crate::failure::ProgramError;
use crate::roles::{Role, Roles};

const LOCK: &str = "LOCK";
const LOCK_APPVIEW: &str = "LOCK.appview";
const ADMIN_TOKEN: &str = "admin.token";
pub const PUSH_KEY: &str = "push.key";
pub const SESSION_SECRET: &str = "session.secret";
/// Bytes of randomness in the token.
const TOKEN_BYTES: usize = 32;
/// Bytes of a lock or token that are read.
const SMALL_FILE_BYTES_MAX: u64 = 4_096;

/// What the holder of a lock says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    pub pid: Option<u32>,
    /// Base URL of the operator's interface, on loopback.
    pub admin_url: Option<String>,
    /// Base URL of the AppView, if it is part of the process.
    pub appview_url: Option<String>,
}

impl Holder {
    /// This process, which takes no commands yet.
    fn starting() -> Self {
        Self { pid: Some(std::process::id()), ..Self::default() }
    }
}

/// A data folder whose locks this process holds.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    locks: Vec<File>,
}

impl DataFolder {
    /// Makes the folder if need be and takes the locks that `roles` need.
    ///
    /// # Errors
    /// Another process holds one of them, or the folder cannot be used.
    pub fn lock(path: &Path, roles: &Roles) -> Result<Self, ProgramError> {
        create(path)?;
        not_restoring(path)?;
        let mut locks = Vec::new();
        let data = roles.hold_data().then_some(LOCK);
        let appview = roles.has(Role::Appview).then_some(LOCK_APPVIEW);
        for name in data.into_iter().chain(appview) {
            match take(&path.join(name))? {
                Some(lock) => locks.push(lock),
                None => return Err(in_use(path, name)),
            }
        }
        let folder = Self { path: path.to_owned(), locks };
        folder.write_holder(&Holder::starting())?;
        Ok(folder)
    }

    /// Takes every lock, making the folder if need be, to put other data in it.
    ///
    /// # Errors
    /// Another process holds one of them, or the folder cannot be used.
    pub fn lock_to_restore(path: &Path) -> Result<Self, ProgramError> {
        create(path)?;
        let mut locks = Vec::new();
        for name in [LOCK, LOCK_APPVIEW] {
            locks.push(take(&path.join(name))?.ok_or_else(|| in_use(path, name))?);
        }
        let folder = Self { path: path.to_owned(), locks };
        folder.write_holder(&Holder::starting())?;
        Ok(folder)
    }

    /// Takes the data's lock for a command; `None` while a server holds it.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be used.
    pub fn lock_for_command(path: &Path) -> Result<Option<Self>, ProgramError> {
        Self::lock_one(path, LOCK)
    }

    /// Takes the sessions' lock for a command; `None` while an AppView holds it.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be used.
    pub fn lock_sessions_for_command(path: &Path) -> Result<Option<Self>, ProgramError> {
        Self::lock_one(path, LOCK_APPVIEW)
    }

    fn lock_one(path: &Path, name: &str) -> Result<Option<Self>, ProgramError> {
        if !path.is_dir() {
            return Err(ProgramError::FolderUnusable {
                path: path.to_owned(),
                reason: "there is no such folder".to_owned(),
            });
        }
        not_restoring(path)?;
        let Some(lock) = take(&path.join(name))? else { return Ok(None) };
        let folder = Self { path: path.to_owned(), locks: vec![lock] };
        folder.write_holder(&Holder::starting())?;
        Ok(Some(folder))
    }

    /// Writes into the locks where this process takes commands.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn announce(
        &self,
        admin_url: String,
        appview_url: Option<String>,
    ) -> Result<(), ProgramError> {
        let admin_url = Some(admin_url);
        self.write_holder(&Holder { admin_url, appview_url, ..Holder::starting() })
    }

    fn write_holder(&self, holder: &Holder) -> Result<(), ProgramError> {
        let text = serde_json::to_vec(holder).expect("invariant: a holder serialises");
        for mut lock in &self.locks {
            let write =
                lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(&text));
            write.map_err(|error| unusable(&self.path, &error))?;
        }
        Ok(())
    }

    /// The operator's token, made the first time.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn admin_token(&self, rng: &Rng) -> Result<Secret, ProgramError> {
        self.make_once(ADMIN_TOKEN, rng)?;
        admin_token(&self.path)
    }

    /// What seals the sessions of people, made the first time.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn session_secret(&self, rng: &Rng) -> Result<Secret, ProgramError> {
        self.make_once(SESSION_SECRET, rng)?;
        secret(&self.path, SESSION_SECRET)
    }

    /// What push services know this service by, made the first time.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn push_key(&self, rng: &Rng) -> Result<Secret, ProgramError> {
        self.make_once(PUSH_KEY, rng)?;
        secret(&self.path, PUSH_KEY)
    }

    fn make_once(&self, name: &str, rng: &Rng) -> Result<(), ProgramError> {
        let path = self.path.join(name);
        if path.exists() {
            return Ok(());
        }
        let mut bytes = [0; TOKEN_BYTES];
        rng.fill(&mut bytes);
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let written = create_new_private(&path, token.as_bytes());
        written.map_err(|error| unusable(&path, &error))
    }
}

/// Makes the folder, if it is not there.
///
/// # Errors
/// It cannot be made.
pub fn create(path: &Path) -> Result<(), ProgramError> {
    create_private(path).map_err(|error| unusable(path, &error))
}

/// The operator's token of a folder that a server has used.
///
/// # Errors
/// It cannot be read, or is empty.
pub fn admin_token(folder: &Path) -> Result<Secret, ProgramError> {
    secret(folder, ADMIN_TOKEN)
}

fn secret(folder: &Path, name: &str) -> Result<Secret, ProgramError> {
    let path = folder.join(name);
    let text = read_small(&path).map_err(|error| unusable(&path, &error))?;
    match text.trim() {
        "" => Err(ProgramError::FolderUnusable {
            path,
            reason: "it is empty; remove the file".to_owned(),
        }),
        token => Ok(Secret::from(token)),
    }
}

/// Who holds the folder's data, as far as it says.
pub fn holder(folder: &Path) -> Holder {
    read_holder(&folder.join(LOCK))
}

/// Who holds the AppView's lock now, if somebody does.
pub fn appview(folder: &Path) -> Option<Holder> {
    let lock = folder.join(LOCK_APPVIEW);
    (lock.exists() && matches!(take(&lock), Ok(None))).then(|| read_holder(&lock))
}

/// Who holds the folder's locks now, by the part it is; a process that holds both is told once.
pub fn running(folder: &Path) -> Vec<(&'static str, Holder)> {
    let mut holders: Vec<(&'static str, Holder)> = Vec::new();
    for (part, name) in [("data", LOCK), ("appview", LOCK_APPVIEW)] {
        let lock = folder.join(name);
        let held = lock.exists() && matches!(take(&lock), Ok(None));
        let holder = read_holder(&lock);
        if held && !holders.iter().any(|(_, other)| other.pid == holder.pid) {
            holders.push((part, holder));
        }
    }
    holders
}

fn read_holder(lock: &Path) -> Holder {
    let text = read_small(lock).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The lock, unless another process holds it.
fn take(path: &Path) -> Result<Option<File>, ProgramError> {
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = open.map_err(|error| unusable(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(unusable(path, &error)),
    }
}

/// A folder in which files are changing places is nobody's to work on.
fn not_restoring(path: &Path) -> Result<(), ProgramError> {
    match swap::is_under_way(path) {
        false => Ok(()),
        true => Err(ProgramError::RestoreBegun { path: path.to_owned() }),
    }
}

fn in_use(path: &Path, lock: &str) -> ProgramError {
    ProgramError::FolderInUse { path: path.to_owned(), pid: read_holder(&path.join(lock)).pid }
}

fn unusable(path: &Path, error: &std::io::Error) -> ProgramError {
    ProgramError::FolderUnusable { path: path.to_owned(), reason: error.to_string() }
}

fn read_small(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SMALL_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// A folder that only its owner may look into; one that exists stays as it is.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn create_new_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_lock_is_held_once_and_freed_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataFolder::lock(dir.path(), &Roles::all()).unwrap();
        held.announce("http://127.0.0.1:1".to_owned(), Some("http://127.0.0.1:2".to_owned()))
            .unwrap();
        let refused = DataFolder::lock(dir.path(), &Roles::all()).unwrap_err();
        assert!(
            matches!(refused, ProgramError::FolderInUse { pid: Some(pid), .. } if pid == std::process::id())
        );
        assert!(DataFolder::lock_for_command(dir.path()).unwrap().is_none());
        assert_eq!(holder(dir.path()).admin_url.as_deref(), Some("http://127.0.0.1:1"));
        let appview_url = appview(dir.path()).unwrap().appview_url;
        assert_eq!(appview_url.as_deref(), Some("http://127.0.0.1:2"));
        drop(held);
        assert!(DataFolder::lock_for_command(dir.path()).unwrap().is_some());
        assert_eq!(holder(dir.path()).admin_url, None);
        assert_eq!(appview(dir.path()), None);
    }

    #[test]
    fn an_appview_apart_and_the_data_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let data = Roles::of(&[Role::Ingest, Role::Dataplane]);
        let appview = Roles::of(&[Role::Appview]);
        let _data = DataFolder::lock(dir.path(), &data).unwrap();
        let _appview = DataFolder::lock(dir.path(), &appview).unwrap();
        assert!(DataFolder::lock(dir.path(), &data).is_err());
        assert!(DataFolder::lock(dir.path(), &appview).is_err());
    }

    #[test]
    fn the_token_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::lock(dir.path(), &Roles::all()).unwrap();
        let token = folder.admin_token(&Rng::seeded(1)).unwrap();
        assert_eq!(token.expose().len(), 2 * TOKEN_BYTES);
        assert_eq!(folder.admin_token(&Rng::seeded(2)).unwrap(), token);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.path().join(ADMIN_TOKEN)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_command_makes_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        assert!(DataFolder::lock_for_command(&missing).is_err());
        assert!(!missing.exists());
    }
}
