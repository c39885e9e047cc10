//! How every listener of a process takes connections: so many at once, each for as long as it does
//! something.
//!
//! What must stay true: a client that sends a request's head slowly, or nothing, or does not read its
//! answer, is cut off after a named time whatever it speaks, while a request that is being answered has
//! the time its own bounds give it; when the process drains, requests under way are finished.

mod activity;
mod config;
mod metrics;
mod stream;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tower_service::Service as _;

pub use config::ConnectionsConfig;

use crate::metrics::Registry;
use crate::supervise::Shutdown;
use activity::{Activity, Verdict};
use metrics::Metrics;
use stream::{Answer, Watched};

/// The pause after a connection could not be taken for a reason of ours, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Answers on `socket` until `shutdown`, then finishes what is under way. Requests carry the address of
/// who sent them (`ConnectInfo`). `name` is what the listener is counted as.
pub async fn serve(
    name: &'static str,
    socket: TcpListener,
    router: Router,
    config: &ConnectionsConfig,
    registry: &Registry,
    shutdown: Shutdown,
) {
    let metrics = Metrics::new(registry);
    let places = Arc::new(Semaphore::new(config.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let connection = Connection {
        name,
        router: router.with_state(()),
        config: config.clone(),
        metrics,
        shutdown: shutdown.clone(),
    };
    // No task's span around them: a connection lives through many requests, and each begins its own.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next() => note(name, &ended),
            (stream, addr, place) = next(name, &socket, &places) => {
                connections.spawn(connection.clone().run(stream, addr, place));
            }
        }
    }
    drop(socket);
    while let Some(ended) = connections.join_next().await {
        note(name, &ended);
    }
}

fn note(name: &str, ended: &Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(listener = name, %error, "a connection's task failed");
    }
}

/// The next connection, once there is a place for it.
async fn next(
    name: &str,
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("invariant: nobody closes the semaphore");
    loop {
        match socket.accept().await {
            Ok((stream, addr)) => return (stream, addr, place),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(listener = name, %error, "a connection could not be taken");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether only that one connection is lost.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What every connection of a listener is given.
#[derive(Clone)]
struct Connection {
    name: &'static str,
    router: Router,
    config: ConnectionsConfig,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl Connection {
    async fn run(self, stream: TcpStream, addr: SocketAddr, place: OwnedSemaphorePermit) {
        let _open = self.metrics.opened(self.name);
        let activity = Arc::new(Activity::new(Instant::now()));
        let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
        let builder = self.builder();
        let service = service_fn(|request: Request<Incoming>| {
            answer(self.router.clone(), addr, Arc::clone(&activity), request)
        });
        let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
        let mut look = pin!(sleep_until(Instant::now() + self.config.header_timeout()));
        let mut drained = pin!(self.shutdown.cancelled());
        let mut draining = false;
        loop {
            tokio::select! {
                // Whatever the client did wrong is its own affair.
                _ = connection.as_mut() => break,
                () = drained.as_mut(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = look.as_mut() => match activity.judge(Instant::now(), &self.config) {
                    Verdict::LookAgain(at) => look.as_mut().reset(at),
                    Verdict::End(reason) => {
                        self.metrics.cut_off(self.name, reason);
                        break;
                    }
                },
            }
        }
        drop(place);
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        let ping = Duration::from_millis(self.config.http2_ping_ms);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(ping)
            .keep_alive_timeout(ping)
            .enable_connect_protocol();
        builder
    }
}

async fn answer(
    mut router: Router,
    addr: SocketAddr,
    activity: Arc<Activity>,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let under_way = activity.begin();
    request.extensions_mut().insert(ConnectInfo(addr));
    poll_fn(|cx| <Router as tower_service::Service<Request<Body>>>::poll_ready(&mut router, cx))
        .await?;
    let response = router.call(request.map(Body::new)).await?;
    Ok(response.map(|body| Answer::new(body, under_way)))
}
