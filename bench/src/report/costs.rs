//! `docs/costs.md`: what it takes to run this for communities and for the whole network, computed from the
//! figures. What is assumed of people and prices stands on the page.

use std::fmt::Write as _;

use super::number;
use crate::machine::Machine;
use crate::results::Results;

/// Events of the whole network on a day, and at its busiest second, in multiples of the mean.
const NETWORK_EVENTS_DAY: f64 = 35e6;
const PEAK: f64 = 3.0;
/// Accounts that an interest of each person brings in, beside their own, and what an account does on a day.
const ACCOUNTS_EACH: f64 = 90.0;
const EVENTS_ACCOUNT_DAY: f64 = 15.0;
/// Pages that somebody looks at on a day; and at the busiest second, in multiples of the mean.
const READS_PERSON_DAY: f64 = 300.0;
/// People who read here, when the whole network is kept.
const NETWORK_READERS: f64 = 20_000.0;
/// Euros a month.
const CORE_PRICE: f64 = 4.0;
const GIB_RAM_PRICE: f64 = 1.5;
const GIB_DISK_PRICE: f64 = 0.06;
const FRAME_BYTES: f64 = 4_300.0;
const LOG_DAYS: f64 = 3.0;
const KEPT_DAYS: f64 = 90.0;
const SECONDS_DAY: f64 = 86_400.0;
const GIB: f64 = (1_u64 << 30) as f64;

struct Case {
    who: &'static str,
    events_day: f64,
    people: f64,
}

pub fn page(machine: &Machine, results: &Results) -> String {
    let get = |name: &str| results.get(name).unwrap_or(f64::NAN);
    let (verify_us, store_bytes) = (get("ingest_verified_cpu_us"), get("store_bytes_per_entry"));
    let (unverified_us, idle_mb) = (get("ingest_unverified_cpu_us"), get("idle_rss_mb"));
    let log_bytes = get("log_bytes_per_entry");
    let read_ms = get("timeline_200_c1_p50_ms");
    let community = |who, people: f64| {
        let events_day = (people * ACCOUNTS_EACH * EVENTS_ACCOUNT_DAY).min(NETWORK_EVENTS_DAY);
        Case { who, events_day, people }
    };
    let cases = [
        community("100 people", 100.0),
        community("1,000 people", 1_000.0),
        community("10,000 people", 10_000.0),
        Case { who: "the whole network", events_day: NETWORK_EVENTS_DAY, people: NETWORK_READERS },
    ];
    let mut page = format!(
        "# What it costs\n\nWritten by `make bench` from the figures of [benchmarks.md](benchmarks.md), taken on {} \
         ({} cores).\n\n\
         | for | events a day | disk a day | disk after {KEPT_DAYS:.0} days | cores at the busiest | memory | traffic in, a day | money a month |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        machine.cpu, machine.cores
    );
    for Case { who, events_day, people } in cases {
        let a_second = events_day / SECONDS_DAY;
        let read_cores = people * READS_PERSON_DAY / SECONDS_DAY * PEAK * read_ms / 1e3;
        let cores = a_second * PEAK * verify_us / 1e6 + read_cores;
        let disk_day = events_day * store_bytes / GIB;
        let log = events_day * LOG_DAYS * log_bytes / GIB;
        let disk = disk_day * KEPT_DAYS + log;
        let traffic = events_day * FRAME_BYTES / GIB;
        // The system keeps what is read often in memory; a twentieth of the tables is.
        let ram = (idle_mb * 1e6 / GIB * 2.0 + disk * 0.05).max(0.5);
        let money =
            cores.ceil().max(1.0) * CORE_PRICE + ram * GIB_RAM_PRICE + disk * GIB_DISK_PRICE;
        // Writing into a String does not fail.
        let _ = writeln!(
            page,
            "| {who} | {} | {} GiB | {} GiB | {} | {} GiB | {} GiB | {} € |",
            number(events_day),
            number(disk_day),
            number(disk),
            number(cores),
            number(ram),
            number(traffic),
            number(money)
        );
    }
    let _ = write!(
        page,
        "\n## From what\n\n\
         - An event costs {} µs of one core verified, {} µs unverified, and {} bytes of tables with their indexes and \
         search; of the log's {} bytes an entry, {LOG_DAYS:.0} days are kept.\n\
         - An answer costs at most what a timeline of 200 accounts takes here, one at a time: {} ms.\n\
         - The program itself needs {} MB when idle.\n\n\
         ## Assumed\n\n\
         - The whole network: {} events a day, {PEAK:.0} times the mean at its busiest; {} people read here.\n\
         - A community: with `ingest.scope = interest`, each person brings in {ACCOUNTS_EACH:.0} accounts that nobody \
         else there follows, each with {EVENTS_ACCOUNT_DAY:.0} events a day. The traffic is what concerns them; a relay \
         sends everything, a Jetstream with a filter does not.\n\
         - People look at {READS_PERSON_DAY:.0} pages a day. Nothing is deleted for {KEPT_DAYS:.0} days; \
         `store.retention` shortens that. Images are served by somebody else.\n\
         - Prices, rounded, of rented machines: {CORE_PRICE} € a core, {GIB_RAM_PRICE} € a GiB of memory and \
         {GIB_DISK_PRICE} € a GiB of SSD, a month. Yours differ: the columns before the last do not.\n",
        number(verify_us),
        number(unverified_us),
        number(store_bytes),
        number(log_bytes),
        number(read_ms),
        number(idle_mb),
        number(NETWORK_EVENTS_DAY),
        number(NETWORK_READERS),
    );
    page
}
