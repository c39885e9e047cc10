//! The address under which browsers have the dashboard, on a machine of its own: authorization servers send them back
//! to an address, never to `localhost`, and a cookie of the one is not sent to the other.

use http::{HeaderMap, Uri, header};
use url::{Host, Url};

/// Where browsers are to be.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    origin: String,
    /// As it is called otherwise.
    by_name: String,
}

impl Address {
    /// Of a service whose people sign in under `origin`; none where that is a name.
    pub(crate) fn of(origin: &str) -> Option<Self> {
        let url = Url::parse(origin).ok().filter(|url| url.scheme() == "http")?;
        let is_loopback = match url.host()? {
            Host::Domain(_) => false,
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let by_name = match url.port() {
            Some(port) => format!("localhost:{port}"),
            None => "localhost".to_owned(),
        };
        is_loopback.then(|| Self { origin: origin.to_owned(), by_name })
    }

    /// Where a browser is sent that came by name.
    pub(super) fn instead(&self, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        host.eq_ignore_ascii_case(&self.by_name).then(|| format!("{}{path}", self.origin))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use http::HeaderValue;

    use super::*;

    #[test]
    fn who_comes_by_name_is_sent_to_the_address() {
        let check = |origin: &str, host: &'static str, expected: Option<&str>| {
            let address = Address::of(origin);
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            let uri: Uri = "/dashboard/a?b=c".parse().unwrap();
            let instead = address.and_then(|address| address.instead(&uri, &headers));
            assert_eq!(instead.as_deref(), expected, "{origin} {host}");
        };
        let here = "http://127.0.0.1:5000";
        check(here, "localhost:5000", Some("http://127.0.0.1:5000/dashboard/a?b=c"));
        check(here, "LOCALHOST:5000", Some("http://127.0.0.1:5000/dashboard/a?b=c"));
        check(here, "127.0.0.1:5000", None);
        // Another port is a tunnel's or a container's, and leads elsewhere.
        check(here, "localhost:8080", None);
        check(here, "localhost", None);
        check(here, "localhost:5000.evil.example", None);
        check("http://127.0.0.1", "localhost", Some("http://127.0.0.1/dashboard/a?b=c"));
        check("http://[::1]:5000", "localhost:5000", Some("http://[::1]:5000/dashboard/a?b=c"));
        check("https://appview.example", "localhost", None);
        check("https://127.0.0.1", "localhost", None);
    }
}
