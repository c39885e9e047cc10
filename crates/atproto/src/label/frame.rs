//! The frames of `com.atproto.label.subscribeLabels`.
//!
//! A label that is malformed is an error of its own: the others of its frame count.

use super::SentLabel;
use crate::cbor::{Reader, Writer};
use crate::frame::{
    FrameError, OP_ERROR, OP_MESSAGE, PayloadError, header, notice, read, required, split,
    write_notice,
};

/// One message of the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LabelFrame<'a> {
    /// `#labels`
    Labels(LabelsFrame<'a>),
    /// `#info`; has no sequence number.
    Info {
        /// `OutdatedCursor`, or a name of the future.
        name: &'a str,
        /// For people.
        message: Option<&'a str>,
    },
    /// `op: -1`; the labeler closes the connection after it.
    Error {
        /// `FutureCursor`, or a name of the future.
        error: &'a str,
        /// For people.
        message: Option<&'a str>,
    },
    /// Another `op` or `t`: ignore it.
    Unknown {
        /// The operation.
        op: i64,
        /// The type.
        t: Option<&'a str>,
    },
}

/// `#labels`: labels in the order they were issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LabelsFrame<'a> {
    /// Sequence number at the labeler.
    pub seq: i64,
    /// The array of labels, and what follows it.
    labels: &'a [u8],
}

impl<'a> LabelFrame<'a> {
    /// Reads one message; borrows from it and allocates nothing.
    ///
    /// # Errors
    /// [`FrameError`]; [`FrameError::is_fatal`] tells whether the connection must go.
    pub fn parse(message: &'a [u8]) -> Result<Self, FrameError> {
        let (op, t, payload) = split(message)?;
        match (op, t) {
            (OP_MESSAGE, Some("#labels")) => read("#labels", payload, labels).map(Self::Labels),
            (OP_MESSAGE, Some("#info")) => read("#info", payload, |reader| {
                let (name, message) = notice(reader, "name")?;
                Ok(Self::Info { name, message })
            }),
            (OP_ERROR, _) => read("error", payload, |reader| {
                let (error, message) = notice(reader, "error")?;
                Ok(Self::Error { error, message })
            }),
            _ => Ok(Self::Unknown { op, t }),
        }
    }

    /// An `#info` or error message as a labeler sends it; `None` for the other kinds.
    pub fn encode_notice(&self) -> Option<Vec<u8>> {
        let mut writer;
        match self {
            Self::Info { name, message } => {
                writer = header(OP_MESSAGE, Some("#info"));
                write_notice(&mut writer, "name", name, *message);
            }
            Self::Error { error, message } => {
                writer = header(OP_ERROR, None);
                write_notice(&mut writer, "error", error, *message);
            }
            Self::Labels(_) | Self::Unknown { .. } => return None,
        }
        Some(writer.into_bytes())
    }
}

impl<'a> LabelsFrame<'a> {
    /// The labels, one after the other.
    pub fn labels(&self) -> SentLabels<'a> {
        let mut reader = Reader::new(self.labels);
        let left = reader.array().unwrap_or(0);
        SentLabels { reader, left }
    }

    /// The message's bytes with these labels.
    pub fn encode(seq: i64, labels: &[SentLabel<'_>]) -> Vec<u8> {
        let mut writer: Writer = header(OP_MESSAGE, Some("#labels"));
        writer.map(2);
        writer.text("seq");
        writer.int(seq);
        writer.text("labels");
        writer.array(labels.len());
        labels.iter().for_each(|label| label.write(&mut writer));
        writer.into_bytes()
    }
}

/// The labels of a frame. After one that is malformed come the others.
#[derive(Clone, Debug)]
pub struct SentLabels<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Iterator for SentLabels<'a> {
    type Item = Result<SentLabel<'a>, PayloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let rest = self.reader.rest();
        let label = SentLabel::read(&mut self.reader);
        if label.is_err() {
            self.reader = Reader::new(rest);
            if self.reader.skip().is_err() {
                self.left = 0;
            }
        }
        Some(label)
    }
}

fn labels<'a>(reader: &mut Reader<'a>) -> Result<LabelsFrame<'a>, PayloadError> {
    let (mut seq, mut labels) = (None, None);
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "seq" => seq = Some(reader.int()?),
            "labels" => {
                labels = Some(reader.rest());
                for _ in 0..reader.array()? {
                    pass(reader)?;
                }
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(LabelsFrame { seq: required(seq, "seq")?, labels: required(labels, "labels")? })
}

/// Goes over one label, malformed or not.
fn pass(reader: &mut Reader<'_>) -> Result<(), PayloadError> {
    let before = reader.clone();
    if SentLabel::read(reader).is_err() {
        *reader = before;
        reader.skip()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::cbor::{CborError, Value, encode};

    fn label(val: &str) -> SentLabel<'_> {
        SentLabel {
            ver: Some(1),
            src: "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            uri: "did:plc:abc",
            cid: None,
            val,
            neg: None,
            cts: "2026-01-02T03:04:05.678Z",
            exp: None,
            sig: Some(&[9; 64]),
        }
    }

    fn read_labels<'a>(frame: &LabelFrame<'a>) -> Vec<Result<SentLabel<'a>, PayloadError>> {
        let LabelFrame::Labels(frame) = frame else { panic!("not labels: {frame:?}") };
        assert_eq!(frame.seq, 7);
        frame.labels().collect()
    }

    #[test]
    fn every_kind_reads_back() {
        let bytes = LabelsFrame::encode(7, &[label("a"), label("b")]);
        let frame = LabelFrame::parse(&bytes).unwrap();
        assert_eq!(read_labels(&frame), [Ok(label("a")), Ok(label("b"))]);
        assert_eq!(frame.encode_notice(), None);
        let bytes = LabelsFrame::encode(7, &[]);
        assert!(read_labels(&LabelFrame::parse(&bytes).unwrap()).is_empty());
        for frame in [
            LabelFrame::Info { name: "OutdatedCursor", message: Some("older than kept") },
            LabelFrame::Error { error: "FutureCursor", message: None },
        ] {
            let bytes = frame.encode_notice().unwrap();
            assert_eq!(LabelFrame::parse(&bytes), Ok(frame));
        }
        let unknown = [header(1, Some("#newer")).into_bytes(), vec![0xa0]].concat();
        let expected = LabelFrame::Unknown { op: 1, t: Some("#newer") };
        assert_eq!(LabelFrame::parse(&unknown), Ok(expected));
    }

    #[test]
    fn a_malformed_label_does_not_spoil_the_others() {
        let broken = encode(&Value::map([("src", Value::Int(1)), ("val", Value::text("x"))]));
        let mut writer = header(1, Some("#labels"));
        writer.map(2);
        writer.text("labels");
        writer.array(3);
        label("a").write(&mut writer);
        writer.encoded(&broken);
        label("b").write(&mut writer);
        writer.text("seq");
        writer.int(7);
        let bytes = writer.into_bytes();
        let frame = LabelFrame::parse(&bytes).unwrap();
        let labels = read_labels(&frame);
        assert_eq!((&labels[0], &labels[2]), (&Ok(label("a")), &Ok(label("b"))));
        assert!(labels[1].is_err());
        assert_eq!(labels.len(), 3);
    }

    #[test]
    fn what_is_no_frame_of_labels_says_so() {
        let mut bytes = header(1, Some("#labels")).into_bytes();
        bytes.extend(encode(&Value::map([("seq", Value::Int(7))])));
        let error = LabelFrame::parse(&bytes).unwrap_err();
        let cause = PayloadError::Missing("labels");
        assert_eq!(error, FrameError::Payload { kind: "#labels", seq: Some(7), did: None, cause });
        assert!(!error.is_fatal());
        let mut bytes = LabelsFrame::encode(7, &[label("a")]);
        bytes.push(0);
        let error = LabelFrame::parse(&bytes).unwrap_err();
        assert_eq!(error, FrameError::Framing(CborError::Trailing(1).into()));
    }
}
