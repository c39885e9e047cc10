//! One request to a method: who asks, on whose labels, and at which revision of the asker's own
//! repository. Methods ask the data-plane through it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use millrace_atproto::{AtIdentifier, AtUri, Did, Tid};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::Question;
use millrace_dataplane::query::actors::{ActorStanding, GetActors, GetRepoRev};
use millrace_dataplane::query::hydrate::{HYDRATE_MAX, Hydrate, Hydration};
use millrace_dataplane::query::hydrating::{self as query, Hydrating};
use parking_lot::Mutex;
use tracing::Instrument as _;

use super::Api;
use crate::auth::{AuthError, Caller};
use crate::error::XrpcError;
use crate::hydration::Hydrated;
use crate::request::labelers::{self, Labelers};
use crate::request::rates::Tally;
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
    revs: Mutex<Revs>,
    labelers: Option<Labelers>,
    /// How the caller stands, where it is counted.
    tally: Option<Tally>,
}

/// How far the caller's own repository was visible in the snapshots that an answer is made of.
#[derive(Debug, Clone, Copy, Default)]
struct Revs {
    /// In none of them less far; read before the others, or in the same snapshot as all.
    first: Option<Option<Tid>>,
    /// In the last of them; none where that did not say.
    last: Option<Option<Tid>>,
}

impl<'a> Call<'a> {
    /// Finds out who asks, and on whose labels.
    pub(crate) async fn begin(
        api: &'a Api,
        route: Route,
        parts: &'a Parts,
    ) -> Result<Self, XrpcError> {
        let nsid = route.nsid().unwrap_or_default();
        let headers = &parts.headers;
        let sender = (headers, &parts.extensions);
        let caller = match api.auth.caller((route.access, route.verb), nsid, headers).await {
            Ok(caller) => caller,
            Err(error) => {
                api.rates.count_address(sender)?;
                return Err(error.into());
            }
        };
        let tally = api.rates.count(&caller, api.moderation_did.as_ref(), sender)?;
        let labelers =
            route.labels.then(|| Labelers::of(headers, &api.trusted_labelers)).transpose()?;
        let revs = Mutex::default();
        let mut call = Self { api, caller, route, headers, revs, labelers, tally };
        let (labelers, ()) = tokio::try_join!(call.available_labelers(), call.note_reader())?;
        call.labelers = labelers;
        Ok(call)
    }

    /// Puts the headers on an answer.
    pub(crate) fn finish(self, answer: Result<impl IntoResponse, XrpcError>) -> Response {
        let with_rev = answer.is_ok() || self.route.repo_rev == RepoRev::OnErrorsToo;
        let labelers = self.labelers.as_ref().filter(|_| answer.is_ok());
        let mut response =
            answer.map_or_else(IntoResponse::into_response, IntoResponse::into_response);
        let headers = response.headers_mut();
        if let Some(tally) = self.tally {
            tally.put(headers);
        }
        // What a cookie brings nobody on the way may keep for others.
        if self.viewer().is_some() && self.headers.contains_key(header::COOKIE) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        if let Some(labelers) = labelers {
            headers.insert(labelers::CONTENT, labelers.header());
        }
        if let Some(rev) = self.revs.into_inner().first.flatten().filter(|_| with_rev) {
            let rev = HeaderValue::from_str(&rev.to_string()).expect("invariant: a TID is ASCII");
            headers.insert(REPO_REV, rev);
        }
        response
    }

    /// Whether a commit of the caller's own was indexed between the snapshots of the answer. It then shows what
    /// the first revision denies, and the caller's PDS would add it a second time: an answer made anew begins with
    /// a revision of its own.
    pub(super) async fn repo_rev_moved(&self) -> Result<bool, XrpcError> {
        let Revs { first, last } = *self.revs.lock();
        let last = match last {
            Some(rev) => rev,
            None => self.read_repo_rev().await?,
        };
        let has_moved = first.is_some_and(|first| first != last);
        let mut revs = self.revs.lock();
        *revs = match has_moved {
            true => Revs::default(),
            false => Revs { first: Some(last), last: Some(last) },
        };
        Ok(has_moved)
    }

    /// What is missing of an account that somebody looks at who reads here is fetched.
    pub(crate) fn looks_at(&self, did: &Did) {
        if self.viewer().is_some() {
            self.api.looks.note(did, self.api.clock.now_us());
        }
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
        match self.viewer().filter(|_| self.tells_rev()) {
            Some(viewer) => {
                Ok(self.api.dataplane.ask(GetRepoRev { did: viewer.clone() }).await?.rev)
            }
            None => Ok(None),
        }
    }

    fn tells_rev(&self) -> bool {
        self.route.repo_rev != RepoRev::Never
    }

    /// A snapshot that tells no revision is about to be read: the first is read before it.
    async fn before_a_snapshot(&self) -> Result<(), XrpcError> {
        let first = self.revs.lock().first;
        let first = match first {
            Some(first) => first,
            None => self.read_repo_rev().await?,
        };
        *self.revs.lock() = Revs { first: Some(first), last: None };
        Ok(())
    }

    /// A snapshot was read that told its revision.
    fn note_rev(&self, rev: Option<Tid>) {
        let mut revs = self.revs.lock();
        revs.first.get_or_insert(rev);
        revs.last = Some(rev);
    }

    /// Those of the labelers asked for that exist; the trusted ones, and this service, need not
    /// be known here.
    async fn available_labelers(&self) -> Result<Option<Labelers>, XrpcError> {
        let Some(labelers) = &self.labelers else { return Ok(None) };
        let Api { trusted_labelers: trusted, service_did, .. } = self.api;
        let is_sure = |did: &Did| trusted.contains(did) || did == service_did;
        let unsure: Vec<Did> = labelers.dids().filter(|did| !is_sure(did)).cloned().collect();
        let mut labelers = labelers.clone();
        if !unsure.is_empty() {
            let actors = unsure.into_iter().map(AtIdentifier::Did).collect();
            let known = self.api.dataplane.ask(GetActors { actors }).await?.actors;
            let active: Vec<Did> =
                known.into_iter().filter(|s| s.is_shown()).map(|s| s.did).collect();
            labelers.retain(|did| is_sure(did) || active.contains(did));
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
        self.before_a_snapshot().await?;
        Ok(self.api.dataplane.ask(question).await?)
    }

    /// The same where what is asked about may not be known.
    pub(crate) async fn find<Q: Question>(
        &self,
        question: Q,
    ) -> Result<Option<Q::Answer>, XrpcError> {
        self.before_a_snapshot().await?;
        match self.api.dataplane.ask(question).await {
            Err(DataplaneError::NotFound(_)) => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    /// A skeleton with everything its views need, and `also`, in one snapshot; no skeleton where what was asked
    /// about is not known.
    pub(crate) async fn ask_hydrated<S: query::Skeleton>(
        &self,
        skeleton: S,
        also: Skeleton,
    ) -> Result<(Option<S::Answer>, Hydrated), XrpcError> {
        let question = Hydrating { skeleton, hydrate: self.hydration_of(also) };
        let query::Hydrated { skeleton, hydration } = self.api.dataplane.ask(question).await?;
        Ok((skeleton, self.hydrated(hydration)))
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

    /// The DID a name means. A handle must be known here; a DID stands for itself, known or not.
    pub(crate) async fn did_of(&self, actor: &AtIdentifier) -> Result<Option<Did>, XrpcError> {
        match actor {
            AtIdentifier::Did(did) => Ok(Some(did.clone())),
            AtIdentifier::Handle(_) => Ok(self.standing(actor).await?.map(|standing| standing.did)),
        }
    }

    /// The account a name means, if it is known here and may be shown.
    pub(crate) async fn shown_account(
        &self,
        actor: &AtIdentifier,
    ) -> Result<Option<Did>, XrpcError> {
        let standing = self.standing(actor).await?;
        Ok(standing
            .filter(|standing| standing.is_shown() || self.sees_all())
            .map(|standing| standing.did))
    }

    /// Everything the views of a skeleton need, as this caller sees it.
    pub(crate) async fn hydrate(&self, skeleton: Skeleton) -> Result<Hydrated, XrpcError> {
        let question = self.hydration_of(skeleton);
        let span = tracing::info_span!("hydrate", posts = question.posts.len());
        let hydration = self.api.dataplane.ask(question).instrument(span).await?;
        Ok(self.hydrated(hydration))
    }

    fn hydration_of(&self, skeleton: Skeleton) -> Hydrate {
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
            reposts,
        } = skeleton;
        posts.truncate(HYDRATE_MAX);
        let records = posts.len() + lists.len() + generators.len() + starter_packs.len();
        labelled.truncate(HYDRATE_MAX.saturating_sub(records));
        let none = Labelers::default();
        let labelers_accepted = self.labelers.as_ref().unwrap_or(&none);
        actors.truncate(HYDRATE_MAX);
        Hydrate {
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
            reposts,
            repo_rev: self.tells_rev(),
        }
    }

    fn hydrated(&self, hydration: Hydration) -> Hydrated {
        self.note_rev(hydration.repo_rev);
        let none = Labelers::default();
        let labelers = self.labelers.as_ref().unwrap_or(&none);
        Hydrated::new(hydration, self.viewer(), self.sees_all(), labelers)
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
    /// Reposts by which posts are there.
    pub(crate) reposts: Vec<AtUri>,
}
