//! One request to a method: who asks, on whose labels, and at which revision of the asker's own
//! repository. Methods ask the data-plane through it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use millrace_atproto::{AtIdentifier, AtUri, Did, Tid};
use millrace_dataplane::query::Question;
use millrace_dataplane::query::actors::{ActorStanding, GetActors, GetRepoRev};
use millrace_dataplane::query::hydrate::{HYDRATE_MAX, Hydrate};
use tracing::Instrument as _;

use super::Api;
use crate::auth::{AuthError, Caller};
use crate::error::XrpcError;
use crate::hydration::Hydrated;
use crate::request::labelers::{self, Labelers};
use crate::routes::{RepoRev, Route};
use crate::urls::MediaUrls;
use crate::views::Views;

/// Posts that are presented where the request is; more take longer than an async thread may.
const POSTS_INLINE_MAX: usize = 100;
const REPO_REV: HeaderName = HeaderName::from_static("atproto-repo-rev");

/// A request whose caller is known.
pub(crate) struct Call<'a> {
    api: &'a Api,
    caller: Caller,
    route: Route,
    headers: &'a HeaderMap,
    repo_rev: Option<Tid>,
    labelers: Option<Labelers>,
}

impl<'a> Call<'a> {
    /// Finds out who asks, then, before anything else, how far their repository is visible.
    pub(super) async fn begin(
        api: &'a Api,
        route: Route,
        headers: &'a HeaderMap,
    ) -> Result<Self, XrpcError> {
        let nsid = route.nsid().unwrap_or_default();
        let caller = api.auth.caller(route.access, nsid, headers).await?;
        let labelers =
            route.labels.then(|| Labelers::of(headers, &api.trusted_labelers)).transpose()?;
        let mut call = Self { api, caller, route, headers, repo_rev: None, labelers };
        let (repo_rev, labelers, ()) =
            tokio::try_join!(call.read_repo_rev(), call.available_labelers(), call.note_reader())?;
        call.repo_rev = repo_rev;
        call.labelers = labelers;
        Ok(call)
    }

    /// Puts the headers on an answer.
    pub(super) fn finish(self, answer: Result<impl IntoResponse, XrpcError>) -> Response {
        let with_rev = answer.is_ok() || self.route.repo_rev == RepoRev::OnErrorsToo;
        let labelers = self.labelers.as_ref().filter(|_| answer.is_ok());
        let mut response =
            answer.map_or_else(IntoResponse::into_response, IntoResponse::into_response);
        let headers = response.headers_mut();
        if let Some(labelers) = labelers {
            headers.insert(labelers::CONTENT, labelers.header());
        }
        if let Some(rev) = self.repo_rev.filter(|_| with_rev) {
            let rev = HeaderValue::from_str(&rev.to_string()).expect("invariant: a TID is ASCII");
            headers.insert(REPO_REV, rev);
        }
        response
    }

    /// Whether a commit of the caller's own was indexed since the revision was read. The answer
    /// then shows what the revision denies, and the caller's PDS would add it a second time; the
    /// new revision is taken up, for an answer made after it.
    pub(super) async fn repo_rev_moved(&mut self) -> Result<bool, XrpcError> {
        let now = self.read_repo_rev().await?;
        Ok(std::mem::replace(&mut self.repo_rev, now) != now)
    }

    /// Who reads here is of interest here.
    async fn note_reader(&self) -> Result<(), XrpcError> {
        if let Some(viewer) = self.viewer() {
            let Api { readers, dataplane, clock, .. } = self.api;
            readers.note(dataplane, viewer, clock.now_us()).await;
        }
        Ok(())
    }

    async fn read_repo_rev(&self) -> Result<Option<Tid>, XrpcError> {
        match self.viewer() {
            Some(viewer) if self.route.repo_rev != RepoRev::Never => {
                Ok(self.ask(GetRepoRev { did: viewer.clone() }).await?.rev)
            }
            _ => Ok(None),
        }
    }

    /// Those of the labelers asked for that exist; the trusted ones need not be known here.
    async fn available_labelers(&self) -> Result<Option<Labelers>, XrpcError> {
        let Some(labelers) = &self.labelers else { return Ok(None) };
        let trusted = &self.api.trusted_labelers;
        let unsure: Vec<Did> =
            labelers.dids().filter(|did| !trusted.contains(did)).cloned().collect();
        let mut labelers = labelers.clone();
        if !unsure.is_empty() {
            let known = self.standings(unsure.into_iter().map(AtIdentifier::Did).collect()).await?;
            let active: Vec<Did> = known.into_iter().filter(|s| s.active).map(|s| s.did).collect();
            labelers.retain(|did| trusted.contains(did) || active.contains(did));
        }
        Ok(Some(labelers))
    }

    /// The account that asks, if one does.
    pub(crate) fn viewer(&self) -> Option<&Did> {
        match &self.caller {
            Caller::Account(did) => Some(did),
            Caller::Anonymous | Caller::Operator => None,
        }
    }

    /// The account that asks, on methods that need one.
    pub(crate) fn account(&self) -> Result<&Did, XrpcError> {
        self.viewer().ok_or(XrpcError::Auth(AuthError::Missing))
    }

    /// Accounts that are not active are shown to who moderates.
    pub(crate) fn sees_all(&self) -> bool {
        self.caller == Caller::Operator
            || (self.viewer().is_some() && self.viewer() == self.api.moderation_did.as_ref())
    }

    /// The request's headers.
    pub(crate) fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    pub(crate) fn api(&self) -> &'a Api {
        self.api
    }

    pub(crate) fn urls(&self) -> &'a MediaUrls {
        &self.api.urls
    }

    pub(crate) async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, XrpcError> {
        Ok(self.api.dataplane.ask(question).await?)
    }

    /// What is known of the accounts these names mean; unknown ones have no item.
    pub(crate) async fn standings(
        &self,
        actors: Vec<AtIdentifier>,
    ) -> Result<Vec<ActorStanding>, XrpcError> {
        Ok(self.ask(GetActors { actors }).await?.actors)
    }

    /// The account a name means, if it is known here.
    pub(crate) async fn standing(
        &self,
        actor: &AtIdentifier,
    ) -> Result<Option<ActorStanding>, XrpcError> {
        Ok(self.standings(vec![actor.clone()]).await?.pop())
    }

    /// The account a name means, if it is known here and may be shown.
    pub(crate) async fn shown_account(
        &self,
        actor: &AtIdentifier,
    ) -> Result<Option<Did>, XrpcError> {
        let standing = self.standing(actor).await?;
        Ok(standing
            .filter(|standing| standing.active || self.sees_all())
            .map(|standing| standing.did))
    }

    /// Everything the views of a skeleton need, as this caller sees it.
    pub(crate) async fn hydrate(&self, skeleton: Skeleton) -> Result<Hydrated, XrpcError> {
        let Skeleton {
            mut posts,
            mut actors,
            lists,
            generators,
            starter_packs,
            labelers,
            reply_refs,
            detailed,
            mut labelled,
        } = skeleton;
        posts.truncate(HYDRATE_MAX);
        let records = posts.len() + lists.len() + generators.len() + starter_packs.len();
        labelled.truncate(HYDRATE_MAX.saturating_sub(records));
        let none = Labelers::default();
        let labelers_accepted = self.labelers.as_ref().unwrap_or(&none);
        actors.truncate(HYDRATE_MAX);
        let question = Hydrate {
            viewer: self.viewer().cloned(),
            posts,
            actors,
            lists,
            generators,
            starter_packs,
            labelers,
            reply_refs,
            detailed,
            trusted_verifiers: self.api.trusted_verifiers.clone(),
            accept_labelers: labelers_accepted.dids().cloned().collect(),
            labelled,
        };
        let span = tracing::info_span!("hydrate", posts = question.posts.len());
        let hydration = self.ask(question).instrument(span).await?;
        Ok(Hydrated::new(hydration, self.sees_all(), labelers_accepted))
    }

    /// Makes what may be a large view away from the async threads, which must not be held up.
    pub(crate) async fn present_apart<T: Send + 'static>(
        &self,
        hydrated: Hydrated,
        present: impl FnOnce(Views<'_>) -> T + Send + 'static,
    ) -> Result<T, XrpcError> {
        let is_small = hydrated.posts() <= POSTS_INLINE_MAX;
        let (urls, viewer) = (Arc::clone(&self.api.urls), self.viewer().cloned());
        let now_us = self.api.clock.now_us();
        let span = tracing::info_span!("present");
        let work = move || {
            let _span = span.entered();
            present(Views { hydrated: &hydrated, urls: &urls, viewer: viewer.as_ref(), now_us })
        };
        if is_small {
            return Ok(work());
        }
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| XrpcError::Internal(format!("a view was not made: {error}")))
    }

    /// Views for this caller.
    pub(crate) fn views<'v>(&'v self, hydrated: &'v Hydrated) -> Views<'v> {
        Views {
            hydrated,
            urls: self.urls(),
            viewer: self.viewer(),
            now_us: self.api.clock.now_us(),
        }
    }
}

/// What an answer shows, by name.
#[derive(Debug, Default)]
pub(crate) struct Skeleton {
    pub(crate) posts: Vec<AtUri>,
    pub(crate) actors: Vec<Did>,
    pub(crate) lists: Vec<AtUri>,
    pub(crate) generators: Vec<AtUri>,
    pub(crate) starter_packs: Vec<AtUri>,
    /// Accounts whose labeler services are shown.
    pub(crate) labelers: Vec<Did>,
    /// Feed views show what a reply answers.
    pub(crate) reply_refs: bool,
    /// Accounts shown in detail.
    pub(crate) detailed: Vec<Did>,
    /// Further records whose labels are shown.
    pub(crate) labelled: Vec<AtUri>,
}
