//! What must hold for everything that callers write into a request: query strings and headers. `cargo
//! xtask fuzz` searches for inputs that break it; those kept in `fuzz/corpus` run as a plain test.

use millrace_atproto::syntax::{AtIdentifier, AtUri, Datetime, Did};

use crate::request::labelers::header_settles;
use crate::request::params::Params;

/// A property: panics when an input breaks it.
pub type Target = fn(&[u8]);

/// Every target under its name; the name is also its corpus's folder.
pub const TARGETS: &[(&str, Target)] = &[("labelers", labelers), ("params", params)];

/// Values that a list may have here.
const LIST_MAX: usize = 25;

/// The seeds of a target; none for an unknown one.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let texts: &[&str] = match target {
        "labelers" => {
            &["did:plc:ewvi7nxzyoun6zhxrhs64oiz;redact, \"did:web:labels.test\";a=1;redact=?0"]
        }
        "params" => &[
            "actor=alice.test&limit=30&cursor=1%3A%3A2%3A%3A3&uris=at%3A%2F%2Fdid%3Aplc%3Aa%2Fb.c.d%2Fe",
            "uris=at://did:plc:a/app.bsky.feed.post/3jzfcijpj2z2a&uris=&flag=true&since=2026-01-02T03:04:05Z&limit=-0",
        ],
        _ => &[],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn labelers(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        header_settles(text);
    }
}

/// Parameters are read without a panic, within their bounds, and a refusal repeats little of them.
fn params(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(params) = Params::of(Some(text)) else { return };
    if let Ok(limit) = params.limit() {
        assert!((1..=100).contains(&limit));
    }
    if let Ok(Some(cursor)) = params.cursor() {
        assert!(!cursor.is_empty() && cursor.len() <= text.len());
    }
    if let Ok(uris) = params.list::<AtUri>("uris", LIST_MAX) {
        assert!(uris.len() <= LIST_MAX);
    }
    for refusal in [
        params.required::<AtIdentifier>("actor").err(),
        params.optional::<Did>("did").err(),
        params.optional::<Datetime>("since").err(),
        params.required_list::<Did>("dids", LIST_MAX).err(),
        params.flag("flag").err(),
        params.text("q").err(),
        params.limit().err(),
    ] {
        assert!(refusal.is_none_or(|refusal| refusal.to_string().len() < 1_000));
    }
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
