//! `millrace reference`: pages of the documentation that are made from the program itself. Not shown in
//! the help: `cargo xtask generate` calls it.

use clap::ValueEnum;
use millrace_runtime::config::reference;
use millrace_runtime::error::Code;

use crate::config::{ALIASES, Config};
use crate::{codes, output};

/// Which page.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Page {
    /// Every setting
    Configuration,
    /// Every code of an error
    Errors,
}

const MADE: &str = "<!-- Made by `cargo xtask generate`. Edit what it is made from. -->";

/// Every crate's table, in the order somebody meets them.
const AREAS: &[(&str, &[Code])] = &[
    ("The program", codes::ALL),
    ("Configuration and running", millrace_runtime::error::codes::ALL),
    ("Asking other servers", millrace_net::codes::ALL),
    ("Following the network", millrace_ingest::codes::ALL),
    ("The log", millrace_log::codes::ALL),
    ("The tables", millrace_store::codes::ALL),
];

pub fn run(page: Page) {
    match page {
        Page::Configuration => output::text(&configuration()),
        Page::Errors => output::text(&errors()),
    }
}

fn configuration() -> String {
    format!(
        "{MADE}\n\n\
        # Configuration\n\n\
        Every setting is optional. Later layers win: the defaults below; `millrace.toml`, or the file named by\n\
        `--config`; its overlay, `millrace.NAME.toml` with `--env NAME`; plain environment variables such as\n\
        `DATABASE_URL`; `MILLRACE_SECTION__SETTING`; flags. A setting that does not exist is an error, wherever\n\
        it is written. A secret may be given as `<setting>_file`, the path of a file that holds it.\n\n\
        `millrace config show` prints each value and where it comes from, `millrace config check` what is wrong.\n\
        [millrace.example.toml](../../millrace.example.toml) is the same as a file,\n\
        [.env.example](../../.env.example) as environment variables.\n\n{}",
        reference::<Config>(ALIASES)
    )
}

fn errors() -> String {
    let mut page = format!(
        "{MADE}\n\n\
        # Errors\n\n\
        What the program prints as `error: [MR-…]` and writes to its log with a code: why it happens, and what\n\
        to do about it.\n"
    );
    for (area, codes) in AREAS {
        page.push_str(&format!("\n## {area}\n"));
        for Code { id, title, cause, remedy } in *codes {
            page.push_str(&format!(
                "\n### {id}: {title}\n\n{cause}\n\n**What to do:** {remedy}.\n"
            ));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::AREAS;

    #[test]
    fn a_code_means_one_thing() {
        let all = || AREAS.iter().flat_map(|(_, codes)| codes.iter().map(|code| code.id));
        assert_eq!(all().collect::<BTreeSet<_>>().len(), all().count());
    }
}
