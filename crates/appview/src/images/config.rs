//! Settings of the image route.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[appview.images]`: images made here, under `/img`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImagesConfig {
    /// Whether images are served here. Views point to `appview.image_url_pattern` either way; a CDN that it names
    /// may fetch from here.
    pub serve: bool,
    /// Folder of images already made; `images` in `data_dir` unless it is set. It may be emptied at any time.
    pub cache_dir: Option<PathBuf>,
    /// Bytes of images kept there; those that were not asked for longest go first. 0 keeps none.
    pub cache_bytes_max: u64,
    /// Bytes of images kept in memory.
    pub memory_cache_bytes_max: u64,
    /// Bytes of a blob that is made an image.
    pub blob_bytes_max: usize,
    /// Time to get a blob from its PDS, in milliseconds.
    pub fetch_timeout_ms: u64,
    /// Images fetched and made at the same time, or waiting for it; further ones are refused with 503.
    pub requests_max: usize,
    /// Images decoded at the same time.
    pub workers: usize,
    /// Width times height of an image that is decoded.
    pub pixels_max: u64,
    /// Bytes that all images being decoded may take in memory; one that needs more by itself is refused.
    pub decode_bytes_max: u64,
    /// Time to make an image, in milliseconds.
    pub decode_timeout_ms: u64,
}

impl Default for ImagesConfig {
    fn default() -> Self {
        Self {
            serve: true,
            cache_dir: None,
            cache_bytes_max: 1 << 30,
            memory_cache_bytes_max: 16 << 20,
            blob_bytes_max: 10 << 20,
            fetch_timeout_ms: 10_000,
            requests_max: 32,
            workers: 2,
            pixels_max: 32_000_000,
            decode_bytes_max: 384 << 20,
            decode_timeout_ms: 10_000,
        }
    }
}
