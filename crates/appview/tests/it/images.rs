//! `/img`: from a blob at a PDS to an image at a client, and what stands between.

use std::collections::HashMap;
use std::io::Cursor;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::StatusCode;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use millrace_appview::AppviewConfig;
use millrace_appview::config::ImagesConfig;
use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::CidString;
use millrace_dataplane::query::takedown::TakedownSubject;
use millrace_runtime::supervise::TaskSet;
use parking_lot::Mutex;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::people::did;
use crate::world::{Reach, World};

/// What a PDS does when it is asked for a blob.
#[derive(Debug, Clone)]
enum Script {
    Gives(Bytes),
    Refuses(u16),
    Stalls,
    Endless,
    Redirects(String),
}

/// A PDS that has blobs.
struct Pds {
    scripts: Arc<Mutex<HashMap<String, Script>>>,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: TaskSet<()>,
}

type Held = (Arc<Mutex<HashMap<String, Script>>>, Arc<Mutex<Vec<String>>>);

impl Pds {
    /// Starts one that hosts `name`.
    async fn start(world: &World, name: &str) -> Self {
        world.actor(name);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        world.directory.hosts(&did(name), &url);
        let (scripts, asked) = Held::default();
        let routes = Router::new()
            .route("/xrpc/com.atproto.sync.getBlob", get(give))
            .with_state((scripts.clone(), asked.clone()));
        let mut tasks = TaskSet::new();
        tasks.spawn("pds", async move { axum::serve(listener, routes).await.unwrap() });
        Self { scripts, asked, _tasks: tasks }
    }

    /// Has a blob; its CID.
    fn has(&self, blob: &[u8]) -> String {
        self.plays(blob, Script::Gives(Bytes::copy_from_slice(blob)))
    }

    /// Does so when it is asked for the blob of these bytes; its CID.
    fn plays(&self, blob: &[u8], script: Script) -> String {
        let cid = Cid::of_raw(blob).to_string();
        self.scripts.lock().insert(cid.clone(), script);
        cid
    }

    fn asked(&self) -> usize {
        self.asked.lock().len()
    }
}

async fn give(
    State((scripts, asked)): State<Held>,
    Query(params): Query<HashMap<String, String>>,
) -> Response {
    assert_eq!(params["did"], did("alice").as_str());
    asked.lock().push(params["cid"].clone());
    let script = scripts.lock().get(&params["cid"]).cloned();
    match script.unwrap_or(Script::Refuses(400)) {
        Script::Gives(blob) => blob.into_response(),
        Script::Refuses(status) => {
            let body = axum::Json(json!({ "error": "BlobNotFound", "message": "Blob not found" }));
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Script::Stalls => std::future::pending().await,
        Script::Endless => {
            let chunks = futures_util::stream::repeat_with(|| {
                Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 64 * 1024]))
            });
            Body::from_stream(chunks).into_response()
        }
        Script::Redirects(url) => Redirect::temporary(&url).into_response(),
    }
}

struct Place {
    world: World,
    pds: Pds,
    _folder: TempDir,
}

/// A world with images kept in a folder of the test's own.
async fn place(reach: Reach, change: impl FnOnce(&mut ImagesConfig)) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let mut images = ImagesConfig {
        cache_dir: Some(folder.path().join("images")),
        fetch_timeout_ms: 2_000,
        ..ImagesConfig::default()
    };
    change(&mut images);
    let config = AppviewConfig { images, ..AppviewConfig::default() };
    let world = World::open_with(reach, config).await;
    let pds = Pds::start(&world, "alice").await;
    world.settle().await;
    Place { world, pds, _folder: folder }
}

struct Seen {
    status: u16,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Width and height of the image.
    #[track_caller]
    fn size(&self) -> (u32, u32) {
        assert_eq!(self.status, 200, "{:?}", self.body);
        let image = image::load_from_memory(&self.body).unwrap();
        (image.width(), image.height())
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

impl Place {
    async fn get(&self, path: &str) -> Seen {
        self.get_if(path, "\"other\"").await
    }

    async fn get_if(&self, path: &str, tag: &str) -> Seen {
        let request = self.world.request("GET", path).header("if-none-match", tag);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Seen { status, headers, body: response.bytes().await.unwrap() }
    }

    fn path(preset: &str, cid: &str) -> String {
        format!("/img/{preset}/plain/{}/{cid}", did("alice"))
    }

    async fn image(&self, cid: &str) -> Seen {
        self.get(&Self::path("feed_fullsize", cid)).await
    }
}

fn photo(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 77]));
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut out, format).unwrap();
    out.into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_once_and_kept() {
    let place = place(Reach::Local, |_| ()).await;
    let cid = place.pds.has(&photo(1_600, 800, ImageFormat::Jpeg));
    // However many ask at once, the PDS is asked once.
    let path = Place::path("feed_fullsize", &cid);
    let asking = (0..20).map(|_| place.get(&path));
    for seen in futures_util::future::join_all(asking).await {
        assert_eq!(seen.size(), (1_000, 500));
    }
    assert_eq!(place.pds.asked(), 1);
    let seen = place.get(&path).await;
    assert_eq!(seen.header("content-type"), "image/jpeg");
    assert_eq!(seen.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(seen.header("x-content-type-options"), "nosniff");
    assert_eq!(seen.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(seen.header("access-control-allow-origin"), "*");
    let unchanged = place.get_if(&path, seen.header("etag")).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    // Other sizes and formats are made of the same blob.
    assert_eq!(place.get(&Place::path("avatar", &cid)).await.size(), (800, 800));
    assert_eq!(place.get(&Place::path("avatar_thumbnail", &cid)).await.size(), (128, 128));
    assert_eq!(place.get(&Place::path("banner", &cid)).await.size(), (1_600, 533));
    let png = place.get(&format!("{path}@png")).await;
    assert_eq!((png.header("content-type"), png.size()), ("image/png", (1_000, 500)));
    let webp = place.get(&format!("{path}@webp")).await;
    assert_eq!((webp.header("content-type"), webp.size()), ("image/webp", (1_000, 500)));
    let asked = place.pds.asked();
    // A process that knows nothing yet finds them on disk.
    place.world.registry.caches().clear(Some("images"));
    let again = place.get(&path).await;
    assert_eq!((again.body == seen.body, place.pds.asked()), (true, asked));
    let metrics = place.world.metrics();
    let counted = |line: &str| assert!(metrics.contains(line), "{line} in {metrics}");
    counted("millrace_appview_images_total{from=\"disk\"} 1");
    counted("millrace_appview_images_total{from=\"unchanged\"} 1");
    counted("millrace_appview_images_total{from=\"origin\"} 6");
    // And an operator empties both.
    let key = format!("{}/{cid}", did("alice"));
    let had = place.world.registry.caches().forget(None, &key).await;
    assert_eq!(had, ["images", "images-on-disk"]);
    place.image(&cid).await.size();
    assert_eq!(place.pds.asked(), asked + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_at_once() {
    let place = place(Reach::Remote, |_| ()).await;
    let blob = photo(40, 40, ImageFormat::Png);
    let cid = place.pds.has(&blob);
    let seen = place.image(&cid).await;
    assert_eq!(seen.size(), (40, 40));
    let tag = seen.header("etag").to_owned();
    let blob = TakedownSubject::Blob { did: did("alice"), cid: CidString::parse(&cid).unwrap() };
    for subject in [blob, TakedownSubject::Account { did: did("alice") }] {
        place.world.takes_down(&subject).await;
        // Kept here and at the client, and gone all the same.
        for seen in
            [place.image(&cid).await, place.get_if(&Place::path("feed_fullsize", &cid), &tag).await]
        {
            assert_eq!((seen.status, seen.header("cache-control")), (404, "no-store"));
        }
        place.world.lifts(&subject).await;
        assert_eq!(place.image(&cid).await.status, 200);
    }
    // Whoever is not known here is not asked for.
    let path = format!("/img/avatar/plain/{}/{cid}", did("stranger"));
    assert_eq!(place.get(&path).await.status, 404);
    place.world.actor("alice").is(false, Some("deactivated"));
    place.world.settle().await;
    assert_eq!(place.image(&cid).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_that_are_no_images() {
    let place = place(Reach::Local, |images| {
        images.pixels_max = 1_000_000;
        images.blob_bytes_max = 500_000;
    })
    .await;
    let refused = async |cid: &str, status: u16, reason: &str, counted: &str| {
        let seen = place.image(cid).await;
        assert_eq!(seen.status, status, "{}", seen.text());
        assert!(seen.text().contains(reason), "{}", seen.text());
        assert_eq!(seen.header("content-type"), "application/json");
        assert_eq!(seen.header("cache-control"), "no-store");
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        let line = format!("millrace_appview_images_refused_total{{reason=\"{counted}\"}}");
        assert!(place.world.metrics().contains(&line), "{counted}");
    };
    let has = |blob: &[u8]| place.pds.has(blob);
    refused(&has(b"<svg><script>1</script></svg>"), 400, "no JPEG, PNG", "format").await;
    refused(&has(b"<!doctype html><script>1</script>"), 400, "no JPEG, PNG", "format").await;
    let whole = photo(300, 300, ImageFormat::Png);
    refused(&has(&whole[..whole.len() / 2]), 400, "cannot be read", "broken").await;
    let mut large = Cursor::new(Vec::new());
    let black = DynamicImage::ImageRgb8(RgbImage::new(2_000, 1_000));
    black.write_to(&mut large, ImageFormat::Png).unwrap();
    let large = large.into_inner();
    refused(&has(&large), 400, "2000 by 1000 pixels", "pixels").await;
    let other = place.pds.plays(b"something else", Script::Gives(whole.into()));
    refused(&other, 404, "Blob not found", "mismatch").await;
    refused(&has(&vec![7; 600_000]), 400, "500000 bytes", "bytes").await;
    refused(&place.pds.plays(b"endless", Script::Endless), 400, "500000 bytes", "bytes").await;
    // What it is does not change: it is not fetched again.
    let asked = place.pds.asked();
    refused(&has(&large), 400, "2000 by 1000 pixels", "pixels").await;
    assert_eq!(place.pds.asked(), asked);
    for (path, why) in [
        ("/img/huge/plain/did:plc:a/x", "bad preset"),
        ("/img/avatar/plain/alice.test/x", "bad did"),
        ("/img/avatar/plain/did:plc:a/x", "bad cid"),
    ] {
        let seen = place.get(path).await;
        assert_eq!((seen.status, seen.text().contains(why)), (400, true), "{}", seen.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_none() {
    let place = place(Reach::Local, |images| images.fetch_timeout_ms = 300).await;
    let plays = |name: &str, script: Script| place.pds.plays(name.as_bytes(), script);
    let status = async |cid: &str| place.image(cid).await.status;
    assert_eq!(status(&plays("refused", Script::Refuses(400))).await, 404);
    assert_eq!(status(&plays("gone", Script::Refuses(404))).await, 404);
    assert_eq!(status(&plays("broken", Script::Refuses(500))).await, 502);
    let stalled = plays("stalled", Script::Stalls);
    let answered = tokio::time::timeout(Duration::from_secs(20), status(&stalled)).await;
    assert_eq!(answered.unwrap(), 502);
    // The inside of where this runs is not fetched on behalf of a stranger.
    for inside in
        ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "file:///etc/passwd"]
    {
        let cid = plays(inside, Script::Redirects(inside.to_owned()));
        assert_eq!(status(&cid).await, 502, "{inside}");
    }
    // While one of them stalls, others are served.
    let cid = place.pds.has(&photo(10, 10, ImageFormat::Gif));
    let path = Place::path("avatar", &plays("stalls too", Script::Stalls));
    let (stalled, served) = futures_util::join!(place.get(&path), place.image(&cid));
    assert_eq!((stalled.status, served.size()), (502, (10, 10)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_may_be_left_to_a_cdn() {
    let images = ImagesConfig { serve: false, ..ImagesConfig::default() };
    let image_url_pattern = "https://cdn.example/img/{preset}/plain/{did}/{cid}@jpeg".to_owned();
    let config = AppviewConfig {
        images,
        image_url_pattern: image_url_pattern.try_into().unwrap(),
        ..AppviewConfig::default()
    };
    let world = World::open_with(Reach::Local, config).await;
    let alice = world.actor("alice");
    alice.has_profile(json!({ "avatar": crate::people::blob("face") }));
    let profile = world.get("app.bsky.actor.getProfile", &[("actor", "alice.test")]).await.ok();
    let cid = crate::people::blob_cid("face");
    let expected = format!("https://cdn.example/img/avatar/plain/{}/{cid}@jpeg", did("alice"));
    assert_eq!(profile["avatar"], expected);
    let answer = world.send(world.request("GET", &Place::path("avatar", &cid))).await;
    assert_eq!(answer.status, 404);
}
