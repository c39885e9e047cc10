//! An account's names and keys, drawn from the seed.

use data_encoding::BASE32_NOPAD;
use millrace_atproto::crypto::{Curve, SigningKey, sha256};
use millrace_atproto::syntax::{Did, Handle};
use millrace_runtime::rng::Rng;

use crate::words;

/// Who an account is.
#[derive(Debug, Clone)]
pub struct Identity {
    pub did: Did,
    /// What its document says; whether the handle says the same, [`crate::World::verified_handle`] tells.
    pub handle: Handle,
    pub key: SigningKey,
    /// The key of its labels, once it is a labeler.
    pub label_key: Option<SigningKey>,
}

impl Identity {
    /// The `index`-th account of a network; did:web if it is given the port where its document is.
    pub(crate) fn drawn(seed: u64, index: u32, web_port: Option<u16>, rng: &Rng) -> Self {
        // Every fourth signs with P-256, as some do outside.
        let key = drawn_key(if index % 4 == 3 { Curve::P256 } else { Curve::K256 }, rng);
        let did = match web_port {
            Some(port) => Did::parse(&format!("did:web:localhost%3A{port}"))
                .expect("invariant: a host and a port are a did:web"),
            None => plc_did(&format!("millrace sim {seed} {index}")),
        };
        Self { did, handle: handle(index), key, label_key: None }
    }
}

pub(crate) fn drawn_key(curve: Curve, rng: &Rng) -> SigningKey {
    SigningKey::generate(curve, &mut |bytes: &mut [u8]| rng.fill(bytes))
}

/// A did:plc has 24 characters of a hash in lower-case base32.
pub(crate) fn plc_did(of: &str) -> Did {
    let text = BASE32_NOPAD.encode(&sha256(of.as_bytes())).to_ascii_lowercase();
    let text: String = text.chars().take(24).collect();
    Did::parse(&format!("did:plc:{text}")).expect("invariant: base32 is valid in a DID")
}

fn handle(index: u32) -> Handle {
    let name = words::NAMES[index as usize % words::NAMES.len()];
    let round = index as usize / words::NAMES.len();
    let label = if round == 0 { name.to_owned() } else { format!("{name}{round}") };
    Handle::parse(&format!("{label}.sim.test")).expect("invariant: names are labels")
}
