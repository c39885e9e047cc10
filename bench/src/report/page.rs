//! `docs/benchmarks.md`.

use std::fmt::Write as _;

use super::floors::{Better, JUDGED, Verdict};
use super::{charts, number, sum};
use crate::machine::Machine;
use crate::plan::Options;
use crate::results::Results;

/// How each figure is taken, in the words of who reads it.
const HOW: &str = "\
## How it is measured

- **Frames** come from the made-up network of `crates/sim`: each is one `#commit` with one operation, of a \
repository with 2,000 records and more, so that it is as large and has as many blocks as those outside. They are \
sent over a WebSocket by a relay in the measuring process, which shares the machine.
- **Events a second** are taken from the moment the relay is let loose until the last event shows in answers: \
verified, appended with fsync, applied, committed. Accounts are known before; the store is empty, but for the \
large store, which holds millions of entries. Each round has a new store.
- **The limit** is verification alone: the same frames from memory, on as many threads as there are cores, \
nothing written. It is taken in turns with ingest.
- **The large store** is filled without signatures: entries go into the program's log, and the program applies \
them. Accounts write, follow and are liked by a power law; a few threads are long.
- **Reads** are XRPC over HTTP on the public port, each with a service token of its own, by viewers who follow 50, \
200 and 2,000 accounts; a time ends with the answer's last byte. One at a time (`c1`) and eight at a time (`c8`); \
the p99 that is judged is the worse of both. *Cold* is after a start, with the files out of the system's cache.
- **Search** asks for words from those in most posts to those in few, and for two at once, latest and top in turns.
- **Bytes** are the pages of a table and of its inverse, divided by its rows, in the order in which events arrived.
- **Ready** is from the start of the process after a `kill -9` to the first timeline that is answered.
- **Idle** is resident memory of the one process with all roles, a minute after 10,000 reads.
- **Backfill** is of a made-up network of 1,000 accounts on three hosts, 2,000 records each, which goes on writing \
20 times a second. It is asked for once the program is ready, and over when the last account is whole and its last \
record shows in answers. What is new is *late* from the moment the relay says it until it shows in answers. Hosts and \
relay are one process, which shares the machine.
- **Homes** are those of 10,000 readers of a made-up network: one author whom 1,000 of them follow, 50 whom 1,000 each \
follow, and 100 readers who follow all of these and have 1,000 lines. Posts are commits that come by the relay, verified; \
a post's time is from when the network says it until the last home has it, a rate of lines is from the first that is \
there to the last. A page is `GET /api/v1/posts?mode=ranked&limit=50` over HTTP, made anew, with all that is shown of its \
posts. *Served again* are pages of readers drawn by Zipf's law, every second of whom reads a second page, eight at a time as \
fast as they are answered, while every tenth turn is a post: of the reader's, or, one in ten, of an author's.
- **The reference AppView** is npm's `@atproto/bsky` with its own data-plane on a PostgreSQL of this run's own, in \
one Node process, with fsync. It checks no signatures and keeps no cursor. It gets the same frames from the same \
relay, never more than 400 ahead of what it has done, and is asked the same questions on its own port; Millrace \
follows, on the same frames. Both hold far less than the large store: that is to the reference's advantage. Its \
handles are resolved for it at once. Its memory is that of Node and PostgreSQL, shared pages counted once.
- Every figure is the median of its rounds; the table shows the least and the most as well.
";

/// What stands above a page whose figures are not those of the whole.
const SMALL: &str = "\n\n**A small version (`--quick`): the large store holds 60,000 posts instead of a million, and rounds are \
short.** The whole is `make bench`.\n\nMachine";

pub fn page(options: &Options, machine: &Machine, commit: &str, results: &Results) -> String {
    let Machine { cpu, cores, memory_gib, system, filesystem } = machine;
    let mut page = format!(
        "# Benchmarks\n\nWritten by `make bench`; numbers are in [benchmarks.json](benchmarks.json), what they cost \
         in [costs.md](costs.md).\n\nMachine: {cpu}, {cores} cores, {memory_gib} GiB, {system}, {filesystem}. \
         Commit {commit}. Rounds: {}.\n\n## Floors and goals\n\n{}.\n\n\
         | figure | measured | least – most | floor | goal | |\n| --- | ---: | ---: | ---: | ---: | --- |\n",
        options.rounds,
        sum(results)
    );
    if options.quick {
        page = page.replacen("\n\nMachine", SMALL, 1);
    }
    for judged in JUDGED {
        let Some(figure) = results.figure(judged.name) else { continue };
        let word = match judged.verdict(figure.value) {
            Verdict::Goal => "goal reached",
            Verdict::Floor => "floor holds",
            Verdict::Missed => "**missed**",
        };
        let sign = if judged.better == Better::More { "≥" } else { "≤" };
        let [value, least, most, floor, goal] =
            [figure.value, figure.least(), figure.most(), judged.floor, judged.goal].map(number);
        // Writing into a String does not fail.
        let _ = writeln!(
            page,
            "| {}, {} | {value} | {least} – {most} | {sign} {floor} | {sign} {goal} | {word} |",
            judged.what, judged.unit
        );
    }
    page.push('\n');
    for chart in charts::all(results) {
        let _ = writeln!(page, "![{}](benchmarks/{})\n", chart.title, chart.file);
    }
    page.push_str("## Everything measured\n\n| name | median | least – most | unit |\n| --- | ---: | ---: | --- |\n");
    for figure in &results.figures {
        let [value, least, most] = [figure.value, figure.least(), figure.most()].map(number);
        let _ =
            writeln!(page, "| `{}` | {value} | {least} – {most} | {} |", figure.name, figure.unit);
    }
    page.push('\n');
    for note in &results.notes {
        let _ = writeln!(page, "{note}\n");
    }
    page.push_str(HOW);
    page
}
