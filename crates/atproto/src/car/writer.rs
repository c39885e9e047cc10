//! Writes CAR files: what a PDS or a relay sends, for the simulator and for tests.

use crate::cbor::Writer;
use crate::cid::{CID_BYTES, Cid};

/// Builds a CAR v1 file in memory; as large as what is put in.
#[derive(Clone, Debug)]
pub struct CarWriter {
    bytes: Vec<u8>,
}

impl CarWriter {
    /// Starts a file with one root.
    pub fn new(root: &Cid) -> Self {
        let mut header = Writer::new();
        header.map(2);
        header.text("roots");
        header.array(1);
        header.link(root);
        header.text("version");
        header.int(1);
        let header = header.into_bytes();
        let mut writer = Self { bytes: Vec::new() };
        writer.varint(header.len());
        writer.bytes.extend_from_slice(&header);
        writer
    }

    /// Appends a block as it is; the caller vouches for its CID.
    pub fn block(&mut self, cid: &Cid, block: &[u8]) {
        self.varint(CID_BYTES + block.len());
        self.bytes.extend_from_slice(&cid.to_bytes());
        self.bytes.extend_from_slice(block);
    }

    /// The finished file.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
