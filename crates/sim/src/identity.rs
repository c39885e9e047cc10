//! An account's names and key, drawn from the seed.

use data_encoding::BASE32_NOPAD;
use millrace_atproto::crypto::{Curve, SigningKey, sha256};
use millrace_atproto::syntax::{Did, Handle};
use millrace_runtime::rng::Rng;

use crate::words;

/// Who an account is.
#[derive(Debug, Clone)]
pub struct Identity {
    pub did: Did,
    pub handle: Handle,
    pub key: SigningKey,
}

impl Identity {
    /// The `index`-th account of a network. Every fourth signs with P-256, as some do outside.
    pub fn drawn(seed: u64, index: u32, rng: &Rng) -> Self {
        let curve = if index % 4 == 3 { Curve::P256 } else { Curve::K256 };
        let key = SigningKey::generate(curve, &mut |bytes: &mut [u8]| rng.fill(bytes));
        Self { did: did(seed, index), handle: handle(index), key }
    }
}

/// A did:plc has 24 characters of a hash in lower-case base32.
fn did(seed: u64, index: u32) -> Did {
    let digest = sha256(format!("millrace sim {seed} {index}").as_bytes());
    let text = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    let text: String = text.chars().take(24).collect();
    Did::parse(&format!("did:plc:{text}")).expect("invariant: base32 is valid in a DID")
}

fn handle(index: u32) -> Handle {
    let name = words::NAMES[index as usize % words::NAMES.len()];
    let round = index as usize / words::NAMES.len();
    let label = if round == 0 { name.to_owned() } else { format!("{name}{round}") };
    Handle::parse(&format!("{label}.sim.test")).expect("invariant: names are labels")
}
