//! CAR v1 files: the blocks of a repository or of one commit, one after another.
//!
//! ```text
//! varint header length │ DAG-CBOR {roots: [CID], version: 1}
//! varint section length │ CID (36 bytes) │ block        … repeated, in any order
//! ```
//!
//! Every block is hashed and compared with its CID before anyone sees it. Duplicates and blocks nobody
//! needs are tolerated; a block under a CID this network does not use is passed over, since nothing can
//! refer to it. Spec: atproto.com/specs/repository ("CAR File Serialization").

mod error;
mod reader;
mod section;
mod slice;
mod writer;

pub use error::CarError;
pub use reader::{CarReader, PIECE_BYTES_MAX};
pub use slice::CarSlice;
pub use writer::CarWriter;

/// Bounds on a CAR file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CarLimits {
    /// Most bytes of the whole file.
    pub bytes_max: u64,
    /// Most blocks, duplicates included.
    pub blocks_max: usize,
    /// Most bytes of one block.
    pub block_bytes_max: usize,
}

impl CarLimits {
    /// The slice in a `#commit`: ≤ 2,000,000 bytes.
    pub const COMMIT: Self =
        Self { bytes_max: 2_000_000, blocks_max: 50_000, block_bytes_max: 2_000_000 };
    /// The slice in a `#sync`: ≤ 10,000 bytes.
    pub const SYNC: Self = Self { bytes_max: 10_000, blocks_max: 256, block_bytes_max: 10_000 };
    /// A whole repository: ≤ 512 MiB, ≤ 4 million blocks.
    pub const REPO: Self =
        Self { bytes_max: 512 << 20, blocks_max: 4_000_000, block_bytes_max: 2_000_000 };

    /// A section is a CID and a block.
    fn section_bytes_max(&self) -> usize {
        self.block_bytes_max.saturating_add(crate::cid::CID_BYTES)
    }
}
