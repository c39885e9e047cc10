//! Signatures of deliveries, as the Standard Webhooks specification has them: HMAC-SHA256 over id, time and body, by a
//! secret that sender and receiver share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Secrets that sign at the same time.
pub const SECRETS_MAX: usize = 4;

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be `whsec_` and the base64 of 24 to 64 bytes, or up to four of them, a line each (`echo whsec_$(openssl rand -base64 32)` makes one)"
)]
pub struct NoSecret;

/// What signs.
#[derive(Clone)]
pub struct Signer {
    keys: Vec<hmac::Key>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("keys", &self.keys.len()).finish()
    }
}

impl Signer {
    /// By the secrets of `text`, one a line.
    ///
    /// # Errors
    /// There is none, there are too many, or one is no secret.
    pub fn of(text: &str) -> Result<Self, NoSecret> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Vec<hmac::Key> = lines.map(key).collect::<Result<_, _>>()?;
        match keys.len() {
            1..=SECRETS_MAX => Ok(Self { keys }),
            _ => Err(NoSecret),
        }
    }

    /// The value of `webhook-signature`: one a secret, in their order.
    #[must_use]
    pub fn signature(&self, id: &str, time_s: i64, body: &[u8]) -> String {
        let signed = |key| {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{id}.{time_s}.").as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        };
        self.keys.iter().map(signed).collect::<Vec<String>>().join(" ")
    }
}

fn key(line: &str) -> Result<hmac::Key, NoSecret> {
    let bytes = line.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len())).ok_or(NoSecret)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The specification's own example.
    #[test]
    fn a_known_message_has_its_known_signature() {
        let signer = Signer::of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = signer.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// HMAC by its definition (RFC 2104), over SHA-256 alone.
    #[test]
    fn what_is_signed_is_id_time_and_body() {
        use ring::digest::{SHA256, digest};
        let secret = [7_u8; 40];
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            secret.iter().zip(&mut block).for_each(|(key, block)| *block ^= key);
            block.to_vec()
        };
        let inner = digest(&SHA256, &[pad(0x36), b"an-id.12.{}".to_vec()].concat());
        let mac = digest(&SHA256, &[pad(0x5c), inner.as_ref().to_vec()].concat());
        let line = format!("{PREFIX}{}", STANDARD.encode(secret));
        let other = format!("{PREFIX}{}", STANDARD.encode([8_u8; 24]));
        let signer = Signer::of(&format!("{line}\n\n {other} \n")).unwrap();
        let signed = signer.signature("an-id", 12, b"{}");
        let (first, second) = signed.split_once(' ').unwrap();
        assert_eq!(first, format!("v1,{}", STANDARD.encode(mac)));
        assert_eq!(second, Signer::of(&other).unwrap().signature("an-id", 12, b"{}"));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let of = |bytes: usize| format!("{PREFIX}{}", STANDARD.encode(vec![1_u8; bytes]));
        for text in ["", "secret", "whsec_", "whsec_?", &of(23), &of(65), &of(32)[PREFIX.len()..]] {
            assert!(Signer::of(text).is_err(), "{text}");
        }
        for bytes in [24, 64] {
            assert!(Signer::of(&of(bytes)).is_ok());
        }
        let many = |n: usize| vec![of(32); n].join("\n");
        assert!(Signer::of(&many(SECRETS_MAX)).is_ok() && Signer::of(&many(5)).is_err());
    }
}
