//! The dashboard's files, as they were built into the program: `web/` makes them, `build.rs` packs them.
//!
//! Must stay true: nothing outside `/dashboard` is answered with a page; a page runs no script but its own
//! files' (see [`POLICY`]); what has a hash in its name is kept by browsers for good, everything else is
//! asked for again with its tag.

mod address;
mod files;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

use crate::error::XrpcError;
pub(crate) use address::Address;
use files::{File, SITE, Site};

/// Where the dashboard is.
const PATH: &str = "/dashboard/";

/// Scripts and styles are files of ours; pictures are where the records say.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Files with a hash in their names.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

const HOME: &str = "This is a Millrace AppView: an AT Protocol service that serves app.bsky views.\n\
    API routes are under /xrpc/, the dashboard is at /dashboard/.\n";

/// What a program built without the dashboard shows in its place.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Millrace: no dashboard</title><h1>This program was built without its dashboard</h1>\
    <p>The service works without it. To have it, build the program with <code>make run</code>, or \
    <code>cargo xtask web</code> before <code>cargo build</code>; that needs Node and npm.</p></html>";

/// Under `address`, if browsers have to be there to sign in.
pub(crate) fn router(address: Option<Address>) -> Router {
    Router::new()
        .route("/dashboard", get(async || Redirect::permanent(PATH)))
        .route(PATH, get(at))
        .route("/dashboard/{*path}", get(at))
        .with_state(address.map(Arc::new))
}

/// A browser is taken to the dashboard; everybody else is told what this is.
pub(crate) async fn home(headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut response = if accepted.contains("text/html") {
        Redirect::temporary(PATH).into_response()
    } else {
        HOME.into_response()
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

async fn at(State(address): State<Option<Arc<Address>>>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().strip_prefix(PATH).unwrap_or_default();
    let instead = address.and_then(|address| address.instead(&uri, &headers));
    match instead.filter(|_| SITE.file(path).is_none()) {
        Some(instead) => Redirect::temporary(&instead).into_response(),
        None => page(&SITE, path, &headers),
    }
}

/// A file of the site; any other address is a page within it, which its script knows.
fn page(site: &Site, path: &str, headers: &HeaderMap) -> Response {
    let Some(index) = site.file("index.html") else {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
        return guarded((headers, NOT_BUILT).into_response());
    };
    match site.file(path) {
        Some(file) => guarded(answer(file, headers)),
        // Files of another build are gone; a page in their place would be run as a script.
        None if path.starts_with("assets/") => XrpcError::NotFound.into_response(),
        None => guarded(answer(index, headers)),
    }
}

fn answer(file: &File, headers: &HeaderMap) -> Response {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let has_hash = file.path.starts_with("assets/");
    let cache = if has_hash { FOREVER } else { ASK_AGAIN };
    let tag = HeaderValue::from_static(file.tag);
    let known = text(IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',').any(|known| known.trim().trim_start_matches("W/") == file.tag)
    });
    let common =
        [(CACHE_CONTROL, cache), (ETAG, tag), (VARY, HeaderValue::from_static("accept-encoding"))];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content_type = [(CONTENT_TYPE, HeaderValue::from_static(file.content_type))];
    match file.gzip.filter(|_| text(ACCEPT_ENCODING).is_some_and(takes_gzip)) {
        Some(packed) => {
            let encoding = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            (common, content_type, encoding, packed).into_response()
        }
        None => (common, content_type, file.plain).into_response(),
    }
}

/// `gzip`, unless with the weight 0.
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
    })
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests;
