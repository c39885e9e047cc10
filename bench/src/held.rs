//! Files that stay in memory while something is measured. What a system keeps of files by itself is its own affair:
//! some give back within half a minute what nobody reads, and then a warm answer comes from the disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What nobody reads while questions are answered.
const LEFT_OUT: &str = "log.db";

/// The tables of a data folder, in memory until this is dropped.
pub struct Held {
    pid: String,
}

impl Held {
    /// Reads the tables in and locks them; none where vmtouch is missing or may not.
    pub fn tables(data: &Path) -> Option<Self> {
        let tables: Vec<PathBuf> = std::fs::read_dir(data)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
            .filter(|path| path.file_name().is_some_and(|name| name != LEFT_OUT))
            .collect();
        let pid_file = data.join("held.pid");
        let locked = Command::new("vmtouch")
            .args(["-q", "-l", "-d", "-w", "-P"])
            .arg(&pid_file)
            .args(tables)
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        let pid = std::fs::read_to_string(pid_file).ok().filter(|_| locked)?;
        Some(Self { pid: pid.trim().to_owned() })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Err(error) = Command::new("kill").arg(&self.pid).status() {
            eprintln!("what holds tables in memory still runs: {error}");
        }
    }
}
