//! A message for one browser (RFC 8291): the secret that both sides' keys make is the root of a content key, with
//! which the message is one record of `aes128gcm` (RFC 8188).
//!
//! ```text
//! 16 salt │ 4 record size │ 1 length of the next │ 65 our public key │ ciphertext │ 16 tag
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_dataplane::query::web_push::PushKeys;
use p256::elliptic_curve::point::AffineCoordinates as _;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

/// Bytes of a body that every push service takes (RFC 8030 §7.2).
const BODY_BYTES_MAX: usize = 4_096;
const POINT_BYTES: usize = 65;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + POINT_BYTES;
/// Bytes of a message: with its delimiter, the tag and the header it is a whole body.
pub const MESSAGE_BYTES_MAX: usize = BODY_BYTES_MAX - HEADER_BYTES - TAG_BYTES - 1;
/// The delimiter of the last record.
const LAST: u8 = 2;

/// A message cannot be encrypted for a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    #[error("the browser's keys are no keys")]
    Keys,
    #[error("the message has more than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
}

/// What a browser is written to with.
pub struct Recipient {
    point: [u8; POINT_BYTES],
    key: p256::PublicKey,
    auth: [u8; 16],
}

/// What is new for every message: the key of this side and the salt.
pub struct Fresh {
    pub key: SigningKey,
    pub salt: [u8; SALT_BYTES],
}

impl Fresh {
    /// From random bytes that `fill` writes.
    pub fn new(fill: &mut dyn FnMut(&mut [u8])) -> Self {
        let mut salt = [0; SALT_BYTES];
        fill(&mut salt);
        Self { key: SigningKey::generate(Curve::P256, fill), salt }
    }
}

impl Recipient {
    /// # Errors
    /// They are not a point of the curve and a secret of 16 bytes.
    pub fn of(keys: &PushKeys) -> Result<Self, EncryptError> {
        let point: [u8; POINT_BYTES] =
            bytes(&keys.p256dh)?.try_into().map_err(|_| EncryptError::Keys)?;
        let auth = bytes(&keys.auth)?.try_into().map_err(|_| EncryptError::Keys)?;
        let key = p256::PublicKey::from_sec1_bytes(&point).map_err(|_| EncryptError::Keys)?;
        Ok(Self { point, key, auth })
    }

    /// The body of a request to the push service.
    ///
    /// # Errors
    /// The message is too large.
    pub fn encrypt(&self, message: &[u8], fresh: &Fresh) -> Result<Vec<u8>, EncryptError> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(EncryptError::TooLarge);
        }
        let ours = fresh.key.public().to_uncompressed_point();
        let secret = shared_secret(&fresh.key, &self.key).ok_or(EncryptError::Keys)?;
        let keys = ContentKeys::of(&secret, &self.auth, &self.point, &ours, &fresh.salt);
        let mut record = message.to_vec();
        record.push(LAST);
        let tag = keys
            .key()
            .seal_in_place_separate_tag(keys.nonce(), Aad::empty(), &mut record)
            .map_err(|_| EncryptError::TooLarge)?;
        let mut body = Vec::with_capacity(HEADER_BYTES + record.len() + TAG_BYTES);
        body.extend_from_slice(&fresh.salt);
        body.extend_from_slice(&(BODY_BYTES_MAX as u32).to_be_bytes());
        body.push(POINT_BYTES as u8);
        body.extend_from_slice(&ours);
        body.extend_from_slice(&record);
        body.extend_from_slice(tag.as_ref());
        Ok(body)
    }
}

/// Browsers pad or do not, and some write the other alphabet.
fn bytes(text: &str) -> Result<Vec<u8>, EncryptError> {
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).map_err(|_| EncryptError::Keys)
}

/// The x coordinate of the point that both keys make.
fn shared_secret(ours: &SigningKey, theirs: &p256::PublicKey) -> Option<[u8; 32]> {
    let secret = p256::SecretKey::from_slice(&ours.to_bytes()).ok()?;
    let point = theirs.to_projective() * *secret.to_nonzero_scalar();
    Some(point.to_affine().x().into())
}

/// The key and the nonce of a message.
struct ContentKeys {
    key: [u8; 16],
    nonce: [u8; 12],
}

impl ContentKeys {
    /// From the shared secret, the browser's secret and point, our point, and the salt.
    fn of(
        secret: &[u8; 32],
        auth: &[u8; 16],
        theirs: &[u8; POINT_BYTES],
        ours: &[u8; POINT_BYTES],
        salt: &[u8; SALT_BYTES],
    ) -> Self {
        let info = [b"WebPush: info\0", &theirs[..], &ours[..]].concat();
        let input: [u8; 32] = derived(&extracted(auth, secret), &info);
        let root = extracted(salt, &input);
        Self {
            key: derived(&root, b"Content-Encoding: aes128gcm\0"),
            nonce: derived(&root, b"Content-Encoding: nonce\0"),
        }
    }

    fn key(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_128_GCM, &self.key);
        LessSafeKey::new(key.expect("invariant: the key has the cipher's length"))
    }

    fn nonce(&self) -> Nonce {
        Nonce::assume_unique_for_key(self.nonce)
    }
}

/// HKDF-Extract with SHA-256 (RFC 5869).
fn extracted(salt: &[u8], input: &[u8]) -> hmac::Key {
    let root = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), input);
    hmac::Key::new(hmac::HMAC_SHA256, root.as_ref())
}

/// HKDF-Expand with SHA-256 of at most one hash.
fn derived<const N: usize>(root: &hmac::Key, info: &[u8]) -> [u8; N] {
    const { assert!(N <= 32) };
    let block = hmac::sign(root, &[info, &[1]].concat());
    let mut out = [0; N];
    out.copy_from_slice(&block.as_ref()[..N]);
    out
}

/// A browser's side.
#[cfg(test)]
pub(crate) mod browser {
    use base64::Engine as _;

    use super::{
        Aad, ContentKeys, HEADER_BYTES, LAST, POINT_BYTES, PushKeys, SALT_BYTES, SigningKey,
        URL_SAFE_NO_PAD, shared_secret,
    };

    /// A browser with its keys.
    pub(crate) struct Browser {
        pub(crate) key: SigningKey,
        pub(crate) auth: [u8; 16],
    }

    impl Browser {
        /// What it gives whoever is to write to it.
        pub(crate) fn keys(&self) -> PushKeys {
            PushKeys {
                p256dh: URL_SAFE_NO_PAD.encode(self.key.public().to_uncompressed_point()),
                auth: URL_SAFE_NO_PAD.encode(self.auth),
            }
        }

        /// The message in a body; none if it is for somebody else.
        pub(crate) fn decrypt(&self, body: &[u8]) -> Option<Vec<u8>> {
            let salt: &[u8; SALT_BYTES] = body.get(..SALT_BYTES)?.try_into().ok()?;
            let theirs: [u8; POINT_BYTES] =
                body.get(HEADER_BYTES - POINT_BYTES..HEADER_BYTES)?.try_into().ok()?;
            let sender = p256::PublicKey::from_sec1_bytes(&theirs).ok()?;
            let secret = shared_secret(&self.key, &sender)?;
            let ours = self.key.public().to_uncompressed_point();
            let keys = ContentKeys::of(&secret, &self.auth, &ours, &theirs, salt);
            let mut record = body.get(HEADER_BYTES..)?.to_vec();
            let opened = keys.key().open_in_place(keys.nonce(), Aad::empty(), &mut record).ok()?;
            let (last, message) = opened.split_last()?;
            (*last == LAST).then(|| message.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::browser::Browser;
    use super::*;

    fn raw<const N: usize>(text: &str) -> [u8; N] {
        bytes(text).unwrap().try_into().unwrap()
    }

    fn key(text: &str) -> SigningKey {
        SigningKey::from_bytes(Curve::P256, &raw(text)).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_published_message_is_made() {
        let keys = PushKeys {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        };
        let fresh = Fresh {
            key: key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
            salt: raw("DGv6ra1nlYgDCS1FRnbzlw"),
        };
        let message = b"When I grow up, I want to be a watermelon";
        let body = Recipient::of(&keys).unwrap().encrypt(message, &fresh).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(&body), expected);
        let browser = Browser {
            key: key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"),
            auth: raw(&keys.auth),
        };
        assert_eq!(browser.keys(), keys);
        assert_eq!(browser.decrypt(&body).as_deref(), Some(&message[..]));
        let other = Browser { key: key(&URL_SAFE_NO_PAD.encode([7; 32])), auth: browser.auth };
        assert_eq!(other.decrypt(&body), None);
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let good = Browser { key: key(&URL_SAFE_NO_PAD.encode([7; 32])), auth: [1; 16] }.keys();
        let check = |p256dh: &str, auth: &str, is_good: bool| {
            let keys = PushKeys { p256dh: p256dh.to_owned(), auth: auth.to_owned() };
            assert_eq!(Recipient::of(&keys).is_ok(), is_good, "{keys:?}");
        };
        check(&good.p256dh, &good.auth, true);
        check(&format!("{}=", good.p256dh), &format!("{}==", good.auth), true);
        check(&good.p256dh, "", false);
        check(&good.auth, &good.auth, false);
        check("x", &good.auth, false);
        let off_the_curve = URL_SAFE_NO_PAD.encode([4; POINT_BYTES]);
        check(&off_the_curve, &good.auth, false);
    }

    #[test]
    fn a_message_has_a_bound() {
        let browser = Browser { key: key(&URL_SAFE_NO_PAD.encode([7; 32])), auth: [1; 16] };
        let fresh = Fresh { key: key(&URL_SAFE_NO_PAD.encode([9; 32])), salt: [2; SALT_BYTES] };
        let recipient = Recipient::of(&browser.keys()).unwrap();
        let body = recipient.encrypt(&[b'x'; MESSAGE_BYTES_MAX], &fresh).unwrap();
        assert_eq!(body.len(), BODY_BYTES_MAX);
        let more = recipient.encrypt(&[b'x'; MESSAGE_BYTES_MAX + 1], &fresh);
        assert_eq!(more, Err(EncryptError::TooLarge));
    }
}
