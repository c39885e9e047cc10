//! What the reader accepts and refuses, as tables of bytes in hexadecimal.

use super::{CborError, DEPTH_MAX, INT_MAX, Reader};
use crate::cid::CidError;

fn check(hex: &str, expected: Result<(), CborError>) {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).expect("hex in a test");
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.skip().and_then(|()| reader.finish()), expected, "{hex}");
}

#[test]
fn only_the_shortest_form_passes() {
    for (hex, expected) in [
        ("00", Ok(())),
        ("17", Ok(())),
        ("1818", Ok(())),
        ("1817", Err(CborError::NotMinimal)),
        ("190100", Ok(())),
        ("1900ff", Err(CborError::NotMinimal)),
        ("1a00010000", Ok(())),
        ("1a0000ffff", Err(CborError::NotMinimal)),
        ("1b0000000100000000", Ok(())),
        ("1b00000000ffffffff", Err(CborError::NotMinimal)),
        ("780161", Err(CborError::NotMinimal)),
        ("1c", Err(CborError::Reserved)),
        ("1f", Err(CborError::Indefinite)),
        ("9fff", Err(CborError::Indefinite)),
        ("bfff", Err(CborError::Indefinite)),
        ("5fff", Err(CborError::Indefinite)),
        ("ff", Err(CborError::Indefinite)),
    ] {
        check(hex, expected);
    }
}

#[test]
fn integers_stay_exact_in_json() {
    for (hex, expected) in [
        ("1b001fffffffffffff", Ok(())),
        ("1b0020000000000000", Err(CborError::IntRange)),
        ("3b001ffffffffffffe", Ok(())),
        ("3b001fffffffffffff", Err(CborError::IntRange)),
        ("1bffffffffffffffff", Err(CborError::IntRange)),
        ("3bffffffffffffffff", Err(CborError::IntRange)),
    ] {
        check(hex, expected);
    }
    assert_eq!(Reader::new(&[0x20]).int(), Ok(-1));
    assert_eq!(Reader::new(&[0x3b, 0, 0x1f, 255, 255, 255, 255, 255, 254]).int(), Ok(-INT_MAX));
}

#[test]
fn only_the_data_model_passes() {
    for (hex, expected) in [
        ("f4", Ok(())),
        ("f5", Ok(())),
        ("f6", Ok(())),
        ("f7", Err(CborError::Simple)),
        ("f818", Err(CborError::Simple)),
        ("e0", Err(CborError::Simple)),
        ("f93c00", Err(CborError::Float)),
        ("fa3f800000", Err(CborError::Float)),
        ("fb3ff0000000000000", Err(CborError::Float)),
        ("c000", Err(CborError::Tag(0))),
        ("d82b00", Err(CborError::Tag(43))),
        ("d82a00", Err(CborError::Link(CidError::Form))),
        ("d82a4100", Err(CborError::Link(CidError::Length(0)))),
        ("61ff", Err(CborError::Utf8)),
        ("", Err(CborError::Truncated)),
        ("6261", Err(CborError::Truncated)),
        ("0000", Err(CborError::Trailing(1))),
        ("5bffffffffffffffff", Err(CborError::Truncated)),
        ("9a0002000000", Err(CborError::Truncated)),
        ("9a00020001", Err(CborError::ContainerItems(131_073))),
    ] {
        check(hex, expected);
    }
}

#[test]
fn map_keys_are_unique_text_in_order() {
    for (hex, expected) in [
        ("a0", Ok(())),
        ("a2616101616202", Ok(())),
        ("a261620162616102", Ok(())),
        ("a2616201616102", Err(CborError::KeyOrder)),
        ("a2616101616102", Err(CborError::KeyDuplicate)),
        ("a262616101616202", Err(CborError::KeyOrder)),
        ("a2617a0162616102", Ok(())),
        ("a10101", Err(CborError::KeyType)),
        ("a1416101", Err(CborError::KeyType)),
        ("a16001", Err(CborError::KeyEmpty)),
    ] {
        check(hex, expected);
    }
}

#[test]
fn nesting_is_bounded() {
    check(&format!("{}80", "81".repeat(DEPTH_MAX - 1)), Ok(()));
    check(&format!("{}80", "81".repeat(DEPTH_MAX)), Err(CborError::Depth));
    check(&"81".repeat(100_000), Err(CborError::Depth));
}
