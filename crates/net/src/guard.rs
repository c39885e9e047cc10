//! Which addresses may be connected to. Names, redirects and documents come from strangers, who
//! would otherwise reach the machines beside this one through us.
//!
//! A URL is checked before each request and each redirect; a name is checked where it is turned
//! into addresses, so that no second lookup can give another answer.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// The rule, with its one exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guard {
    allow_loopback: bool,
}

/// Why a name gave no address that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameFault {
    /// All its addresses are refused; the first of them, and why.
    Forbidden {
        /// The address.
        addr: IpAddr,
        /// What kind of address it is.
        reason: &'static str,
    },
    /// It has no address.
    NoSuchHost,
    /// No answer for now.
    Unavailable(String),
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { addr, reason } => write!(f, "address {addr} refused: {reason}"),
            Self::NoSuchHost => f.write_str("no such host"),
            Self::Unavailable(reason) => write!(f, "name lookup failed: {reason}"),
        }
    }
}

impl Error for NameFault {}

impl Guard {
    /// A guard; with `allow_loopback` it lets requests to this machine itself pass, and `http`.
    pub fn new(allow_loopback: bool) -> Self {
        Self { allow_loopback }
    }

    /// Whether this machine itself may be asked.
    pub fn allows_loopback(self) -> bool {
        self.allow_loopback
    }

    /// Checks everything of a URL but the addresses of its name.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check_url(self, url: &Url) -> Result<(), UrlFault> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_loopback => {}
            "http" => return Err(UrlFault::Reason("plain http is not used")),
            _ => return Err(UrlFault::Reason("only https is used")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlFault::Reason("credentials in a URL are not used"));
        }
        let addr = match url.host() {
            None => return Err(UrlFault::Reason("it has no host")),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(addr)) => IpAddr::V4(addr),
            Some(Host::Ipv6(addr)) => IpAddr::V6(addr),
        };
        self.check_addr(addr).map_err(|reason| UrlFault::Address { addr, reason })
    }

    /// Checks an address.
    ///
    /// # Errors
    /// What kind of address it is.
    pub fn check_addr(self, addr: IpAddr) -> Result<(), &'static str> {
        if self.allow_loopback && addr.is_loopback() {
            return Ok(());
        }
        match addr {
            IpAddr::V4(addr) => refused_v4(addr),
            IpAddr::V6(addr) => refused_v6(addr),
        }
        .map_or(Ok(()), Err)
    }

    /// The addresses of a name that may be connected to.
    ///
    /// # Errors
    /// It has none, or none that may be.
    pub async fn resolve(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NameFault> {
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((host, port)).await.map_err(name_fault)?.collect();
        let allowed: Vec<SocketAddr> =
            found.iter().copied().filter(|found| self.check_addr(found.ip()).is_ok()).collect();
        if !allowed.is_empty() {
            return Ok(allowed);
        }
        let refused = found.into_iter().find_map(|found| {
            let addr = found.ip();
            let reason = self.check_addr(addr).err()?;
            Some(NameFault::Forbidden { addr, reason })
        });
        Err(refused.unwrap_or(NameFault::NoSuchHost))
    }
}

/// Why a URL is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlFault {
    /// Its form.
    Reason(&'static str),
    /// The address it names.
    Address {
        /// The address.
        addr: IpAddr,
        /// What kind of address it is.
        reason: &'static str,
    },
}

/// The system's resolver tells "does not exist" from "try later" in words only.
fn name_fault(error: io::Error) -> NameFault {
    let text = error.to_string();
    let later = ["Temporary failure", "Try again", "try again"];
    if later.iter().any(|words| text.contains(words)) {
        NameFault::Unavailable(text)
    } else {
        NameFault::NoSuchHost
    }
}

/// Why an IPv4 address is refused. Source: the IANA special-purpose address registry.
fn refused_v4(addr: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = addr.octets();
    Some(match (a, b, c) {
        (0, ..) => "unspecified",
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => "private",
        (100, 64..=127, _) => "shared by a carrier",
        (127, ..) => "loopback",
        (169, 254, _) => "link-local",
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113) => "reserved",
        (198, 18 | 19, _) => "for benchmarks",
        (224..=239, ..) => "multicast",
        (240.., ..) => "reserved",
        _ => return None,
    })
}

/// Why an IPv6 address is refused. Only global unicast (2000::/3) passes, without the parts of it
/// that lead elsewhere, and the well-known prefix by which a gateway reaches IPv4.
fn refused_v6(addr: Ipv6Addr) -> Option<&'static str> {
    let [a, b, c, d, e, f, g, h] = addr.segments();
    if (a, b, c, d, e, f) == (0x64, 0xff9b, 0, 0, 0, 0) {
        let [[g1, g2], [h1, h2]] = [g.to_be_bytes(), h.to_be_bytes()];
        return refused_v4(Ipv4Addr::new(g1, g2, h1, h2));
    }
    Some(match (a, b) {
        (0, _) if addr.is_unspecified() => "unspecified",
        (0, _) if addr.is_loopback() => "loopback",
        (0, _) => "IPv4 in IPv6",
        (0xfc00..=0xfdff, _) => "private",
        (0xfe80..=0xfebf, _) => "link-local",
        (0xff00.., _) => "multicast",
        (0x2001, 0..=0x01ff) | (0x2001, 0xdb8) | (0x3fff, 0..=0x0fff) => "reserved",
        (0x2002, _) => "IPv4 in IPv6",
        (0x2000..=0x3fff, _) => return None,
        _ => "reserved",
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        let check = |addr: &str, expected: Option<&str>| {
            let addr: IpAddr = addr.parse().unwrap();
            assert_eq!(Guard::new(false).check_addr(addr).err(), expected, "{addr}");
        };
        check("1.1.1.1", None);
        check("172.15.0.1", None);
        check("172.32.0.1", None);
        check("100.63.0.1", None);
        check("2606:4700:4700::1111", None);
        check("64:ff9b::1.1.1.1", None);

        check("0.0.0.0", Some("unspecified"));
        check("0.1.2.3", Some("unspecified"));
        check("10.1.2.3", Some("private"));
        check("172.16.0.1", Some("private"));
        check("172.31.255.255", Some("private"));
        check("192.168.1.1", Some("private"));
        check("100.64.0.1", Some("shared by a carrier"));
        check("100.127.255.255", Some("shared by a carrier"));
        check("127.0.0.1", Some("loopback"));
        check("127.255.0.1", Some("loopback"));
        check("169.254.169.254", Some("link-local"));
        check("192.0.2.1", Some("reserved"));
        check("198.18.0.1", Some("for benchmarks"));
        check("224.0.0.1", Some("multicast"));
        check("255.255.255.255", Some("reserved"));

        check("::", Some("unspecified"));
        check("::1", Some("loopback"));
        check("::ffff:127.0.0.1", Some("IPv4 in IPv6"));
        check("::ffff:1.1.1.1", Some("IPv4 in IPv6"));
        check("::1.1.1.1", Some("IPv4 in IPv6"));
        check("64:ff9b::10.0.0.1", Some("private"));
        check("64:ff9b:1::1.1.1.1", Some("reserved"));
        check("fc00::1", Some("private"));
        check("fdff::1", Some("private"));
        check("fe80::1", Some("link-local"));
        check("fec0::1", Some("reserved"));
        check("ff02::1", Some("multicast"));
        check("2001::1", Some("reserved"));
        check("2001:db8::1", Some("reserved"));
        check("2002:7f00:1::", Some("IPv4 in IPv6"));
        check("4000::1", Some("reserved"));
    }

    #[test]
    fn allowing_loopback_allows_nothing_else() {
        let guard = Guard::new(true);
        let check = |addr: &str, passes: bool| {
            assert_eq!(guard.check_addr(addr.parse().unwrap()).is_ok(), passes, "{addr}");
        };
        check("127.0.0.1", true);
        check("::1", true);
        check("::ffff:127.0.0.1", false);
        check("0.0.0.0", false);
        check("10.0.0.1", false);
        check("169.254.169.254", false);
        check("fd00::1", false);
    }

    #[test]
    fn urls_are_checked_before_names_are_looked_up() {
        let check = |url: &str, strict: bool, loopback: bool| {
            let url = Url::parse(url).unwrap();
            assert_eq!(Guard::new(false).check_url(&url).is_ok(), strict, "{url}");
            assert_eq!(Guard::new(true).check_url(&url).is_ok(), loopback, "{url}");
        };
        check("https://example.com/", true, true);
        check("http://example.com/", false, true);
        check("ftp://example.com/", false, false);
        check("file:///etc/passwd", false, false);
        check("https://user:pw@example.com/", false, false);
        check("https://127.0.0.1/", false, true);
        // Other ways to write the same address.
        check("https://127.1/", false, true);
        check("https://2130706433/", false, true);
        check("https://0x7f.1/", false, true);
        check("https://[::1]/", false, true);
        check("https://[::ffff:7f00:1]/", false, false);
        check("https://192.168.0.1/", false, false);
        check("https://[fd00::1]:8443/", false, false);
    }

    #[tokio::test]
    async fn names_that_lead_inside_are_refused() {
        let refused = Guard::new(false).resolve("localhost", 80).await.unwrap_err();
        assert!(matches!(refused, NameFault::Forbidden { reason: "loopback", .. }), "{refused}");
        let allowed = Guard::new(true).resolve("localhost", 80).await.unwrap();
        assert!(allowed.iter().all(|addr| addr.ip().is_loopback()));
    }
}
