//! What must hold for every compressed message of a Jetstream, whatever it claims of itself. `cargo xtask
//! fuzz` searches for inputs that break it; those kept in `fuzz/corpus` run as a plain test.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::source::inflate::frame_holds;

/// A property: panics when an input breaks it.
pub type Target = fn(&[u8]);

/// Every target under its name; the name is also its corpus's folder.
pub const TARGETS: &[(&str, Target)] = &[("inflate", inflate)];

/// Most bytes of a message here.
const BYTES_MAX: usize = 64 << 10;

fn inflate(frame: &[u8]) {
    frame_holds(frame, dictionary(), BYTES_MAX);
}

fn message(n: u64) -> String {
    format!(r#"{{"$type":"message","payload":{{"seq":{n},"did":"did:plc:{n:x}"}}}}"#)
}

fn dictionary() -> &'static Bytes {
    static DICTIONARY: OnceLock<Bytes> = OnceLock::new();
    DICTIONARY.get_or_init(|| {
        let samples: Vec<String> = (0..2_000).map(message).collect();
        zstd::dict::from_samples(&samples, 4 << 10).expect("a dictionary").into()
    })
}

/// The seeds of a target; none for an unknown one.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    if target != "inflate" {
        return Vec::new();
    }
    let mut compressor =
        zstd::bulk::Compressor::with_dictionary(3, dictionary()).expect("a compressor");
    let mut frame = |text: &[u8]| compressor.compress(text).expect("it compresses");
    let zeros = vec![0; BYTES_MAX + 1];
    vec![
        frame(message(7).as_bytes()),
        frame(&zeros),
        frame(b""),
        zstd::stream::encode_all(&*zeros, 3).expect("it compresses"),
    ]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_kept_input_and_every_seed_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, target) in TARGETS {
            for seed in seeds(name) {
                target(&seed);
                (0..seed.len()).for_each(|end| target(&seed[..end]));
            }
            let mut inputs = 0;
            for file in fs::read_dir(corpus.join(name)).unwrap() {
                target(&fs::read(file.unwrap().path()).unwrap());
                inputs += 1;
            }
            assert!(inputs > 0, "{name} has no corpus");
        }
    }
}
