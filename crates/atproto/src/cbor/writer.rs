//! Writes DAG-CBOR in its one canonical form. The caller writes map keys in canonical order (shorter
//! first, then bytewise) and as many items as it announced.

use crate::cid::{CID_BYTES, Cid};

/// Bytes under construction.
#[derive(Clone, Default, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts with nothing written.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Starts with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.bytes.push(0xf6);
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xf5 } else { 0xf4 });
    }

    /// Writes an integer; the data model wants it within ±(2^53 − 1).
    pub fn int(&mut self, value: i64) {
        if value < 0 {
            self.head(1, (!value).unsigned_abs());
        } else {
            self.head(0, value.unsigned_abs());
        }
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, value: &[u8]) {
        self.head(2, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Writes text, or a map key.
    pub fn text(&mut self, value: &str) {
        self.head(3, value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// Starts an array; its items follow.
    pub fn array(&mut self, items: usize) {
        self.head(4, items as u64);
    }

    /// Starts a map; its pairs follow.
    pub fn map(&mut self, pairs: usize) {
        self.head(5, pairs as u64);
    }

    /// Writes a link.
    pub fn link(&mut self, cid: &Cid) {
        const CID_AND_PREFIX_BYTES: u8 = CID_BYTES as u8 + 1;
        self.bytes.extend_from_slice(&[0xd8, 42, 0x58, CID_AND_PREFIX_BYTES, 0x00]);
        self.bytes.extend_from_slice(&cid.to_bytes());
    }

    /// Writes a link, or `null`.
    pub fn link_or_null(&mut self, cid: Option<&Cid>) {
        match cid {
            Some(cid) => self.link(cid),
            None => self.null(),
        }
    }

    /// Writes text, or `null`.
    pub fn text_or_null(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// Appends an item that is already encoded.
    pub fn encoded(&mut self, item: &[u8]) {
        self.bytes.extend_from_slice(item);
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        // The shortest of the five forms that holds the argument.
        if let Ok(byte) = u8::try_from(argument) {
            if byte < 24 {
                self.bytes.push(major | byte);
            } else {
                self.bytes.extend_from_slice(&[major | 24, byte]);
            }
        } else if let Ok(short) = u16::try_from(argument) {
            self.bytes.push(major | 25);
            self.bytes.extend_from_slice(&short.to_be_bytes());
        } else if let Ok(word) = u32::try_from(argument) {
            self.bytes.push(major | 26);
            self.bytes.extend_from_slice(&word.to_be_bytes());
        } else {
            self.bytes.push(major | 27);
            self.bytes.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{INT_MAX, Reader};
    use super::*;

    #[test]
    fn integers_read_back() {
        for value in [0, 23, 24, 255, 256, 65_535, 65_536, 1 << 32, INT_MAX] {
            for value in [value, -value, -value - 1] {
                let mut writer = Writer::new();
                writer.int(value);
                let expected = if value < -INT_MAX { None } else { Some(value) };
                assert_eq!(Reader::new(writer.as_bytes()).int().ok(), expected, "{value}");
            }
        }
    }

    #[test]
    fn optional_items_are_null() {
        let mut writer = Writer::new();
        writer.link_or_null(None);
        writer.text_or_null(None);
        assert_eq!(writer.as_bytes(), [0xf6, 0xf6]);
        writer.clear();
        writer.link_or_null(Some(&Cid::of_raw(b"")));
        assert_eq!(Reader::new(writer.as_bytes()).link(), Ok(Cid::of_raw(b"")));
    }
}
