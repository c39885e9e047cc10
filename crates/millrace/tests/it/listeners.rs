//! Listeners and clients that take their time.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::program::{Place, http, until};

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn every_listener_ends_what_is_not_asked() {
    let place = Place::new();
    let configuration = std::fs::read_to_string(place.path().join("millrace.toml")).unwrap();
    let connections = "[connections]\nheader_timeout_ms = 300\nidle_timeout_ms = 300\n";
    place.write("millrace.toml", &format!("{configuration}\n{connections}"));
    let mut server = place.serve(&[]).await;
    // Where the public is answered is told once everything is started.
    let public = until("the address of the AppView", || {
        let log = server.log();
        let (_, told) = log.split_once("appview=Some(")?;
        Some(told.split_once(')')?.0.to_owned())
    })
    .await;
    let internal = server.url.strip_prefix("http://").unwrap().to_owned();
    for addr in [public, internal.clone()] {
        let mut slow = TcpStream::connect(&addr).await.unwrap();
        slow.write_all(b"GET /health HTTP/1.1\r\nx: ").await.unwrap();
        let answer = http().get(format!("http://{addr}/health")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut rest = Vec::new();
        let _ = timeout(DEADLINE, slow.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty());
    }
    let metrics = http().get(format!("http://{internal}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for listener in ["appview.listen", "dataplane.listen"] {
        let cut_off = format!(
            "millrace_runtime_connections_cut_off_total{{listener=\"{listener}\",reason=\"head\"}} 1"
        );
        assert!(metrics.contains(&cut_off), "{metrics}");
    }
    assert_eq!(server.terminate().await, 0);
}

#[test]
fn what_would_end_every_connection_is_refused() {
    let place = Place::with("[connections]\nheader_timeout_ms = 0\n");
    let refused = place.run(&["config", "check"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("connections.header_timeout_ms"), "{refused:?}");
    let place = Place::with("[appview]\nimage_url_pattern = \"cdn.example/{did}/{cid}\"\n");
    let refused = place.run(&["config", "check"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("makes no http or https URL"), "{refused:?}");
}
