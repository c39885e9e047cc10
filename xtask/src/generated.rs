//! Files that the program prints about itself and that are kept in the tree, so that they can be read
//! without building it. `cargo xtask generate` writes them; lint fails when one is out of date.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::shell;

/// (path, the program's arguments that print it)
const FILES: &[(&str, &[&str])] = &[
    ("millrace.example.toml", &["config", "example"]),
    (".env.example", &["config", "example", "--dotenv"]),
    ("docs/reference/configuration.md", &["reference", "configuration"]),
    ("docs/reference/errors.md", &["reference", "errors"]),
    ("docs/reference/metrics.md", &["reference", "metrics"]),
    ("docs/reference/routes.md", &["reference", "routes"]),
];

/// Writes all of them.
///
/// # Errors
/// When the program does not build or run, or a file cannot be written.
pub fn write(root: &Path) -> Result<()> {
    for (path, args) in FILES {
        let text = printed(root, args)?;
        let path_here = root.join(path);
        fs::create_dir_all(path_here.parent().unwrap_or(root))?;
        fs::write(path_here, text)?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Tells which are out of date; none when all is well.
///
/// # Errors
/// As [`write`].
pub fn stale(root: &Path) -> Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for (path, args) in FILES {
        if fs::read_to_string(root.join(path)).ok() != Some(printed(root, args)?) {
            stale.push(*path);
        }
    }
    Ok(stale)
}

fn printed(root: &Path, args: &[&str]) -> Result<String> {
    let mut program = shell::cargo();
    program.args(["run", "--quiet", "-p", "millrace", "--"]).args(args).current_dir(root);
    shell::output(&mut program)
}
