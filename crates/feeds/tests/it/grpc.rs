//! `FeedService/GetFeed` as a gRPC client of the usual kind finds it, and the proto file as the contract that the
//! messages keep.

use std::path::Path;

use axum::http::uri::PathAndQuery;
use millrace_feeds::grpc::{self, FeedItem, FeedMode, GetFeedRequest, GetFeedResponse};
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::TaskSet;
use prost::Message as _;
use protox::prost_reflect::{DescriptorPool, DynamicMessage};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::harness::{Harness, actor, on_every_engine};

on_every_engine!(a_home_is_read_page_by_page, what_is_wrong_has_its_status);

struct Served {
    channel: Channel,
    _task: TaskSet<()>,
}

async fn serve(it: &Harness) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = grpc::routes(it.home.clone(), Some(Secret::new("right")));
    let mut task = TaskSet::new();
    task.spawn("grpc", async move { axum::serve(listener, routes).await.unwrap() });
    let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    Served { channel, _task: task }
}

impl Served {
    async fn ask(&self, secret: &str, asked: GetFeedRequest) -> Result<GetFeedResponse, Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let mut request = Request::new(asked);
        request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
        let path = PathAndQuery::from_static("/millrace.v1.FeedService/GetFeed");
        let codec = ProstCodec::<GetFeedRequest, GetFeedResponse>::default();
        Ok(grpc.unary(request, path, codec).await?.into_inner())
    }
}

fn of(who: &str, limit: Option<u32>, cursor: &str) -> GetFeedRequest {
    let mode = FeedMode::Chronological.into();
    GetFeedRequest { user_id: actor(who).to_string(), limit, cursor: cursor.to_owned(), mode }
}

async fn a_home_is_read_page_by_page(it: Harness) {
    it.follow("alice", "bob", 1).await;
    it.reads("alice").await;
    let mut posts = Vec::new();
    for n in 0..7 {
        posts.insert(0, it.post("bob", 10 + n).await);
    }
    it.settle().await;
    it.forget_orders();
    let served = serve(&it).await;
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = served.ask("right", of("alice", Some(3), &cursor)).await.unwrap();
        assert!(page.items.len() <= 3 && ["user_feeds", "cache"].contains(&page.source.as_str()));
        found.extend(page.items);
        if page.next_cursor.is_empty() {
            break;
        }
        cursor = page.next_cursor;
    }
    let keys: Vec<&str> =
        found.iter().map(|item| item.post_id.rsplit('/').next().unwrap()).collect();
    assert_eq!(keys, posts);
    for (place, item) in (0..).zip(&found) {
        assert_eq!((item.reason.as_str(), item.rank_position), ("follow", place));
        assert!((0.0..=1.0).contains(&item.relevance_score) && item.item == item.post_id);
    }
    let nobody = served.ask("right", of("dave", None, "")).await.unwrap();
    assert!(nobody.items.iter().all(|item| item.reason == "discover"), "{nobody:?}");
}

async fn what_is_wrong_has_its_status(it: Harness) {
    let served = serve(&it).await;
    let code = async |asked| served.ask("right", asked).await.map_err(|status| status.code());
    let nobody = GetFeedRequest { user_id: "alice".to_owned(), ..of("alice", None, "") };
    let mode = GetFeedRequest { mode: 7, ..of("alice", None, "") };
    for wrong in [nobody, mode, of("alice", Some(101), ""), of("alice", None, "r.1")] {
        assert_eq!(code(wrong).await.unwrap_err(), Code::InvalidArgument);
    }
    let refused = served.ask("wrong", of("alice", None, "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    it.store.close().await;
    assert_eq!(code(of("alice", None, "")).await.unwrap_err(), Code::Unavailable);
}

#[test]
fn the_messages_keep_the_contract() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = protox::compile(["millrace/v1/feed.proto"], [proto]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    let service = pool.get_service_by_name(grpc::SERVICE).unwrap();
    assert_eq!(service.methods().map(|it| it.name().to_owned()).collect::<Vec<_>>(), ["GetFeed"]);
    let check = |name: &str, bytes: Vec<u8>, fields: usize| {
        let descriptor = pool.get_message_by_name(name).unwrap();
        let read = DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).unwrap();
        assert_eq!(read.unknown_fields().count(), 0, "{name}");
        assert_eq!(
            (read.fields().count(), descriptor.fields().count()),
            (fields, fields),
            "{name}"
        );
    };
    let request = GetFeedRequest {
        user_id: "u".into(),
        limit: Some(1),
        cursor: "c".into(),
        mode: FeedMode::Chronological.into(),
    };
    check("millrace.v1.GetFeedRequest", request.encode_to_vec(), 4);
    let item = FeedItem {
        post_id: "p".into(),
        item: "i".into(),
        reason: "own".into(),
        relevance_score: 0.5,
        rank_position: 1,
        is_read: true,
        sort_at_us: 1,
    };
    check("millrace.v1.FeedItem", item.encode_to_vec(), 7);
    let response =
        GetFeedResponse { items: vec![item], next_cursor: "n".into(), source: "cache".into() };
    check("millrace.v1.GetFeedResponse", response.encode_to_vec(), 3);
}
