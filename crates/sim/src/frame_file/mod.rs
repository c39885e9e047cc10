//! Firehoses in files: made once from a seed, read as often as is wanted, served as a relay serves one.
//!
//! ```text
//! ┌────────────┬─────────┬───────────────┬─────────────────┐
//! │ "MILLFRAM" │ version │ header length │ header, JSON    │  who the accounts are: DID, handle, key
//! │ 8 bytes    │ u32     │ u32           │                 │
//! ├────────────┴────┬────┴────┬──────────┴──┬──────────────┤
//! │ frame length    │ seq     │ time_us     │ frame        │  once a frame, in order of seq
//! │ u32, never 0    │ i64     │ i64         │              │
//! ├─────────────────┼─────────┴──┬──────────┴──────────────┤
//! │ 0               │ frames     │ digest                  │  the end
//! │ u32             │ u64        │ 32 bytes                │
//! └─────────────────┴────────────┴─────────────────────────┘
//! ```
//!
//! Numbers are little-endian. The digest is a chain: SHA-256 of all up to the header's end, then of the digest
//! so far and the next frame's part of the file, and so on. The same recipe makes the same file, byte for byte.
//! `#sync` frames are left out: nobody serves the repositories that they would make a reader ask for.

mod read;
mod serve;
mod write;

use std::io;

use millrace_atproto::crypto::sha256;
use millrace_atproto::frame::MESSAGE_BYTES_MAX;
use serde::{Deserialize, Serialize};

use crate::repo::RepoError;

pub use read::{FrameFile, Recorded};
pub use serve::FrameRelay;
pub use write::{Recipe, write};

const MAGIC: &[u8; 8] = b"MILLFRAM";
const VERSION: u32 = 1;
/// A header has some hundred bytes an account.
const HEADER_BYTES_MAX: usize = 256 << 20;
/// Length, seq and time before a frame.
const FRAME_HEAD_BYTES: usize = 20;

/// What a file says about itself before the first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The recipe it was made from.
    pub recipe: Recipe,
    /// Whose frames these are.
    pub accounts: Vec<HeaderAccount>,
}

/// An account of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderAccount {
    pub did: String,
    pub handle: String,
    /// The signing key, in multibase.
    pub key: String,
}

/// A whole file in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub frames: u64,
    /// Bytes of the frames alone.
    pub bytes: u64,
    /// In hexadecimal.
    pub digest: String,
}

impl Summary {
    /// Bytes of a frame, on average.
    pub fn mean_bytes(&self) -> u64 {
        self.bytes / self.frames.max(1)
    }
}

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FrameFileError {
    #[error("the file cannot be read or written")]
    Io(#[from] io::Error),
    #[error("the file is no frame file")]
    Magic,
    #[error("the file has version {0}, this program reads {VERSION}")]
    Version(u32),
    #[error("the header has {0} bytes, more than there can be")]
    HeaderTooLarge(usize),
    #[error("the header is malformed")]
    Header(#[from] serde_json::Error),
    #[error("frame {at} has {bytes} bytes, more than there can be")]
    FrameTooLarge { at: u64, bytes: usize },
    #[error("the file breaks off after {0} frames")]
    Truncated(u64),
    #[error("the file was changed: its digest is not that of its frames")]
    Digest,
    #[error("the network that was to be recorded failed")]
    Network(#[from] RepoError),
}

/// The digest as far as the file was read or written.
#[derive(Debug, Clone, Copy)]
struct Digest([u8; 32]);

impl Digest {
    fn of_head(head: &[u8]) -> Self {
        Self(sha256(head))
    }

    fn follow(&mut self, part: &[u8]) {
        let mut chained = Vec::with_capacity(32 + part.len());
        chained.extend_from_slice(&self.0);
        chained.extend_from_slice(part);
        self.0 = sha256(&chained);
    }

    fn to_hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

fn frame_length(at: u64, bytes: usize) -> Result<u32, FrameFileError> {
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= MESSAGE_BYTES_MAX);
    length.ok_or(FrameFileError::FrameTooLarge { at, bytes })
}
