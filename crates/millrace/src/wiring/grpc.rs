//! gRPC beside `/internal`: the services of the crates that answer, the standard health service, and reflection, which
//! tells tools of all of them.

use std::sync::Arc;

use axum::Router;
use millrace_feeds::client::Local as Homes;
use millrace_runtime::config::Secret;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::{ServingStatus, pb::FILE_DESCRIPTOR_SET as HEALTH};

/// The contracts in `proto/` of the crates.
const CONTRACTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contracts.bin"));

/// All of them. Who only asks how it is needs no secret.
pub(super) async fn routes(
    dataplane: Arc<millrace_dataplane::client::Local>,
    homes: Option<&Arc<Homes>>,
    secret: Option<Secret>,
) -> Router {
    let mut served = vec![millrace_dataplane::grpc::user::SERVICE];
    let mut router = millrace_dataplane::grpc::routes(dataplane, secret.clone());
    if let Some(homes) = homes {
        served.push(millrace_feeds::grpc::SERVICE);
        router = router.merge(millrace_feeds::grpc::routes(Arc::clone(homes), secret.clone()));
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(CONTRACTS)
        .register_encoded_file_descriptor_set(HEALTH)
        .build_v1()
        .expect("invariant: the contracts were made when the program was");
    let path = "/grpc.reflection.v1.ServerReflection/{*method}";
    let reflection = Router::new().route_service(path, reflection);
    router
        .merge(millrace_dataplane::grpc::guarded(reflection, secret))
        .route_service("/grpc.health.v1.Health/{*method}", health(&served).await)
}

/// What is served is well as long as it answers at all.
async fn health(served: &[&str]) -> HealthServer<impl Health> {
    let (reporter, service) = tonic_health::server::health_reporter();
    for name in served.iter().chain(&[""]) {
        reporter.set_service_status(name, ServingStatus::Serving).await;
    }
    service
}
