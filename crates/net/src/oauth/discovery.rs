//! From what somebody types to the authorization server that may speak for them, and back from a DID
//! to that server (<https://atproto.com/specs/oauth#identity-authentication>).

use std::time::Duration;

use ::http::header::{ACCEPT, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use millrace_atproto::{Did, Handle};

use super::error::OAuthError;
use super::metadata::{self, MetadataFault, ServerMetadata};
use super::origin::Origin;
use crate::guard::Guard;
use crate::http::{HttpClient, Limits, Request};
use crate::identity::Resolver;

/// A document of metadata.
const METADATA: Limits = Limits::new(64 * 1024, Duration::from_secs(10));

/// Characters of what somebody types: the longest DID.
const INPUT_BYTES_MAX: usize = 2048;

/// Asks servers who they are.
#[derive(Debug, Clone)]
pub(crate) struct Discovery {
    http: HttpClient,
    resolver: Resolver,
}

/// Whom somebody wants to sign in as, and where.
pub(super) struct Found {
    /// The account, if it was named.
    pub(super) did: Option<Did>,
    /// What the authorization server is told to ask for: what was typed.
    pub(super) login_hint: Option<String>,
    pub(super) server: ServerMetadata,
}

impl Discovery {
    pub(super) fn new(http: HttpClient, resolver: Resolver) -> Self {
        Self { http, resolver }
    }

    pub(crate) fn guard(&self) -> Guard {
        self.http.guard()
    }

    /// A handle, a DID, or the URL of a PDS or entryway.
    pub(super) async fn find(&self, input: &str) -> Result<Found, OAuthError> {
        let input = input.trim();
        if input.len() > INPUT_BYTES_MAX {
            return Err(OAuthError::Input);
        }
        if input.starts_with("https://") || input.starts_with("http://") {
            let at = Origin::of(input, self.guard()).map_err(OAuthError::Server)?;
            let server = self.server_of_url(&at).await?;
            return Ok(Found { did: None, login_hint: None, server });
        }
        let name = input.strip_prefix("at://").or(input.strip_prefix('@')).unwrap_or(input);
        let did = self.account(name).await?;
        let (_, server) = self.server_of_account(&did).await?;
        Ok(Found { did: Some(did), login_hint: Some(name.to_owned()), server })
    }

    /// The DID behind a name, proven in both directions by what the network says now.
    pub(crate) async fn account(&self, name: &str) -> Result<Did, OAuthError> {
        if name.starts_with("did:") {
            return Did::parse(name).map_err(|_| OAuthError::Input);
        }
        let handle = Handle::parse(name).map_err(|_| OAuthError::Input)?;
        self.resolver.forget_handle(&handle).await;
        let did = self.resolver.handle_to_did(&handle).await?;
        let identity = self.resolver.refresh(&did).await?;
        if identity.handle.as_ref() == Some(&handle) {
            Ok(did)
        } else {
            Err(OAuthError::HandleUnproven { handle, did })
        }
    }

    /// The PDS of an account by its document as it is now.
    pub(crate) async fn pds_of(&self, did: &Did) -> Result<Origin, OAuthError> {
        let identity = self.resolver.refresh(did).await?;
        let pds = identity.pds.as_deref().ok_or_else(|| OAuthError::NoPds { did: did.clone() })?;
        Origin::of(pds, self.guard()).map_err(OAuthError::Server)
    }

    /// The PDS as the document said when it was last asked for: cheap, and good enough to notice a move.
    pub(super) async fn pds_known(&self, did: &Did) -> Result<Origin, OAuthError> {
        let identity = self.resolver.identity(did).await?;
        let pds = identity.pds.as_deref().ok_or_else(|| OAuthError::NoPds { did: did.clone() })?;
        Origin::of(pds, self.guard()).map_err(OAuthError::Server)
    }

    /// The one server that may speak for an account, and the account's PDS.
    async fn server_of_account(&self, did: &Did) -> Result<(Origin, ServerMetadata), OAuthError> {
        let pds = self.pds_of(did).await?;
        let server = self.server(&self.issuer_of_pds(&pds).await?).await?;
        server.protects(&pds).map_err(|fault| refused(&server.issuer, fault))?;
        Ok((pds, server))
    }

    /// Makes sure that `server` may speak for `did`, by what the network says now; the account's PDS.
    pub(super) async fn confirm(
        &self,
        did: &Did,
        server: &ServerMetadata,
    ) -> Result<Origin, OAuthError> {
        let pds = self.pds_of(did).await?;
        let named = self.issuer_of_pds(&pds).await?;
        if named != server.issuer {
            return Err(OAuthError::NotAuthoritative {
                did: did.clone(),
                issuer: server.issuer.clone(),
                named,
            });
        }
        server.protects(&pds).map_err(|fault| refused(&server.issuer, fault))?;
        Ok(pds)
    }

    /// A PDS leads to its server; what is no PDS may be such a server itself.
    async fn server_of_url(&self, at: &Origin) -> Result<ServerMetadata, OAuthError> {
        match self.issuer_of_pds(at).await {
            Ok(issuer) => {
                let server = self.server(&issuer).await?;
                server.protects(at).map_err(|fault| refused(&issuer, fault))?;
                Ok(server)
            }
            Err(error @ OAuthError::Metadata { fault: MetadataFault::Status(_), .. }) => {
                self.server(at).await.map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    async fn issuer_of_pds(&self, pds: &Origin) -> Result<Origin, OAuthError> {
        let json = self.document(pds, "/.well-known/oauth-protected-resource").await?;
        let issuer = metadata::authorization_server(&json, pds, self.guard());
        issuer.map_err(|fault| refused(pds, fault))
    }

    /// The metadata of a server, asked for now.
    pub(super) async fn server(&self, issuer: &Origin) -> Result<ServerMetadata, OAuthError> {
        let json = self.document(issuer, "/.well-known/oauth-authorization-server").await?;
        metadata::server(&json, issuer, self.guard()).map_err(|fault| refused(issuer, fault))
    }

    async fn document(&self, of: &Origin, path: &str) -> Result<Bytes, OAuthError> {
        let request = Request::get(of.at(path))
            .unredirected()
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.http.send(request, METADATA).await.map_err(OAuthError::Http)?;
        if answer.status != 200 {
            return Err(refused(of, MetadataFault::Status(answer.status)));
        }
        let kind = content_type(&answer.headers);
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(refused(of, MetadataFault::ContentType(kind)));
        }
        Ok(answer.body)
    }
}

fn refused(server: &Origin, fault: MetadataFault) -> OAuthError {
    OAuthError::Metadata { server: server.clone(), fault }
}

/// Characters of a content type that an error shows.
const TYPE_CHARS_MAX: usize = 80;

/// The type without its parameters.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().chars().take(TYPE_CHARS_MAX).collect()
}
