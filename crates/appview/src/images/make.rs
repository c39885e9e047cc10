//! From a blob's bytes to an image's: decoded, cut, scaled, encoded. Bytes are a stranger's: the size is
//! read and judged before anything is decoded, and of what moves only the first picture is taken.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder as _, ImageError, ImageFormat,
    ImageReader, Rgb, RgbImage,
};

use super::fault::Fault;
use super::path::Format;
use super::preset::{Cut, Fit};

const JPEG_QUALITY: u8 = 85;

/// What a decoder may need beside the picture itself, for each pixel: a progressive JPEG's coefficients.
const DECODER_BYTES_PER_PIXEL: u64 = 6;

/// Bytes of a pixel while it is scaled.
const SCALING_BYTES_PER_PIXEL: u64 = 16;

/// What one image may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) pixels_max: u64,
    pub(super) bytes_max: u64,
}

/// What a blob's head says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    format: ImageFormat,
    /// Bytes of memory that it takes.
    pub(super) decode_bytes: u64,
}

/// Reads the head; nothing of the picture.
pub(super) fn probe(blob: &[u8], bounds: Bounds) -> Result<Head, Fault> {
    let format = image::guess_format(blob).ok().filter(|format| {
        matches!(
            format,
            ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif
        )
    });
    let format = format.ok_or(Fault::Format)?;
    let decoder = decoder(blob, format, bounds)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > bounds.pixels_max {
        return Err(Fault::Pixels { width, height, pixels_max: bounds.pixels_max });
    }
    if pixels == 0 {
        return Err(Fault::Broken("it has no pixels".to_owned()));
    }
    // Either while it is decoded or while it is scaled, which takes as much as the largest preset does.
    let picture = decoder.total_bytes().max(pixels * 4);
    let decoding = picture + pixels * DECODER_BYTES_PER_PIXEL;
    let scaling = picture + scaling_bytes(pixels);
    let decode_bytes = decoding.max(scaling);
    if decode_bytes > bounds.bytes_max {
        return Err(Fault::Memory { bytes: decode_bytes, bytes_max: bounds.bytes_max });
    }
    Ok(Head { format, decode_bytes })
}

/// Bytes for scaling a picture: what is scaled was first halved until it is at most four times as large as
/// the largest preset.
fn scaling_bytes(pixels: u64) -> u64 {
    const LARGEST_PRESET_PIXELS: u64 = 2_000 * 2_000;
    pixels.min(2 * LARGEST_PRESET_PIXELS) * SCALING_BYTES_PER_PIXEL
}

/// Makes the image.
pub(super) fn make(
    blob: &[u8],
    head: Head,
    fit: Fit,
    format: Format,
    bounds: Bounds,
) -> Result<Vec<u8>, Fault> {
    let mut decoder = decoder(blob, head.format, bounds)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    picture.apply_orientation(orientation);
    // Eight bits are what is answered, and a JPEG has no transparency.
    let picture = match format {
        Format::Jpeg => DynamicImage::ImageRgb8(on_white(picture)),
        _ if picture.color().has_alpha() => DynamicImage::ImageRgba8(picture.into_rgba8()),
        _ => DynamicImage::ImageRgb8(picture.into_rgb8()),
    };
    let cut = fit.cut(picture.width(), picture.height());
    encoded(&scaled(picture, cut), format)
}

fn decoder<'a>(
    blob: &'a [u8],
    format: ImageFormat,
    bounds: Bounds,
) -> Result<impl ImageDecoder + 'a, Fault> {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(bounds.bytes_max);
    let mut reader = ImageReader::with_format(Cursor::new(blob), format);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| broken(&error))
}

fn scaled(picture: DynamicImage, cut: Cut) -> DynamicImage {
    let Cut { left, top, width, height, to_width, to_height } = cut;
    let is_whole = (width, height) == (picture.width(), picture.height());
    let mut picture = if is_whole { picture } else { picture.crop_imm(left, top, width, height) };
    if (width, height) == (to_width, to_height) {
        return picture;
    }
    // Cheaply to twice the size, then well.
    let (near_width, near_height) = (2 * to_width, 2 * to_height);
    if width > near_width || height > near_height {
        picture = picture.thumbnail_exact(near_width.min(width), near_height.min(height));
    }
    picture.resize_exact(to_width, to_height, FilterType::CatmullRom)
}

/// What shows through is white, as the pages are on which images without transparency are put.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        let mixed = |colour: u8| {
            let (colour, alpha) = (u16::from(colour), u16::from(alpha));
            // At most 255 * 255, which is 255 again after the division.
            ((colour * alpha + 255 * (255 - alpha)) / 255) as u8
        };
        Rgb([mixed(red), mixed(green), mixed(blue)])
    })
}

fn encoded(picture: &DynamicImage, format: Format) -> Result<Vec<u8>, Fault> {
    let (width, height, bytes) = (picture.width(), picture.height(), picture.as_bytes());
    let colour = ExtendedColorType::from(picture.color());
    let mut out = Vec::new();
    let written = match format {
        Format::Jpeg => JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY)
            .write_image(bytes, width, height, colour),
        Format::Png => {
            PngEncoder::new_with_quality(&mut out, CompressionType::Fast, PngFilter::Adaptive)
                .write_image(bytes, width, height, colour)
        }
        Format::Webp => {
            WebPEncoder::new_lossless(&mut out).write_image(bytes, width, height, colour)
        }
    };
    written.map_err(|error| Fault::Internal(format!("an image is not encoded: {error}")))?;
    Ok(out)
}

/// Bytes of a decoder's message that are shown.
const MESSAGE_CHARS_MAX: usize = 200;

fn broken(error: &ImageError) -> Fault {
    let message: String = error.to_string().chars().take(MESSAGE_CHARS_MAX).collect();
    Fault::Broken(message)
}
