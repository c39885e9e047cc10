//! What a PDS and an authorization server say of themselves, and whether that is the profile of OAuth
//! that is spoken here (<https://atproto.com/specs/oauth#server-metadata>, RFC 8414, RFC 9728).

use serde::Deserialize;
use url::Url;

use super::origin::{self, Origin, OriginFault};
use crate::guard::Guard;

/// Why a document of metadata is refused. Each is a fault of the server that served it, or a lie.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// Another status than 200.
    #[error("status {0}")]
    Status(u16),
    /// Another type than JSON.
    #[error("content type {0:?} is not application/json")]
    ContentType(String),
    /// Not JSON, or members of another kind.
    #[error("not understood: {0}")]
    Json(String),
    /// A PDS speaks for another.
    #[error("it is about the resource {0:?}")]
    Resource(String),
    /// A PDS has exactly one authorization server.
    #[error("it names {0} authorization servers instead of one")]
    AuthorizationServers(usize),
    /// The authorization server named is not one that may be asked.
    #[error("authorization server {url:?}: {fault}")]
    AuthorizationServer {
        /// The URL named.
        url: String,
        /// What is wrong with it.
        fault: OriginFault,
    },
    /// An authorization server speaks for another.
    #[error("its issuer is {0:?}")]
    Issuer(String),
    /// A member is missing or does not say what it must.
    #[error("{member} does not say {wanted}")]
    Unsupported {
        /// The member.
        member: &'static str,
        /// What it has to say.
        wanted: &'static str,
    },
    /// A member says what is forbidden.
    #[error("{member} says {told}")]
    Forbidden {
        /// The member.
        member: &'static str,
        /// What it says.
        told: &'static str,
    },
    /// An endpoint is missing.
    #[error("{member} is missing")]
    NoEndpoint {
        /// The member.
        member: &'static str,
    },
    /// An endpoint is not one that may be asked.
    #[error("{member}: {fault}")]
    Endpoint {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        fault: OriginFault,
    },
    /// The authorization server lists the PDSs it protects, and not this one.
    #[error("it does not protect {0}")]
    Unprotected(Origin),
}

/// What is used of an authorization server's metadata, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMetadata {
    /// Who it is.
    pub issuer: Origin,
    /// Where browsers are sent.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where requests are pushed.
    pub par_endpoint: Url,
    /// Where tokens are given back, if it takes them.
    pub revocation_endpoint: Option<Url>,
    protected_resources: Option<Vec<String>>,
}

impl ServerMetadata {
    /// Whether the server protects `pds`, if it says which it does (RFC 9728 §4).
    pub(super) fn protects(&self, pds: &Origin) -> Result<(), MetadataFault> {
        let listed = |listed: &Vec<String>| listed.iter().any(|one| one == pds.as_str());
        if self.protected_resources.as_ref().is_none_or(listed) {
            Ok(())
        } else {
            Err(MetadataFault::Unprotected(pds.clone()))
        }
    }
}

/// The authorization server that a PDS names.
pub(super) fn authorization_server(
    json: &[u8],
    pds: &Origin,
    guard: Guard,
) -> Result<Origin, MetadataFault> {
    let told: ResourceJson = parse(json)?;
    if told.resource != pds.as_str() {
        return Err(MetadataFault::Resource(shortened(&told.resource)));
    }
    let [server] = told.authorization_servers.as_slice() else {
        return Err(MetadataFault::AuthorizationServers(told.authorization_servers.len()));
    };
    let wrong = |fault| MetadataFault::AuthorizationServer { url: shortened(server), fault };
    Origin::canonical(server, guard).map_err(wrong)
}

/// The metadata that `issuer` served.
pub(super) fn server(
    json: &[u8],
    issuer: &Origin,
    guard: Guard,
) -> Result<ServerMetadata, MetadataFault> {
    let told: ServerJson = parse(json)?;
    if told.issuer != issuer.as_str() {
        return Err(MetadataFault::Issuer(shortened(&told.issuer)));
    }
    told.speaks_the_profile()?;
    let optional = |member, url: Option<&str>| match url {
        Some(url) => endpoint(member, url, guard).map(Some),
        None => Ok(None),
    };
    let required = |member, url: Option<&str>| {
        optional(member, url)?.ok_or(MetadataFault::NoEndpoint { member })
    };
    Ok(ServerMetadata {
        issuer: issuer.clone(),
        authorization_endpoint: required(
            "authorization_endpoint",
            told.authorization_endpoint.as_deref(),
        )?,
        token_endpoint: required("token_endpoint", told.token_endpoint.as_deref())?,
        par_endpoint: required(
            "pushed_authorization_request_endpoint",
            told.pushed_authorization_request_endpoint.as_deref(),
        )?,
        revocation_endpoint: optional("revocation_endpoint", told.revocation_endpoint.as_deref())?,
        protected_resources: told.protected_resources,
    })
}

fn endpoint(member: &'static str, text: &str, guard: Guard) -> Result<Url, MetadataFault> {
    let wrong = |fault| MetadataFault::Endpoint { member, fault };
    let url = Url::parse(text).map_err(|_| wrong(OriginFault::NOT_A_URL))?;
    origin::check(&url, guard).map_err(wrong)?;
    if url.fragment().is_some() {
        return Err(wrong(OriginFault::FRAGMENT));
    }
    Ok(url)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, MetadataFault> {
    serde_json::from_slice(json).map_err(|error| MetadataFault::Json(error.to_string()))
}

/// Characters of a server's text that an error shows.
const SHOWN_CHARS_MAX: usize = 120;

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[derive(Deserialize)]
struct ResourceJson {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
}

#[derive(Deserialize)]
struct ServerJson {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    protected_resources: Option<Vec<String>>,
    #[serde(default)]
    response_types_supported: Vec<String>,
    #[serde(default)]
    grant_types_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    require_request_uri_registration: Option<bool>,
}

impl ServerJson {
    fn speaks_the_profile(&self) -> Result<(), MetadataFault> {
        let lists = [
            ("response_types_supported", &self.response_types_supported, "code"),
            ("grant_types_supported", &self.grant_types_supported, "authorization_code"),
            ("grant_types_supported", &self.grant_types_supported, "refresh_token"),
            ("code_challenge_methods_supported", &self.code_challenge_methods_supported, "S256"),
            (
                "token_endpoint_auth_methods_supported",
                &self.token_endpoint_auth_methods_supported,
                "none",
            ),
            (
                "token_endpoint_auth_methods_supported",
                &self.token_endpoint_auth_methods_supported,
                "private_key_jwt",
            ),
            (
                "token_endpoint_auth_signing_alg_values_supported",
                &self.token_endpoint_auth_signing_alg_values_supported,
                "ES256",
            ),
            ("scopes_supported", &self.scopes_supported, "atproto"),
            ("dpop_signing_alg_values_supported", &self.dpop_signing_alg_values_supported, "ES256"),
        ];
        for (member, values, wanted) in lists {
            if !values.iter().any(|value| value == wanted) {
                return Err(MetadataFault::Unsupported { member, wanted });
            }
        }
        let flags = [
            (
                "authorization_response_iss_parameter_supported",
                self.authorization_response_iss_parameter_supported,
            ),
            ("require_pushed_authorization_requests", self.require_pushed_authorization_requests),
            ("client_id_metadata_document_supported", self.client_id_metadata_document_supported),
        ];
        if let Some((member, _)) = flags.into_iter().find(|(_, set)| !set) {
            return Err(MetadataFault::Unsupported { member, wanted: "true" });
        }
        if self.token_endpoint_auth_signing_alg_values_supported.iter().any(|alg| alg == "none") {
            let member = "token_endpoint_auth_signing_alg_values_supported";
            return Err(MetadataFault::Forbidden { member, told: "none" });
        }
        if self.require_request_uri_registration == Some(false) {
            let member = "require_request_uri_registration";
            return Err(MetadataFault::Forbidden { member, told: "false" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
