//! `millrace init`: everything a first server under a name of its own needs, in one folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use millrace_atproto::{Did, Handle};
use millrace_runtime::rng::Rng;
use url::Url;

use crate::cli::Global;
use crate::config::{self, DEFAULT_FILE};
use crate::failure::{Failure, ProgramError};
use crate::folder;
use crate::output;
use crate::roles::Roles;
use crate::secrets::{Kind, SecretFile};

/// Write the configuration and the keys of a server with a domain
///
/// Makes a folder with `millrace.toml` and `secrets/`, and says what is left to do: a DNS record, TLS by a
/// reverse proxy, the start. The server's DID is the domain's (`did:web`); its document is served by the server
/// itself. Nothing that is there already is overwritten.
///
/// Examples:
///   millrace init --domain appview.example.com
///   millrace init --domain appview.example.com --dir /etc/millrace --data-dir /var/lib/millrace
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct InitArgs {
    /// The name under which the server is reached
    #[arg(long)]
    domain: String,
    /// Folder of the configuration and the secrets
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// The relay that is followed
    #[arg(long, value_name = "URL", default_value = "wss://bsky.network")]
    relay: String,
    /// Whose events are taken
    #[arg(long, value_enum, default_value_t = Scope::Interest)]
    scope: Scope,
    /// What people read when they allow the server to act for them [default: the domain]
    #[arg(long)]
    name: Option<String>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// Those of whoever reads here, and of whom they follow: a small disk
    Interest,
    /// Everybody's: a large one
    Network,
}

/// The folder of the secrets beside the configuration.
const SECRETS: &str = "secrets";
/// The keys that a server with a domain has. Processes of one machine need no secret among them.
const MADE: [Kind; 4] = [Kind::Service, Kind::Oauth, Kind::Session, Kind::Admin];

pub fn run(global: &Global, args: &InitArgs) -> Result<(), Failure> {
    let domain = domain(&args.domain)?;
    relay(&args.relay)?;
    let dir = absolute(&args.dir)?;
    let data_dir = absolute(global.data_dir.as_deref().unwrap_or(&dir.join("data")))?;
    let file = dir.join(DEFAULT_FILE);
    let secrets = dir.join(SECRETS);
    let text = configuration(args, &domain, &data_dir, &secrets);
    let written: Vec<PathBuf> = std::iter::once(file.clone())
        .chain(MADE.map(|kind| secrets.join(kind.file_name())))
        .collect();
    if args.dry_run {
        written.iter().for_each(|path| output::note(&format!("would write {}", path.display())));
        output::text(&text);
        return Ok(());
    }
    if let Some(path) = written.iter().find(|path| path.exists()) {
        let reason = "is there already; nothing was written".to_owned();
        return Err(ProgramError::FolderUnusable { path: path.clone(), reason }.into());
    }
    for path in [&dir, &secrets, &data_dir] {
        folder::create(path)?;
    }
    let rng = Rng::from_entropy();
    for kind in MADE {
        let secret = SecretFile::at(secrets.join(kind.file_name()));
        secret.replace(&kind.rotated("", true, &rng))?;
    }
    write_new(&file, &text)?;
    let found = Global { config: Some(file), ..Global::default() };
    let loaded = config::load(&found)?;
    loaded.value.check(&Roles::all())?;
    written.iter().for_each(|path| output::note(&format!("written {}", path.display())));
    output::text(&next_steps(&domain, &found, &loaded.value));
    Ok(())
}

/// A name in the DNS, as `did:web` and certificates need it.
fn domain(text: &str) -> Result<String, ProgramError> {
    let refused = |reason: String| ProgramError::Setting { key: "--domain", reason };
    if text.contains(['/', ':', '@']) {
        let reason = format!("`{text}` is no domain: without https://, port and path, please");
        return Err(refused(reason));
    }
    // Handles are domain names, with the same rules.
    let handle = Handle::parse(text).map_err(|error| refused(format!("`{text}`: {error}")))?;
    let domain = handle.as_str().to_ascii_lowercase();
    Did::parse(&format!("did:web:{domain}")).map_err(|error| refused(error.to_string()))?;
    Ok(domain)
}

fn relay(text: &str) -> Result<(), ProgramError> {
    let known = Url::parse(text).is_ok_and(|url| ["ws", "wss"].contains(&url.scheme()));
    let reason = || format!("`{text}` is not the URL of a WebSocket, such as wss://bsky.network");
    known.then_some(()).ok_or_else(|| ProgramError::Setting { key: "--relay", reason: reason() })
}

fn absolute(path: &Path) -> Result<PathBuf, ProgramError> {
    std::path::absolute(path).map_err(|error| ProgramError::FolderUnusable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn configuration(args: &InitArgs, domain: &str, data_dir: &Path, secrets: &Path) -> String {
    // A JSON string without control characters is a TOML string.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let path = |path: &Path| quoted(&path.display().to_string());
    let secret = |kind: Kind| path(&secrets.join(kind.file_name()));
    let name = quoted(args.name.as_deref().unwrap_or(domain));
    let scope = match args.scope {
        Scope::Interest => "interest",
        Scope::Network => "network",
    };
    format!(
        "# Written by `millrace init`. `millrace config example` prints every setting with its meaning.
data_dir = {data_dir}

[appview]
name = {name}
# A reverse proxy on this machine brings TLS and passes everything on to here.
listen = \"127.0.0.1:5000\"
public_url = \"https://{domain}\"
service_did = \"did:web:{domain}\"
service_key_file = {service}
oauth_keys_file = {oauth}
session_secret_file = {session}
admin_password_file = {admin}

[appview.limits]
trusted_proxies = 1

[ingest]
relay_url = {relay}
# Whose events are taken: `interest`, of who reads here and whom they follow, or `network`, everybody's.
scope = \"{scope}\"
",
        data_dir = path(data_dir),
        service = secret(Kind::Service),
        oauth = secret(Kind::Oauth),
        session = secret(Kind::Session),
        admin = secret(Kind::Admin),
        relay = quoted(&args.relay),
    )
}

fn write_new(path: &Path, text: &str) -> Result<(), ProgramError> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| ProgramError::FolderUnusable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn next_steps(domain: &str, found: &Global, config: &config::Config) -> String {
    let file = found.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE)).display();
    let listen = config.appview_addr();
    let key = config.appview.appview.service_key.as_ref().map(|key| key.public_multibase());
    let key = key.unwrap_or_default();
    format!(
        "This server is did:web:{domain}, and signs as {key}.

1. DNS: an A or AAAA record that leads {domain} to this machine.
2. TLS: a reverse proxy that passes everything on to {listen}. As a Caddyfile:

       {domain} {{
           reverse_proxy {listen}
       }}

3. Start it, and look whether everything is well:

       millrace serve --config {file}
       millrace doctor --config {file}

4. From outside https://{domain}/.well-known/did.json shows the DID and the key, and https://{domain}/
   the dashboard.
5. PDSs whose people read here need PDS_BSKY_APP_VIEW_URL=https://{domain} and
   PDS_BSKY_APP_VIEW_DID=did:web:{domain}

Keep the secrets: without them everybody signs in again, and labels have another key. `millrace keys list` tells
where they are, `millrace keys rotate` makes new ones."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_domains() {
        for good in ["appview.example.com", "A.Example.COM", "a-b.co"] {
            assert_eq!(domain(good).ok(), Some(good.to_lowercase()), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "https://a.example",
            "a.example/",
            "a.example:443",
            "1.2.3.4",
            "a b.c",
            "-a.b",
        ] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn relays_are_web_sockets() {
        assert!(relay("wss://bsky.network").is_ok());
        for bad in ["bsky.network", "https://bsky.network", ""] {
            assert!(relay(bad).is_err(), "{bad}");
        }
    }
}
