//! Why bytes are not a CAR file that can be believed.

use crate::cbor::CborError;
use crate::cid::Cid;

/// What is wrong with a CAR file. Only [`CarError::Truncated`] may go away when it is fetched again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CarError {
    /// The input ended inside the header or a block: the transfer broke off; fetching again may help.
    #[error("the input ended inside the header or a block")]
    Truncated,
    /// A varint over 64 bits or not in its shortest form.
    #[error("a length is not a shortest-form varint")]
    Varint,
    /// The header is not `{roots: [CID, …], version: 1}`.
    #[error("the header is not that of a CAR version 1")]
    Header(#[from] CborError),
    /// A header of another version.
    #[error("CAR version {0}, not 1")]
    Version(i64),
    /// No root, or one that is not a CID this network uses.
    #[error("the header names no usable root")]
    Root,
    /// A section shorter than its CID.
    #[error("a section is shorter than a CID")]
    Section,
    /// A block whose bytes are not what its CID names.
    #[error("a block does not hash to its CID {0}")]
    Hash(Cid),
    /// More bytes than the limit.
    #[error("over {0} bytes")]
    TooLarge(u64),
    /// More blocks than the limit.
    #[error("over {0} blocks")]
    TooManyBlocks(usize),
    /// A block or header over its limit.
    #[error("a block of {0} bytes")]
    BlockTooLarge(u64),
    /// The caller pushed a piece over [`super::PIECE_BYTES_MAX`], or another before taking the blocks out.
    #[error("pieces were pushed faster than blocks were taken")]
    Backlog,
}

impl CarError {
    /// Whether the same request may succeed later: the input merely broke off.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Truncated)
    }

    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Truncated => "car_truncated",
            Self::Varint => "car_varint",
            Self::Header(_) => "car_header",
            Self::Version(_) => "car_version",
            Self::Root => "car_root",
            Self::Section => "car_section",
            Self::Hash(_) => "car_hash",
            Self::TooLarge(_) => "car_too_large",
            Self::TooManyBlocks(_) => "car_too_many_blocks",
            Self::BlockTooLarge(_) => "car_block_too_large",
            Self::Backlog => "car_backlog",
        }
    }
}
