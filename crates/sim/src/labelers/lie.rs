//! What a labeler may do wrong. Nothing of it may change what holds.

use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::syntax::Did;

use super::{Draft, LabelSaid, Stream};

/// Ahead of every clock that is right.
const FUTURE_US: i64 = 3_600 * 1_000_000;

/// Something false, late or broken in a labeler's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelLie {
    /// Signed by a key that is not its own.
    Forged,
    /// Not signed.
    Unsigned,
    /// Said in somebody else's name, and signed by itself.
    Foreign(Did),
    /// Said an hour from now.
    FromTheFuture,
    /// A value that is longer than values may be.
    TooLong,
    /// About something that is neither an account nor a record by DID.
    AboutNothing,
    /// The last frame once more, under its own number.
    Replayed,
    /// What was said is contradicted by something older that comes now.
    Late,
    /// What holds is taken back and said again, and the two come in the wrong order.
    Reordered,
    /// No frame at all: the connection breaks.
    Garbage,
}

impl LabelLie {
    /// Every kind; `other` is somebody in whose name it lies.
    pub fn all(other: &Did) -> [Self; 10] {
        [
            Self::Forged,
            Self::Unsigned,
            Self::Foreign(other.clone()),
            Self::FromTheFuture,
            Self::TooLong,
            Self::AboutNothing,
            Self::Replayed,
            Self::Late,
            Self::Reordered,
            Self::Garbage,
        ]
    }
}

impl Stream {
    /// Lies about a subject, which it may have said something true of.
    pub(super) fn lie(&mut self, lie: &LabelLie, subject: &str, key: &SigningKey, now_us: i64) {
        let false_one = LabelSaid {
            subject: subject.to_owned(),
            val: "lie".to_owned(),
            negates: false,
            exp_us: None,
        };
        match lie {
            LabelLie::Forged => {
                let foreign = SigningKey::from_bytes(Curve::K256, &[0x5A; 32])
                    .expect("invariant: any small number is a key");
                let draft = self.draft(false_one, now_us);
                self.push(|seq| draft.signed(seq, &foreign));
            }
            LabelLie::Unsigned => {
                let draft = self.draft(false_one, now_us);
                self.push(|seq| draft.frame(seq, |_| None));
            }
            LabelLie::Foreign(other) => {
                let draft = Draft { src: other.clone(), ..self.draft(false_one, now_us) };
                self.push(|seq| draft.signed(seq, key));
            }
            LabelLie::FromTheFuture => {
                let draft = Draft { cts_us: now_us + FUTURE_US, ..self.draft(false_one, now_us) };
                self.push(|seq| draft.signed(seq, key));
            }
            LabelLie::TooLong => {
                let said = LabelSaid { val: "x".repeat(129), ..false_one };
                let draft = self.draft(said, now_us);
                self.push(|seq| draft.signed(seq, key));
            }
            LabelLie::AboutNothing => {
                let said = LabelSaid { subject: "https://sim.test/".to_owned(), ..false_one };
                let draft = self.draft(said, now_us);
                self.push(|seq| draft.signed(seq, key));
            }
            LabelLie::Replayed => {
                let last = self.tape.iter().next_back().map(|(seq, frame)| (seq, frame.to_vec()));
                if let Some((seq, frame)) = last {
                    self.push_at(seq, frame);
                }
            }
            LabelLie::Late => self.say_late(key),
            LabelLie::Reordered => self.say_in_the_wrong_order(key, now_us),
            LabelLie::Garbage => self.push(|_| vec![0xFF; 7]),
        }
    }

    /// The opposite of what was said of everything, as if it had been said before.
    fn say_late(&mut self, key: &SigningKey) {
        let known: Vec<Draft> = self
            .said
            .iter()
            .map(|((subject, val), last)| {
                let (subject, val, negates) = (subject.clone(), val.clone(), last.holds);
                let said = LabelSaid { subject, val, negates, exp_us: None };
                Draft { src: self.did.clone(), said, cts_us: last.cts_us - 1_000_000 }
            })
            .collect();
        for draft in known {
            self.push(|seq| draft.signed(seq, key));
        }
    }

    fn say_in_the_wrong_order(&mut self, key: &SigningKey, now_us: i64) {
        let holding = self.truths().next();
        let Some(holding) = holding else { return };
        let said = |negates| LabelSaid {
            subject: holding.subject.clone(),
            val: holding.val.clone(),
            negates,
            exp_us: holding.exp_us,
        };
        let (back, again) = (self.draft(said(true), now_us), self.draft(said(false), now_us));
        self.push(|seq| again.signed(seq, key));
        self.push(|seq| back.signed(seq, key));
        self.note(&again);
    }
}
