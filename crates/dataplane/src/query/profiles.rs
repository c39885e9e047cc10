//! `getProfile`, `getProfiles`: the seed's flat profiles, for callers that want no lexicon views.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::AtIdentifier;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, hydrate, lookup, taken_down};
use crate::error::DataplaneError;
use crate::model::{Actor, ProfileRecord};

/// Most profiles one question may ask for.
pub const PROFILES_MAX: usize = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetProfile {
    pub actor: AtIdentifier,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetProfiles {
    pub actors: Vec<AtIdentifier>,
}

/// The profiles found, in the order asked for; unknown and inactive accounts, and those taken
/// down here, are left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profiles {
    pub profiles: Vec<ProfileRecord>,
}

impl Question for GetProfile {
    const NAME: &'static str = "getProfile";
    type Answer = ProfileRecord;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<ProfileRecord, DataplaneError> {
        let not_found = || DataplaneError::NotFound(format!("profile not found: {}", self.actor));
        let asked = GetProfiles { actors: vec![self.actor.clone()] };
        asked.answer(tx, cx)?.profiles.pop().ok_or_else(not_found)
    }
}

impl Question for GetProfiles {
    const NAME: &'static str = "getProfiles";
    type Answer = Profiles;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<Profiles, DataplaneError> {
        if self.actors.len() > PROFILES_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {PROFILES_MAX} actors, not {}",
                self.actors.len()
            )));
        }
        let mut ids = Vec::with_capacity(self.actors.len());
        for actor in &self.actors {
            ids.extend(lookup::known_actor(tx, actor)?);
        }
        let mut found = hydrate::actors(tx, &ids)?;
        if taken_down::any(tx)? {
            let down = taken_down::among(tx, ids.iter().map(|id| taken_down::account(*id)))?;
            found.retain(|id, _| !down.hides(taken_down::account(*id)));
        }
        let profiles = ids.iter().filter_map(|id| found.remove(id));
        Ok(Profiles {
            profiles: profiles.filter(|actor| actor.active).map(|actor| flat(&actor, cx)).collect(),
        })
    }
}

/// The fields of a profile record the flat shape shows.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    display_name: Option<String>,
    description: Option<String>,
    avatar: Option<Blob>,
    banner: Option<Blob>,
}

#[derive(Deserialize)]
struct Blob {
    r#ref: Link,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "$link")]
    link: String,
}

fn flat(actor: &Actor, cx: &Context) -> ProfileRecord {
    let record = actor.profile.as_ref();
    let shown: Shown =
        record.and_then(|r| serde_json::from_str(r.value.get()).ok()).unwrap_or_default();
    let image = |preset: &str, blob: Option<Blob>| {
        blob.map(|blob| {
            crate::images::url(&cx.image_url_pattern, preset, actor.did.as_str(), &blob.r#ref.link)
        })
    };
    ProfileRecord {
        did: actor.did.clone(),
        handle: actor.handle.as_ref().map_or("handle.invalid", |h| h.as_str()).to_owned(),
        display_name: shown.display_name,
        description: shown.description,
        avatar_url: image("avatar", shown.avatar),
        banner_url: image("banner", shown.banner),
        followers_count: actor.followers_count,
        follows_count: actor.follows_count,
        posts_count: actor.posts_count,
        indexed_at: format_ms_us(record.map_or(actor.indexed_at_us, |r| r.indexed_at_us)),
    }
}
