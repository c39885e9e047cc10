//! What a PDS gave is kept sealed: AES-256-GCM under a key derived from the first line of `appview.session_secret`,
//! bound to the row it stands in, so that a row moved to another account's place does not open. Older lines open
//! what was sealed with them.
//!
//! ```text
//! 1 version │ 12 nonce │ ciphertext │ 16 tag
//! ```

use millrace_runtime::config::Secret;
use millrace_runtime::rng::Rng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

const VERSION: u8 = 1;
/// What the derived key is for; another use of the secret has another.
const PURPOSE: &[u8] = b"millrace session grant";

/// Seals and opens.
pub(crate) struct Sealer {
    /// The first seals.
    keys: Vec<LessSafeKey>,
    rng: Rng,
}

/// The bytes were not sealed here, for this row, or with this secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what a PDS gave cannot be opened: it was kept under another session secret")]
pub(crate) struct NotOurs;

impl Sealer {
    pub(crate) fn new(secret: &Secret, rng: Rng) -> Self {
        let lines = secret.expose().lines().map(str::trim).filter(|line| !line.is_empty());
        let mut keys: Vec<LessSafeKey> = lines.map(|line| derived(line.as_bytes())).collect();
        if keys.is_empty() {
            // What nobody knows ends with this process.
            let mut unknown = [0_u8; 32];
            rng.fill(&mut unknown);
            keys.push(derived(&unknown));
        }
        Self { keys, rng }
    }

    /// Seals `plain` for the row that `place` names.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0_u8; NONCE_LEN];
        self.rng.fill(&mut nonce);
        let mut body = plain.to_vec();
        let key = self.keys.first().expect("invariant: there is a key");
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.as_bytes()),
            &mut body,
        )
        .expect("invariant: a grant is shorter than the cipher's bound");
        [&[VERSION], nonce.as_slice(), &body].concat()
    }

    /// What was sealed for that row.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        let (&version, rest) = sealed.split_first().ok_or(NotOurs)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(NotOurs)?;
        if version != VERSION {
            return Err(NotOurs);
        }
        let opened = self.keys.iter().find_map(|key| {
            let (mut body, nonce) = (body.to_vec(), Nonce::assume_unique_for_key(*nonce));
            let plain = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body).ok()?;
            Some(plain.to_vec())
        });
        opened.ok_or(NotOurs)
    }
}

fn derived(secret: &[u8]) -> LessSafeKey {
    let derived = Salt::new(HKDF_SHA256, &[]).extract(secret);
    let derived = derived.expand(&[PURPOSE], &AES_256_GCM);
    let key = UnboundKey::from(derived.expect("invariant: the length is the algorithm's"));
    LessSafeKey::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(secret: &str) -> Sealer {
        Sealer::new(&Secret::from(secret), Rng::seeded(1))
    }

    #[test]
    fn opens_for_its_own_row_with_its_own_secret_only() {
        let sealed = sealer("secret").seal("grant 1", b"tokens");
        assert_eq!(sealer("secret").open("grant 1", &sealed).as_deref(), Ok(b"tokens".as_slice()));
        assert_eq!(sealer("secret").open("grant 2", &sealed), Err(NotOurs));
        assert_eq!(sealer("other").open("grant 1", &sealed), Err(NotOurs));
    }

    #[test]
    fn an_older_line_opens_what_it_sealed() {
        let sealed = sealer("old").seal("grant 1", b"tokens");
        let rotated = sealer("new\n\nold\n");
        assert_eq!(rotated.open("grant 1", &sealed).as_deref(), Ok(b"tokens".as_slice()));
        let sealed = rotated.seal("grant 1", b"tokens");
        assert!(sealer("new").open("grant 1", &sealed).is_ok());
        assert_eq!(sealer("old").open("grant 1", &sealed), Err(NotOurs));
    }

    #[test]
    fn nothing_changed_or_cut_opens() {
        let sealed = sealer("secret").seal("grant 1", b"tokens");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(sealer("secret").open("grant 1", &changed), Err(NotOurs), "{at}");
            assert_eq!(sealer("secret").open("grant 1", &sealed[..at]), Err(NotOurs), "{at}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let sealer = sealer("secret");
        assert_ne!(sealer.seal("grant 1", b"tokens"), sealer.seal("grant 1", b"tokens"));
    }
}
