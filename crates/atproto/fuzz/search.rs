//! libFuzzer's way into the targets of this crate. `MILLRACE_FUZZ_TARGET` names the one to search;
//! with `MILLRACE_FUZZ_SEEDS` the seeds of all are first written below that folder.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

use libfuzzer_sys::fuzz_target;
use millrace_atproto::fuzz::{TARGETS, Target, seeds};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: begin(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        target(bytes);
    }
});

fn begin() {
    if let Some(folder) = env::var_os("MILLRACE_FUZZ_SEEDS") {
        for (name, _) in TARGETS {
            let folder = Path::new(&folder).join(name);
            fs::create_dir_all(&folder).expect("the folder of seeds");
            for (at, seed) in seeds::of(name).into_iter().enumerate() {
                fs::write(folder.join(format!("seed-{at}")), seed).expect("a seed");
            }
        }
    }
    if let Ok(name) = env::var("MILLRACE_FUZZ_TARGET") {
        let target = TARGETS.iter().find(|(known, _)| *known == name);
        let (_, target) = target.unwrap_or_else(|| panic!("no target is named `{name}`"));
        TARGET.get_or_init(|| *target);
    }
}
