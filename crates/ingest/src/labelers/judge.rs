//! Which labels of a frame count: those that the labeler issued itself, that are what labels must be, are
//! not of the future, and are signed by its key for labels. The others are counted by reason, and spoil
//! nothing.

use std::collections::BTreeMap;

use millrace_atproto::Did;
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::label::{LabelError, LabelsFrame, SentLabel};

/// How far a label's time may be ahead of ours. What is said last counts, so that a label of next year could
/// not be taken back before.
const AHEAD_US_MAX: i64 = 5 * 60 * 1_000_000;

/// What became of a frame's labels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Encoded, with their signatures, in their order.
    pub(super) accepted: Vec<Vec<u8>>,
    /// How many of the others, by reason.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// The reasons may be our key's.
    pub(super) key_in_doubt: bool,
}

/// Judges the labels of a frame of `labeler`.
pub(super) fn judge(
    frame: &LabelsFrame<'_>,
    labeler: &Did,
    key: &PublicKey,
    now_us: i64,
) -> Judged {
    let mut judged = Judged::default();
    for sent in frame.labels() {
        let verdict = match &sent {
            Err(_) => Err("label_malformed"),
            Ok(sent) => one(sent, labeler, key, now_us),
        };
        match (sent, verdict) {
            (Ok(sent), Ok(())) => judged.accepted.push(sent.encode()),
            (_, verdict) => {
                let reason = verdict.err().unwrap_or("label_malformed");
                judged.key_in_doubt |= reason == SIGNATURE;
                *judged.refused.entry(reason).or_default() += 1;
            }
        }
    }
    judged
}

const SIGNATURE: &str = "label_signature";

fn one(
    sent: &SentLabel<'_>,
    labeler: &Did,
    key: &PublicKey,
    now_us: i64,
) -> Result<(), &'static str> {
    let reason = |error: LabelError| error.reason();
    let label = sent.check().map_err(reason)?;
    if label.src != *labeler {
        return Err("label_foreign");
    }
    let cts_us = label.cts.epoch_us().unwrap_or(i64::MAX);
    if cts_us.saturating_sub(now_us) > AHEAD_US_MAX {
        return Err("label_future");
    }
    sent.verify(key).map_err(reason)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use millrace_atproto::crypto::{Curve, SigningKey};
    use millrace_atproto::label::LabelFrame;

    use super::*;

    const LABELER: &str = "did:plc:labeler";
    /// 2026-01-02T03:04:05Z
    const NOW_US: i64 = 1_767_323_045_000_000;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(Curve::K256, &[seed; 32]).unwrap()
    }

    fn label(val: &str) -> SentLabel<'_> {
        SentLabel {
            ver: Some(1),
            src: LABELER,
            uri: "did:plc:alice",
            cid: None,
            val,
            neg: None,
            cts: "2026-01-02T03:04:00Z",
            exp: None,
            sig: None,
        }
    }

    fn judged(labels: &[(SentLabel<'_>, Option<&SigningKey>)]) -> Judged {
        let sigs: Vec<_> =
            labels.iter().map(|(label, key)| key.map(|key| label.sign(key))).collect();
        let signed: Vec<SentLabel<'_>> = labels
            .iter()
            .zip(&sigs)
            .map(|((label, _), sig)| SentLabel { sig: sig.as_ref().map(|sig| &sig[..]), ..*label })
            .collect();
        let bytes = LabelsFrame::encode(1, &signed);
        let LabelFrame::Labels(frame) = LabelFrame::parse(&bytes).unwrap() else { panic!() };
        judge(&frame, &Did::parse(LABELER).unwrap(), &key(1).public(), NOW_US)
    }

    #[test]
    fn each_label_is_judged_for_itself() {
        let (own, other) = (key(1), key(2));
        let judged = judged(&[
            (label("good"), Some(&own)),
            (label("forged"), Some(&other)),
            (label("unsigned"), None),
            (SentLabel { src: "did:plc:other", ..label("foreign") }, Some(&own)),
            (SentLabel { cts: "2026-01-02T03:09:06Z", ..label("future") }, Some(&own)),
            (SentLabel { cts: "2026-01-02T03:09:04Z", ..label("almost") }, Some(&own)),
            (SentLabel { uri: "https://x.test", ..label("elsewhere") }, Some(&own)),
        ]);
        let accepted: Vec<&str> =
            judged.accepted.iter().map(|bytes| SentLabel::parse(bytes).unwrap().val).collect();
        assert_eq!(accepted, ["good", "almost"]);
        let refused = [
            ("label_foreign", 1),
            ("label_future", 1),
            (SIGNATURE, 1),
            ("label_subject", 1),
            ("label_unsigned", 1),
        ];
        assert_eq!(judged.refused, BTreeMap::from(refused));
        assert!(judged.key_in_doubt);
    }

    #[test]
    fn only_a_signature_casts_doubt_on_the_key() {
        assert!(!judged(&[(label("unsigned"), None)]).key_in_doubt);
        assert!(judged(&[(label("forged"), Some(&key(3)))]).key_in_doubt);
        assert_eq!(judged(&[]), Judged::default());
    }
}
