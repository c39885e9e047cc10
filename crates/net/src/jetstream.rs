//! What a Jetstream answers over HTTP: the dictionary of its compressed stream,
//! `network.bsky.jetstream.getZstdDictionary`.

use std::time::Duration;

use bytes::Bytes;

use crate::http::{HttpClient, Limits};
use crate::pds::PdsError;

/// Bytes of a dictionary; the one that is served takes 64 KiB.
pub const DICTIONARY_BYTES_MAX: usize = 1 << 20;

const DICTIONARY: Limits = Limits::new(DICTIONARY_BYTES_MAX, Duration::from_secs(20));
/// How every structured dictionary begins (RFC 8878, section 5).
const MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];

/// A zstd dictionary and the number that streams name it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZstdDictionary {
    /// Never 0.
    pub id: u32,
    /// The dictionary, its header included.
    pub bytes: Bytes,
}

impl ZstdDictionary {
    /// Reads the number from the dictionary's header.
    ///
    /// # Errors
    /// [`PdsError::Invalid`]: these bytes are no structured dictionary.
    pub fn parse(bytes: Bytes) -> Result<Self, PdsError> {
        let id = match bytes.first_chunk::<8>() {
            Some([a, b, c, d, id @ ..]) if [*a, *b, *c, *d] == MAGIC => u32::from_le_bytes(*id),
            _ => 0,
        };
        if id == 0 {
            return Err(PdsError::Invalid("these bytes are no zstd dictionary".to_owned()));
        }
        Ok(Self { id, bytes })
    }
}

/// The dictionary that the Jetstream at `base`, an origin, uses now.
///
/// # Errors
/// It has none, does not answer, or answers with something else.
pub async fn zstd_dictionary(http: &HttpClient, base: &str) -> Result<ZstdDictionary, PdsError> {
    let url =
        format!("{}/xrpc/network.bsky.jetstream.getZstdDictionary", base.trim_end_matches('/'));
    let answer = http.get(&url, DICTIONARY).await.map_err(PdsError::of)?;
    ZstdDictionary::parse(answer.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_structured_dictionaries_are_taken() {
        let whole = Bytes::from_static(&[0x37, 0xa4, 0x30, 0xec, 2, 1, 0, 0, 9]);
        assert_eq!(ZstdDictionary::parse(whole).map(|found| found.id).ok(), Some(258));
        for bytes in [
            &b""[..],
            b"<html>not found</html>",
            &[0x37, 0xa4, 0x30, 0xec, 1, 0, 0],
            &[0x37, 0xa4, 0x30, 0xec, 0, 0, 0, 0],
        ] {
            assert!(ZstdDictionary::parse(Bytes::from_static(bytes)).is_err(), "{bytes:?}");
        }
    }
}
