//! What must hold for every input, one function a parser: no panic, and more than that (what is read and
//! written again is the same; two ways to read agree). `crates/atproto/fuzz` searches for inputs that break
//! it, guided by coverage; what it found worth keeping lies in `fuzz/corpus` and runs as a plain test.

mod blocks;
mod entries;
mod events;
mod labels;
mod records;
pub mod seeds;
mod words;

/// A property: panics when an input breaks it.
pub type Target = fn(&[u8]);

/// Every target under its name; the name is also its corpus's folder.
pub const TARGETS: &[(&str, Target)] = &[
    ("car", blocks::car),
    ("cbor", blocks::cbor),
    ("did_doc", words::did_doc),
    ("entry", entries::entry),
    ("frame", events::frame),
    ("jetstream", events::jetstream),
    ("jwt", words::jwt),
    ("label_frame", labels::label_frame),
    ("mst_edit", blocks::mst_edit),
    ("mst_load", blocks::mst_load),
    ("record_cbor", records::cbor),
    ("record_json", records::json),
    ("repo", events::repo),
    ("syntax", words::syntax),
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::path::Path;

    use super::{TARGETS, seeds};

    #[test]
    fn every_kept_input_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, target) in TARGETS {
            let mut inputs = 0;
            for file in fs::read_dir(corpus.join(name)).unwrap() {
                target(&fs::read(file.unwrap().path()).unwrap());
                inputs += 1;
            }
            assert!(inputs > 0, "{name} has no corpus");
        }
    }

    #[test]
    fn every_seed_holds_cut_and_bent_too() {
        for (name, target) in TARGETS {
            let seeds = seeds::of(name);
            assert!(!seeds.is_empty(), "{name} has no seed");
            for seed in seeds {
                target(&seed);
                for at in (0..seed.len()).step_by(seed.len() / 61 + 1) {
                    target(&seed[..at]);
                    let mut bent = seed.clone();
                    bent[at] = bent[at].wrapping_add(1);
                    target(&bent);
                }
            }
        }
    }
}
