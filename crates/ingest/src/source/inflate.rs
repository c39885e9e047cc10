//! Decompresses messages, each one zstd frame, with a dictionary, and never to more than the bound,
//! whatever a frame claims.

use std::io::Read as _;

use bytes::Bytes;
use zstd::bulk::Decompressor;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::get_frame_content_size;

use super::SourceError;

/// Window of a frame that does not say how large it is: 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;

/// The decompression of one connection.
pub(super) struct Inflate {
    whole: Decompressor<'static>,
    dictionary: Bytes,
    bytes_max: usize,
}

impl Inflate {
    pub(super) fn new(dictionary: &Bytes, bytes_max: usize) -> Result<Self, SourceError> {
        let whole = Decompressor::with_dictionary(dictionary)
            .map_err(|error| SourceError::Connect(format!("the dictionary: {error}")))?;
        Ok(Self { whole, dictionary: dictionary.clone(), bytes_max })
    }

    /// The message in a frame.
    pub(super) fn message(&mut self, frame: &[u8]) -> Result<Bytes, SourceError> {
        let invalid = |reason: String| SourceError::InvalidFrame { after_seq: None, reason };
        let oversize = SourceError::Oversize { after_seq: None, bytes_max: self.bytes_max };
        let claimed = get_frame_content_size(frame)
            .map_err(|_| invalid("not a zstd frame".to_owned()))?
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        match claimed {
            Some(bytes) if bytes > self.bytes_max => Err(oversize),
            Some(bytes) => {
                let message = self.whole.decompress(frame, bytes);
                message.map(Bytes::from).map_err(|error| invalid(format!("zstd: {error}")))
            }
            None => {
                let message = self.unsized_frame(frame);
                let message = message.map_err(|error| invalid(format!("zstd: {error}")))?;
                if message.len() > self.bytes_max { Err(oversize) } else { Ok(message.into()) }
            }
        }
    }

    /// At most one byte more than the bound.
    fn unsized_frame(&self, frame: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut decoder = Decoder::with_dictionary(frame, &self.dictionary)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        let mut message = Vec::new();
        decoder.take(self.bytes_max as u64 + 1).read_to_end(&mut message)?;
        Ok(message)
    }
}

/// A frame never becomes more than the bound, and both ways to decompress agree where both apply.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn frame_holds(frame: &[u8], dictionary: &Bytes, bytes_max: usize) {
    let mut inflate = Inflate::new(dictionary, bytes_max).expect("a dictionary");
    let message = inflate.message(frame);
    if let Ok(message) = &message {
        assert!(message.len() <= bytes_max);
        assert!(inflate.unsized_frame(frame).is_ok_and(|other| other.starts_with(message)));
    }
    let again = inflate.message(frame);
    assert_eq!(message.ok(), again.ok(), "a frame leaves nothing behind");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::Write as _;

    use zstd::bulk::Compressor;
    use zstd::dict::from_samples;
    use zstd::stream::write::Encoder;

    use super::*;

    const BYTES_MAX: usize = 100_000;

    fn dictionary() -> Bytes {
        let samples: Vec<String> = (0..2_000)
            .map(|n| {
                format!(r#"{{"$type":"message","payload":{{"seq":{n},"did":"did:plc:{n:x}"}}}}"#)
            })
            .collect();
        from_samples(&samples, 4_096).unwrap().into()
    }

    fn compressed(dictionary: &[u8], bytes: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::with_dictionary(1, dictionary).unwrap();
        compressor.compress(bytes).unwrap()
    }

    #[test]
    fn messages_come_out_whole_whether_or_not_frames_say_how_large_they_are() {
        let dictionary = dictionary();
        let mut inflate = Inflate::new(&dictionary, BYTES_MAX).unwrap();
        let text = r#"{"$type":"message","payload":{"seq":7,"did":"did:plc:abc"}}"#;
        let sized = compressed(&dictionary, text.as_bytes());
        let mut encoder = Encoder::with_dictionary(Vec::new(), 1, &dictionary).unwrap();
        encoder.write_all(text.as_bytes()).unwrap();
        let streamed = encoder.finish().unwrap();
        for frame in [sized, streamed] {
            assert_eq!(inflate.message(&frame).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_bound() {
        let dictionary = dictionary();
        let mut inflate = Inflate::new(&dictionary, BYTES_MAX).unwrap();
        let zeros = vec![0; 50 * BYTES_MAX];
        let sized = compressed(&dictionary, &zeros);
        let mut encoder = Encoder::with_dictionary(Vec::new(), 1, &dictionary).unwrap();
        encoder.write_all(&zeros).unwrap();
        let streamed = encoder.finish().unwrap();
        assert!(streamed.len() < BYTES_MAX);
        for frame in [sized, streamed] {
            let error = inflate.message(&frame).unwrap_err();
            assert!(matches!(error, SourceError::Oversize { .. }), "{error}");
        }
    }

    #[test]
    fn garbage_is_an_invalid_frame() {
        let dictionary = dictionary();
        let mut inflate = Inflate::new(&dictionary, BYTES_MAX).unwrap();
        let good = compressed(&dictionary, &[b'x'; 5_000]);
        let mut cut = good.clone();
        cut.truncate(good.len() / 2);
        for frame in [&b"{}"[..], b"", &cut] {
            let error = inflate.message(frame).unwrap_err();
            assert!(matches!(error, SourceError::InvalidFrame { .. }), "{error}");
        }
        assert!(inflate.message(&good).is_ok(), "nothing of it stays");
    }
}
