//! Makes the gRPC contracts of the crates that answer one file that the reflection service tells of. No `protoc` is
//! needed.

use std::io;
use std::path::{Path, PathBuf};

use prost::Message as _;

/// Where they lie, and those that are served.
const CONTRACTS: [(&str, &str); 2] = [
    ("../dataplane/proto", "millrace/v1/user.proto"),
    ("../feeds/proto", "millrace/v1/feed.proto"),
];

fn main() -> io::Result<()> {
    let variable =
        |name: &str| std::env::var_os(name).ok_or_else(|| io::Error::other(name.to_owned()));
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let folders: Vec<PathBuf> = CONTRACTS.iter().map(|(folder, _)| here.join(folder)).collect();
    for folder in &folders {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    let files =
        protox::compile(CONTRACTS.map(|(_, file)| file), folders).map_err(io::Error::other)?;
    let out = Path::new(&variable("OUT_DIR")?).join("contracts.bin");
    std::fs::write(out, files.encode_to_vec())
}
