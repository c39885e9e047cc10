//! `millrace reference`: pages of the documentation that are made from the program itself. Not shown in
//! the help: `cargo xtask generate` calls it.

use std::net::SocketAddr;

use clap::ValueEnum;
use millrace_appview::routes::{ROUTES, Role};
use millrace_runtime::config::reference;
use millrace_runtime::error::Code;
use millrace_runtime::metrics::Description;
use millrace_runtime::telemetry;
use millrace_webhooks::{PostTopic, WebhookConfig};

use crate::config::{ALIASES, Config};
use crate::failure::Failure;
use crate::roles::Roles;
use crate::{codes, output, wiring};

/// Which page.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Page {
    /// Every setting
    Configuration,
    /// Every code of an error
    Errors,
    /// Every metric
    Metrics,
    /// Every public route, and who may call it
    Routes,
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
    ("What the tables hold", millrace_dataplane::codes::ALL),
];

/// # Errors
/// The page of metrics is what a process registers that is started for it, and it cannot be started.
pub async fn run(page: Page) -> Result<(), Failure> {
    let text = match page {
        Page::Configuration => configuration(),
        Page::Errors => errors(),
        Page::Metrics => metrics().await?,
        Page::Routes => routes(),
    };
    output::text(&text);
    Ok(())
}

/// An address that nobody listens on: nothing is ever sent there.
const NOWHERE: &str = "http://127.0.0.1:9";

async fn metrics() -> Result<String, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::plain)?;
    let mut config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
    config.dataplane.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.appview.listen = config.dataplane.listen;
    config.telemetry.level = "off".to_owned();
    config.push.enabled = true;
    config.webhooks.receivers = vec![WebhookConfig {
        name: "example".to_owned(),
        url: "https://example.com/posts".to_owned(),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
        topics: vec![PostTopic::Created],
        ..WebhookConfig::default()
    }];
    config.telemetry.otlp_endpoint = Some(NOWHERE.to_owned());
    let telemetry = telemetry::init(&config.telemetry, &config.alerts)?;
    let process = wiring::start(&config, &Roles::all(), &telemetry).await?;
    let described = process.describe_metrics();
    process.stop().await?;
    let mut page = format!(
        "{MADE}\n\n\
        # Metrics\n\n\
        What `/metrics` shows: on the data-plane's internal listener (`dataplane.listen`), and on\n\
        `appview.metrics_listen` where the AppView is a process of its own. A histogram `x` is scraped as\n\
        `x_bucket`, `x_sum` and `x_count`. Rules and dashboards over them are in [deploy](../../deploy);\n\
        [the guide](../guides/telemetry.md) tells how to use them.\n"
    );
    let mut area = String::new();
    for Description { name, kind, help, labels } in described {
        let of = name.split('_').nth(1).unwrap_or_default();
        if of != area {
            of.clone_into(&mut area);
            page.push_str(&format!(
                "\n## {area}\n\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n"
            ));
        }
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        page.push_str(&format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", ")));
    }
    Ok(page)
}

fn routes() -> String {
    let mut page = format!(
        "{MADE}\n\n\
        # Routes\n\n\
        Every public route of the AppView, and who may call it. Who is not let in is answered with 401; a program whose\n\
        token is good for something else, with 403. A token is the service token of a PDS for its user, or of the\n\
        moderation service (`appview.moderation_did`) for itself; who is signed in shows a cookie, which counts for\n\
        pages of this service alone, and a program the token that was made for it ([signing in](../guides/sign-in.md));\n\
        the operator has a password (`appview.admin_password`) and a token (`admin.token` in the data folder).\n\
        Where credentials are not looked at everybody is let in; elsewhere wrong ones are refused also where none\n\
        are needed. What is let in may still be told no: a feed of likes is for who likes, and\n\
        nobody signs in but by a page of this service.\n\n| route |"
    );
    let columns = Role::ALL.len();
    Role::ALL.iter().for_each(|role| page.push_str(&format!(" {} |", role.title())));
    page.push_str(&format!("\n|{}\n", " --- |".repeat(columns + 1)));
    for route in ROUTES {
        page.push_str(&format!("| `{} {}` |", route.verb.as_str(), route.path));
        for role in Role::ALL {
            page.push_str(if route.admits(role) { " yes |" } else { " – |" });
        }
        page.push('\n');
    }
    page
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
