//! Walks DAG-CBOR without allocating. Every rule of the module is checked as the bytes go by, for items
//! that are read and items that are skipped alike. Nothing here can panic or read past the end.

use super::{CONTAINER_ITEMS_MAX, CborError, DEPTH_MAX, INT_MAX, KEY_BYTES_MAX};
use crate::cid::{CID_BYTES, Cid, CidError};

const MAJOR_UNSIGNED: u8 = 0;
const MAJOR_NEGATIVE: u8 = 1;
const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;

const TAG_LINK: u64 = 42;

/// What the next item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An integer of either sign.
    Int,
    /// A byte string.
    Bytes,
    /// Text.
    Text,
    /// An array.
    Array,
    /// A map.
    Map,
    /// A tagged item: a link.
    Link,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
    /// Something the data model does not have.
    Other,
}

impl Kind {
    fn of(first: u8) -> Self {
        match first >> 5 {
            MAJOR_UNSIGNED | MAJOR_NEGATIVE => Self::Int,
            MAJOR_BYTES => Self::Bytes,
            MAJOR_TEXT => Self::Text,
            MAJOR_ARRAY => Self::Array,
            MAJOR_MAP => Self::Map,
            MAJOR_TAG => Self::Link,
            _ => match first {
                0xf4 | 0xf5 => Self::Bool,
                0xf6 => Self::Null,
                _ => Self::Other,
            },
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::Array => "an array",
            Self::Map => "a map",
            Self::Link => "a link",
            Self::Bool => "a boolean",
            Self::Null => "null",
            Self::Other => "an unknown item",
        }
    }
}

/// One item, or the head of a container whose items follow.
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Link(Cid),
    Array(usize),
    Map(usize),
}

/// A position in DAG-CBOR bytes. What it returns borrows from the bytes, not from the reader.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the front.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// An error if bytes are left.
    pub fn finish(&self) -> Result<(), CborError> {
        match self.rest().len() {
            0 => Ok(()),
            left => Err(CborError::Trailing(left)),
        }
    }

    /// What the next item is.
    pub fn kind(&self) -> Result<Kind, CborError> {
        self.bytes.get(self.at).map(|first| Kind::of(*first)).ok_or(CborError::Truncated)
    }

    /// Reads a boolean.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        match self.item()? {
            Item::Bool(value) => Ok(value),
            other => Err(unexpected(Kind::Bool, &other)),
        }
    }

    /// Reads an integer.
    pub fn int(&mut self) -> Result<i64, CborError> {
        match self.item()? {
            Item::Int(value) => Ok(value),
            other => Err(unexpected(Kind::Int, &other)),
        }
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        match self.item()? {
            Item::Bytes(value) => Ok(value),
            other => Err(unexpected(Kind::Bytes, &other)),
        }
    }

    /// Reads text.
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        match self.item()? {
            Item::Text(value) => Ok(value),
            other => Err(unexpected(Kind::Text, &other)),
        }
    }

    /// Reads a link.
    pub fn link(&mut self) -> Result<Cid, CborError> {
        match self.item()? {
            Item::Link(value) => Ok(value),
            other => Err(unexpected(Kind::Link, &other)),
        }
    }

    /// Reads an array's head; that many items follow, and at least as many bytes do.
    pub fn array(&mut self) -> Result<usize, CborError> {
        match self.item()? {
            Item::Array(items) => Ok(items),
            other => Err(unexpected(Kind::Array, &other)),
        }
    }

    /// Reads a map's head; that many pairs follow. See [`Reader::pairs`] for the pairs.
    pub fn map(&mut self) -> Result<usize, CborError> {
        match self.item()? {
            Item::Map(pairs) => Ok(pairs),
            other => Err(unexpected(Kind::Map, &other)),
        }
    }

    /// Reads null as `None`, anything else with `read`.
    pub fn nullable<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CborError>,
    ) -> Result<Option<T>, CborError> {
        if self.kind()? == Kind::Null {
            self.at += 1;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Reads a whole map: `visit` gets each key and must read or [`Reader::skip`] its value.
    pub fn pairs<E: From<CborError>>(
        &mut self,
        mut visit: impl FnMut(&mut Self, &'a str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut previous = None;
        for _ in 0..self.map()? {
            let key = self.key(previous)?;
            visit(self, key)?;
            previous = Some(key);
        }
        Ok(())
    }

    /// As [`Reader::pairs`] for maps that are never hashed: keys may come in any order, and repeat.
    pub fn pairs_in_any_order<E: From<CborError>>(
        &mut self,
        mut visit: impl FnMut(&mut Self, &'a str) -> Result<(), E>,
    ) -> Result<(), E> {
        for _ in 0..self.map()? {
            let key = self.key(None)?;
            visit(self, key)?;
        }
        Ok(())
    }

    /// Passes over the next item, checking it as strictly as if it were read.
    pub fn skip(&mut self) -> Result<(), CborError> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Result<(), CborError> {
        match self.item()? {
            Item::Array(items) => {
                let depth = deeper(depth)?;
                for _ in 0..items {
                    self.skip_at(depth)?;
                }
            }
            Item::Map(pairs) => {
                let depth = deeper(depth)?;
                let mut previous = None;
                for _ in 0..pairs {
                    previous = Some(self.key(previous)?);
                    self.skip_at(depth)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads a map key and checks that it follows `previous`.
    pub(super) fn key(&mut self, previous: Option<&str>) -> Result<&'a str, CborError> {
        if self.kind()? != Kind::Text {
            return Err(CborError::KeyType);
        }
        let key = self.text()?;
        if key.is_empty() {
            return Err(CborError::KeyEmpty);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(CborError::KeyLength(key.len()));
        }
        match previous.map(|previous| super::value::canonical_order(previous, key)) {
            None | Some(std::cmp::Ordering::Less) => Ok(key),
            Some(std::cmp::Ordering::Equal) => Err(CborError::KeyDuplicate),
            Some(std::cmp::Ordering::Greater) => Err(CborError::KeyOrder),
        }
    }

    pub(super) fn item(&mut self) -> Result<Item<'a>, CborError> {
        let first = *self.bytes.get(self.at).ok_or(CborError::Truncated)?;
        self.at += 1;
        match first >> 5 {
            MAJOR_UNSIGNED => self.argument(first).and_then(unsigned).map(Item::Int),
            MAJOR_NEGATIVE => self.argument(first).and_then(negative).map(Item::Int),
            MAJOR_BYTES => self.length(first).and_then(|length| self.take(length)).map(Item::Bytes),
            MAJOR_TEXT => {
                let length = self.length(first)?;
                let bytes = self.take(length)?;
                str::from_utf8(bytes).map(Item::Text).map_err(|_| CborError::Utf8)
            }
            MAJOR_ARRAY => self.items(first, 1).map(Item::Array),
            MAJOR_MAP => self.items(first, 2).map(Item::Map),
            MAJOR_TAG => self.tagged(first).map(Item::Link),
            _ => simple(first),
        }
    }

    /// The number in or after an item's first byte, in its shortest form.
    fn argument(&mut self, first: u8) -> Result<u64, CborError> {
        let (value, smallest) = match first & 0x1f {
            small @ 0..=23 => return Ok(u64::from(small)),
            24 => (u64::from(u8::from_be_bytes(self.array_of()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array_of()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.array_of()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.array_of()?), 1 << 32),
            31 => return Err(CborError::Indefinite),
            _ => return Err(CborError::Reserved),
        };
        if value < smallest { Err(CborError::NotMinimal) } else { Ok(value) }
    }

    fn length(&mut self, first: u8) -> Result<usize, CborError> {
        self.argument(first)
            .and_then(|length| usize::try_from(length).map_err(|_| CborError::Truncated))
    }

    fn items(&mut self, first: u8, bytes_each: usize) -> Result<usize, CborError> {
        let claimed = self.argument(first)?;
        let items = usize::try_from(claimed)
            .ok()
            .filter(|items| *items <= CONTAINER_ITEMS_MAX)
            .ok_or(CborError::ContainerItems(claimed))?;
        // Every item takes a byte or more, so a claim cannot make anyone reserve memory for nothing.
        if items * bytes_each > self.rest().len() { Err(CborError::Truncated) } else { Ok(items) }
    }

    fn tagged(&mut self, first: u8) -> Result<Cid, CborError> {
        match self.argument(first)? {
            TAG_LINK => {}
            other => return Err(CborError::Tag(other)),
        }
        if self.kind()? != Kind::Bytes {
            return Err(CborError::Link(CidError::Form));
        }
        let bytes = self.bytes()?;
        match bytes.split_first() {
            Some((0, cid)) if cid.len() == CID_BYTES => Ok(Cid::from_bytes(cid)?),
            Some((0, cid)) => Err(CborError::Link(CidError::Length(cid.len()))),
            _ => Err(CborError::Link(CidError::Form)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CborError> {
        let (taken, _) = self.rest().split_at_checked(length).ok_or(CborError::Truncated)?;
        self.at += length;
        Ok(taken)
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let (taken, _) = self.rest().split_first_chunk::<N>().ok_or(CborError::Truncated)?;
        self.at += N;
        Ok(*taken)
    }
}

pub(super) fn deeper(depth: usize) -> Result<usize, CborError> {
    if depth >= DEPTH_MAX { Err(CborError::Depth) } else { Ok(depth + 1) }
}

fn unsigned(argument: u64) -> Result<i64, CborError> {
    i64::try_from(argument).ok().filter(|value| *value <= INT_MAX).ok_or(CborError::IntRange)
}

fn negative(argument: u64) -> Result<i64, CborError> {
    // The encoded number is −1 − argument.
    unsigned(argument)
        .map(|value| -1 - value)
        .and_then(|value| if value < -INT_MAX { Err(CborError::IntRange) } else { Ok(value) })
}

fn simple(first: u8) -> Result<Item<'static>, CborError> {
    match first {
        0xf4 => Ok(Item::Bool(false)),
        0xf5 => Ok(Item::Bool(true)),
        0xf6 => Ok(Item::Null),
        0xf9..=0xfb => Err(CborError::Float),
        0xff => Err(CborError::Indefinite),
        _ => Err(CborError::Simple),
    }
}

fn unexpected(expected: Kind, found: &Item<'_>) -> CborError {
    let found = match found {
        Item::Null => Kind::Null,
        Item::Bool(_) => Kind::Bool,
        Item::Int(_) => Kind::Int,
        Item::Bytes(_) => Kind::Bytes,
        Item::Text(_) => Kind::Text,
        Item::Link(_) => Kind::Link,
        Item::Array(_) => Kind::Array,
        Item::Map(_) => Kind::Map,
    };
    CborError::Unexpected { expected: expected.name(), found: found.name() }
}
