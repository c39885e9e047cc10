//! Signed commits: the root of a repository at one revision.
//!
//! ```text
//! {"did": DID, "rev": TID, "sig": 64 bytes, "data": CID of the tree, "prev": CID|null, "version": 3}
//! ```
//!
//! The signature is over the same map without `sig`. It is checked over the bytes as they came, so fields
//! nobody knows are covered too. Spec: atproto.com/specs/repository ("Commit Objects").

use std::ops::Range;

use crate::cbor::{CborError, Reader, Writer};
use crate::cid::Cid;
use crate::crypto::{PublicKey, SIGNATURE_BYTES, SignatureError, SigningKey};
use crate::syntax::{Did, SyntaxError, Tid};

/// The only version of commits there is.
pub const COMMIT_VERSION: i64 = 3;

/// Bytes of the key `sig` in DAG-CBOR: a head and three letters.
const SIG_KEY_BYTES: usize = 4;

/// Why a block is not a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// Not DAG-CBOR of the right shape.
    #[error("the commit is malformed: {0}")]
    Cbor(#[from] CborError),
    /// A required field is missing.
    #[error("the commit lacks {0}")]
    Missing(&'static str),
    /// A version other than [`COMMIT_VERSION`].
    #[error("the commit has version {0}")]
    Version(i64),
    /// `did` or `rev` do not parse.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The signature has another length than 64 bytes.
    #[error("the commit's signature has {0} bytes")]
    SignatureLength(usize),
}

/// What a commit says, before it is signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnsignedCommit {
    /// The repository's account.
    pub did: Did,
    /// Revision; greater than that of every earlier commit.
    pub rev: Tid,
    /// Root of the tree.
    pub data: Cid,
    /// CID of the previous commit; null in practice.
    pub prev: Option<Cid>,
}

/// A signed commit. Whether the signature is right, [`Commit::verify`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The repository's account.
    pub did: Did,
    /// Revision; greater than that of every earlier commit.
    pub rev: Tid,
    /// Root of the tree.
    pub data: Cid,
    /// CID of the previous commit; null in practice.
    pub prev: Option<Cid>,
    /// Compact signature, 64 bytes.
    pub sig: [u8; SIGNATURE_BYTES],
    /// Always [`COMMIT_VERSION`].
    pub version: i64,
    block: Box<[u8]>,
    /// Where `sig` and its value lie in `block`.
    sig_pair: Range<usize>,
}

impl Commit {
    /// Reads a commit block. Fields nobody knows are passed over; an absent `prev` counts as null.
    ///
    /// # Errors
    /// [`CommitError`] naming what is wrong with it. The signature is not checked.
    pub fn parse(block: &[u8]) -> Result<Self, CommitError> {
        let (mut did, mut rev, mut data, mut prev, mut sig, mut version) =
            (None, None, None, None, None, None);
        let mut reader = Reader::new(block);
        reader.pairs::<CommitError>(|reader, key| {
            let value_at = reader.position();
            match key {
                "did" => did = Some(Did::parse(reader.text()?)?),
                "rev" => rev = Some(Tid::parse(reader.text()?)?),
                "data" => data = Some(reader.link()?),
                "prev" => prev = reader.nullable(Reader::link)?,
                "sig" => sig = Some((reader.bytes()?, value_at - SIG_KEY_BYTES..reader.position())),
                "version" => version = Some(reader.int()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        reader.finish()?;
        match version.ok_or(CommitError::Missing("version"))? {
            COMMIT_VERSION => {}
            other => return Err(CommitError::Version(other)),
        }
        let (sig, sig_pair) = sig.ok_or(CommitError::Missing("sig"))?;
        Ok(Self {
            did: did.ok_or(CommitError::Missing("did"))?,
            rev: rev.ok_or(CommitError::Missing("rev"))?,
            data: data.ok_or(CommitError::Missing("data"))?,
            prev,
            sig: sig.try_into().map_err(|_| CommitError::SignatureLength(sig.len()))?,
            version: COMMIT_VERSION,
            block: block.into(),
            sig_pair,
        })
    }

    /// Checks the signature: compact, low S, by `key`, over the block without `sig`.
    ///
    /// # Errors
    /// [`SignatureError`] if it is not.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        key.verify(&self.signed_bytes(), &self.sig)
    }

    /// Signs a commit.
    pub fn sign(commit: UnsignedCommit, key: &SigningKey) -> Self {
        let sig = key.sign(&encode(&commit, None).0);
        let (block, sig_pair) = encode(&commit, Some(&sig));
        let UnsignedCommit { did, rev, data, prev } = commit;
        Self { did, rev, data, prev, sig, version: COMMIT_VERSION, block: block.into(), sig_pair }
    }

    /// The commit block.
    pub fn block(&self) -> &[u8] {
        &self.block
    }

    /// The CID of the commit block. Costs one SHA-256.
    pub fn cid(&self) -> Cid {
        Cid::of_dag_cbor(&self.block)
    }

    /// The block without the pair `sig`: one pair fewer in the head, the other pairs as they are.
    fn signed_bytes(&self) -> Vec<u8> {
        let mut head = Reader::new(&self.block);
        let pairs = head.map().expect("invariant: the block was read as a map");
        let (from, to) = (self.sig_pair.start, self.sig_pair.end);
        let mut writer = Writer::with_capacity(self.block.len());
        writer.map(pairs.saturating_sub(1));
        writer.encoded(self.block.get(head.position()..from).unwrap_or_default());
        writer.encoded(self.block.get(to..).unwrap_or_default());
        writer.into_bytes()
    }
}

/// The block, and where in it the pair `sig` lies.
fn encode(commit: &UnsignedCommit, sig: Option<&[u8; SIGNATURE_BYTES]>) -> (Vec<u8>, Range<usize>) {
    let mut writer = Writer::with_capacity(256);
    writer.map(if sig.is_some() { 6 } else { 5 });
    writer.text("did");
    writer.text(commit.did.as_str());
    writer.text("rev");
    writer.text(&commit.rev.to_string());
    let from = writer.as_bytes().len();
    if let Some(sig) = sig {
        writer.text("sig");
        writer.bytes(sig);
    }
    let to = writer.as_bytes().len();
    writer.text("data");
    writer.link(&commit.data);
    writer.text("prev");
    writer.link_or_null(commit.prev.as_ref());
    writer.text("version");
    writer.int(COMMIT_VERSION);
    (writer.into_bytes(), from..to)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::cbor::{Value, decode, encode};
    use crate::crypto::Curve;

    fn key(curve: Curve) -> SigningKey {
        SigningKey::from_bytes(curve, &[7; 32]).unwrap()
    }

    fn unsigned() -> UnsignedCommit {
        UnsignedCommit {
            did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap(),
            rev: Tid::parse("3jzfcijpj2z2a").unwrap(),
            data: Cid::of_dag_cbor(b"tree"),
            prev: None,
        }
    }

    /// The signed block with one field changed, or added.
    fn with(field: &str, value: Value<'static>) -> Vec<u8> {
        let signed = Commit::sign(unsigned(), &key(Curve::K256));
        let Value::Map(mut pairs) = decode(signed.block()).unwrap().into_owned() else {
            unreachable!()
        };
        pairs.retain(|(key, _)| key != field);
        pairs.push((field.to_owned().into(), value));
        encode(&Value::Map(pairs))
    }

    #[test]
    fn a_signed_commit_reads_back_and_verifies() {
        for curve in [Curve::K256, Curve::P256] {
            let signed = Commit::sign(unsigned(), &key(curve));
            let read = Commit::parse(signed.block()).unwrap();
            assert_eq!(read, signed);
            assert_eq!(read.verify(&key(curve).public()), Ok(()));
            assert_eq!(encode(&decode(signed.block()).unwrap()), signed.block());
            let other = SigningKey::from_bytes(curve, &[8; 32]).unwrap().public();
            assert_eq!(read.verify(&other), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn every_field_is_signed_even_an_unknown_one() {
        let public = key(Curve::K256).public();
        for (field, value) in [
            ("did", Value::text("did:web:example.com")),
            ("rev", Value::text("3jzfcijpj2z2b")),
            ("data", Value::Link(Cid::of_dag_cbor(b"other"))),
            ("prev", Value::Link(Cid::of_dag_cbor(b"other"))),
            ("more", Value::Int(1)),
        ] {
            let commit = Commit::parse(&with(field, value)).unwrap();
            assert_eq!(commit.verify(&public), Err(SignatureError::Mismatch), "{field}");
        }
    }

    #[test]
    fn malformed_commits_are_refused() {
        let sig = Value::Bytes(vec![1; 63].into());
        assert_eq!(Commit::parse(&with("sig", sig)), Err(CommitError::SignatureLength(63)));
        assert_eq!(Commit::parse(&with("version", Value::Int(2))), Err(CommitError::Version(2)));
        assert!(matches!(
            Commit::parse(&with("did", Value::text("x"))),
            Err(CommitError::Syntax(_))
        ));
        assert!(matches!(Commit::parse(&with("data", Value::Null)), Err(CommitError::Cbor(_))));
        assert_eq!(Commit::parse(&[0xa0]), Err(CommitError::Missing("version")));
    }
}
