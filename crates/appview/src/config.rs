//! The AppView's part of the configuration. Values are typed when they are loaded: what stands
//! here is a valid DID, URL or pattern, and nothing later has to ask again.

use millrace_atproto::Did;
use millrace_runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::images::ImagesConfig;
use crate::service_key::ServiceKey;
pub use crate::session::SessionsConfig;
pub use crate::sign_in::client::OAuthKeys;
use crate::urls::{PublicUrl, UrlPattern};

/// `[appview]`: who this service is and how it answers. Listen addresses are the binary's.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppviewConfig {
    /// The DID by which PDSs know this service; the audience of the tokens they send.
    #[schemars(with = "String")]
    pub service_did: Did,
    /// Private key of that DID: 64 hexadecimal characters, K-256. Its public half stands in
    /// `/.well-known/did.json`.
    #[schemars(with = "Option<Secret>")]
    pub service_key: Option<ServiceKey>,
    /// What this service is called where people allow it to act for them.
    pub name: String,
    /// Private keys by which authorization servers know this service when people sign in: 64 hexadecimal characters
    /// each, P-256, one a line. The first signs what begins; keep the others as long as somebody is signed in by
    /// them. A service on the internet needs one for OAuth, a machine of one's own none.
    #[schemars(with = "Secret")]
    pub oauth_keys: OAuthKeys,
    /// What seals the sessions that PDSs give: lines of at least 32 characters. The first seals, all of them open;
    /// what none of them opens is gone, and who it was for has to sign in again. Without any, one is made and kept
    /// in the data folder.
    pub session_secret: Secret,
    /// How long people stay signed in.
    pub sessions: SessionsConfig,
    /// Where clients and PDSs reach this service, without a trailing slash.
    pub public_url: PublicUrl,
    /// Where images are served; `{public_url}`, `{preset}`, `{did}` and `{cid}` are filled in.
    pub image_url_pattern: UrlPattern,
    /// Where a video's playlist is served; `{public_url}`, `{did}` and `{cid}` are filled in.
    pub video_playlist_url_pattern: UrlPattern,
    /// Where a video's preview image is served; filled in like the playlist's.
    pub video_thumbnail_url_pattern: UrlPattern,
    /// Password of `admin` in Basic authentication; without one nobody is let in that way.
    pub admin_password: Secret,
    /// The moderation service's DID: it sees what is hidden from others, and may take down.
    #[schemars(with = "Option<String>")]
    pub moderation_did: Option<Did>,
    /// Labelers that apply to requests which name none, and that need no account here.
    #[schemars(with = "Vec<String>")]
    pub trusted_labelers: Vec<Did>,
    /// Accounts whose word on who others are is shown.
    #[schemars(with = "Vec<String>")]
    pub trusted_verifiers: Vec<Did>,
    /// The account that declares the feeds `home` and `latest` of this service, by records of
    /// `app.bsky.feed.generator` with these keys: homes as they are made here, for readers elsewhere. Without one no
    /// feeds are offered.
    #[schemars(with = "Option<String>")]
    pub feed_publisher: Option<Did>,
    /// Devices that each account may register for push notifications, up to 100; of more, those that came
    /// last stay. Browsers among them are told where `push.enabled` says so, the others are kept for a service of your
    /// own that pushes; with 0 nobody can register any.
    pub push_devices: u32,
    /// Images made here, under `/img`.
    pub images: ImagesConfig,
    /// Bounds of requests.
    pub limits: LimitsConfig,
}

/// `[appview.limits]`: what one request may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Bytes of a request's path and query.
    pub url_bytes_max: usize,
    /// Time for answering one request, in milliseconds.
    pub request_timeout_ms: u64,
    /// Time for a third party to answer with a page of its feed, in milliseconds.
    pub feed_timeout_ms: u64,
    /// Seconds in which requests are counted by who sends them.
    pub rate_window_s: u32,
    /// Requests of one account in `rate_window_s`, whichever PDS sends them; further ones are refused with 429.
    /// 0 is any number.
    pub account_requests_max: u32,
    /// The same of one address where no account asks.
    pub address_requests_max: u32,
    /// Attempts to sign in that name one account, in `rate_window_s`, whoever makes them; 0 is any number.
    pub account_sign_ins_max: u32,
    /// Attempts to sign in from one address.
    pub address_sign_ins_max: u32,
    /// Proxies in front of this service that append to `X-Forwarded-For`: the address that the first of them saw
    /// is counted. Without any it is the connection's own, and what comes from this machine is not counted.
    pub trusted_proxies: u32,
    /// Requests answered at the same time; further ones are refused with 503.
    pub requests_max: usize,
    /// Connections that follow the labels issued here at the same time; further ones are refused with 503.
    pub label_followers_max: usize,
    /// Time for one of them to take up to a hundred labels, in milliseconds; one that takes longer is told
    /// `ConsumerTooSlow` and let go.
    pub label_send_timeout_ms: u64,
    /// Pages of people who are signed in that are told what is new, at the same time; further ones are refused with
    /// 503.
    pub live_pages_max: usize,
    /// Pages of one account that are told what is new at the same time; further ones are refused with 429.
    pub account_live_pages_max: u32,
    /// Between two looks for what is new of one account, however many pages of it are told, in milliseconds; longer
    /// where a look takes long.
    pub live_look_ms: u64,
    /// Service tokens remembered until they expire, so that none is accepted twice.
    pub tokens_remembered_max: usize,
}

impl Default for AppviewConfig {
    fn default() -> Self {
        let pattern = |text: &str| {
            UrlPattern::parse(text).expect("invariant: the default patterns are well formed")
        };
        Self {
            service_did: Did::parse("did:web:localhost%3A5000")
                .expect("invariant: the default DID is well formed"),
            service_key: None,
            name: "Millrace".to_owned(),
            oauth_keys: OAuthKeys::default(),
            session_secret: Secret::default(),
            sessions: SessionsConfig::default(),
            public_url: PublicUrl::parse("http://localhost:5000")
                .expect("invariant: the default URL is well formed"),
            image_url_pattern: pattern("{public_url}/img/{preset}/plain/{did}/{cid}"),
            video_playlist_url_pattern: pattern("{public_url}/vid/{did}/{cid}/playlist.m3u8"),
            video_thumbnail_url_pattern: pattern("{public_url}/vid/{did}/{cid}/thumbnail.jpg"),
            admin_password: Secret::default(),
            moderation_did: None,
            trusted_labelers: Vec::new(),
            trusted_verifiers: Vec::new(),
            feed_publisher: None,
            push_devices: 0,
            images: ImagesConfig::default(),
            limits: LimitsConfig::default(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_bytes_max: 100 * 1024,
            url_bytes_max: 16 * 1024,
            request_timeout_ms: 30_000,
            feed_timeout_ms: 10_000,
            rate_window_s: 300,
            account_requests_max: 6_000,
            address_requests_max: 30_000,
            account_sign_ins_max: 20,
            address_sign_ins_max: 60,
            trusted_proxies: 0,
            requests_max: 1_024,
            label_followers_max: 128,
            label_send_timeout_ms: 20_000,
            live_pages_max: 1_024,
            account_live_pages_max: 10,
            live_look_ms: 3_000,
            tokens_remembered_max: 200_000,
        }
    }
}

impl AppviewConfig {
    /// The image pattern with the public URL filled in, as the data-plane takes it.
    pub fn image_url_pattern(&self) -> String {
        self.image_url_pattern.with_base(&self.public_url).to_string()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use millrace_runtime::config::{Sources, example, load};

    use super::*;

    fn loaded(name: &str, value: &str) -> Result<AppviewConfig, String> {
        let env = vec![(format!("MILLRACE_{name}"), value.to_owned())];
        let loaded = load(Sources { env, ..Sources::default() });
        loaded.map(|loaded| loaded.value).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_typed_when_they_are_loaded() {
        let config = loaded("PUBLIC_URL", "https://appview.example/").unwrap();
        assert_eq!(
            config.image_url_pattern(),
            "https://appview.example/img/{preset}/plain/{did}/{cid}"
        );
        let config = loaded("SERVICE_DID", "did:plc:abc").unwrap();
        assert_eq!(config.service_did.as_str(), "did:plc:abc");
        let config = loaded("MODERATION_DID", "did:plc:abc").unwrap();
        assert_eq!(config.moderation_did.unwrap().as_str(), "did:plc:abc");
        for (name, value) in [
            ("SERVICE_DID", "appview.example"),
            ("PUBLIC_URL", "appview.example"),
            ("IMAGE_URL_PATTERN", "https://cdn.example/"),
            ("MODERATION_DID", "x"),
        ] {
            let error = loaded(name, value).unwrap_err();
            assert!(error.contains(&name.to_lowercase()), "{error}");
        }
    }

    #[test]
    fn the_example_names_every_setting() {
        let example = example::<AppviewConfig>();
        for key in
            ["service_did", "public_url", "image_url_pattern", "admin_password", "requests_max"]
        {
            assert!(example.contains(key), "{key} in\n{example}");
        }
    }
}
