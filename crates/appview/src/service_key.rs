//! The private key of this service's DID, as the configuration gives it.

use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_runtime::config::Secret;
use serde::{Deserialize, Serialize, Serializer};

/// A K-256 private key: 64 hexadecimal characters. Never printed.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Secret")]
pub struct ServiceKey(Secret, SigningKey);

impl ServiceKey {
    /// What signs with it.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.1
    }

    /// Its public half, as DID documents have it.
    pub fn public_multibase(&self) -> String {
        self.1.public().to_multibase()
    }
}

impl TryFrom<Secret> for ServiceKey {
    type Error = String;

    fn try_from(secret: Secret) -> Result<Self, String> {
        let bytes = hex_key(secret.expose().trim()).ok_or("must be 64 hexadecimal characters")?;
        let key = SigningKey::from_bytes(Curve::K256, &bytes);
        Ok(Self(secret, key.map_err(|error| format!("is no K-256 private key: {error}"))?))
    }
}

/// The bytes of a private key, as configurations have them.
pub(crate) fn hex_key(text: &str) -> Option<[u8; 32]> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

impl Serialize for ServiceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_private_key_is_one() {
        let check = |text: &str, expected: bool| {
            assert_eq!(ServiceKey::try_from(Secret::from(text)).is_ok(), expected, "{text}");
        };
        check(&"01".repeat(32), true);
        check(&"AB".repeat(32), true);
        check(&"00".repeat(32), false);
        check(&"ff".repeat(32), false);
        check(&"01".repeat(31), false);
        check("no hexadecimal", false);
        check("", false);
    }
}
