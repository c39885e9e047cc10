//! The internal listener for other services: the description of its methods, and gRPC beside them.

use axum::http::uri::PathAndQuery;
use millrace_dataplane::grpc::user::{self, GetFollowersRequest, GetFollowersResponse};
use millrace_feeds::grpc::{self as feeds, GetFeedRequest, GetFeedResponse};
use serde_json::Value;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::program::{Place, get};

#[tokio::test]
async fn methods_are_described_and_grpc_is_spoken() {
    let place = Place::new();
    let mut server = place.serve(&[]).await;
    let answer = get(format!("{}/internal/openapi.json", server.url)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let document: Value = answer.json().await.unwrap();
    assert!(document["paths"]["/internal/getFollowers"]["post"].is_object());
    let endpoint = Endpoint::from_shared(server.url.clone()).unwrap();
    let mut grpc = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
    grpc.ready().await.unwrap();
    let user_id = "did:plc:nobody".to_owned();
    let request = Request::new(GetFollowersRequest { user_id, ..Default::default() });
    let path = PathAndQuery::try_from(format!("/{}/GetFollowers", user::SERVICE)).unwrap();
    let codec = ProstCodec::<GetFollowersRequest, GetFollowersResponse>::default();
    let refused = grpc.unary(request, path, codec).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
    let homes = GetFeedRequest { user_id: "did:plc:nobody".to_owned(), ..Default::default() };
    let path = PathAndQuery::try_from(format!("/{}/GetFeed", feeds::SERVICE)).unwrap();
    let codec = ProstCodec::<GetFeedRequest, GetFeedResponse>::default();
    grpc.ready().await.unwrap();
    let home = grpc.unary(Request::new(homes), path, codec).await.unwrap().into_inner();
    assert_eq!((home.source.as_str(), home.items.len()), ("pull", 0));
    // How it is, and what there is, for tools.
    let mut health = HealthClient::new(endpoint.connect().await.unwrap());
    for service in ["", user::SERVICE, feeds::SERVICE] {
        let asked = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(asked).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let asked = HealthCheckRequest { service: "millrace.v1.Other".to_owned() };
    assert_eq!(health.check(asked).await.unwrap_err().code(), Code::NotFound);
    let mut reflection = ServerReflectionClient::new(endpoint.connect().await.unwrap());
    let list = MessageRequest::ListServices(String::new());
    let asked = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut answers = reflection
        .server_reflection_info(futures_util::stream::iter([asked]))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!([user::SERVICE, feeds::SERVICE].iter().all(|name| names.contains(name)), "{names:?}");
    drop((answers, reflection, health));
    // A connection that is kept open does not keep the server.
    assert_eq!(server.terminate().await, 0);
}
