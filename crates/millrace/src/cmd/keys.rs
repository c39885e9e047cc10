//! `millrace keys`: the secrets of a server, and new ones in their place.

use clap::{Args, Subcommand};
use millrace_atproto::datetime::format_ms_us;
use millrace_push::Vapid;
use millrace_runtime::config::{Loaded, Origin};
use millrace_runtime::rng::Rng;
use serde::Serialize;

use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::folder;
use crate::output;
use crate::secrets::{Kind, SecretFile};

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// What secrets there are, where they stand, and by what others know them
    List {
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Print a new secret, for a place that keeps secrets itself
    Make {
        /// Which
        kind: Kind,
    },
    Rotate(RotateArgs),
}

/// Put a new secret in place of one
///
/// Works on files that the configuration names (`service_key_file` and its like, as `millrace init` sets them up).
/// OAuth keys and session secrets keep the older ones behind the new one, so that nobody is signed out;
/// `--only-new` leaves the new one alone. Takes effect when the server starts again.
///
/// Examples:
///   millrace keys rotate oauth
///   millrace keys rotate session --only-new --yes    # it got out: everybody signs in again
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RotateArgs {
    /// Which
    kind: Kind,
    /// Take the older ones away now
    #[arg(long)]
    only_new: bool,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn run(global: &Global, command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::List { read } => list(&config::load(global)?, read),
        KeysCommand::Make { kind } => output::text(&kind.make(&Rng::from_entropy())),
        KeysCommand::Rotate(args) => rotate(&config::load(global)?, &args)?,
    }
    Ok(())
}

/// One secret, without itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    name: &'static str,
    setting: &'static str,
    /// `none`: it is not set.
    origin: String,
    /// How many lines the file has: the newest, and older ones that are still taken.
    count: usize,
    /// By what others know it; of those that are shown to nobody nothing.
    public: Vec<String>,
    changed_at: Option<String>,
}

fn list(loaded: &Loaded<Config>, read: ReadArgs) {
    let known: Vec<Known> = Kind::ALL.into_iter().map(|kind| known(kind, loaded)).collect();
    if read.json {
        return output::json(&known);
    }
    let rows: Vec<[String; 5]> = known
        .iter()
        .map(|it| {
            let changed = it.changed_at.clone().unwrap_or_default();
            let count = it.count.to_string();
            let public = output::cell(&it.public.join(" "));
            [it.name.to_owned(), it.origin.clone(), count, output::cell(&changed), public]
        })
        .collect();
    output::table(["KEY", "FROM", "COUNT", "CHANGED", "KNOWN AS"], &rows);
}

fn known(kind: Kind, loaded: &Loaded<Config>) -> Known {
    let file = kind.file(loaded).ok();
    let lying = file.as_ref().map(|file| file.read().unwrap_or_default());
    let changed = file.as_ref().and_then(SecretFile::written_at);
    let changed = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let appview = &loaded.value.appview.appview;
    let public: Vec<String> = match kind {
        Kind::Service => appview.service_key.iter().map(|key| key.public_multibase()).collect(),
        Kind::Oauth => appview.oauth_keys.ids().map(str::to_owned).collect(),
        Kind::Push => {
            let set = loaded.value.push.vapid_key.expose();
            let key = if set.is_empty() { lying.as_deref().unwrap_or_default() } else { set };
            Vapid::new(key, String::new()).iter().map(Vapid::public_key).collect()
        }
        Kind::Session | Kind::Admin | Kind::Internal => Vec::new(),
    };
    let lines = |text: &str| text.split_whitespace().count();
    // One that is set and lies in no file is one.
    let elsewhere = usize::from(loaded.origin(kind.setting()) != Origin::Default);
    let count = lying.as_deref().map_or(elsewhere, lines);
    let origin = match (loaded.origin(kind.setting()), &file) {
        (Origin::Default, Some(file)) if count > 0 => file.path.display().to_string(),
        (Origin::Default, _) => "none".to_owned(),
        (Origin::SecretFile { path, .. }, _) => path.display().to_string(),
        (origin, _) => origin.to_string(),
    };
    Known {
        name: kind.name(),
        setting: kind.setting(),
        origin,
        count,
        public,
        changed_at: changed.and_then(|at| i64::try_from(at.as_micros()).ok()).map(format_ms_us),
    }
}

fn rotate(loaded: &Loaded<Config>, args: &RotateArgs) -> Result<(), Failure> {
    let RotateArgs { kind, only_new, write } = args;
    let file = kind.file(loaded)?;
    let older = file.read()?;
    let what = format!("put a new secret for `{}` into {}", kind.name(), file.path.display());
    if write.dry_run {
        output::text(&format!("would {what}"));
        return Ok(());
    }
    output::confirm(&what, write.yes)?;
    file.replace(&kind.rotated(&older, *only_new, &Rng::from_entropy()))?;
    output::text(&format!("{} has a new secret", file.path.display()));
    output::note(kind.consequence());
    if !folder::running(&loaded.value.data_dir).is_empty() {
        output::note("the running server has the older one until it is started again");
    }
    Ok(())
}
