//! A label as it was sent: read, checked, verified, and made.

use super::{Label, LabelError, LabelSubject, VALUE_BYTES_MAX, VERSION};
use crate::cbor::{Reader, Writer};
use crate::crypto::{PublicKey, SIGNATURE_BYTES, SigningKey};
use crate::frame::{PayloadError, required};
use crate::syntax::{CidString, Datetime, Did};

/// A label as it was sent, unchecked; borrows from the message. An optional field that is there is part
/// of what was signed, whatever it says: `neg: false` is not the same as no `neg`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SentLabel<'a> {
    /// The schema's version.
    pub ver: Option<i64>,
    /// Who says it.
    pub src: &'a str,
    /// Of what.
    pub uri: &'a str,
    /// Which version of the record was looked at.
    pub cid: Option<&'a str>,
    /// What is said.
    pub val: &'a str,
    /// Whether it takes back what was said before.
    pub neg: Option<bool>,
    /// When it was said.
    pub cts: &'a str,
    /// When it ends.
    pub exp: Option<&'a str>,
    /// The issuer's signature.
    pub sig: Option<&'a [u8]>,
}

impl<'a> SentLabel<'a> {
    /// Reads a label that stands alone.
    ///
    /// # Errors
    /// [`PayloadError`] if it is not DAG-CBOR, a field is of another kind than the schema's or is missing.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PayloadError> {
        let mut reader = Reader::new(bytes);
        let label = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(label)
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, PayloadError> {
        let (mut ver, mut src, mut uri, mut cid, mut val) = (None, None, None, None, None);
        let (mut neg, mut cts, mut exp, mut sig) = (None, None, None, None);
        reader.pairs_in_any_order::<PayloadError>(|reader, key| {
            match key {
                "ver" => ver = Some(reader.int()?),
                "src" => src = Some(reader.text()?),
                "uri" => uri = Some(reader.text()?),
                "cid" => cid = Some(reader.text()?),
                "val" => val = Some(reader.text()?),
                "neg" => neg = Some(reader.bool()?),
                "cts" => cts = Some(reader.text()?),
                "exp" => exp = Some(reader.text()?),
                "sig" => sig = Some(reader.bytes()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Self {
            ver,
            src: required(src, "src")?,
            uri: required(uri, "uri")?,
            cid,
            val: required(val, "val")?,
            neg,
            cts: required(cts, "cts")?,
            exp,
            sig,
        })
    }

    /// Its own DAG-CBOR, with the signature.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }

    /// What is signed: the same without the signature.
    pub fn unsigned(&self) -> Vec<u8> {
        Self { sig: None, ..*self }.encode()
    }

    /// The signature of `key` for what is said.
    pub fn sign(&self, key: &SigningKey) -> [u8; SIGNATURE_BYTES] {
        key.sign(&self.unsigned())
    }

    /// All keys have three letters: their canonical order is that of the alphabet.
    pub(super) fn write(&self, writer: &mut Writer) {
        let optional = [
            self.cid.is_some(),
            self.exp.is_some(),
            self.neg.is_some(),
            self.sig.is_some(),
            self.ver.is_some(),
        ];
        writer.map(4 + optional.into_iter().filter(|there| *there).count());
        if let Some(cid) = self.cid {
            writer.text("cid");
            writer.text(cid);
        }
        writer.text("cts");
        writer.text(self.cts);
        if let Some(exp) = self.exp {
            writer.text("exp");
            writer.text(exp);
        }
        if let Some(neg) = self.neg {
            writer.text("neg");
            writer.bool(neg);
        }
        if let Some(sig) = self.sig {
            writer.text("sig");
            writer.bytes(sig);
        }
        writer.text("src");
        writer.text(self.src);
        writer.text("uri");
        writer.text(self.uri);
        writer.text("val");
        writer.text(self.val);
        if let Some(ver) = self.ver {
            writer.text("ver");
            writer.int(ver);
        }
    }

    /// The label, if its fields are what they should be. The signature is not looked at.
    ///
    /// # Errors
    /// [`LabelError`] for the first field that is not.
    pub fn check(&self) -> Result<Label, LabelError> {
        if let Some(ver) = self.ver.filter(|ver| *ver != VERSION) {
            return Err(LabelError::Version(ver));
        }
        let plain = !self.val.is_empty()
            && self.val.len() <= VALUE_BYTES_MAX
            && !self.val.chars().any(char::is_control);
        if !plain {
            return Err(LabelError::Value);
        }
        // Some labelers write an empty text where there is no version.
        let cid = self.cid.filter(|cid| !cid.is_empty());
        Ok(Label {
            src: Did::parse(self.src).map_err(LabelError::Source)?,
            subject: LabelSubject::parse(self.uri).ok_or(LabelError::Subject)?,
            cid: cid.map(CidString::parse).transpose().map_err(LabelError::Cid)?,
            val: self.val.to_owned(),
            negates: self.neg == Some(true),
            cts: Datetime::parse(self.cts).map_err(LabelError::Time)?,
            exp: self.exp.map(Datetime::parse).transpose().map_err(LabelError::Expiry)?,
        })
    }

    /// Whether the holder of `key` signed it.
    ///
    /// # Errors
    /// [`LabelError::Unsigned`] or [`LabelError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), LabelError> {
        let sig = self.sig.ok_or(LabelError::Unsigned)?;
        Ok(key.verify(&self.unsigned(), sig)?)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::cbor::{self, CborError, Value};
    use crate::cid::Cid;
    use crate::crypto::{Curve, SignatureError};

    const SRC: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    const POST: &str = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a";

    fn label() -> SentLabel<'static> {
        SentLabel {
            ver: Some(1),
            src: SRC,
            uri: POST,
            cid: None,
            val: "porn",
            neg: None,
            cts: "2026-01-02T03:04:05.678Z",
            exp: None,
            sig: None,
        }
    }

    #[test]
    fn what_is_signed_are_the_fields_that_were_sent() {
        let key = SigningKey::from_bytes(Curve::K256, &[5; 32]).unwrap();
        let cid = Cid::of_raw(b"x").to_string();
        let every = [
            label(),
            SentLabel { neg: Some(true), ..label() },
            SentLabel { neg: Some(false), ver: None, ..label() },
            SentLabel { cid: Some(&cid), exp: Some("2027-01-02T03:04:05Z"), ..label() },
        ];
        let mut signed = Vec::new();
        for label in every {
            let bytes = label.unsigned();
            assert_eq!(cbor::encode(&cbor::decode(&bytes).unwrap()), bytes, "canonical");
            let sig = label.sign(&key);
            let sent = SentLabel { sig: Some(&sig), ..label };
            let bytes = sent.encode();
            assert_eq!(SentLabel::parse(&bytes), Ok(sent));
            assert_eq!(sent.verify(&key.public()), Ok(()));
            assert!(sent.check().is_ok());
            signed.push(sig);
        }
        for (at, sig) in signed.iter().enumerate() {
            let sent = SentLabel { sig: Some(sig), ..every[(at + 1) % every.len()] };
            let mismatch = LabelError::Signature(SignatureError::Mismatch);
            assert_eq!(sent.verify(&key.public()), Err(mismatch), "signed for another");
        }
        assert_eq!(label().verify(&key.public()), Err(LabelError::Unsigned));
    }

    #[test]
    fn fields_nobody_knows_are_neither_kept_nor_signed() {
        let key = SigningKey::from_bytes(Curve::P256, &[5; 32]).unwrap();
        let sig = label().sign(&key);
        let Value::Map(mut pairs) = cbor::decode(&label().unsigned()).unwrap().into_owned() else {
            unreachable!()
        };
        pairs.push(("sig".into(), Value::Bytes(sig.to_vec().into())));
        pairs.push(("$type".into(), Value::text("com.atproto.label.defs#label")));
        let bytes = cbor::encode(&Value::map(pairs));
        let sent = SentLabel::parse(&bytes).unwrap();
        assert_eq!(sent, SentLabel { sig: Some(&sig), ..label() });
        assert_eq!(sent.verify(&key.public()), Ok(()));
    }

    #[test]
    fn what_does_not_count() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        let reason = |label: SentLabel<'_>| label.check().map_err(|error| error.reason()).err();
        let table = [
            (label(), None),
            (SentLabel { uri: SRC, ..label() }, None),
            (SentLabel { val: &long[1..], cid: Some(""), ..label() }, None),
            (SentLabel { val: "!takedown", ver: None, ..label() }, None),
            (SentLabel { ver: Some(2), ..label() }, Some("label_version")),
            (SentLabel { src: "alice.test", ..label() }, Some("label_source")),
            (
                SentLabel { uri: "at://alice.test/app.bsky.feed.post/1", ..label() },
                Some("label_subject"),
            ),
            (SentLabel { uri: "at://did:plc:abc", ..label() }, Some("label_subject")),
            (SentLabel { uri: "https://example.com/", ..label() }, Some("label_subject")),
            (SentLabel { val: "", ..label() }, Some("label_value")),
            (SentLabel { val: &long, ..label() }, Some("label_value")),
            (SentLabel { val: "a\0", ..label() }, Some("label_value")),
            (SentLabel { cid: Some("nonsense!"), ..label() }, Some("label_cid")),
            (SentLabel { cts: "yesterday", ..label() }, Some("label_time")),
            (SentLabel { exp: Some(""), ..label() }, Some("label_expiry")),
        ];
        for (label, expected) in table {
            assert_eq!(reason(label), expected, "{label:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let missing = cbor::encode(&Value::map([("src", Value::text(SRC))]));
        assert_eq!(SentLabel::parse(&missing), Err(PayloadError::Missing("uri")));
        assert_eq!(SentLabel::parse(b""), Err(CborError::Truncated.into()));
        let mut trailing = label().encode();
        trailing.push(0);
        assert_eq!(SentLabel::parse(&trailing), Err(CborError::Trailing(1).into()));
    }
}
