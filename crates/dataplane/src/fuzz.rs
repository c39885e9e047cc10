//! What must hold for every input that the data-plane reads: cursors, searches, bodies of `/internal` and
//! of gRPC. `cargo xtask fuzz` searches for inputs that break it; those kept in `fuzz/corpus` run as a
//! plain test.

use prost::Message as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::grpc::user;
use crate::query::cursor::TimeKey;
use crate::query::{search_actors, search_posts};
use crate::search::typed::Typed;
use crate::search::words;

/// A property: panics when an input breaks it.
pub type Target = fn(&[u8]);

/// Every target under its name; the name is also its corpus's folder.
pub const TARGETS: &[(&str, Target)] =
    &[("cursor", cursor), ("grpc", grpc), ("internal", internal), ("search", search)];

/// The seeds of a target; none for an unknown one.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let texts: &[&str] = match target {
        "cursor" => &["1767323045678000::3::-7", "3::120::-5", "17::4", "9223372036854775807"],
        "search" => &[
            "from:alice.test \"exact words\" -not since:2026-01-02 #tag lang:de 東京都 é",
            "domain:example.com url:https://example.com/a mentions:me did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        ],
        "internal" => &[
            r#"{"actor":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","limit":50,"cursor":"1::2::3"}"#,
            r#"{"viewer":null,"posts":["at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a"],"actors":[],"lists":[],"generators":[],"starterPacks":[],"labelers":[],"replyRefs":true,"detailed":[],"trustedVerifiers":[]}"#,
            r#"{"actors":["alice.test"],"uri":"at://did:plc:a/app.bsky.feed.post/3jzfcijpj2z2a","uris":[],"q":"x","sort":"top","id":1}"#,
        ],
        "grpc" => {
            let request = user::GetFollowersRequest {
                user_id: "did:plc:ewvi7nxzyoun6zhxrhs64oiz".to_owned(),
                ..Default::default()
            };
            return vec![request.encode_to_vec()];
        }
        _ => &[],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Cursors of every kind mean the same when they are written again.
fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(position) = TimeKey::parse(Some(text)) {
        assert_eq!(TimeKey::parse(Some(&position.pack())).ok(), Some(position));
    }
    search_posts::cursor_settles(text);
    search_actors::cursor_settles(text);
}

/// Words are never empty, and a word of a text is found in the text that is that word alone.
fn search(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let words = words::words(text);
    assert!(words.iter().all(|word| !word.is_empty()));
    assert!(words.iter().map(String::len).sum::<usize>() <= 64 * text.len() + 64, "bounded");
    for word in words.iter().take(8) {
        let again = words::words(word);
        assert!(again.contains(word), "{word:?} became {again:?}");
    }
    let typed = Typed::parse(text);
    let phrases = typed.wanted.iter().chain(&typed.unwanted);
    assert!(phrases.flat_map(|phrase| &phrase.tokens).all(|token| !token.is_empty()));
    assert_eq!(Typed::parse(text), typed);
}

/// Every method reads every body without a panic.
fn internal(bytes: &[u8]) {
    for body in crate::rpc::bodies() {
        body(bytes);
    }
}

/// A question that is read is written as one that is read as the same.
pub(crate) fn body<Q: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(question) = serde_json::from_slice::<Q>(bytes) else { return };
    let written = serde_json::to_vec(&question).expect("a question serialises");
    let again: Q = serde_json::from_slice(&written).expect("what is written is read");
    let twice = serde_json::to_vec(&again).expect("a question serialises");
    assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&written));
}

/// A message that is read is written as one that is read as the same.
fn grpc(bytes: &[u8]) {
    let Ok(request) = user::GetFollowersRequest::decode(bytes) else { return };
    let written = request.encode_to_vec();
    assert_eq!(user::GetFollowersRequest::decode(&*written).ok(), Some(request));
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
