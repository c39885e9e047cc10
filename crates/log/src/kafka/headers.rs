//! Headers as Kafka's records have them.

use std::ffi::CStr;

use bytes::Bytes;
use rdkafka::message::{BorrowedHeaders, Header as Native, OwnedHeaders};

use crate::Headers;

/// What a header costs on the wire at most, beside its name and value.
const WIRE_FRAME_BYTES: usize = 10;

/// Bytes on the wire at most.
pub(super) fn wire_bytes(headers: &Headers) -> usize {
    headers.bytes() + headers.len() * WIRE_FRAME_BYTES
}

pub(super) fn to_send(headers: &Headers) -> OwnedHeaders {
    let native = OwnedHeaders::new_with_capacity(headers.len());
    headers.iter().fold(native, |native, header| {
        native.insert(Native { key: &header.name, value: Some(header.value.as_ref()) })
    })
}

/// The headers of a record, which somebody else may have written: those that keep to our bounds.
pub(super) fn found(native: &BorrowedHeaders) -> Headers {
    let mut headers = Headers::NONE;
    for at in 0..crate::HEADERS_MAX {
        let Some((name, value)) = nth(native, at) else { break };
        let Ok(name) = name.to_str() else { continue };
        // What is too large is left out.
        let _ = headers.push(name, Bytes::copy_from_slice(value));
    }
    headers
}

/// The crate's own way panics at a name that is not UTF-8.
fn nth(native: &BorrowedHeaders, at: usize) -> Option<(&CStr, &[u8])> {
    let (mut name, mut value, mut bytes) = (std::ptr::null(), std::ptr::null(), 0);
    #[expect(unsafe_code, reason = "librdkafka's headers, which the crate offers as text only")]
    // SAFETY: a `BorrowedHeaders` is the address of librdkafka's own, as the crate makes it; what it points to
    // lives as long as the message, that is, longer than the borrow. Names end with NUL.
    unsafe {
        let native = std::ptr::from_ref(native).cast();
        let code = rdkafka::bindings::rd_kafka_header_get_all(
            native,
            at,
            &raw mut name,
            &raw mut value,
            &raw mut bytes,
        );
        if code != rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
            return None;
        }
        let value = match value.is_null() {
            true => &[][..],
            false => std::slice::from_raw_parts(value.cast::<u8>(), bytes),
        };
        Some((CStr::from_ptr(name), value))
    }
}
