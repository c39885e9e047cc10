//! Headers of an item: names and bytes beside the payload, for who routes an item without reading it.
//!
//! Few items have any, and one without costs nothing for them. In Kafka they are the record's headers; in the
//! file they are one value, each header as `name length: u8 · name · value length: u16, big-endian · value`.

use bytes::Bytes;

use crate::LogError;

/// Most headers of one item.
pub const HEADERS_MAX: usize = 32;
/// Most bytes of one item's headers, frames included.
pub const HEADERS_BYTES_MAX: usize = 16 << 10;
/// Longest name of a header.
pub const HEADER_NAME_BYTES_MAX: usize = 255;
/// What a header costs beside its name and value.
const FRAME_BYTES: usize = 3;

/// A name and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Not empty, at most [`HEADER_NAME_BYTES_MAX`], without NUL.
    pub name: String,
    /// Any bytes.
    pub value: Bytes,
}

/// The headers of an item, in order; a name may come again. Always within the bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// None; takes no memory of its own.
    pub const NONE: Self = Self(Vec::new());

    /// Adds one behind the others.
    ///
    /// # Errors
    /// [`LogError::Headers`] names the bound it would break; nothing was added.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        value: impl Into<Bytes>,
    ) -> Result<(), LogError> {
        let header = Header { name: name.into(), value: value.into() };
        let refuse = |detail: String| Err(LogError::Headers { detail });
        if !is_name(header.name.as_bytes()) {
            return refuse(format!("a name is 1 to {HEADER_NAME_BYTES_MAX} bytes without NUL"));
        }
        if self.0.len() == HEADERS_MAX {
            return refuse(format!("there may be {HEADERS_MAX}"));
        }
        if self.bytes() + cost(&header) > HEADERS_BYTES_MAX {
            return refuse(format!("they may have {HEADERS_BYTES_MAX} bytes"));
        }
        self.0.push(header);
        Ok(())
    }

    /// Sets one, in the place of those of its name.
    ///
    /// # Errors
    /// As [`Headers::push`]; those of its name are gone.
    pub fn set(
        &mut self,
        name: impl Into<String>,
        value: impl Into<Bytes>,
    ) -> Result<(), LogError> {
        let name = name.into();
        self.0.retain(|header| header.name != name);
        self.push(name, value)
    }

    /// The first of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|header| header.name == name).map(|header| &header.value)
    }

    /// The first of that name, where it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What they count for in every bound: the bytes of [`Headers::encode`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(cost).sum()
    }

    /// As one value; empty where there are none.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes());
        for Header { name, value } in &self.0 {
            bytes.push(u8::try_from(name.len()).expect("invariant: a name is at most 255 bytes"));
            bytes.extend_from_slice(name.as_bytes());
            let length = u16::try_from(value.len()).expect("invariant: headers are below 64 KiB");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// The inverse of [`Headers::encode`]; `None` for anything else.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut headers = Self::NONE;
        while let Some((length, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(*length))?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            let name = std::str::from_utf8(name).ok()?;
            headers.push(name, Bytes::copy_from_slice(value)).ok()?;
            bytes = rest;
        }
        Some(headers)
    }
}

fn is_name(name: &[u8]) -> bool {
    (1..=HEADER_NAME_BYTES_MAX).contains(&name.len()) && !name.contains(&0)
}

fn cost(header: &Header) -> usize {
    header.name.len() + header.value.len() + FRAME_BYTES
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_breaks_a_bound_is_refused_and_changes_nothing() {
        let check = |there: &[(&str, usize)], name: &str, bytes: usize, fits: bool| {
            let mut headers = Headers::NONE;
            for (name, bytes) in there {
                headers.push(*name, vec![0; *bytes]).unwrap();
            }
            let before = headers.clone();
            assert_eq!(headers.push(name, vec![1; bytes]).is_ok(), fits, "{name:?} {bytes}");
            assert!(fits || headers == before);
        };
        check(&[], "a", 0, true);
        check(&[], "", 0, false);
        check(&[], "a\0b", 0, false);
        check(&[], &"n".repeat(HEADER_NAME_BYTES_MAX), 0, true);
        check(&[], &"n".repeat(HEADER_NAME_BYTES_MAX + 1), 0, false);
        check(&[], "a", HEADERS_BYTES_MAX - 1 - FRAME_BYTES, true);
        check(&[], "a", HEADERS_BYTES_MAX - FRAME_BYTES, false);
        check(&[("a", 10_000)], "b", 7_000, false);
        check(&[("a", 1); HEADERS_MAX - 1], "a", 1, true);
        check(&[("a", 1); HEADERS_MAX], "a", 1, false);
    }

    #[test]
    fn the_first_of_a_name_is_found_and_all_of_it_replaced() {
        let mut headers = Headers::NONE;
        for value in ["1", "2"] {
            headers.push("n", value).unwrap();
        }
        headers.push("bytes", vec![0xff]).unwrap();
        assert_eq!((headers.text("n"), headers.text("bytes")), (Some("1"), None));
        headers.set("n", "3").unwrap();
        assert_eq!((headers.len(), headers.text("n")), (2, Some("3")));
        assert_eq!(headers.get("none"), None);
    }

    proptest! {
        #[test]
        fn they_come_back_as_they_were(
            all in proptest::collection::vec(("[a-zé]{1,20}", proptest::collection::vec(any::<u8>(), 0..300)), 0..HEADERS_MAX)
        ) {
            let mut headers = Headers::NONE;
            for (name, value) in all {
                headers.push(name, value).unwrap();
            }
            let bytes = headers.encode();
            prop_assert_eq!(bytes.len(), headers.bytes());
            prop_assert_eq!(Headers::decode(&bytes), Some(headers));
        }

        #[test]
        fn any_bytes_are_headers_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(headers) = Headers::decode(&bytes) {
                prop_assert_eq!(headers.encode(), bytes);
            }
        }
    }
}
