//! `millrace cache`: what running servers keep in memory, and how to have it forgotten. Nothing is lost by
//! that: what is forgotten is asked for again.

use clap::Subcommand;
use millrace_runtime::caches::CacheStats;
use serde_json::json;

use crate::admin::backup::room::shown;
use crate::admin::client::{self, AdminClient};
use crate::admin::operate::{CacheList, ClearCaches, Cleared};
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::{Failure, ProgramError};
use crate::output;

#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Every cache: how much it keeps, how much it may, how often it helped
    ///
    /// Example: millrace cache stats --json | jq '.caches[] | select(.misses > .hits)'
    #[command(verbatim_doc_comment)]
    Stats {
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Forget what caches keep: all of them, one, or one key
    ///
    /// Examples:
    ///   millrace cache clear --key did:plc:z72i7hdynmk6r22z27h6tvur
    ///   millrace cache clear handles --yes
    #[command(verbatim_doc_comment)]
    Clear {
        /// Only the cache of this name
        name: Option<String>,
        /// Only this key: a DID, a handle, a record key
        #[arg(long)]
        key: Option<String>,
        #[command(flatten)]
        write: WriteArgs,
    },
}

pub async fn run(global: &Global, command: CacheCommand) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    let servers = client::servers_of_folder(&config.data_dir)?;
    match command {
        CacheCommand::Stats { read } => stats(&servers, read).await,
        CacheCommand::Clear { name, key, write } => {
            clear(&servers, ClearCaches { name, key }, write).await
        }
    }
}

async fn stats(servers: &[(&'static str, AdminClient)], read: ReadArgs) -> Result<(), Failure> {
    let mut caches: Vec<(&str, CacheStats)> = Vec::new();
    for (process, server) in servers {
        let list: CacheList = server.get("caches", &()).await?;
        caches.extend(list.caches.into_iter().map(|stats| (*process, stats)));
    }
    if read.json {
        let caches: Vec<_> = caches
            .iter()
            .map(|(process, stats)| {
                let mut value = json!(stats);
                value["process"] = json!(process);
                value
            })
            .collect();
        output::json(&json!({ "caches": caches }));
        return Ok(());
    }
    let rows: Vec<[String; 7]> =
        caches.iter().map(|(process, stats)| row(process, stats)).collect();
    output::table(["PROCESS", "CACHE", "ENTRIES", "BYTES", "BOUND", "HITS", "MISSES"], &rows);
    Ok(())
}

fn row(process: &str, stats: &CacheStats) -> [String; 7] {
    let asked = stats.hits + stats.misses;
    let share = if asked == 0 { 0.0 } else { 100.0 * stats.hits as f64 / asked as f64 };
    [
        process.to_owned(),
        stats.name.clone(),
        stats.entries.to_string(),
        shown(stats.bytes),
        shown(stats.bytes_max),
        format!("{} ({share:.0} %)", stats.hits),
        stats.misses.to_string(),
    ]
}

async fn clear(
    servers: &[(&'static str, AdminClient)],
    wanted: ClearCaches,
    write: WriteArgs,
) -> Result<(), Failure> {
    let which =
        wanted.name.as_ref().map_or("every cache".to_owned(), |name| format!("cache {name}"));
    let action = match &wanted.key {
        Some(key) => format!("forget {key} in {which}"),
        None => format!("empty {which}"),
    };
    known(servers, &wanted).await?;
    if write.dry_run {
        output::note(&format!("would {action}"));
        return Ok(());
    }
    // One key costs one question; everything at once is felt.
    if wanted.key.is_none() {
        output::confirm(&action, write.yes)?;
    }
    let query = serde_urlencoded(&wanted);
    let mut cleared = Vec::new();
    for (process, server) in servers {
        let done: Cleared = server.post(&format!("caches/clear{query}")).await?;
        cleared.extend(done.cleared.into_iter().map(|name| format!("{process}: {name}")));
    }
    match (cleared.is_empty(), &wanted.key) {
        (true, Some(key)) => output::note(&format!("no cache had {key}")),
        _ => cleared.iter().for_each(|name| output::text(name)),
    }
    Ok(())
}

/// A name that no cache has would silently do nothing.
async fn known(
    servers: &[(&'static str, AdminClient)],
    wanted: &ClearCaches,
) -> Result<(), Failure> {
    let Some(name) = &wanted.name else { return Ok(()) };
    let mut names = Vec::new();
    for (_, server) in servers {
        let list: CacheList = server.get("caches", &()).await?;
        names.extend(list.caches.into_iter().map(|stats| stats.name));
    }
    if names.contains(name) {
        return Ok(());
    }
    names.sort();
    names.dedup();
    Err(ProgramError::NoSuchCache { name: name.clone(), known: names.join(", ") }.into())
}

/// The question as the end of a URL.
fn serde_urlencoded(wanted: &ClearCaches) -> String {
    let mut url = url::Url::parse("http://localhost/").expect("invariant: a URL");
    {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in [("name", &wanted.name), ("key", &wanted.key)] {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
    }
    url.query().map(|query| format!("?{query}")).unwrap_or_default()
}
