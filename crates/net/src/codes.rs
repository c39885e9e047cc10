//! The codes of this crate's failures, and which failure has which.

use millrace_runtime::error::{Code, Diagnose, Diagnosis};

use crate::http::HttpError;
use crate::identity::ResolveError;

/// The whole table, in order; docs are made from it.
pub const ALL: &[Code] = &[
    CLIENT_SETUP,
    RESOLVER_SETUP,
    ADDRESS_REFUSED,
    UNREACHABLE,
    RATE_LIMITED,
    ANSWER_REFUSED,
    UNRESOLVED,
];

/// The HTTP client cannot be built.
pub const CLIENT_SETUP: Code = Code {
    id: "MR-NET-001",
    title: "HTTP client cannot be set up",
    cause: "`network.ca_file` cannot be read or holds no certificate, or `network.user_agent` is not a header's value.",
    remedy: "check the path and that the file is PEM; leave user_agent empty for the usual one",
};
/// The resolver cannot be built.
pub const RESOLVER_SETUP: Code = Code {
    id: "MR-NET-002",
    title: "identity resolver cannot be set up",
    cause: "`plc_url` or `handle_resolver_url` is not an http(s) URL, `dns_servers` holds something that is no address, or the system's DNS settings cannot be read.",
    remedy: "mend the setting named; set dns_servers where the system has no DNS settings",
};
/// The guard refused.
pub const ADDRESS_REFUSED: Code = Code {
    id: "MR-NET-003",
    title: "address refused",
    cause: "A name, a redirect or a document led to an address that is not on the public internet, or to a URL that is not https. Such requests are never sent, so that strangers cannot reach machines beside this one.",
    remedy: "if the server is on this machine itself, set network.allow_loopback = true; other private addresses are not supported",
};
/// No answer.
pub const UNREACHABLE: Code = Code {
    id: "MR-NET-004",
    title: "server cannot be reached",
    cause: "The name has no address, the connection was refused or broke, or there was no answer in time.",
    remedy: "check the URL, DNS and the way out (firewall); it is tried again by itself",
};
/// Too many requests.
pub const RATE_LIMITED: Code = Code {
    id: "MR-NET-005",
    title: "server asks for fewer requests",
    cause: "The server answered 429, now or a moment ago.",
    remedy: "it is waited for as long as the server asked; lower per_host_requests_per_second if it repeats",
};
/// An answer that is of no use.
pub const ANSWER_REFUSED: Code = Code {
    id: "MR-NET-006",
    title: "answer of no use",
    cause: "The server answered with an error status, a body larger than allowed, endless redirects or something that is not what was asked for.",
    remedy: "see the status or reason shown; check that the URL is of the right kind of server",
};
/// A DID or handle that names nobody.
pub const UNRESOLVED: Code = Code {
    id: "MR-NET-007",
    title: "identity does not resolve",
    cause: "The DID or handle does not exist, was deactivated for ever, is of a kind that is not resolved, or its document is malformed.",
    remedy: "check its spelling; a handle must name its DID in DNS or at /.well-known/atproto-did, and the DID's document must name the handle",
};

impl Diagnose for HttpError {
    fn diagnosis(&self) -> Diagnosis {
        let code = match self {
            Self::Setup(_) => CLIENT_SETUP,
            Self::Url { .. } | Self::Forbidden { .. } => ADDRESS_REFUSED,
            Self::NoSuchHost { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Truncated { .. } => UNREACHABLE,
            Self::RateLimited { .. } => RATE_LIMITED,
            Self::TooLarge { .. }
            | Self::Redirects { .. }
            | Self::Status { .. }
            | Self::Json { .. } => ANSWER_REFUSED,
        };
        code.diagnosis(self.to_string())
    }
}

impl Diagnose for ResolveError {
    fn diagnosis(&self) -> Diagnosis {
        let code = match self {
            Self::Setup { .. } => RESOLVER_SETUP,
            Self::Dns { .. } => UNREACHABLE,
            Self::Http { source, .. } => {
                return Diagnosis { message: self.to_string(), ..source.diagnosis() };
            }
            Self::NotFound { .. }
            | Self::Tombstoned { .. }
            | Self::Unsupported { .. }
            | Self::Invalid { .. }
            | Self::Ambiguous { .. } => UNRESOLVED,
        };
        code.diagnosis(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_that_failed_on_the_way_is_told_as_such() {
        let error = ResolveError::Http {
            subject: "did:plc:abc".to_owned(),
            source: HttpError::NoSuchHost { host: "plc.example".to_owned() },
        };
        let told = error.diagnosis();
        assert_eq!(
            (told.code, told.message.as_str()),
            ("MR-NET-004", "did:plc:abc: plc.example: no such host")
        );
    }

    #[test]
    fn codes_are_numbered_in_order() {
        for (at, code) in ALL.iter().enumerate() {
            assert_eq!(code.id, format!("MR-NET-{:03}", at + 1));
        }
    }
}
