//! `millrace backup`: copies what Millrace owns, or everything, into a folder. A running server makes the
//! copy itself and goes on serving; without one the files are copied under the folder's lock.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millrace_log::{Log, LogEngine};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_store::backup::Control;
use serde_json::json;

use crate::admin::backup::job::{self, Progress, State};
use crate::admin::backup::make::{self, MakeBackup};
use crate::admin::backup::manifest::Manifest;
use crate::admin::backup::{Content, Place, room};
use crate::admin::client::AdminClient;
use crate::admin::target::Target;
use crate::cli::{Global, ReadArgs};
use crate::config::{self, Config};
use crate::failure::{Failure, ProgramError};
use crate::output;

/// How often a backup under way is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Looks between two lines where there is no terminal: 10 s.
const LOOKS_PER_LINE: u32 = 50;

/// Copy what Millrace owns into a folder, while it runs
///
/// Without --all: the domains `own`, `dictionary`, `session` and `ingest`, which is what exists nowhere else
/// and what is needed to fetch the rest from the network again. With --all every table and the log, so that
/// a restore goes on where the backup was made.
///
/// The folder is made under another name and renamed when every file is on disk and was read back: a folder
/// with the name you gave is a whole backup. The configuration and its secrets are not in it.
///
/// Examples:
///   millrace backup /backup/millrace-2026-01-31
///   millrace backup --all --json "/backup/$(date +%F)"
///   (cd /backup/millrace-2026-01-31 && sha256sum -c SHA256SUMS)
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct BackupArgs {
    /// The folder to make; there must be nothing of that name
    path: PathBuf,
    /// Copy the tables that could be made again, and the log, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    read: ReadArgs,
    /// Say what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(global: &Global, args: BackupArgs) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let place = Place::new(&config, SystemClock::shared());
    let content = if args.all { Content::All } else { Content::Owned };
    let path = std::path::absolute(&args.path).map_err(Failure::plain)?;
    let wanted = MakeBackup { path, content };
    let bytes = make::estimate_bytes(&place, content).await?;
    make::check_target(&wanted.path, bytes)?;
    if args.dry_run {
        would(&wanted, bytes, args.read);
        return Ok(());
    }
    let manifest = match Target::open(&config)? {
        Target::Server(server) => by_server(&server, &wanted).await?,
        Target::Tables(_held) => here(&config, &place, &wanted, bytes).await?,
    };
    made(&wanted.path, &manifest, args.read);
    Ok(())
}

fn would(wanted: &MakeBackup, bytes: u64, read: ReadArgs) {
    if read.json {
        return output::json(&json!({
            "path": wanted.path, "content": wanted.content, "estimatedBytes": bytes
        }));
    }
    let what = match wanted.content {
        Content::Owned => "what exists nowhere else",
        Content::All => "everything",
    };
    let about = room::shown(bytes);
    output::note(&format!("would copy {what}, about {about}, to {}", wanted.path.display()));
}

/// The server makes it; this command watches.
async fn by_server(server: &AdminClient, wanted: &MakeBackup) -> Result<Manifest, Failure> {
    let mut progress: Progress = server.post_json("backup", wanted).await?;
    let mut shown = Shown::default();
    while progress.state == State::Running {
        shown.show(progress.done_bytes, progress.total_bytes);
        tokio::time::sleep(LOOK).await;
        progress = server.get("backup", &()).await?;
    }
    shown.end();
    progress.manifest.ok_or_else(|| {
        let reason = progress.error.unwrap_or_else(|| "the server did not say why".to_owned());
        ProgramError::Backup { path: wanted.path.clone(), reason }.into()
    })
}

async fn here(
    config: &Config,
    place: &Place,
    wanted: &MakeBackup,
    bytes: u64,
) -> Result<Manifest, Failure> {
    let marks = marks(config, place).await?;
    let control = Arc::new(Control::default());
    let making = make::make(place, wanted, marks, Arc::clone(&control));
    tokio::pin!(making);
    let mut shown = Shown::default();
    loop {
        tokio::select! {
            made = &mut making => {
                shown.end();
                return Ok(made?);
            }
            () = tokio::time::sleep(LOOK) => shown.show(control.done_bytes(), bytes),
        }
    }
}

/// Where the log stands; none, where there is no log yet.
async fn marks(
    config: &Config,
    place: &Place,
) -> Result<Vec<millrace_log::backup::PartitionMark>, Failure> {
    let there = millrace_log::backup::file_bytes(&place.log).is_none_or(|bytes| bytes > 0);
    if !there && config.log.engine == LogEngine::Sqlite {
        return Ok(Vec::new());
    }
    let log = Log::open(&place.log, place.clock.clone(), &Registry::new())?;
    let marks = job::marks(&log).await;
    log.close().await;
    Ok(marks?)
}

fn made(path: &Path, manifest: &Manifest, read: ReadArgs) {
    if read.json {
        return output::json(manifest);
    }
    let rows: Vec<[String; 2]> =
        manifest.files.iter().map(|file| [file.name.clone(), room::shown(file.bytes)]).collect();
    output::table(["FILE", "SIZE"], &rows);
    output::note(&format!(
        "{} in {}, checked; `millrace restore` puts it back",
        room::shown(manifest.bytes()),
        path.display()
    ));
}

/// How far it is: one line that changes on a terminal, else one now and then.
#[derive(Default)]
struct Shown {
    looks: u32,
    drawn: bool,
}

impl Shown {
    fn show(&mut self, done: u64, total: u64) {
        let line = format!("{} of about {}", room::shown(done), room::shown(total.max(done)));
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            let _ = write!(stderr, "\r{line:40}");
            let _ = stderr.flush();
            self.drawn = true;
        } else if self.looks % LOOKS_PER_LINE == LOOKS_PER_LINE - 1 {
            output::note(&line);
        }
        self.looks += 1;
    }

    fn end(&self) {
        if self.drawn {
            let _ = write!(std::io::stderr(), "\r{:40}\r", "");
        }
    }
}
