//! TLS: strangers' certificates are refused, an operator's authority is trusted.

use std::sync::Arc;

use millrace_net::{HttpConfig, HttpError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::server::{LIMITS, Server, client};

/// An authority made for the test, and a server for `localhost` that it vouches for.
async fn served() -> (String, Server) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();

    millrace_runtime::tls::install_provider();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::run(addr, async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            // A client that does not trust us hangs up here.
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut asked = [0; 4096];
            let _ = socket.read(&mut asked).await;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe").await;
            let _ = socket.shutdown().await;
        }
    });
    (authority.pem(), server)
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (_, server) = served().await;
    let (client, _) = client(HttpConfig::default());
    let url = format!("https://localhost:{}/", server.addr.port());
    let error = client.get(&url, LIMITS).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn an_operators_authority_is_trusted_for_the_names_it_vouches_for() {
    let (authority, server) = served().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority).unwrap();
    let (client, _) = client(HttpConfig { ca_file: Some(path), ..HttpConfig::default() });
    let url = format!("https://localhost:{}/", server.addr.port());
    assert_eq!(client.get(&url, LIMITS).await.unwrap().body, "safe");

    let other_name = format!("https://127.0.0.1:{}/", server.addr.port());
    let error = client.get(&other_name, LIMITS).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing here").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        let config = HttpConfig { ca_file: Some(path.clone()), ..HttpConfig::default() };
        let clock = millrace_runtime::clock::ManualClock::at(0).shared();
        let registry = millrace_runtime::metrics::Registry::new();
        let error = millrace_net::HttpClient::new(&config, clock, &registry).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}
