//! What keeps the data: tables, their schema, the log; and the server that works on them.

use millrace_log::backup::{self as log_file, FileState};
use millrace_log::{LogConfig, LogEngine};
use millrace_store::probe::{self, Found, POSTGRES_VERSION_MIN, PostgresFacts};
use millrace_store::{Domain, EngineKind, StoreConfig};
use tokio::net::TcpStream;

use super::{Line, Patient};
use crate::admin::backup::make::blocking;
use crate::admin::backup::room::shown;
use crate::admin::client::AdminClient;
use crate::admin::schema::{self, DOMAINS, Schema};
use crate::failure::Failure;

/// Connections that PostgreSQL keeps for its own.
const POSTGRES_SPARE: i64 = 5;

pub(super) async fn tables(patient: &Patient) -> Vec<Line> {
    if !patient.roles.hold_data() {
        return vec![Line::skipped("tables", "this role has none")];
    }
    let store = patient.config.store();
    if let Err(error) = store.check() {
        return vec![Line::failed("tables", &error.into())];
    }
    let mut lines = match store.engine {
        EngineKind::Sqlite => Vec::new(),
        EngineKind::Postgres => match postgres(patient, &store).await {
            (line, true) => vec![line],
            (line, false) => {
                return vec![line, Line::skipped("schema", "the database does not answer")];
            }
        },
    };
    for (domain, _) in DOMAINS {
        lines.extend(domain_line(patient, &store, *domain).await);
    }
    lines.push(schema_line(patient, &store).await);
    lines
}

async fn postgres(patient: &Patient, store: &StoreConfig) -> (Line, bool) {
    let asked = probe::postgres(store, &patient.clock);
    match tokio::time::timeout(patient.limit, asked).await {
        Err(_) => (silent("postgresql", patient), false),
        Ok(Err(error)) => (Line::failed("postgresql", &error.into()), false),
        Ok(Ok(facts)) => (judged(&facts, connections(store), patient.server().is_some()), true),
    }
}

/// Connections that a process with every domain opens.
fn connections(store: &StoreConfig) -> i64 {
    let each = store.readers + store.postgres_writers;
    i64::try_from(each * DOMAINS.len()).unwrap_or(i64::MAX)
}

fn judged(facts: &PostgresFacts, wanted: i64, running: bool) -> Line {
    let name = "postgresql";
    let PostgresFacts { version, max_connections, connections, .. } = facts;
    let free = max_connections - connections - POSTGRES_SPARE;
    if facts.version_number < POSTGRES_VERSION_MIN {
        return Line::bad(
            name,
            format!("version {version} is too old"),
            "use PostgreSQL 14 or newer",
        );
    }
    if facts.read_only {
        return Line::bad(
            name,
            format!("version {version} takes no writes"),
            "point store.postgres_url at the primary, and unset default_transaction_read_only",
        );
    }
    if facts.encoding != "UTF8" {
        return Line::bad(
            name,
            format!("the database's encoding is {}", facts.encoding),
            "make the database anew with ENCODING 'UTF8'",
        );
    }
    if !running && free < wanted {
        return Line::bad(
            name,
            format!("{free} of {max_connections} connections are free, {wanted} are needed"),
            "raise max_connections, or lower store.readers and store.postgres_writers",
        );
    }
    if facts.synchronous_commit == "off" {
        return Line::bad(
            name,
            "synchronous_commit is off",
            "turn it on: a commit that was answered could be lost with the power",
        );
    }
    Line::ok(
        name,
        format!("version {version}, {connections} of {max_connections} connections used"),
    )
}

async fn domain_line(patient: &Patient, store: &StoreConfig, domain: Domain) -> Option<Line> {
    let name = format!("tables {domain}");
    let looked = probe::look(store, domain, patient.limit, &patient.clock);
    let line = match tokio::time::timeout(patient.limit.saturating_mul(2), looked).await {
        Err(_) => silent(&name, patient),
        Ok(Err(error)) => Line::failed(&name, &error.into()),
        Ok(Ok(Found::Absent)) => Line::skipped(&name, "not there yet"),
        Ok(Ok(Found::Fine { bytes, checked: true })) => {
            Line::ok(&name, format!("{}, whole", shown(bytes)))
        }
        Ok(Ok(Found::Fine { bytes, checked: false })) => Line::ok(
            &name,
            format!(
                "{}, opens; too large to be looked at whole within {} ms",
                shown(bytes),
                patient.limit.as_millis()
            ),
        ),
    };
    Some(line)
}

async fn schema_line(patient: &Patient, store: &StoreConfig) -> Line {
    let name = "schema";
    let status = schema::status(store, &patient.clock);
    match tokio::time::timeout(patient.limit, status).await {
        Err(_) => silent(name, patient),
        Ok(Err(error)) => Line::failed(name, &error.into()),
        Ok(Ok(schema)) => pending(patient, schema),
    }
}

fn pending(patient: &Patient, schema: Schema) -> Line {
    let all = schema.migrations.len();
    let pending = schema.pending().migrations.len();
    match pending {
        0 => Line::ok("schema", format!("all {all} migrations are applied")),
        _ if pending == all => Line::skipped("schema", "no tables yet; a server makes them"),
        _ if patient.config.store.run_migrations => {
            Line::ok("schema", format!("{pending} migrations are applied when a server starts"))
        }
        _ => Line::bad(
            "schema",
            format!("{pending} migrations are pending, and store.run_migrations is off"),
            "run `millrace schema apply`",
        ),
    }
}

pub(super) async fn log(patient: &Patient) -> Vec<Line> {
    if !patient.roles.hold_data() {
        return vec![Line::skipped("log", "this role has none")];
    }
    let config = patient.config.log();
    if let Err(error) = config.check() {
        return vec![Line::failed("log", &error.into())];
    }
    match config.engine {
        LogEngine::Sqlite => vec![log_line(patient, config).await],
        LogEngine::Kafka => kafka(patient, &config).await,
    }
}

async fn log_line(patient: &Patient, config: LogConfig) -> Line {
    let limit = patient.limit;
    match blocking(move || log_file::look(&config, limit)).await {
        Err(error) => Line::failed("log", &error.into()),
        Ok(FileState::Absent) => Line::skipped("log", "not there yet"),
        Ok(FileState::Fine { bytes, checked: true }) => {
            Line::ok("log", format!("{}, whole", shown(bytes)))
        }
        Ok(FileState::Fine { bytes, checked: false }) => Line::ok(
            "log",
            format!(
                "{}, opens; too large to be looked at whole within {} ms",
                shown(bytes),
                limit.as_millis()
            ),
        ),
    }
}

async fn kafka(patient: &Patient, config: &LogConfig) -> Vec<Line> {
    if !cfg!(feature = "kafka") {
        return vec![Line::bad(
            "kafka",
            "log.engine is kafka, and this program was built without it",
            "use a build with the feature `kafka` or `kafka-tls`",
        )];
    }
    let brokers = config.kafka.brokers.clone().unwrap_or_default();
    let mut lines = Vec::new();
    for broker in brokers.split(',').map(str::trim).filter(|broker| !broker.is_empty()) {
        let name = format!("kafka {broker}");
        let connected = tokio::time::timeout(patient.limit, TcpStream::connect(broker)).await;
        lines.push(match connected {
            Ok(Ok(_)) => Line::ok(&name, "can be reached"),
            Ok(Err(error)) => Line::bad(
                &name,
                error.to_string(),
                "start the broker, or correct log.kafka.brokers",
            ),
            Err(_) => silent(&name, patient),
        });
    }
    lines
}

pub(super) async fn server(patient: &Patient) -> Vec<Line> {
    let name = "server";
    let Some(holder) = patient.server() else {
        return vec![Line::skipped(name, "none runs on this data folder")];
    };
    let pid = holder.pid.map(|pid| format!("process {pid}")).unwrap_or_default();
    let asked = ready(patient);
    let line = match tokio::time::timeout(patient.limit, asked).await {
        Err(_) => silent(name, patient).because(format!("{pid} holds the folder")),
        Ok(Err(failure)) => Line::failed(name, &failure).because(format!("{pid} holds the folder")),
        Ok(Ok((true, _))) => Line::ok(name, format!("{pid} is ready")),
        Ok(Ok((false, said))) => Line::bad(
            name,
            format!("{pid} is not ready: {said}"),
            "wait while it catches up, and watch it with `millrace status -w`",
        ),
    };
    vec![line]
}

async fn ready(patient: &Patient) -> Result<(bool, String), Failure> {
    let client = AdminClient::of_folder(&patient.config.data_dir)?;
    Ok(client.ready().await?)
}

fn silent(name: &str, patient: &Patient) -> Line {
    Line::bad(
        name,
        format!("no answer within {} ms", patient.limit.as_millis()),
        "look whether it runs and can be reached from here, or give it longer with --timeout-ms",
    )
}
