//! A process as the system accounts for it: processor time, memory, children. Linux only, as the rest of `make
//! bench`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Clock ticks a second in `/proc/<pid>/stat`: fixed on Linux.
const TICKS_PER_S: u64 = 100;

/// Processor time used so far, in user and kernel.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = stat.rsplit_once(')').context("a malformed stat")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Counted from the state, which is the third: utime is the 14th, stime the 15th.
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    Ok(Duration::from_millis((ticks(11) + ticks(12)) * 1_000 / TICKS_PER_S))
}

/// Resident memory, in bytes.
pub fn rss(pid: u32) -> Result<u64> {
    kib_of(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Resident memory where what several processes share counts once, divided among them, in bytes.
pub fn pss(pid: u32) -> Result<u64> {
    kib_of(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn kib_of(file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| file.to_owned())?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.with_context(|| format!("no {name} in {file}"))? * 1_024)
}

/// The process and all below it.
pub fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let child: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((child, parent))
        })
        .collect();
    let mut at = 0;
    while let Some(of) = family.get(at).copied() {
        family.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(child, _)| *child));
        at += 1;
    }
    family
}

/// Memory of the process and all below it, shared pages counted once, in bytes.
pub fn family_pss(pid: u32) -> u64 {
    family(pid).into_iter().filter_map(|pid| pss(pid).ok()).sum()
}
