//! What labelers send.

use super::seeds::repository;
use crate::frame::split;
use crate::label::{Label, LabelFrame, LabelsFrame, SentLabel};

/// Labels that are read are written and read as the same; one that counts says what it is about, and is
/// signed for what it says and nothing else.
pub(super) fn label_frame(bytes: &[u8]) {
    let frame = LabelFrame::parse(bytes);
    if let Err(error) = &frame {
        assert!(split(bytes).is_ok() || error.is_fatal(), "{error}");
    }
    let Ok(frame) = frame else { return };
    if let Some(written) = frame.encode_notice() {
        assert_eq!(LabelFrame::parse(&written).as_ref(), Ok(&frame));
    }
    let LabelFrame::Labels(frame) = frame else { return };
    let sent: Vec<SentLabel<'_>> = frame.labels().flatten().collect();
    let written = LabelsFrame::encode(frame.seq, &sent);
    let Ok(LabelFrame::Labels(again)) = LabelFrame::parse(&written) else {
        panic!("labels that were read are written as labels")
    };
    assert_eq!(
        again.labels().collect::<Vec<_>>(),
        sent.iter().map(|it| Ok(*it)).collect::<Vec<_>>()
    );
    sent.iter().for_each(one);
}

fn one(sent: &SentLabel<'_>) {
    assert_eq!(SentLabel::parse(&sent.encode()).as_ref(), Ok(sent));
    let Ok(Label { src, subject, val, .. }) = sent.check() else { return };
    assert_eq!((src.as_str(), val.as_str()), (sent.src, sent.val));
    assert_eq!(subject.to_string(), sent.uri);
    let key = repository().key.public();
    if sent.verify(&key).is_ok() {
        let other = SentLabel { neg: Some(sent.neg != Some(true)), ..*sent };
        assert!(other.verify(&key).is_err(), "a signature for one label fits another");
    }
}
