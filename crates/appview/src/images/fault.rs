//! Why there is no image.

use crate::error::XrpcError;

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The account is not shown or not known here, or the blob is taken down.
    #[error("Blob not found")]
    Hidden,
    /// The account's PDS has no such blob, or the account has no PDS.
    #[error("Blob not found")]
    Absent,
    /// What the PDS gave is something else than the CID says.
    #[error("Blob not found")]
    Mismatch,
    #[error("the blob has more than the {bytes_max} bytes that an image may have")]
    Bytes { bytes_max: usize },
    #[error("the blob is no JPEG, PNG, WebP or GIF")]
    Format,
    #[error("the image has {width} by {height} pixels, more than the {pixels_max} it may have")]
    Pixels { width: u32, height: u32, pixels_max: u64 },
    #[error("the image needs {bytes} bytes to be decoded, more than the {bytes_max} it may have")]
    Memory { bytes: u64, bytes_max: u64 },
    #[error("the image cannot be read: {0}")]
    Broken(String),
    #[error("the image took longer than {after_ms} ms to be made")]
    Time { after_ms: u64 },
    /// The PDS cannot be asked now.
    #[error("the account's PDS did not give the blob")]
    Origin,
    /// As many images as may be are being made.
    #[error("too many images at once")]
    Busy,
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// What it is counted as.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Absent => "absent",
            Self::Mismatch => "mismatch",
            Self::Bytes { .. } => "bytes",
            Self::Format => "format",
            Self::Pixels { .. } => "pixels",
            Self::Memory { .. } => "memory",
            Self::Broken(_) => "broken",
            Self::Time { .. } => "time",
            Self::Origin => "origin",
            Self::Busy => "busy",
            Self::Internal(_) => "internal",
        }
    }

    /// Whether the same blob would be refused again for what it is.
    pub(super) fn is_the_blobs(&self) -> bool {
        match self {
            Self::Bytes { .. }
            | Self::Format
            | Self::Pixels { .. }
            | Self::Memory { .. }
            | Self::Broken(_)
            | Self::Time { .. } => true,
            // Another PDS, or the same later, may have the right bytes.
            Self::Mismatch
            | Self::Absent
            | Self::Hidden
            | Self::Origin
            | Self::Busy
            | Self::Internal(_) => false,
        }
    }
}

impl From<Fault> for XrpcError {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        match fault {
            Fault::Hidden | Fault::Absent | Fault::Mismatch => Self::NoSuch(message),
            Fault::Bytes { .. }
            | Fault::Format
            | Fault::Pixels { .. }
            | Fault::Memory { .. }
            | Fault::Broken(_)
            | Fault::Time { .. } => Self::InvalidRequest(message),
            Fault::Origin => Self::bad_gateway("UpstreamFailure", &message),
            Fault::Busy => Self::Busy,
            Fault::Internal(cause) => Self::Internal(cause),
        }
    }
}
