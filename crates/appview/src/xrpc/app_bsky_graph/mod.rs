//! `app.bsky.graph.*`, one file a method.

mod follow_page;
mod list_page;
mod people_page;
mod purposes;
mod starter_pack_contents;
pub(super) mod starter_pack_search;

pub(super) mod get_actor_starter_packs;
pub(super) mod get_blocks;
pub(super) mod get_followers;
pub(super) mod get_follows;
pub(super) mod get_known_followers;
pub(super) mod get_list;
pub(super) mod get_list_blocks;
pub(super) mod get_list_mutes;
pub(super) mod get_lists;
pub(super) mod get_lists_with_membership;
pub(super) mod get_mutes;
pub(super) mod get_relationships;
pub(super) mod get_starter_pack;
pub(super) mod get_starter_packs;
pub(super) mod get_starter_packs_with_membership;
pub(super) mod get_suggested_follows_by_actor;
pub(super) mod mute_actor;
pub(super) mod mute_actor_list;
pub(super) mod mute_thread;
pub(super) mod search_starter_packs;
pub(super) mod search_starter_packs_v2;
pub(super) mod unmute_actor;
pub(super) mod unmute_actor_list;
pub(super) mod unmute_thread;
