//! libFuzzer's way into the targets of ingest, dataplane and appview. `MILLRACE_FUZZ_TARGET` names the
//! one to search; with `MILLRACE_FUZZ_SEEDS` the seeds of all are first written below that folder.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

use libfuzzer_sys::fuzz_target;

type Target = fn(&[u8]);
type Seeds = fn(&str) -> Vec<Vec<u8>>;

/// The targets of each crate, and how its seeds are made.
const CRATES: &[(&[(&str, Target)], Seeds)] = &[
    (millrace_ingest::fuzz::TARGETS, millrace_ingest::fuzz::seeds),
    (millrace_dataplane::fuzz::TARGETS, millrace_dataplane::fuzz::seeds),
    (millrace_appview::fuzz::TARGETS, millrace_appview::fuzz::seeds),
];

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: begin(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        target(bytes);
    }
});

fn begin() {
    if let Some(folder) = env::var_os("MILLRACE_FUZZ_SEEDS") {
        for (name, seeds) in CRATES
            .iter()
            .flat_map(|(targets, seeds)| targets.iter().map(move |(name, _)| (*name, *seeds)))
        {
            let folder = Path::new(&folder).join(name);
            fs::create_dir_all(&folder).expect("the folder of seeds");
            for (at, seed) in seeds(name).into_iter().enumerate() {
                fs::write(folder.join(format!("seed-{at}")), seed).expect("a seed");
            }
        }
    }
    if let Ok(name) = env::var("MILLRACE_FUZZ_TARGET") {
        let mut targets = CRATES.iter().flat_map(|(targets, _)| *targets);
        let target = targets.find(|(known, _)| *known == name);
        let (_, target) = target.unwrap_or_else(|| panic!("no target is named `{name}`"));
        TARGET.get_or_init(|| *target);
    }
}
