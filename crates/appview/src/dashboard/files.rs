//! The files of the built dashboard; none, where the program was built without it.

/// One file.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    /// Below `/dashboard/`.
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    /// Its entity tag, in quotes.
    pub(super) tag: &'static str,
    pub(super) plain: &'static [u8],
    /// Compressed, where that is smaller.
    pub(super) gzip: Option<&'static [u8]>,
}

/// A site's files, in the order of their paths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site(pub(super) &'static [File]);

/// The dashboard.
pub(super) const SITE: Site = Site(include!(concat!(env!("OUT_DIR"), "/dashboard.rs")));

impl Site {
    pub(super) fn file(&self, path: &str) -> Option<&'static File> {
        self.0.iter().find(|file| file.path == path)
    }
}
