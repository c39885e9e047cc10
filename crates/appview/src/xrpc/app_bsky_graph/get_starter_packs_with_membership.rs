//! `app.bsky.graph.getStarterPacksWithMembership`: the viewer's own starter packs, the latest
//! first, and whether an account is in them.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::model::ListItem;
use millrace_dataplane::query::starter_packs::Contents;
use millrace_dataplane::query::{lists, starter_packs};
use serde::Serialize;
use serde_json::value::RawValue;

use super::list_page::known_uris;
use super::starter_pack_contents;
use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::views::list::ListItemView;
use crate::views::starter_pack::StarterPackView;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetStarterPacksWithMembership {
    actor: AtIdentifier,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    starter_packs_with_membership: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// `app.bsky.graph.getStarterPacksWithMembership#starterPackWithMembership`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StarterPackWithMembership<'a> {
    starter_pack: StarterPackView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_item: Option<ListItemView<'a>>,
}

impl Query for GetStarterPacksWithMembership {
    const NSID: &'static str = "app.bsky.graph.getStarterPacksWithMembership";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            actor: params.required("actor")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { actor, limit, cursor } = self;
        let actor = call.did_of(&actor).await?;
        let actor = actor.ok_or_else(|| XrpcError::invalid("Profile not found"))?;
        let page =
            fill_page(cursor, limit, |cursor, limit| page(call, &actor, cursor, limit)).await?;
        Json::of(&Answer { starter_packs_with_membership: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    actor: &Did,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let viewer = call.account()?.clone();
    let question = starter_packs::GetActorStarterPacks { actor: viewer, limit, cursor };
    let found = call.ask(question).await?;
    let packs = known_uris(&found.uris)?;
    let contents = starter_pack_contents::of(call, packs.clone()).await?;
    let items = membership(call, actor, &contents).await?;
    // hydration
    let mut skeleton = starter_pack_contents::skeleton(packs, &contents);
    skeleton.actors.push(actor.clone());
    let hydrated = call.hydrate(skeleton).await?;
    // presentation
    let views = call.views(&hydrated);
    let shown = contents.iter().zip(&items).filter_map(|(pack, item)| {
        pack.list.as_ref()?;
        let list_item = item.as_ref().and_then(|item| views.list_item(item));
        let starter_pack = views.starter_pack(&pack.uri, &pack.sample)?;
        Some(StarterPackWithMembership { starter_pack, list_item })
    });
    Ok(Page { items: raw_all(shown)?, cursor: found.cursor, rest: () })
}

/// By which item the account is on the list of each starter pack.
async fn membership(
    call: &Call<'_>,
    actor: &Did,
    contents: &[Contents],
) -> Result<Vec<Option<ListItem>>, XrpcError> {
    let lists = contents.iter().filter_map(|pack| pack.list.clone()).collect();
    let found = call.ask(lists::GetListMembership { actor: actor.clone(), lists }).await?;
    let item = |pack: &Contents| {
        let uri = found.items.get(&pack.list.as_ref()?.to_string())?.clone();
        Some(ListItem { uri, subject: actor.clone() })
    };
    Ok(contents.iter().map(item).collect())
}
