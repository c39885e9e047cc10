//! The outside: the directory of accounts, the sources and how far back we stand in them, the clock.

use std::time::{Duration, UNIX_EPOCH};

use millrace_atproto::Did;
use millrace_ingest::restored::{self, StoredPosition};
use millrace_ingest::{IngestConfig, Reached, SourceConfig, SourceKind, reach};
use millrace_net::{HttpClient, Limits, Request, ResolveError, Resolver};
use millrace_runtime::metrics::Registry;
use millrace_store::{Domain, probe};

use super::{Line, Patient};
use crate::admin::status::shown_time;
use crate::failure::Failure;

/// An account that plc.directory knows.
const KNOWN_DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
const PLC: &str = "https://plc.directory";
/// Tokens live for a minute; a clock that is further off refuses good ones.
const SKEW_S_MAX: i64 = 20;
/// A relay keeps some days of events; an older cursor loses some soon.
const CURSOR_AGE_US_MAX: i64 = 24 * 3_600 * 1_000_000;
const ANSWER_BYTES_MAX: usize = 256 << 10;

pub(super) fn http(patient: &Patient) -> Result<HttpClient, Failure> {
    Ok(HttpClient::new(&patient.config.network.http, patient.clock.clone(), &Registry::new())?)
}

pub(super) fn limits(patient: &Patient) -> Limits {
    Limits { bytes_max: ANSWER_BYTES_MAX, timeout: patient.limit, idle_timeout: patient.limit }
}

pub(super) async fn directory(patient: &Patient) -> Vec<Line> {
    let name = "did resolution";
    let plc = &patient.config.network.resolver.plc_url;
    let Some(did) = did_to_try(patient).await else {
        return vec![plc_answers(patient, plc).await];
    };
    let Ok(parsed) = Did::parse(&did) else {
        return vec![Line::bad(name, format!("`{did}` is no DID"), "give one with --did")];
    };
    let resolved = async {
        let registry = Registry::new();
        let config = patient.config.network.resolver.clone();
        let resolver = Resolver::new(http(patient)?, config, patient.clock.clone(), &registry)
            .map_err(Failure::plain)?;
        Ok::<_, Failure>(resolver.identity(&parsed).await)
    };
    let line = match tokio::time::timeout(patient.limit, resolved).await {
        Err(_) => Line::bad(
            name,
            format!("{did}: no answer within {} ms", patient.limit.as_millis()),
            unreachable_hint(plc),
        ),
        Ok(Err(failure)) => Line::failed(name, &failure),
        Ok(Ok(Ok(identity))) => {
            let pds = identity.pds.clone().unwrap_or_else(|| "no PDS".to_owned());
            Line::ok(name, format!("{did} is at {pds}"))
        }
        Ok(Ok(Err(ResolveError::NotFound { .. }))) => Line::bad(
            name,
            format!("{plc} answers, and does not know {did}"),
            "if the DID is right, network.plc_url names the directory of another network",
        ),
        Ok(Ok(Err(error))) => Line::bad(name, error.to_string(), unreachable_hint(plc)),
    };
    vec![line]
}

fn unreachable_hint(plc: &str) -> String {
    format!(
        "look whether {plc} can be reached from here (network.plc_url); on loopback it needs network.allow_loopback"
    )
}

/// One that was named, one that is in the tables, or one that everybody knows.
async fn did_to_try(patient: &Patient) -> Option<String> {
    if patient.did.is_some() {
        return patient.did.clone();
    }
    if patient.config.network.resolver.plc_url.trim_end_matches('/') == PLC {
        return Some(KNOWN_DID.to_owned());
    }
    if !patient.roles.hold_data() {
        return None;
    }
    let store = patient.config.store();
    let asked = probe::some_did(&store, &patient.clock);
    tokio::time::timeout(patient.limit, asked).await.ok()?.ok()?
}

async fn plc_answers(patient: &Patient, plc: &str) -> Line {
    let name = "did resolution";
    match asked(patient, plc).await {
        Ok(_) => Line::ok(name, format!("{plc} answers; no DID to try it with (--did names one)")),
        Err(reason) => Line::bad(name, reason, unreachable_hint(plc)),
    }
}

/// The server's own time, if it tells; an error if it does not answer.
async fn asked(patient: &Patient, origin: &str) -> Result<Option<i64>, String> {
    let http = http(patient).map_err(|failure| failure.to_string())?;
    let request = Request::get(format!("{}/", origin.trim_end_matches('/')));
    let answer = http.send(request, limits(patient)).await.map_err(|error| error.to_string())?;
    let date = answer.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    Ok(date.and_then(|date| {
        let since = date.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok()
    }))
}

fn ingest(patient: &Patient) -> Option<IngestConfig> {
    patient.roles.hold_data().then(|| patient.config.ingest())
}

pub(super) async fn sources(patient: &Patient) -> Vec<Line> {
    let Some(ingest) = ingest(patient) else {
        return vec![Line::skipped("sources", "this role follows none")];
    };
    if ingest.sources.is_empty() {
        return vec![Line::bad(
            "sources",
            "none is configured: nothing will arrive",
            "set ingest.relay_url, RELAY_URL or [[ingest.sources]]",
        )];
    }
    let positions = positions(patient).await;
    let looks =
        ingest.sources.iter().map(|source| source_lines(patient, &ingest, source, &positions));
    futures_util::future::join_all(looks).await.into_iter().flatten().collect()
}

async fn positions(patient: &Patient) -> Vec<StoredPosition> {
    let store = patient.config.store();
    let asked = probe::read(&store, Domain::Ingest, &patient.clock, restored::positions);
    // What is wrong with the tables is told elsewhere.
    let answered = tokio::time::timeout(patient.limit, asked).await;
    answered.ok().and_then(Result::ok).flatten().unwrap_or_default()
}

async fn source_lines(
    patient: &Patient,
    ingest: &IngestConfig,
    source: &SourceConfig,
    positions: &[StoredPosition],
) -> Vec<Line> {
    let name = format!("source {}", source.name);
    let mut lines = match reach(source, &ingest.connection, patient.limit).await {
        Err(error) => return vec![Line::failed(&name, &error.into())],
        Ok(reached) => reached.into_iter().map(|host| host_line(&name, host)).collect::<Vec<_>>(),
    };
    let latest = positions.iter().find(|position| position.source == source.name);
    lines.push(cursor_line(patient, source, latest));
    lines
}

fn host_line(name: &str, host: Reached) -> Line {
    match host.handshake {
        Ok(()) => Line::ok(name, format!("{} takes connections", host.address)),
        Err(error) => Line::bad(
            name,
            format!("{}: {error}", host.address),
            "look whether the host is up and can be reached from here; an address of a PDS or relay has no path",
        ),
    }
}

fn cursor_line(patient: &Patient, source: &SourceConfig, latest: Option<&StoredPosition>) -> Line {
    let name = format!("cursor {}", source.name);
    let Some(position) = latest else {
        return Line::skipped(
            &name,
            "none yet: it is read from where `cursor` says, or from now on",
        );
    };
    let Some(event_us) = position.event_us else {
        return Line::ok(&name, position.cursor.to_string());
    };
    let age_us = patient.clock.now_us().saturating_sub(event_us).max(0);
    let found = format!("{}, of an event {} ago", position.cursor, shown_time(age_us));
    // A host of a few people may be silent for long.
    if source.kind == SourceKind::Pds || age_us <= CURSOR_AGE_US_MAX {
        return Line::ok(&name, found);
    }
    Line::bad(
        &name,
        found,
        "sources keep some days of events: start the server before they are gone; what is missed is fetched from the accounts' hosts",
    )
}

pub(super) async fn clock(patient: &Patient) -> Vec<Line> {
    let name = "clock";
    let mut origins = vec![patient.config.network.resolver.plc_url.clone()];
    for source in ingest(patient).map(|ingest| ingest.sources).unwrap_or_default() {
        let http = source.url.replacen("ws", "http", usize::from(source.url.starts_with("ws")));
        origins.push(http);
    }
    let mut told = Vec::new();
    for origin in &origins {
        let before_us = patient.clock.now_us();
        let answer = tokio::time::timeout(patient.limit, asked(patient, origin)).await;
        if let Ok(Ok(Some(theirs_us))) = answer {
            let after_us = patient.clock.now_us();
            told.push((origin, skew_s(theirs_us, before_us, after_us)));
            break;
        }
    }
    vec![match told.first() {
        None => Line::skipped(name, "nobody told the time to compare with"),
        Some((origin, skew)) if skew.abs() > SKEW_S_MAX => Line::bad(
            name,
            format!("{} s {} of {origin}", skew.abs(), if *skew > 0 { "behind" } else { "ahead" }),
            "set the clock (chrony, systemd-timesyncd): tokens of users would be refused as expired or not yet valid",
        ),
        Some((origin, skew)) => {
            Line::ok(name, format!("within {} s of {origin}", skew.abs().max(1)))
        }
    }]
}

/// Seconds that theirs is ahead of ours; the header has whole seconds, and the answer took some time.
fn skew_s(theirs_us: i64, before_us: i64, after_us: i64) -> i64 {
    let second_us = Duration::from_secs(1).as_micros() as i64;
    if theirs_us > after_us {
        return (theirs_us - after_us) / second_us;
    }
    if theirs_us + second_us < before_us {
        return (theirs_us + second_us - before_us) / second_us;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::skew_s;

    #[test]
    fn a_second_that_is_not_told_is_no_skew() {
        const S: i64 = 1_000_000;
        let check =
            |theirs, before, after, expected| assert_eq!(skew_s(theirs, before, after), expected);
        check(100 * S, 100 * S + 900_000, 100 * S + 950_000, 0);
        check(100 * S, 99 * S, 100 * S, 0);
        check(130 * S, 100 * S, 100 * S, 30);
        check(70 * S, 100 * S, 100 * S, -29);
    }
}
