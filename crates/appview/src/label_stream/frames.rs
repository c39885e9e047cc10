//! Labels as messages of the stream. They are signed anew: whoever follows looks for the key of today's DID document,
//! and a label may have been issued under another. Under the same key the signature is the same.

use axum::extract::ws::Message;
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::label::{LabelFrame, LabelsFrame, SentLabel, VERSION};
use millrace_atproto::syntax::CidString;
use millrace_dataplane::query::issued_sequence::Numbered;

/// A message for each label.
pub(super) fn of(labels: &[Numbered], key: &SigningKey) -> Vec<Message> {
    labels.iter().map(|numbered| of_one(numbered, key)).collect()
}

fn of_one(Numbered { seq, label }: &Numbered, key: &SigningKey) -> Message {
    let sent = SentLabel {
        ver: Some(VERSION),
        src: label.src.as_str(),
        uri: &label.uri,
        cid: label.cid.as_ref().map(CidString::as_str),
        val: &label.val,
        neg: label.neg.then_some(true),
        cts: &label.cts,
        exp: label.exp.as_deref(),
        sig: None,
    };
    let sig = sent.sign(key);
    let signed = SentLabel { sig: Some(&sig), ..sent };
    Message::Binary(LabelsFrame::encode(*seq, &[signed]).into())
}

/// The last message before a connection is closed for a fault.
pub(super) fn refusal(error: &'static str, message: &'static str) -> Message {
    let frame = LabelFrame::Error { error, message: Some(message) };
    let bytes = frame.encode_notice().expect("invariant: an error is a notice");
    Message::Binary(bytes.into())
}
