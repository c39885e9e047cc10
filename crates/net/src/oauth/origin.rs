//! Servers as OAuth names them: an origin and nothing more, written one way. Two names of one server
//! would let it speak for another (mix-up), so names are compared as text and must be canonical.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::guard::Guard;

/// Bytes of an origin: the longest name of a host, with scheme and port.
const ORIGIN_BYTES_MAX: usize = 8 + 253 + 6;

/// `https://host` or `https://host:port` in canonical form. Plain `http` only for this machine itself,
/// where the guard allows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(String);

/// Why a text is not the origin of a server that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OriginFault(&'static str);

impl OriginFault {
    pub(super) const NOT_A_URL: Self = Self("it is not a URL");
    pub(super) const FRAGMENT: Self = Self("it has a fragment");
}

impl Origin {
    /// Reads an origin as metadata must write it: canonical, without path or trailing slash.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn canonical(text: &str, guard: Guard) -> Result<Self, OriginFault> {
        let origin = Self::of(text, guard)?;
        if origin.0 == text { Ok(origin) } else { Err(OriginFault("it is not a canonical origin")) }
    }

    /// Reads the origin of a URL that somebody typed or a document holds; a path of `/` is let pass.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(text: &str, guard: Guard) -> Result<Self, OriginFault> {
        if text.len() > ORIGIN_BYTES_MAX {
            return Err(OriginFault("it is too long"));
        }
        let url = Url::parse(text).map_err(|_| OriginFault::NOT_A_URL)?;
        check(&url, guard)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginFault("it is more than an origin"));
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of a path there.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// Whether a URL may be asked at all, or sent to: `https`, or `http` of this machine where that is allowed.
pub(super) fn check(url: &Url, guard: Guard) -> Result<(), OriginFault> {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(addr)) => addr.is_loopback(),
        Some(Host::Ipv6(addr)) => addr.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(local && url.scheme() == "http" && guard.allows_loopback()) {
        return Err(OriginFault("it is not https"));
    }
    guard.check_url(url).map_err(|_| OriginFault("it is not on the public internet"))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_one_way() {
        let check = |text: &str, typed: Option<&str>, canonical: bool| {
            let guard = Guard::new(false);
            let origin = Origin::of(text, guard).ok();
            assert_eq!(origin.as_ref().map(Origin::as_str), typed, "{text}");
            assert_eq!(Origin::canonical(text, guard).is_ok(), canonical, "{text}");
        };
        check("https://pds.example.com", Some("https://pds.example.com"), true);
        check("https://pds.example.com:8443", Some("https://pds.example.com:8443"), true);
        check("https://pds.example.com/", Some("https://pds.example.com"), false);
        check("https://PDS.example.com", Some("https://pds.example.com"), false);
        check("https://pds.example.com:443", Some("https://pds.example.com"), false);
        check("https://pds.example.com/path", None, false);
        check("https://pds.example.com?x", None, false);
        check("https://pds.example.com#x", None, false);
        check("https://user@pds.example.com", None, false);
        check("http://pds.example.com", None, false);
        check("https://127.0.0.1", None, false);
        check("https://10.0.0.1", None, false);
        check("ftp://pds.example.com", None, false);
        check("pds.example.com", None, false);
        check("", None, false);
        check(&format!("https://{}.example", "a".repeat(300)), None, false);
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let check = |text: &str, expected: bool| {
            assert_eq!(Origin::canonical(text, Guard::new(true)).is_ok(), expected, "{text}");
            assert!(Origin::canonical(text, Guard::new(false)).is_err(), "{text}");
        };
        check("http://localhost:2583", true);
        check("http://127.0.0.1:2583", true);
        check("http://[::1]:2583", true);
        check("http://pds.example.com", false);
        check("http://10.0.0.1", false);
    }
}
