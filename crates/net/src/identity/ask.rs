//! The questions themselves: a DID's document, a handle's DID. No cache here.

use std::time::Duration;

use ::http::HeaderValue;
use ::http::header::HOST;
use bytes::Bytes;
use millrace_atproto::did_doc::{DOC_BYTES_MAX, Identity};
use millrace_atproto::{Did, Handle};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::txt::Txt;
use super::{ResolveError, ResolverConfig};
use crate::http::{HttpClient, HttpError, Limits, Request};

/// Bytes of the answer that names a handle's DID: the longest DID with room for blanks.
const HANDLE_BYTES_MAX: usize = 4 * 1024;

/// Asks the outside.
pub(super) struct Asker {
    http: HttpClient,
    plc_url: Url,
    handles: Handles,
    timeout: Duration,
}

/// Who knows handles.
enum Handles {
    /// One server for all.
    Base(Url),
    /// DNS and each handle's own host.
    Own(Box<Txt>),
}

impl Asker {
    pub(super) fn new(http: &HttpClient, config: &ResolverConfig) -> Result<Self, ResolveError> {
        let handles = match &config.handle_resolver_url {
            Some(url) => Handles::Base(base("handle_resolver_url", url)?),
            None => Handles::Own(Box::new(Txt::new(&config.dns_servers)?)),
        };
        Ok(Self {
            http: http
                .with_rates(config.identity_concurrency_max, config.identity_requests_per_second),
            plc_url: base("plc_url", &config.plc_url)?,
            handles,
            timeout: config.timeout(),
        })
    }

    /// What of a DID's document counts.
    pub(super) async fn identity(&self, did: &Did) -> Result<Identity, ResolveError> {
        let document = self.document(did).await?;
        Identity::parse(&document, did).map_err(|error| ResolveError::Invalid {
            subject: did.to_string(),
            reason: error.to_string(),
        })
    }

    /// The document of a DID, as it came.
    pub(super) async fn document(&self, did: &Did) -> Result<Bytes, ResolveError> {
        let url = match did.method() {
            "plc" => self.plc(did)?,
            "web" => self.web(did)?,
            _ => return Err(unsupported(did.as_str(), "only did:plc and did:web are resolved")),
        };
        let limits = Limits::new(DOC_BYTES_MAX, self.timeout);
        let answer = self.http.get(url.as_str(), limits).await;
        Ok(answer.map_err(|error| document_error(did, error))?.body)
    }

    fn plc(&self, did: &Did) -> Result<Url, ResolveError> {
        let mut url = self.plc_url.clone();
        url.path_segments_mut()
            .map_err(|()| unsupported(did.as_str(), "plc_url has no path"))?
            .pop_if_empty()
            .push(did.as_str());
        Ok(url)
    }

    /// `did:web:<host>`; a port only for this machine itself.
    fn web(&self, did: &Did) -> Result<Url, ResolveError> {
        let loopback = self.http.guard().allows_loopback();
        web_url(did.identifier(), loopback).map_err(|reason| unsupported(did.as_str(), reason))
    }

    /// The DID a handle names.
    pub(super) async fn handle(&self, handle: &Handle) -> Result<Did, ResolveError> {
        if !handle.may_resolve() {
            return Err(unsupported(handle.as_str(), "its top-level domain is reserved"));
        }
        match &self.handles {
            Handles::Base(base) => self.of_base(base, handle).await,
            Handles::Own(_) if handle.tld() == "test" => {
                Err(unsupported(handle.as_str(), ".test resolves only through handle_resolver_url"))
            }
            Handles::Own(txt) => self.of_own(txt, handle).await,
        }
    }

    async fn of_base(&self, base: &Url, handle: &Handle) -> Result<Did, ResolveError> {
        let url = base.join("/.well-known/atproto-did");
        let url =
            url.map_err(|_| unsupported(handle.as_str(), "handle_resolver_url has no path"))?;
        let host = HeaderValue::from_str(handle.as_str());
        let host = host.map_err(|_| unsupported(handle.as_str(), "not a host"))?;
        self.well_known(Request::get(url).header(HOST, host), handle).await
    }

    /// DNS first: where it names a DID, the host is not asked.
    async fn of_own(&self, txt: &Txt, handle: &Handle) -> Result<Did, ResolveError> {
        let dns = tokio::time::timeout(self.timeout, txt.did(handle)).await.unwrap_or_else(|_| {
            Err(ResolveError::Dns {
                subject: handle.to_string(),
                reason: "no answer in time".into(),
            })
        });
        match dns {
            Ok(Some(did)) => Ok(did),
            Err(error) if !error.is_transient() => Err(error),
            dns => {
                let url = format!("https://{handle}/.well-known/atproto-did");
                settle(dns, self.well_known(Request::get(url), handle).await)
            }
        }
    }

    async fn well_known(&self, request: Request, handle: &Handle) -> Result<Did, ResolveError> {
        let limits = Limits::new(HANDLE_BYTES_MAX, self.timeout);
        let answer = self.http.get_with(request, limits).await;
        let answer = answer.map_err(|error| handle_error(handle, error))?;
        let text = String::from_utf8_lossy(&answer.body);
        Did::parse(text.trim()).map_err(|error| ResolveError::Invalid {
            subject: handle.to_string(),
            reason: error.to_string(),
        })
    }
}

/// What DNS without a DID and the host's answer mean together. A host that knows nothing proves
/// nothing while DNS could not be asked.
fn settle(
    dns: Result<Option<Did>, ResolveError>,
    host: Result<Did, ResolveError>,
) -> Result<Did, ResolveError> {
    match (dns, host) {
        (Err(unknown), Err(known)) if !known.is_transient() => Err(unknown),
        (_, host) => host,
    }
}

fn base(key: &str, url: &str) -> Result<Url, ResolveError> {
    let setup = || ResolveError::Setup { reason: format!("{key}: {url} is not an http(s) URL") };
    let url = Url::parse(url).map_err(|_| setup())?;
    if url.has_host() && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(setup()) }
}

/// Where the document of `did:web:<identifier>` is.
fn web_url(identifier: &str, loopback: bool) -> Result<Url, &'static str> {
    if identifier.contains(':') {
        return Err("a did:web with a path is not resolved");
    }
    let authority = percent_decode_str(identifier).decode_utf8().map_err(|_| "not a host")?;
    if authority.contains(['/', '?', '#', '@', '\\']) {
        return Err("not a host");
    }
    let url = Url::parse(&format!("https://{authority}/.well-known/did.json"))
        .map_err(|_| "not a host")?;
    let Some(Host::Domain(host)) = url.host() else {
        return Err("an address is not a host");
    };
    let local = host == "localhost";
    if url.port().is_some() && !local {
        return Err("a did:web with a port is not resolved");
    }
    if !local {
        return Ok(url);
    }
    if !loopback {
        return Err("this machine itself is not asked");
    }
    Url::parse(&format!("http://{authority}/.well-known/did.json")).map_err(|_| "not a host")
}

fn unsupported(subject: &str, reason: &'static str) -> ResolveError {
    ResolveError::Unsupported { subject: subject.to_owned(), reason }
}

fn document_error(did: &Did, error: HttpError) -> ResolveError {
    let subject = did.to_string();
    match (error.status(), did.method()) {
        (Some(404), _) => ResolveError::NotFound { subject },
        (Some(410), _) => ResolveError::Tombstoned { subject },
        _ => ResolveError::Http { subject, source: error },
    }
}

/// A host that does not exist, refuses connections or answers 4xx names no DID.
fn handle_error(handle: &Handle, error: HttpError) -> ResolveError {
    let subject = handle.to_string();
    match error {
        HttpError::NoSuchHost { .. } | HttpError::Connect { .. } => {
            ResolveError::NotFound { subject }
        }
        HttpError::Status { status: 400..=499, .. } => ResolveError::NotFound { subject },
        source => ResolveError::Http { subject, source },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn did_web_is_a_host_and_nothing_more() {
        let check = |identifier: &str, loopback: bool, expected: Option<&str>| {
            let url = web_url(identifier, loopback).ok().map(String::from);
            assert_eq!(url.as_deref(), expected, "{identifier}");
        };
        check("example.com", false, Some("https://example.com/.well-known/did.json"));
        check("Example.COM", false, Some("https://example.com/.well-known/did.json"));
        check("example.com:user", false, None);
        check("example.com%3A8443", false, None);
        check("example.com%2Fpath", false, None);
        check("user%40example.com", false, None);
        check("127.0.0.1", true, None);
        check("2130706433", true, None);
        check("%5B%3A%3A1%5D", true, None);
        check("%ff", true, None);
        check("localhost", false, None);
        check("localhost%3A3000", false, None);
        check("localhost%3A3000", true, Some("http://localhost:3000/.well-known/did.json"));
    }

    #[test]
    fn dns_and_host_are_settled() {
        let did = || Did::parse("did:plc:abc").unwrap();
        let subject = || "a.example".to_owned();
        let down = || ResolveError::Dns { subject: subject(), reason: "timeout".into() };
        let none = || ResolveError::NotFound { subject: subject() };
        let slow = || ResolveError::Http {
            subject: subject(),
            source: HttpError::Status {
                host: subject(),
                status: 503,
                retry_after: None,
                body: "".into(),
            },
        };
        assert_eq!(settle(Ok(None), Ok(did())).unwrap(), did());
        assert_eq!(settle(Err(down()), Ok(did())).unwrap(), did());
        assert!(!settle(Ok(None), Err(none())).unwrap_err().is_transient());
        assert!(settle(Err(down()), Err(none())).unwrap_err().is_transient());
        assert!(settle(Ok(None), Err(slow())).unwrap_err().is_transient());
    }

    #[test]
    fn bases_are_web_addresses() {
        assert!(base("plc_url", "https://plc.directory").is_ok());
        assert!(base("plc_url", "plc.directory").is_err());
        assert!(base("plc_url", "unix:/tmp/plc").is_err());
    }
}
