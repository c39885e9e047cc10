//! body
use super::HttpError;
use bytes::Bytes;

/// A bounded body as it arrives.
#[derive(Debug)]
pub struct BodyStream {}

impl BodyStream {
    /// The next bytes; `None` at the end.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        unimplemented!()
    }
}
