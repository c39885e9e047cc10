//! Putting restored files in the place of others, so that a crash leaves neither half of both nor a doubt.
//!
//! What is to be moved is written down first (`RESTORE` in the data folder). Until that file is gone no
//! server and no command works on the folder; `millrace restore` finishes the moves, which may be done twice.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sync_dir;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "RESTORE";

/// Moves under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The backup that is put in place, for whoever reads the file.
    pub backup: PathBuf,
    pub moves: Vec<Move>,
    /// Folders that are empty when all is done.
    pub staging: Vec<PathBuf>,
}

/// One file's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub file: PathBuf,
    /// Where the present file goes.
    pub aside: PathBuf,
    /// What takes its place; nothing, where the backup has no such file.
    pub staged: Option<PathBuf>,
}

/// Whether a restore of this folder has begun and not ended.
pub fn is_under_way(data_dir: &Path) -> bool {
    data_dir.join(JOURNAL).exists()
}

/// The moves that were begun, if any.
///
/// # Errors
/// The journal cannot be read.
pub fn load(data_dir: &Path) -> std::io::Result<Option<Journal>> {
    match fs::read(data_dir.join(JOURNAL)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the moves down. From here on they will be done.
///
/// # Errors
/// Nothing was moved.
pub fn begin(data_dir: &Path, journal: &Journal) -> std::io::Result<()> {
    use std::io::Write as _;
    let text = serde_json::to_vec_pretty(journal)?;
    let draft = data_dir.join("RESTORE.partial");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&draft, data_dir.join(JOURNAL))?;
    sync_dir(data_dir)
}

/// Does the moves, or what is left of them.
///
/// # Errors
/// Some are not done; the journal stays.
pub fn finish(data_dir: &Path, journal: &Journal) -> std::io::Result<()> {
    for step in &journal.moves {
        one(step)?;
    }
    for step in &journal.moves {
        for path in [&step.file, &step.aside] {
            if let Some(parent) = path.parent().filter(|parent| parent.is_dir()) {
                sync_dir(parent)?;
            }
        }
    }
    for dir in &journal.staging {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_file(data_dir.join(JOURNAL))?;
    sync_dir(data_dir)
}

/// A staged file that is gone has taken its place already, and then `file` is the new one.
fn one(step: &Move) -> std::io::Result<()> {
    let staged = step.staged.as_ref().filter(|staged| staged.exists());
    let pending = step.staged.is_none() || staged.is_some();
    if pending && step.file.exists() && !step.aside.exists() {
        if let Some(parent) = step.aside.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(&step.file, &step.aside)?;
    }
    match staged {
        Some(staged) => fs::rename(staged, &step.file),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Old: a, b, c. Restored: a and d; b and c go.
    fn world(dir: &Path) -> Journal {
        let (staging, aside) = (dir.join("staging"), dir.join("aside"));
        fs::create_dir(&staging).unwrap();
        for old in ["a", "b", "c"] {
            fs::write(dir.join(old), format!("old {old}")).unwrap();
        }
        for new in ["a", "d"] {
            fs::write(staging.join(new), format!("new {new}")).unwrap();
        }
        let moves = ["a", "b", "c", "d"].map(|name| Move {
            file: dir.join(name),
            aside: aside.join(name),
            staged: ["a", "d"].contains(&name).then(|| staging.join(name)),
        });
        Journal { backup: "backup".into(), moves: moves.into(), staging: vec![staging] }
    }

    fn assert_done(dir: &Path) {
        let read = |name: &str| fs::read_to_string(dir.join(name)).ok();
        assert_eq!(read("a").as_deref(), Some("new a"));
        assert_eq!(read("d").as_deref(), Some("new d"));
        assert_eq!((read("b"), read("c")), (None, None));
        for old in ["a", "b", "c"] {
            assert_eq!(read(&format!("aside/{old}")), Some(format!("old {old}")));
        }
        assert!(!dir.join("staging").exists() && !is_under_way(dir));
    }

    #[test]
    fn moves_are_finished_wherever_they_stopped() {
        // Each file takes at most two renames; stop after each of them.
        for stopped_after in 0..=6 {
            let dir = tempfile::tempdir().unwrap();
            let journal = world(dir.path());
            begin(dir.path(), &journal).unwrap();
            let mut renames = 0;
            for step in &journal.moves {
                let goes = step.file.exists();
                if renames < stopped_after && goes {
                    fs::create_dir_all(step.aside.parent().unwrap()).unwrap();
                    fs::rename(&step.file, &step.aside).unwrap();
                    renames += 1;
                }
                if let Some(staged) = step.staged.as_ref().filter(|_| renames < stopped_after) {
                    fs::rename(staged, &step.file).unwrap();
                    renames += 1;
                }
            }
            assert!(is_under_way(dir.path()));
            let left = load(dir.path()).unwrap().unwrap();
            assert_eq!(left, journal);
            finish(dir.path(), &left).unwrap();
            assert_done(dir.path());
            assert_eq!(load(dir.path()).unwrap(), None);
        }
    }
}
