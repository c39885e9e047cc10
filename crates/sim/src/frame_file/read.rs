//! Reads a file frame by frame.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read as _};
use std::path::Path;

use bytes::Bytes;

use super::{
    Digest, FRAME_HEAD_BYTES, FrameFileError, HEADER_BYTES_MAX, Header, MAGIC, Summary, VERSION,
    frame_length,
};

const BUFFER_BYTES: usize = 1 << 20;

/// A file that is being read.
#[derive(Debug)]
pub struct FrameFile {
    file: BufReader<File>,
    header: Header,
    digest: Digest,
    summary: Summary,
    ended: bool,
}

/// A frame of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub seq: i64,
    /// When the host said it, by its own clock.
    pub time_us: i64,
    pub frame: Bytes,
}

impl FrameFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`FrameFileError`] if it is none, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, FrameFileError> {
        let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
        let mut head = vec![0; 16];
        file.read_exact(&mut head).map_err(|_| FrameFileError::Magic)?;
        if !head.starts_with(MAGIC) {
            return Err(FrameFileError::Magic);
        }
        match u32_at(&head, 8) {
            VERSION => {}
            other => return Err(FrameFileError::Version(other)),
        }
        let length = u32_at(&head, 12) as usize;
        if length > HEADER_BYTES_MAX {
            return Err(FrameFileError::HeaderTooLarge(length));
        }
        let mut json = vec![0; length];
        file.read_exact(&mut json).map_err(|_| FrameFileError::Truncated(0))?;
        head.extend_from_slice(&json);
        Ok(Self {
            file,
            header: serde_json::from_slice(&json)?,
            digest: Digest::of_head(&head),
            summary: Summary { frames: 0, bytes: 0, digest: String::new() },
            ended: false,
        })
    }

    /// Reads a whole file and checks it.
    ///
    /// # Errors
    /// [`FrameFileError`], among them that it was changed.
    pub fn check(path: &Path) -> Result<Summary, FrameFileError> {
        let mut file = Self::open(path)?;
        while file.next_frame()?.is_some() {}
        Ok(file.summary)
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next frame; `None` at the end, once the digest was found right.
    ///
    /// # Errors
    /// [`FrameFileError`]; nothing can be read after it.
    pub fn next_frame(&mut self) -> Result<Option<Recorded>, FrameFileError> {
        if self.ended {
            return Ok(None);
        }
        let mut part = vec![0; 4];
        self.fill(&mut part, 0)?;
        let length = u32_at(&part, 0) as usize;
        if length == 0 {
            self.end()?;
            return Ok(None);
        }
        frame_length(self.summary.frames, length)?;
        part.resize(FRAME_HEAD_BYTES + length, 0);
        self.fill(&mut part, 4)?;
        self.digest.follow(&part);
        self.summary.frames += 1;
        self.summary.bytes += length as u64;
        let (seq, time_us) = (i64_at(&part, 4), i64_at(&part, 12));
        Ok(Some(Recorded { seq, time_us, frame: Bytes::from(part).split_off(FRAME_HEAD_BYTES) }))
    }

    fn end(&mut self) -> Result<(), FrameFileError> {
        let mut end = vec![0; 40];
        self.fill(&mut end, 0)?;
        let same_count = end.starts_with(&self.summary.frames.to_le_bytes());
        if !same_count || !end.ends_with(&self.digest.0) {
            return Err(FrameFileError::Digest);
        }
        self.summary.digest = self.digest.to_hex();
        self.ended = true;
        Ok(())
    }

    fn fill(&mut self, part: &mut [u8], from: usize) -> Result<(), FrameFileError> {
        let frames = self.summary.frames;
        let rest = part.get_mut(from..).unwrap_or_default();
        self.file.read_exact(rest).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => FrameFileError::Truncated(frames),
            _ => FrameFileError::Io(error),
        })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |eight| i64::from_le_bytes(*eight))
}
