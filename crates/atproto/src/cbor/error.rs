//! Why bytes are not the DAG-CBOR this network uses.

use crate::cid::CidError;

/// What is wrong with an encoding. [`CborError::reason`] is a stable label for metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CborError {
    /// The bytes end inside an item.
    #[error("the bytes end inside an item")]
    Truncated,
    /// Bytes follow the item.
    #[error("{0} bytes follow the item")]
    Trailing(usize),
    /// A length or integer is not in its shortest form.
    #[error("an integer or length is not in its shortest form")]
    NotMinimal,
    /// A head the CBOR standard reserves for the future.
    #[error("an item with a reserved head")]
    Reserved,
    /// An item of indefinite length.
    #[error("an item of indefinite length")]
    Indefinite,
    /// A floating-point number, which the data model does not have.
    #[error("a floating-point number")]
    Float,
    /// `undefined`, or a simple value other than null and the two booleans.
    #[error("a simple value other than null, true and false")]
    Simple,
    /// A tag other than 42.
    #[error("tag {0}, only 42 is allowed")]
    Tag(u64),
    /// An integer outside ±(2^53 − 1).
    #[error("an integer outside ±(2^53 − 1)")]
    IntRange,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// A map key that is not text.
    #[error("a map key that is not text")]
    KeyType,
    /// An empty map key.
    #[error("an empty map key")]
    KeyEmpty,
    /// A map key over [`super::KEY_BYTES_MAX`].
    #[error("a map key of {0} bytes")]
    KeyLength(usize),
    /// Map keys out of canonical order.
    #[error("map keys out of canonical order")]
    KeyOrder,
    /// The same map key twice.
    #[error("the same map key twice")]
    KeyDuplicate,
    /// Nested deeper than [`super::DEPTH_MAX`].
    #[error("nested too deep")]
    Depth,
    /// An array or map with more items than [`super::CONTAINER_ITEMS_MAX`].
    #[error("a container of {0} items")]
    ContainerItems(u64),
    /// A link without the 0x00 prefix, or to a CID of another form.
    #[error("a link is not a CID in its usual form")]
    Link(#[from] CidError),
    /// An item of another kind than the schema has here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What the schema has here.
        expected: &'static str,
        /// What the bytes have here.
        found: &'static str,
    },
}

impl CborError {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Trailing(_) => "trailing",
            Self::NotMinimal => "not_minimal",
            Self::Reserved => "reserved",
            Self::Indefinite => "indefinite",
            Self::Float => "float",
            Self::Simple => "simple",
            Self::Tag(_) => "tag",
            Self::IntRange => "int_range",
            Self::Utf8 => "utf8",
            Self::KeyType => "key_type",
            Self::KeyEmpty => "key_empty",
            Self::KeyLength(_) => "key_length",
            Self::KeyOrder => "key_order",
            Self::KeyDuplicate => "key_duplicate",
            Self::Depth => "depth",
            Self::ContainerItems(_) => "container_items",
            Self::Link(_) => "link",
            Self::Unexpected { .. } => "unexpected",
        }
    }
}
