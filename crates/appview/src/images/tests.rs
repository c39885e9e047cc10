//! Blobs that strangers may send: what an image becomes, and that nothing else costs more than it may.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgba, RgbaImage};
use proptest::prelude::*;

use super::fault::Fault;
use super::make::{Bounds, make, probe};
use super::path::Format;
use super::preset::Fit;

const BOUNDS: Bounds = Bounds { pixels_max: 32_000_000, bytes_max: 384 << 20 };
const FORMATS: [ImageFormat; 4] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];
const RED: Rgba<u8> = Rgba([255, 0, 0, 255]);

fn picture(width: u32, height: u32, colour: Rgba<u8>) -> DynamicImage {
    DynamicImage::ImageRgba8(RgbaImage::from_pixel(width, height, colour))
}

fn blob(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    match format {
        ImageFormat::Jpeg => picture.to_rgb8().write_to(&mut out, format),
        format => picture.write_to(&mut out, format),
    }
    .unwrap();
    out.into_inner()
}

fn made(blob: &[u8], fit: Fit, format: Format) -> Result<Vec<u8>, Fault> {
    let head = probe(blob, BOUNDS)?;
    make(blob, head, fit, format, BOUNDS)
}

fn refused(blob: &[u8]) -> Fault {
    made(blob, Fit::Inside(100, 100), Format::Jpeg).unwrap_err()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

/// A chunk of a PNG.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [name, content].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length, named.as_slice(), &crc32(&named).to_be_bytes()].concat()
}

/// A PNG that says it is of this size, with further chunks.
fn png(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let start = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header)].concat();
    [start, chunks.concat(), chunk(b"IEND", b"")].concat()
}

/// So many zeros, compressed.
fn zeros(bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![0; bytes]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_format_becomes_every_format() {
    for from in FORMATS {
        let blob = blob(&picture(400, 300, RED), from);
        for (format, expected) in [
            (Format::Jpeg, ImageFormat::Jpeg),
            (Format::Png, ImageFormat::Png),
            (Format::Webp, ImageFormat::WebP),
        ] {
            for (fit, size) in [
                (Fit::Inside(200, 200), (200, 150)),
                (Fit::Cover(64, 64), (64, 64)),
                (Fit::Inside(2_000, 2_000), (400, 300)),
            ] {
                let made = made(&blob, fit, format).unwrap();
                assert_eq!(image::guess_format(&made).unwrap(), expected);
                let seen = image::load_from_memory(&made).unwrap().into_rgb8();
                assert_eq!((seen.width(), seen.height()), size, "{from:?} {fit:?}");
                let [red, green, blue] = seen.get_pixel(10, 10).0;
                assert!(red > 240 && green < 15 && blue < 15, "{from:?}: {red} {green} {blue}");
            }
        }
    }
}

#[test]
fn what_shows_through_is_white_in_a_jpeg_and_stays_in_others() {
    let blob = blob(&picture(20, 20, Rgba([0, 0, 0, 0])), ImageFormat::Png);
    let seen = |format| {
        let made = made(&blob, Fit::Inside(10, 10), format).unwrap();
        image::load_from_memory(&made).unwrap().into_rgba8().get_pixel(5, 5).0
    };
    assert_eq!(seen(Format::Jpeg), [255; 4]);
    assert_eq!(seen(Format::Png)[3], 0);
    assert_eq!(seen(Format::Webp)[3], 0);
}

#[test]
fn of_what_moves_the_first_picture_is_shown() {
    let mut gif = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut gif, 30);
    encoder.encode_frame(Frame::new(RgbaImage::from_pixel(4, 4, RED))).unwrap();
    let other = RgbaImage::from_pixel(4, 4, Rgba([0, 0, 255, 255]));
    encoder.encode_frames((0..5_000).map(|_| Frame::new(other.clone()))).unwrap();
    drop(encoder);
    let made = made(&gif, Fit::Inside(100, 100), Format::Png).unwrap();
    assert_eq!(image::load_from_memory(&made).unwrap().into_rgba8().get_pixel(0, 0), &RED);
}

#[test]
fn sizes_are_believed_before_anything_is_decoded() {
    let too_large = |blob: &[u8]| match refused(blob) {
        Fault::Pixels { width, height, .. } => (width, height),
        other => panic!("{other:?}"),
    };
    let small = picture(8, 8, RED);
    let data = chunk(b"IDAT", &zeros(1));
    assert_eq!(too_large(&png(60_000, 60_000, &[data])), (60_000, 60_000));
    let mut jpeg = blob(&small, ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xd0, 0xff, 0xd0]);
    assert_eq!(too_large(&jpeg), (65_488, 65_488));
    let mut gif = blob(&small, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(too_large(&gif), (65_535, 65_535));
    let mut webp = blob(&small, ImageFormat::WebP);
    let size = webp.windows(4).position(|name| name == b"VP8L").unwrap() + 9;
    // Both are one less than they mean, in fourteen bits each.
    webp[size..size + 3].copy_from_slice(&[0xfe, 0xbf, 0xff]);
    webp[size + 3] = (webp[size + 3] & 0xf0) | 0x0f;
    assert_eq!(too_large(&webp), (16_383, 16_383));
}

#[test]
fn memory_is_counted_before_it_is_taken() {
    let blob = blob(&picture(1_000, 1_000, RED), ImageFormat::Png);
    let bounds = Bounds { bytes_max: 4_000_000, ..BOUNDS };
    assert!(matches!(probe(&blob, bounds).unwrap_err(), Fault::Memory { .. }));
    // What it needs is told to whoever has to make room for it.
    assert!(probe(&blob, BOUNDS).unwrap().decode_bytes >= 4_000_000);
}

#[test]
fn what_is_packed_small_is_not_unpacked_large() {
    // Pixels that are not there cost what is declared, and no more.
    let bomb = png(2_000, 2_000, &[chunk(b"IDAT", &zeros(2_000 * 6_001))]);
    assert!(bomb.len() < 200_000);
    made(&bomb, Fit::Inside(100, 100), Format::Jpeg).unwrap();
    // More data than there are pixels, and what stands beside the pixels.
    let mut profile = b"name\0\0".to_vec();
    profile.extend(zeros(32 << 20));
    let bomb = png(1, 1, &[chunk(b"iCCP", &profile), chunk(b"IDAT", &zeros(8 << 20))]);
    let _ = made(&bomb, Fit::Inside(100, 100), Format::Jpeg);
    let mut text = b"name\0\0".to_vec();
    text.extend(zeros(32 << 20));
    let bomb = png(1, 1, &[chunk(b"zTXt", &text), chunk(b"IDAT", &zeros(4))]);
    let _ = made(&bomb, Fit::Inside(100, 100), Format::Jpeg);
}

#[test]
fn what_is_no_image_is_refused_for_what_it_is() {
    for other in [
        b"".as_slice(),
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x46\0\0\0",
        b"%PDF-1.7",
        b"\0\0\0\x1cftypavif",
    ] {
        assert_eq!(refused(other), Fault::Format, "{other:?}");
    }
    // An image's first bytes are not enough.
    assert!(matches!(refused(b"GIF89a<html>"), Fault::Broken(_) | Fault::Pixels { .. }));
    assert!(matches!(refused(b"\x89PNG\r\n\x1a\n<html>"), Fault::Broken(_)));
    assert!(matches!(refused(&png(0, 0, &[])), Fault::Broken(_)));
}

#[test]
fn what_is_cut_short_is_refused() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = blob(&picture(300, 300, RED), format);
        assert!(matches!(refused(&whole[..whole.len() / 2]), Fault::Broken(_)), "{format:?}");
        assert!(matches!(refused(&whole[..20]), Fault::Broken(_)), "{format:?}");
    }
    let whole = blob(&picture(300, 300, RED), ImageFormat::Jpeg);
    assert!(matches!(refused(&whole[..20]), Fault::Broken(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever stands in an image's place, there is an image or a reason.
    #[test]
    fn bytes_changed_anywhere_are_an_image_or_refused(
        which in 0..FORMATS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut blob = blob(&picture(40, 30, RED), FORMATS[which]);
        for (place, byte) in changes {
            let place = place.index(blob.len());
            blob[place] = byte;
        }
        // What says that it is large is refused here by a smaller bound, so that the test is quick.
        let bounds = Bounds { pixels_max: 1_000_000, bytes_max: 32 << 20 };
        if let Ok(head) = probe(&blob, bounds) {
            let _ = make(&blob, head, Fit::Cover(20, 20), Format::Jpeg, bounds);
        }
    }
}
