//! The process's own metrics, under the names every Prometheus client uses for them.
//! Read from `/proc`; elsewhere only the start time is known.

use super::Registry;

pub(super) fn register(registry: &Registry, started_us: i64) {
    registry
        .gauge("process_start_time_seconds", "When the process started, in seconds since the epoch")
        .set_f64(started_us as f64 / 1e6);
    let resident = registry.gauge("process_resident_memory_bytes", "Memory held by the process");
    let files = registry.gauge("process_open_fds", "Files and sockets the process has open");
    registry.before_encode(move || {
        if let Some(bytes) = resident_bytes() {
            resident.set(bytes);
        }
        if let Some(open) = open_files() {
            files.set(open);
        }
    });
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn open_files() -> Option<i64> {
    i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}
