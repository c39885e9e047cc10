//! What an account has here and nowhere else: told to it in one file, and taken away.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt as _};
use http::header;
use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::owned::{EraseOwned, GetOwned, OwnedPage, OwnedPosition};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{SignInState, SignedIn};
use crate::error::XrpcError;
use crate::request::body;

/// What an export says of what is not in it.
const ELSEWHERE: &str = "What the account wrote, and its preferences, lie at its own PDS: com.atproto.sync.getRepo and \
     app.bsky.actor.getPreferences give them.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Erase {
    /// Of the account itself, so that it is meant.
    did: String,
}

/// A line of JSON for each thing, kind by kind, page by page. The last line is of kind `end`: a file without it is
/// not whole.
pub(super) async fn export(
    State(state): State<SignInState>,
    SignedIn { did, .. }: SignedIn,
) -> Result<Response, XrpcError> {
    let mut head = line(&json!({
        "kind": "about",
        "did": did.as_str(),
        "service": state.client.origin,
        "madeAt": format_ms_us(state.clock.now_us()),
        "elsewhere": ELSEWHERE,
    }));
    for browser in state.signed.sessions.browsers(&did).await? {
        head += &line(&json!({ "kind": "browser", "row": browser }));
    }
    for token in state.signed.sessions.api_tokens(&did).await? {
        head += &line(&json!({ "kind": "api_token", "row": token }));
    }
    // The first page is there before the answer begins: what fails so far is told as an error.
    let first = page(&state, &did, None).await?;
    head += &lines(&first);
    let pages =
        stream::try_unfold((state, did.clone(), first.cursor), |(state, did, next)| async {
            let Some(next) = next else { return Ok::<_, XrpcError>(None) };
            let page = page(&state, &did, Some(next)).await?;
            Ok(Some((lines(&page), (state, did, page.cursor))))
        });
    let end = stream::once(async { Ok(line(&json!({ "kind": "end" }))) });
    let body = stream::once(async { Ok(head) }).chain(pages).chain(end);
    let name = did.as_str().replace(':', "_");
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"millrace-{name}.jsonl\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Takes away what the account has here, and signs it out everywhere. What fails in between is done by asking again.
pub(super) async fn erase(
    State(state): State<SignInState>,
    SignedIn { did, .. }: SignedIn,
    body: Body,
) -> Result<Response, XrpcError> {
    let wanted: Erase = body::parse(&body::read(body, state.body_bytes_max).await?)?;
    if wanted.did != did.as_str() {
        return Err(XrpcError::invalid(format!("the body must name the account itself, {did}")));
    }
    let erased = state.dataplane.command(EraseOwned { actor: did.clone() }).await?;
    state.acting.give_back(state.signed.sessions.sign_out_everywhere(&did).await?);
    state.live.session_ended(&did);
    tracing::info!(%did, rows = erased.rows, "an account had everything erased that it had here");
    let cookie = [(header::SET_COOKIE, state.signed.cookies.signed_out())];
    Ok((cookie, Json(erased)).into_response())
}

async fn page(
    state: &SignInState,
    did: &Did,
    cursor: Option<OwnedPosition>,
) -> Result<OwnedPage, XrpcError> {
    Ok(state.dataplane.ask(GetOwned { actor: did.clone(), cursor }).await?)
}

fn lines(page: &OwnedPage) -> String {
    page.rows.iter().map(|row| line(&json!({ "kind": page.kind, "row": row }))).collect()
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}
