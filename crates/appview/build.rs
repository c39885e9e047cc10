//! Makes the built dashboard (`web/dist`) a table of files with their types, tags and compressed bytes,
//! which `src/dashboard` includes. Node is not needed here: without built files the table is empty.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Files smaller than this are not worth compressing, bytes.
const COMPRESSED_MIN: usize = 512;

fn main() -> io::Result<()> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let dist = here.join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut found = Vec::new();
    collect(&dist, "", &mut found)?;
    found.sort();
    let mut table = String::from("&[\n");
    // A part of a site is none.
    if found.iter().any(|(path, _)| path == "index.html") {
        for (number, (path, file)) in found.iter().enumerate() {
            let bytes = fs::read(file)?;
            let (plain, packed) = (format!("{number}.plain"), format!("{number}.gz"));
            fs::write(out.join(&plain), &bytes)?;
            let gzip = gzipped(&bytes)?;
            fs::write(out.join(&packed), gzip.as_deref().unwrap_or_default())?;
            let include =
                |name: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))");
            let gzip = gzip.map_or("None".to_owned(), |_| format!("Some({})", include(&packed)));
            writeln!(
                table,
                "    File {{ path: {path:?}, content_type: {:?}, tag: \"\\\"{:016x}\\\"\", plain: {}, gzip: {gzip} }},",
                content_type(path),
                hash(&bytes),
                include(&plain),
            )
            .map_err(io::Error::other)?;
        }
    }
    table.push(']');
    fs::write(out.join("dashboard.rs"), table)
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(io::Error::other)
}

/// The files below `dir`, named by their paths in it. What begins with a dot is not part of the site.
fn collect(dir: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.push((path, entry.path()));
        }
    }
    Ok(())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

/// Compressed, where that makes it smaller.
fn gzipped(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    if bytes.len() < COMPRESSED_MIN {
        return Ok(None);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    let packed = encoder.finish()?;
    Ok((packed.len() < bytes.len()).then_some(packed))
}

/// FNV-1a: tells one build's file from another's, no more.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
