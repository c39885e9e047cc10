//! How a command fails: an error with its causes, what to tell the operator, and the exit code.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use millrace_dataplane::parked::ParkedId;
use millrace_runtime::error::{Code, Diagnose, Diagnosis, render};

use crate::admin::backup::room::shown;
use crate::codes;
use crate::roles::Roles;

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Fine = 0,
    Failed = 1,
    Usage = 2,
    Unhealthy = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed. Any error that can diagnose itself converts into it with `?`.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    diagnosis: Option<Diagnosis>,
    exit: Exit,
}

impl Failure {
    /// A failure without a code.
    pub fn plain(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), diagnosis: None, exit: Exit::Failed }
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The situation, where it has a code.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnosis.as_ref()
    }

    /// `error:`, `caused by:`, `hint:`.
    pub fn render(&self) -> String {
        render(self.error.as_ref(), self.diagnosis.as_ref())
    }
}

/// On one line, for somebody else to tell.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl<E: Diagnose + std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let diagnosis = error.diagnosis();
        let exit = exit_of(diagnosis.code);
        Self { error: error.into(), diagnosis: Some(diagnosis), exit }
    }
}

/// What waits for somebody else is unhealthy rather than failed.
fn exit_of(code: &str) -> Exit {
    let unhealthy = [
        millrace_dataplane::codes::DRIFT,
        millrace_store::codes::SCHEMA_NOT_READY,
        codes::SERVER_UNREACHABLE,
        codes::NO_SERVER,
    ];
    let usage = [
        codes::NO_SUCH_CACHE,
        codes::NOT_CONFIRMED,
        codes::ROLES_IMPOSSIBLE,
        codes::NO_ACCOUNT,
        codes::NO_SUCH_BACKFILL,
    ];
    if unhealthy.iter().any(|known| known.id == code) {
        Exit::Unhealthy
    } else if usage.iter().any(|known| known.id == code) {
        Exit::Usage
    } else {
        Exit::Failed
    }
}

/// Situations of the program as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("the data folder {} is in use{}", path.display(), by(*pid))]
    FolderInUse { path: PathBuf, pid: Option<u32> },
    #[error("{}: {reason}", path.display())]
    FolderUnusable { path: PathBuf, reason: String },
    #[error(
        "{roles} cannot run in a process without the others: the log is the embedded engine `{log}`"
    )]
    RolesImpossible { roles: Roles, log: &'static str },
    #[error(
        "dataplane.listen is {listen}, which others can reach, and there is no dataplane.internal_secret"
    )]
    OpenWithoutSecret { listen: SocketAddr },
    #[error("cannot listen on {addr} ({setting}): {reason}")]
    AddressUnavailable { addr: SocketAddr, setting: &'static str, reason: String },
    #[error("the server on {} does not answer at {url}: {reason}", path.display())]
    ServerUnreachable { path: PathBuf, url: String, reason: String },
    #[error("the server answered {status}: {message}")]
    ServerRefused { status: u16, message: String },
    #[error("not confirmed: {action}")]
    NotConfirmed { action: String },
    #[error("nothing parked is named {id}")]
    NoSuchEntry { id: ParkedId },
    #[error("{id} cannot be resolved: of what it is, nothing stays once it is settled")]
    NotResolved { id: ParkedId },
    #[error("{} is not empty", path.display())]
    DemoFolderUsed { path: PathBuf },
    #[error("the {part}'s process: {how}")]
    PartEnded { part: &'static str, how: String },
    #[error("no backup was made at {}: {reason}", path.display())]
    Backup { path: PathBuf, reason: String },
    #[error("{} is there already", path.display())]
    BackupExists { path: PathBuf },
    #[error(
        "about {} are needed and {} are free on the disk of {}",
        shown(*wanted), shown(*free), path.display()
    )]
    NoRoom { path: PathBuf, wanted: u64, free: u64 },
    #[error("{} is not a whole backup: {reason}", path.display())]
    BackupDamaged { path: PathBuf, reason: String },
    #[error("{} cannot be restored here: {reason}", path.display())]
    BackupUnfit { path: PathBuf, reason: String },
    #[error("{}", no_account(text, place))]
    NoAccount { text: String, place: String },
    #[error("there is no backfill {id}")]
    NoBackfill { id: i64 },
    #[error("no server runs on {}", path.display())]
    NoServer { path: PathBuf },
    #[error("there is no cache `{name}`: {known}")]
    NoSuchCache { name: String, known: String },
    #[error("a restore of {} was begun and has not ended", path.display())]
    RestoreBegun { path: PathBuf },
    #[error("{key}: {reason}")]
    Setting { key: &'static str, reason: String },
}

fn no_account(text: &str, place: &str) -> String {
    match text.is_empty() {
        true => format!("{place} names no account"),
        false => format!("`{text}` in {place} is no DID"),
    }
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

impl ProgramError {
    /// What went wrong, without what it went wrong with where somebody else says that.
    pub fn reason(&self) -> String {
        match self {
            Self::Backup { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::FolderInUse { .. } => codes::FOLDER_IN_USE,
            Self::FolderUnusable { .. } => codes::FOLDER_UNUSABLE,
            Self::RolesImpossible { .. } => codes::ROLES_IMPOSSIBLE,
            Self::OpenWithoutSecret { .. } => codes::OPEN_WITHOUT_SECRET,
            Self::AddressUnavailable { .. } => codes::ADDRESS_UNAVAILABLE,
            Self::ServerUnreachable { .. } => codes::SERVER_UNREACHABLE,
            Self::ServerRefused { .. } => codes::SERVER_REFUSED,
            Self::NotConfirmed { .. } => codes::NOT_CONFIRMED,
            Self::NoSuchEntry { .. } => codes::NO_SUCH_ENTRY,
            Self::NotResolved { .. } => codes::NOT_RESOLVED,
            Self::DemoFolderUsed { .. } => codes::DEMO_FOLDER_USED,
            Self::PartEnded { .. } => codes::PART_ENDED,
            Self::Backup { .. } => codes::BACKUP_FAILED,
            Self::BackupExists { .. } => codes::BACKUP_EXISTS,
            Self::NoRoom { .. } => codes::NO_ROOM,
            Self::BackupDamaged { .. } => codes::BACKUP_DAMAGED,
            Self::BackupUnfit { .. } => codes::BACKUP_UNFIT,
            Self::RestoreBegun { .. } => codes::RESTORE_BEGUN,
            Self::NoAccount { .. } => codes::NO_ACCOUNT,
            Self::NoBackfill { .. } => codes::NO_SUCH_BACKFILL,
            Self::NoServer { .. } => codes::NO_SERVER,
            Self::NoSuchCache { .. } => codes::NO_SUCH_CACHE,
            Self::Setting { .. } => codes::SETTING,
        }
    }
}

impl Diagnose for ProgramError {
    fn diagnosis(&self) -> Diagnosis {
        self.code().diagnosis(self.to_string())
    }
}
