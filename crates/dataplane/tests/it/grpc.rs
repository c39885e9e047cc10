//! `UserService/GetFollowers` as a gRPC client of the usual kind finds it, and the proto file as
//! the contract that the messages keep.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use axum::http::uri::PathAndQuery;
use millrace_atproto::entry::Entry;
use millrace_dataplane::client::{Client, Local};
use millrace_dataplane::grpc::{self, user};
use millrace_dataplane::query::every_follower::LIMIT_MAX;
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::TaskSet;
use prost::Message as _;
use protox::prost_reflect::{DescriptorPool, DynamicMessage, Value};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use user::{Follower, GetFollowersRequest, GetFollowersResponse};

use crate::entries::{self, FOLLOW, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    pages_hold_every_follower_once,
    refusals_have_their_status,
    a_secret_is_demanded,
    without_the_store_it_is_unavailable
);

struct Served {
    channel: Channel,
    _task: TaskSet<()>,
}

async fn serve(harness: &Harness, secret: Option<&str>) -> Served {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let local: Arc<Local> = Arc::clone(local);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = grpc::routes(local, secret.map(Secret::new));
    let mut task = TaskSet::new();
    task.spawn("grpc", async move { axum::serve(listener, routes).await.unwrap() });
    let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    Served { channel, _task: task }
}

impl Served {
    async fn call(
        &self,
        method: &'static str,
        request: Request<GetFollowersRequest>,
    ) -> Result<GetFollowersResponse, Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static(method);
        let codec = ProstCodec::<GetFollowersRequest, GetFollowersResponse>::default();
        Ok(grpc.unary(request, path, codec).await?.into_inner())
    }

    async fn followers(
        &self,
        user: &str,
        limit: Option<u32>,
        cursor: &str,
    ) -> Result<GetFollowersResponse, Status> {
        let request =
            GetFollowersRequest { user_id: user.to_owned(), limit, cursor: cursor.to_owned() };
        self.call("/millrace.v1.UserService/GetFollowers", Request::new(request)).await
    }
}

/// `follower` follows `subject`, by the `n`th record of the test.
fn follows(follower: &str, subject: &str, n: i64) -> Entry {
    let record = millrace_sim::records::follow(&did(subject), START_US + n);
    let key = tid(n).to_string();
    entries::commit(&did(follower), n, vec![entries::put(FOLLOW, &key, record)])
}

async fn pages_hold_every_follower_once(harness: Harness) {
    let names: Vec<String> = (0..23).map(|n| format!("f{n}")).collect();
    let mut entries: Vec<Entry> =
        names.iter().zip(1..).map(|(name, n)| follows(name, "star", n)).collect();
    // A second record of the same follower, and one of the star itself, by which it is known.
    entries.push(follows("f3", "star", 50));
    entries.push(follows("star", "f1", 51));
    harness.apply(&entries).await;
    let served = serve(&harness, None).await;
    let star = did("star");
    let mut seen: Vec<Follower> = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let page = served.followers(star.as_str(), Some(5), &cursor).await.unwrap();
        assert!(page.followers.len() <= 5);
        seen.extend(page.followers);
        pages += 1;
        if page.next_cursor.is_empty() {
            break;
        }
        cursor = page.next_cursor;
    }
    assert_eq!((seen.len(), pages), (23, 5));
    let found: BTreeSet<&str> = seen.iter().map(|follower| follower.user_id.as_str()).collect();
    let expected: Vec<_> = names.iter().map(|name| did(name)).collect();
    assert_eq!(found, expected.iter().map(|did| did.as_str()).collect());
    for follower in &seen {
        let prefix = format!("at://{}/{FOLLOW}/", follower.user_id);
        assert!(follower.uri.starts_with(&prefix), "{}", follower.uri);
    }
    let f3 = seen.iter().find(|follower| follower.user_id == did("f3").as_str()).unwrap();
    assert!(f3.uri.ends_with(&tid(4).to_string()), "the first record stands: {}", f3.uri);
    // Exactly one page, and nobody.
    let whole = served.followers(star.as_str(), Some(23), "").await.unwrap();
    assert_eq!((whole.followers.len(), whole.next_cursor.as_str()), (23, ""));
    let default = served.followers(star.as_str(), None, "").await.unwrap();
    assert_eq!(default.followers, whole.followers);
    let nobody = served.followers(did("f7").as_str(), None, "").await.unwrap();
    assert_eq!(nobody, GetFollowersResponse::default());
}

async fn refusals_have_their_status(harness: Harness) {
    harness.apply(&[follows("alice", "star", 1), follows("star", "alice", 2)]).await;
    let served = serve(&harness, None).await;
    let star = did("star");
    let unseen = did("unseen");
    let code = async |user: &str, limit: Option<u32>, cursor: &str| {
        let answer = served.followers(user, limit, cursor).await;
        answer.map_err(|status| {
            assert!(!status.message().is_empty());
            status.code()
        })
    };
    for user in ["", "alice.test", "did:", "at://did:plc:x", "\u{0}"] {
        assert_eq!(code(user, None, "").await, Err(Code::InvalidArgument), "{user:?}");
    }
    for limit in [0, LIMIT_MAX + 1, u32::MAX] {
        assert_eq!(code(star.as_str(), Some(limit), "").await, Err(Code::InvalidArgument));
    }
    for cursor in ["x", "1::2::3", unseen.as_str()] {
        let refused = code(star.as_str(), None, cursor).await;
        assert_eq!(refused, Err(Code::InvalidArgument), "{cursor:?}");
    }
    assert_eq!(code(unseen.as_str(), None, "").await, Err(Code::NotFound));
    assert_eq!(code(star.as_str(), Some(LIMIT_MAX), "").await.unwrap().followers.len(), 1);
    let other = served
        .call("/millrace.v1.UserService/Other", Request::new(GetFollowersRequest::default()))
        .await;
    assert_eq!(other.unwrap_err().code(), Code::Unimplemented);
    let long = "x".repeat(grpc::REQUEST_BYTES_MAX + 1);
    assert_eq!(code(&long, None, "").await, Err(Code::OutOfRange));
}

async fn a_secret_is_demanded(harness: Harness) {
    harness.apply(&[follows("alice", "star", 1), follows("star", "alice", 2)]).await;
    let served = serve(&harness, Some("right")).await;
    for (given, expected) in [
        (Some("Bearer right"), None),
        (Some("Bearer wrong"), Some(Code::Unauthenticated)),
        (Some("right"), Some(Code::Unauthenticated)),
        (None, Some(Code::Unauthenticated)),
    ] {
        let user_id = did("star").to_string();
        let mut request = Request::new(GetFollowersRequest { user_id, ..Default::default() });
        if let Some(given) = given {
            request.metadata_mut().insert("authorization", given.parse().unwrap());
        }
        let answer = served.call("/millrace.v1.UserService/GetFollowers", request).await;
        assert_eq!(answer.err().map(|status| status.code()), expected, "{given:?}");
    }
}

async fn without_the_store_it_is_unavailable(harness: Harness) {
    harness.apply(&[follows("star", "alice", 1)]).await;
    let served = serve(&harness, None).await;
    harness.store.close().await;
    let refused = served.followers(did("star").as_str(), None, "").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
}

/// A message of ours as the proto file reads it, and back.
fn check<M: prost::Message + Default + PartialEq + std::fmt::Debug>(
    pool: &DescriptorPool,
    name: &str,
    ours: &M,
    expected: &[&str],
) {
    let descriptor = pool.get_message_by_name(name).unwrap();
    let read = DynamicMessage::decode(descriptor.clone(), ours.encode_to_vec().as_slice()).unwrap();
    assert_eq!(read.unknown_fields().count(), 0, "{name}");
    let fields: Vec<String> =
        read.fields().map(|(field, value)| format!("{}={value}", field.name())).collect();
    assert_eq!(fields, expected, "{name}");
    assert_eq!(descriptor.fields().count(), expected.len(), "{name}: every field is checked");
    assert_eq!(M::decode(read.encode_to_vec().as_slice()).unwrap(), *ours, "{name}");
}

#[test]
fn the_messages_keep_the_contract() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = protox::compile(["millrace/v1/user.proto"], [proto]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    let service = pool.get_service_by_name(user::SERVICE).unwrap();
    let methods: Vec<_> = service
        .methods()
        .map(|m| (m.name().to_owned(), m.input().name().to_owned(), m.output().name().to_owned()))
        .collect();
    let named = ["GetFollowers", "GetFollowersRequest", "GetFollowersResponse"];
    assert_eq!(methods, [named.map(str::to_owned).into()]);
    let request = GetFollowersRequest { user_id: "u".into(), limit: Some(0), cursor: "c".into() };
    let expected = [r#"user_id="u""#, "limit=0", r#"cursor="c""#];
    check(&pool, "millrace.v1.GetFollowersRequest", &request, &expected);
    let follower = Follower { user_id: "f".into(), uri: "at".into() };
    check(&pool, "millrace.v1.Follower", &follower, &[r#"user_id="f""#, r#"uri="at""#]);
    let response =
        GetFollowersResponse { followers: vec![follower.clone()], next_cursor: "n".into() };
    let item = DynamicMessage::decode(
        pool.get_message_by_name("millrace.v1.Follower").unwrap(),
        follower.encode_to_vec().as_slice(),
    );
    let list = format!("followers={}", Value::List(vec![Value::Message(item.unwrap())]));
    check(&pool, "millrace.v1.GetFollowersResponse", &response, &[&list, r#"next_cursor="n""#]);
}
