//! The public listener: routes and the layers around them. Each group of routes has its own state
//! with the few handles it needs.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use http::Method;
use millrace_dataplane::query::push::DEVICES_MAX;
use millrace_net::oauth::{ClientFault, OAuthClient};
use millrace_net::{HttpClient, PdsClient, Resolver};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Shutdown;
use tokio::sync::Semaphore;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::admin::{self, AdminState};
use crate::auth::{Authenticator, Operator, ServiceTokens, Signed};
use crate::config::AppviewConfig;
use crate::dashboard::{self, Address};
use crate::error::XrpcError;
use crate::health;
use crate::images::{self, ImagesDeps};
use crate::issuer::Issuer;
use crate::label_stream::LabelStream;
use crate::metrics::Metrics;
use crate::posting::{self, Posting, PostingState};
use crate::request::bounds::{self, Bounds};
use crate::request::rates::{self, Beside, Rates};
use crate::rest;
use crate::session::Sessions;
use crate::sign_in::{self, Acting, Cookies, Live, SignInState, UPLOADS_MAX, Upkeep};
use crate::urls::MediaUrls;
use crate::well_known;
use crate::xrpc::{self, Api};

/// How long a browser may remember what it is allowed to ask, in seconds.
const PREFLIGHT_MAX_AGE_S: u64 = 86_400;

/// Requests under way to one host that serves feeds, and requests a second: it answers for many
/// callers, and a slow one must not keep others' requests.
const FEED_SERVER_REQUESTS_MAX: u32 = 64;
const FEED_SERVER_REQUESTS_PER_SECOND_MAX: f64 = 200.0;

/// What an AppView is made of.
pub struct AppviewDeps {
    pub config: AppviewConfig,
    pub dataplane: millrace_dataplane::Client,
    /// Homes; without them they are read by pull.
    pub feeds: Option<millrace_feeds::Client>,
    pub ingest: millrace_ingest::Client,
    /// Looks up the keys of those who sign service tokens, and handles not known here.
    pub resolver: Resolver,
    /// Asks feed generators.
    pub http: HttpClient,
    /// The operator's token, from the data folder.
    pub admin_token: Option<Secret>,
    /// The domain `session`, which is this service's alone.
    pub session: millrace_store::Store,
    /// Where this process answers, if that is known before.
    pub listening: Option<std::net::SocketAddr>,
    pub rng: Rng,
    pub clock: SharedClock,
    pub registry: Registry,
    /// Ends the streams that are served; requests under way are finished by whoever serves the router.
    pub shutdown: Shutdown,
}

/// An AppView that has not begun to serve.
pub struct Appview {
    /// All public routes; the table is [`crate::routes::ROUTES`]. Served with the address of who connects
    /// (`ConnectInfo`), callers without an account are counted by it.
    pub router: Router,
    /// To be called now and then.
    pub upkeep: Upkeep,
    /// To be called again and again: posts on their way.
    pub posting: Posting,
}

/// Puts an AppView together.
///
/// # Errors
/// The configuration makes no client of authorization servers.
pub fn build(deps: AppviewDeps) -> Result<Appview, ClientFault> {
    let AppviewDeps {
        config,
        dataplane,
        feeds,
        ingest,
        resolver,
        http,
        admin_token,
        session,
        listening,
        rng,
        clock,
        registry,
        shutdown,
    } = deps;
    let metrics = Metrics::new(&registry);
    let tokens_max = config.limits.tokens_remembered_max;
    let client = Arc::new(sign_in::Client::new(&config, listening)?);
    let origins = [client.origin.clone(), config.public_url.as_str().to_owned()];
    let cookies = Arc::new(Cookies::new(origins.into()));
    let address = Address::of(&client.origin);
    let sessions = Arc::new(Sessions::new(
        session,
        &config.session_secret,
        config.sessions.clone(),
        clock.clone(),
        rng.fork(),
    ));
    let oauth = OAuthClient::new(
        client.identity.clone(),
        http.clone(),
        resolver.clone(),
        clock.clone(),
        rng.fork(),
    );
    let signed = Signed { sessions: sessions.clone(), cookies };
    let auth = Arc::new(Authenticator {
        signed: signed.clone(),
        tokens: ServiceTokens::new(
            &config.service_did,
            config.moderation_did.clone(),
            tokens_max,
            resolver.clone(),
            clock.clone(),
        ),
        operator: Operator::new(config.admin_password.clone(), admin_token),
    });
    let bounds = Bounds::new(&config.limits, metrics.clone());
    let rates = Arc::new(Rates::new(&config.limits, clock.clone()));
    let beside = Beside { rates: rates.clone(), auth: auth.clone() };
    let issuer = Issuer::new(config.service_did.clone(), config.service_key.clone());
    let label_stream = LabelStream::new(
        dataplane.clone(),
        issuer.clone(),
        &config.limits,
        metrics.clone(),
        shutdown.clone(),
    );
    let live =
        Live::new(dataplane.clone(), sessions.clone(), &config.limits, metrics.clone(), shutdown);
    let acting = Acting::new(sessions.clone(), oauth);
    let upkeep = Upkeep::new(sessions, acting.clone(), live.clone(), dataplane.clone());
    let posting = Posting::new(acting.clone(), dataplane.clone(), rng.fork(), &registry);
    let uploads = Arc::new(Semaphore::new(UPLOADS_MAX));
    let people = SignInState {
        acting,
        signed: signed.clone(),
        client,
        dataplane: dataplane.clone(),
        clock: clock.clone(),
        rates: rates.clone(),
        sign_in_rates: Arc::new(Rates::of_sign_ins(&config.limits, clock.clone())),
        uploads: uploads.clone(),
        live,
        moderator: config.moderation_did.clone(),
        body_bytes_max: config.limits.body_bytes_max,
    };
    let pds = PdsClient::new(http.clone());
    let images = images::router(ImagesDeps {
        config: &config.images,
        dataplane: dataplane.clone(),
        resolver: resolver.clone(),
        pds: pds.clone(),
        registry: &registry,
    });
    let pages = millrace_feeds::metrics::Pages::new(&registry, clock.clone());
    let api = Arc::new(Api {
        dataplane: dataplane.clone(),
        feeds: feeds.clone(),
        pages: pages.clone(),
        auth: auth.clone(),
        resolver,
        pds,
        feed_servers: http
            .with_rates(FEED_SERVER_REQUESTS_MAX, FEED_SERVER_REQUESTS_PER_SECOND_MAX),
        urls: Arc::new(media_urls(&config)),
        moderation_did: config.moderation_did.clone(),
        trusted_labelers: config.trusted_labelers.clone(),
        service_did: config.service_did.clone(),
        feed_publisher: config.feed_publisher.clone(),
        push_devices: config.push_devices.min(DEVICES_MAX),
        trusted_verifiers: config.trusted_verifiers.clone(),
        clock: clock.clone(),
        body_bytes_max: config.limits.body_bytes_max,
        feed_timeout_ms: config.limits.feed_timeout_ms,
        metrics,
        readers: crate::readers::Readers::default(),
        looks: Arc::new(crate::looks::Looks::new(ingest.clone())),
        rates,
        label_stream,
    });
    let posts =
        PostingState { api: Arc::clone(&api), signed, posting: posting.clone(), rng, uploads };
    let started_us = clock.now_us();
    let body_bytes_max = config.limits.body_bytes_max;
    let admin = AdminState {
        ingest,
        dataplane: dataplane.clone(),
        feeds,
        pages,
        auth,
        clock,
        started_us,
        body_bytes_max,
        issuer,
        upkeep: upkeep.clone(),
    };
    let router = Router::new()
        .route("/", get(dashboard::home))
        .route("/robots.txt", get(health::robots))
        .merge(well_known::router(&config))
        .merge(health::router(dataplane.clone()))
        .merge(dashboard::router(address))
        .merge(admin::router(admin))
        .merge(images)
        .merge(sign_in::router(people))
        .merge(rest::router(Arc::clone(&api)))
        .merge(posting::router(posts))
        .merge(xrpc::router(api))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_verb)
        .layer(middleware::from_fn_with_state(beside, rates::beside_methods))
        .layer(middleware::from_fn_with_state(bounds, bounds::apply))
        .layer(cors());
    Ok(Appview { router, upkeep, posting })
}

fn media_urls(config: &AppviewConfig) -> MediaUrls {
    MediaUrls {
        image: config.image_url_pattern.with_base(&config.public_url),
        video_playlist: config.video_playlist_url_pattern.with_base(&config.public_url),
        video_thumbnail: config.video_thumbnail_url_pattern.with_base(&config.public_url),
    }
}

/// Any page may ask: no browser adds cookies for it, and who is signed in is told to our own pages alone.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_secs(PREFLIGHT_MAX_AGE_S))
}

async fn not_found() -> XrpcError {
    XrpcError::NotFound
}

async fn wrong_verb(verb: Method) -> XrpcError {
    XrpcError::invalid(format!("Incorrect HTTP method ({verb})"))
}
