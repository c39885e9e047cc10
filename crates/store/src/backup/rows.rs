//! The form in which PostgreSQL hands out a table's rows (COPY, binary), as far as one has to know it to
//! count them and to see that the end is there:
//!
//! ```text
//! "PGCOPY\n\xff\r\n\0"  flags: 4  extension: 4 + n
//! row:  fields: 2   each: length: 4 (-1: NULL) + bytes
//! end:  -1: 2
//! ```

/// The first bytes.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Counts the rows of a stream that comes in pieces.
#[derive(Debug)]
pub(super) struct Counter {
    wanted: Wanted,
    /// Bytes of a number that came in an earlier piece.
    held: Vec<u8>,
    rows: u64,
    fault: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Signature,
    Flags,
    ExtensionLength,
    Extension(u64),
    Fields,
    Length { fields: u16 },
    Field { bytes: u64, fields: u16 },
    Nothing,
}

impl Counter {
    pub(super) fn new() -> Self {
        Self { wanted: Wanted::Signature, held: Vec::new(), rows: 0, fault: None }
    }

    /// Takes the next piece.
    pub(super) fn take(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && self.fault.is_none() {
            piece = match self.wanted {
                Wanted::Extension(bytes) => self.skip(piece, bytes, Wanted::Extension),
                Wanted::Field { bytes, fields } => {
                    self.skip(piece, bytes, |bytes| Wanted::Field { bytes, fields })
                }
                Wanted::Signature => self.number(piece, SIGNATURE.len()),
                Wanted::Flags | Wanted::ExtensionLength | Wanted::Length { .. } => {
                    self.number(piece, 4)
                }
                Wanted::Fields => self.number(piece, 2),
                Wanted::Nothing => {
                    self.fault = Some("more follows after its end");
                    return;
                }
            };
        }
    }

    /// The rows, if the stream was whole.
    pub(super) fn finish(self) -> Result<u64, &'static str> {
        match (self.fault, self.wanted) {
            (Some(fault), _) => Err(fault),
            (None, Wanted::Nothing) => Ok(self.rows),
            (None, _) => Err("it ends too early"),
        }
    }

    fn skip<'p>(
        &mut self,
        piece: &'p [u8],
        bytes: u64,
        still: impl FnOnce(u64) -> Wanted,
    ) -> &'p [u8] {
        let here = usize::try_from(bytes).unwrap_or(usize::MAX).min(piece.len());
        let left = bytes - here as u64;
        self.wanted = match (left, self.wanted) {
            (0, Wanted::Field { fields, .. }) => self.after_field(fields),
            (0, _) => Wanted::Fields,
            (left, _) => still(left),
        };
        &piece[here..]
    }

    /// Gathers `width` bytes and acts on them.
    fn number<'p>(&mut self, piece: &'p [u8], width: usize) -> &'p [u8] {
        let here = (width - self.held.len()).min(piece.len());
        self.held.extend_from_slice(&piece[..here]);
        if self.held.len() == width {
            let held = std::mem::take(&mut self.held);
            self.wanted = self.after_number(&held);
        }
        &piece[here..]
    }

    fn after_number(&mut self, held: &[u8]) -> Wanted {
        match (self.wanted, held) {
            (Wanted::Signature, held) => {
                if held != SIGNATURE {
                    self.fault = Some("it does not begin as it should");
                }
                Wanted::Flags
            }
            (Wanted::Flags, _) => Wanted::ExtensionLength,
            (Wanted::ExtensionLength, [a, b, c, d]) => {
                match u64::from(u32::from_be_bytes([*a, *b, *c, *d])) {
                    0 => Wanted::Fields,
                    bytes => Wanted::Extension(bytes),
                }
            }
            (Wanted::Fields, [a, b]) => match i16::from_be_bytes([*a, *b]) {
                -1 => Wanted::Nothing,
                fields => {
                    self.rows += 1;
                    self.row(u16::try_from(fields))
                }
            },
            (Wanted::Length { fields }, [a, b, c, d]) => {
                match i32::from_be_bytes([*a, *b, *c, *d]) {
                    -1 | 0 => self.after_field(fields),
                    bytes => match u64::try_from(bytes) {
                        Ok(bytes) => Wanted::Field { bytes, fields },
                        Err(_) => self.broken(),
                    },
                }
            }
            _ => self.broken(),
        }
    }

    fn row(&mut self, fields: Result<u16, std::num::TryFromIntError>) -> Wanted {
        match fields {
            Ok(0) => Wanted::Fields,
            Ok(fields) => Wanted::Length { fields },
            Err(_) => self.broken(),
        }
    }

    fn after_field(&self, fields: u16) -> Wanted {
        match fields - 1 {
            0 => Wanted::Fields,
            fields => Wanted::Length { fields },
        }
    }

    fn broken(&mut self) -> Wanted {
        self.fault = Some("it holds a length that cannot be");
        Wanted::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows: ("ab", NULL) and ("", "c").
    fn stream() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        bytes.extend([0, 2, 0, 0, 0, 2, b'a', b'b', 255, 255, 255, 255]);
        bytes.extend([0, 2, 0, 0, 0, 0, 0, 0, 0, 1, b'c']);
        bytes.extend([255, 255]);
        bytes
    }

    fn count(bytes: &[u8], piece: usize) -> Result<u64, &'static str> {
        let mut counter = Counter::new();
        bytes.chunks(piece).for_each(|piece| counter.take(piece));
        counter.finish()
    }

    #[test]
    fn rows_are_counted_however_they_come() {
        for piece in 1..=stream().len() {
            assert_eq!(count(&stream(), piece), Ok(2), "in pieces of {piece}");
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_noticed() {
        let whole = stream();
        for end in 0..whole.len() {
            assert!(count(&whole[..end], 7).is_err(), "cut at {end}");
        }
        assert!(count(&[&whole[..], &[0]].concat(), 7).is_err());
        assert!(count(b"something else, of some length", 7).is_err());
    }
}
