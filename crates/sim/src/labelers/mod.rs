//! Labelers: accounts with a stream of labels of their own, signed by a key of their own, and what holds of what they
//! said. One is as honest as it is told to be: [`LabelLie`] names what may go wrong.
//!
//! Labels of one labeler get times of its own that only grow, so that which was said last is never in doubt; a lie
//! changes nothing of what holds.

mod lie;
pub(crate) mod serve;
mod world;

use std::collections::BTreeMap;

use bytes::Bytes;
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::label::{LabelsFrame, SentLabel, VERSION};
use millrace_atproto::syntax::Did;

use crate::tape::Tape;

pub use lie::LabelLie;

/// Of two labels of one labeler the later one says so.
const CTS_STEP_US: i64 = 1_000;

/// What a labeler says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSaid {
    /// An account's DID, or a record's URI by DID.
    pub subject: String,
    pub val: String,
    /// It takes back what was said before.
    pub negates: bool,
    /// When it ends.
    pub exp_us: Option<i64>,
}

/// A label that was said last of its subject and value, and not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTruth {
    pub src: Did,
    pub subject: String,
    pub val: String,
    pub cts_us: i64,
    /// From then on it holds no more.
    pub exp_us: Option<i64>,
}

/// A labeler's stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) did: Did,
    pub(crate) tape: Tape<Bytes>,
    /// What was said last, by subject and value; nothing where it was taken back.
    said: BTreeMap<(String, String), Last>,
    last_cts_us: i64,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    cts_us: i64,
    exp_us: Option<i64>,
    holds: bool,
}

/// A label before it is signed.
#[derive(Debug, Clone)]
struct Draft {
    src: Did,
    said: LabelSaid,
    cts_us: i64,
}

impl Draft {
    /// A frame's only label, signed, or with whatever stands for a signature.
    fn frame(&self, seq: i64, sign: impl FnOnce(&SentLabel<'_>) -> Option<Vec<u8>>) -> Vec<u8> {
        let (cts, exp) = (format_ms_us(self.cts_us), self.said.exp_us.map(format_ms_us));
        let label = SentLabel {
            ver: Some(VERSION),
            src: self.src.as_str(),
            uri: &self.said.subject,
            cid: None,
            val: &self.said.val,
            neg: self.said.negates.then_some(true),
            cts: &cts,
            exp: exp.as_deref(),
            sig: None,
        };
        let sig = sign(&label);
        LabelsFrame::encode(seq, &[SentLabel { sig: sig.as_deref(), ..label }])
    }

    fn signed(&self, seq: i64, key: &SigningKey) -> Vec<u8> {
        self.frame(seq, |label| Some(label.sign(key).to_vec()))
    }
}

impl Stream {
    pub(crate) fn new(did: Did, bytes_max: u64) -> Self {
        Self { did, tape: Tape::new(bytes_max), said: BTreeMap::new(), last_cts_us: 0 }
    }

    fn draft(&mut self, said: LabelSaid, now_us: i64) -> Draft {
        self.last_cts_us = now_us.max(self.last_cts_us + CTS_STEP_US);
        Draft { src: self.did.clone(), said, cts_us: self.last_cts_us }
    }

    fn push(&mut self, frame: impl FnOnce(i64) -> Vec<u8>) {
        let seq = self.tape.take_seq();
        self.push_at(seq, frame(seq));
    }

    fn push_at(&mut self, seq: i64, frame: Vec<u8>) {
        self.tape.push(seq, frame.len(), Bytes::from(frame));
    }

    /// It is what was said last.
    fn note(&mut self, draft: &Draft) {
        let LabelSaid { subject, val, negates, exp_us } = draft.said.clone();
        let last = Last { cts_us: draft.cts_us, exp_us, holds: !negates };
        self.said.insert((subject, val), last);
    }

    fn say(&mut self, said: LabelSaid, key: &SigningKey, now_us: i64) {
        let draft = self.draft(said, now_us);
        self.push(|seq| draft.signed(seq, key));
        self.note(&draft);
    }

    /// What holds, but for what has an end.
    pub(crate) fn truths(&self) -> impl Iterator<Item = LabelTruth> + '_ {
        self.said.iter().filter(|(_, last)| last.holds).map(|((subject, val), last)| LabelTruth {
            src: self.did.clone(),
            subject: subject.clone(),
            val: val.clone(),
            cts_us: last.cts_us,
            exp_us: last.exp_us,
        })
    }
}
