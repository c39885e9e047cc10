//! The internal listener for other services: the description of its methods, and gRPC beside them.

use axum::http::uri::PathAndQuery;
use millrace_dataplane::grpc::user::{self, GetFollowersRequest, GetFollowersResponse};
use serde_json::Value;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

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
    // A connection that is kept open does not keep the server.
    assert_eq!(server.terminate().await, 0);
}
