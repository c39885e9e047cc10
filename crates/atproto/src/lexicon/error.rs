//! Why a record breaks its lexicon: the field's path and the rule.

use std::fmt;

/// The first field of a record that breaks the lexicon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    path: String,
    fault: Fault,
}

/// The rule that a field breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A required field is absent.
    #[error("it is required")]
    Missing,
    /// The value is of another type of the data model; null counts as one.
    #[error("it must be {0}")]
    Type(&'static str),
    /// More bytes of UTF-8 than allowed.
    #[error("it is longer than {0} bytes")]
    Bytes(usize),
    /// Fewer bytes of UTF-8 than demanded.
    #[error("it is shorter than {0} bytes")]
    BytesAtLeast(usize),
    /// More grapheme clusters (what readers see as characters) than allowed.
    #[error("it is longer than {0} graphemes")]
    Graphemes(usize),
    /// More items than allowed.
    #[error("it has more than {0} items")]
    Items(usize),
    /// Fewer items than demanded.
    #[error("it has fewer than {0} items")]
    ItemsAtLeast(usize),
    /// An integer below the least allowed.
    #[error("it must be at least {0}")]
    AtLeast(i64),
    /// Text that is not of its format; the format's lexicon name.
    #[error("it is not a valid {0}")]
    Format(&'static str),
    /// A `$type` other than the one that must stand here.
    #[error("it must be {0:?}")]
    Name(&'static str),
    /// Blob bytes of a kind that is not allowed here.
    #[error("its MIME type is not accepted here")]
    Mime,
    /// A blob larger than allowed here.
    #[error("it is larger than {0} bytes")]
    BlobSize(i64),
    /// A blob whose link is not to raw bytes.
    #[error("it does not link to raw bytes")]
    BlobLink,
    /// A field where no other than the known ones may stand.
    #[error("it has a field that does not belong there")]
    Extra,
}

impl Fault {
    /// A short name for counters.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Type(_) => "type",
            Self::Bytes(_) | Self::BytesAtLeast(_) => "bytes",
            Self::Graphemes(_) => "graphemes",
            Self::Items(_) | Self::ItemsAtLeast(_) => "items",
            Self::AtLeast(_) => "range",
            Self::Format(_) => "format",
            Self::Name(_) => "name",
            Self::Mime | Self::BlobSize(_) | Self::BlobLink => "blob",
            Self::Extra => "extra",
        }
    }
}

impl RecordError {
    /// Where the fault is, for example `embed.images[1].alt`; empty for the record itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The rule that is broken there.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// A short name for counters.
    pub fn reason(&self) -> &'static str {
        self.fault.reason()
    }

    /// The same error seen from the object that holds the value under `key`.
    pub(super) fn under(mut self, key: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{dot}{}", self.path);
        self
    }

    /// The same error seen from the list that holds the value at `index`.
    pub(super) fn at(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }
}

impl From<Fault> for RecordError {
    fn from(fault: Fault) -> Self {
        Self { path: String::new(), fault }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => write!(f, "the record: {}", self.fault),
            path => write!(f, "{path}: {}", self.fault),
        }
    }
}

impl std::error::Error for RecordError {}
