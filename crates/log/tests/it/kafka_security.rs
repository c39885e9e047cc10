//! Only of the Kafka engine: a name and password, and TLS. The brokers of these tests know neither, so a gate in
//! front of one demands them, and tells clients to come to the gate.

#[cfg(feature = "kafka-tls")]
use std::sync::Arc;
use std::time::Duration;

use millrace_log::LogError;
use millrace_runtime::supervise::{TaskSet, spawn_detached_named};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use xtask::kafka::{Broker, Kind};

use crate::site::{ONE, Site, all, items};

const PATIENCE: Duration = Duration::from_secs(120);
const USER: &str = "millrace";
const PASSWORD: &str = "a password";
/// Numbers of requests in Kafka's protocol.
const SASL_HANDSHAKE: i16 = 17;
const SASL_AUTHENTICATE: i16 = 36;
/// "SASL authentication failed".
const AUTHENTICATION_FAILED: i16 = 58;

/// What the gate demands.
#[derive(Clone)]
struct Demands {
    sasl: bool,
    #[cfg(feature = "kafka-tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
}

/// Tries it on a site behind a gate.
fn behind_a_gate<F: Future<Output = ()>>(demands: Demands, test: impl FnOnce(Site) -> F) {
    // Its absence is told, or refused, as for every test of the engine.
    if crate::site::broker(Kind::Tansu).is_none() {
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let gate = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = gate.local_addr().unwrap().port();
        let root = xtask::shell::workspace_root().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::start_behind(&root, Kind::Tansu, folder.path(), Some(port)).unwrap();
        spawn_detached_named("gate", guard(gate, broker.address(), demands));
        let mut site = Site::at(format!("127.0.0.1:{port}"));
        site.config.kafka.request_timeout_ms = 3_000;
        tokio::time::timeout(PATIENCE, test(site)).await.expect("in time");
    });
}

async fn guard(gate: TcpListener, broker: String, demands: Demands) {
    let mut guests = TaskSet::new();
    while let Ok((guest, _)) = gate.accept().await {
        let (broker, demands) = (broker.clone(), demands.clone());
        guests.spawn("guest", async move {
            let inside = TcpStream::connect(broker).await.unwrap();
            #[cfg(feature = "kafka-tls")]
            if let Some(tls) = &demands.tls {
                // A client that does not trust us hangs up here.
                if let Ok(guest) = tls.accept(guest).await {
                    admit(guest, inside, demands.sasl).await;
                }
                return;
            }
            admit(guest, inside, demands.sasl).await;
        });
    }
}

/// Lets a guest in once it has shown its password, if one is demanded.
async fn admit(mut guest: impl AsyncRead + AsyncWrite + Unpin, mut inside: TcpStream, sasl: bool) {
    if !sasl || show_password(&mut guest, &mut inside).await.is_some() {
        let _ = copy_bidirectional(&mut guest, &mut inside).await;
    }
}

/// Passes on what comes before the password; None when it is wrong, or the guest goes away.
async fn show_password(
    guest: &mut (impl AsyncRead + AsyncWrite + Unpin),
    inside: &mut TcpStream,
) -> Option<()> {
    loop {
        let request = frame(guest).await?;
        let number = i16::from_be_bytes(request[..2].try_into().unwrap());
        let answer = match number {
            SASL_HANDSHAKE => sasl_handshake(&request),
            SASL_AUTHENTICATE => sasl_authenticate(&request),
            _ => {
                send(inside, &request).await?;
                frame(inside).await?
            }
        };
        send(guest, &answer).await?;
        if number == SASL_AUTHENTICATE {
            return is_right(&request).then_some(());
        }
    }
}

/// No error, and the one mechanism there is.
fn sasl_handshake(request: &[u8]) -> Vec<u8> {
    [&request[4..8], &0_i16.to_be_bytes(), &1_i32.to_be_bytes(), &5_i16.to_be_bytes(), b"PLAIN"]
        .concat()
}

/// Whether it may come in: error, no message, no bytes, and how long that holds.
fn sasl_authenticate(request: &[u8]) -> Vec<u8> {
    let error = if is_right(request) { 0 } else { AUTHENTICATION_FAILED };
    let no_message = (-1_i16).to_be_bytes();
    let version = i16::from_be_bytes(request[2..4].try_into().unwrap());
    let holds: &[u8] = if version > 0 { &[0; 8] } else { &[] };
    [&request[4..8], &error.to_be_bytes(), &no_message, &0_i32.to_be_bytes(), holds].concat()
}

fn is_right(request: &[u8]) -> bool {
    request.ends_with(format!("\0{USER}\0{PASSWORD}").as_bytes())
}

async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let bytes = stream.read_i32().await.ok()?;
    let mut frame = vec![0; usize::try_from(bytes).ok()?];
    stream.read_exact(&mut frame).await.ok()?;
    (frame.len() >= 8 || bytes >= 4).then_some(frame)
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> Option<()> {
    stream.write_i32(i32::try_from(frame.len()).ok()?).await.ok()?;
    stream.write_all(frame).await.ok()
}

async fn works(site: &Site) {
    let log = site.open();
    log.append(ONE, items("k", ["a", "b"])).await.unwrap();
    assert_eq!(all(&log, ONE, 0).await.len(), 2);
}

fn is_refused(site: &Site, word: &str) {
    let refusal = site.try_open().err().unwrap();
    assert!(matches!(refusal, LogError::Refused { .. }), "{refusal:?}");
    assert!(refusal.to_string().to_lowercase().contains(word), "{refusal}");
    assert!(!format!("{refusal:?}").contains(PASSWORD), "{refusal}");
}

#[test]
fn a_name_and_password_are_shown() {
    let demands = Demands {
        sasl: true,
        #[cfg(feature = "kafka-tls")]
        tls: None,
    };
    behind_a_gate(demands, async |mut site| {
        let kafka = &mut site.config.kafka;
        kafka.security_protocol = millrace_log::SecurityProtocol::SaslPlaintext;
        kafka.sasl_username = Some(USER.into());
        kafka.sasl_password = Some("wrong".into());
        is_refused(&site, "authentication");
        site.config.kafka.sasl_password = Some(PASSWORD.into());
        works(&site).await;
    });
}

#[cfg(feature = "kafka-tls")]
#[test]
fn tls_leads_to_a_known_authority() {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of the same name as what it vouches for, it would be taken for that itself.
        params.distinguished_name.push(DnType::CommonName, "authority");
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, theirs) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate =
        CertificateParams::new(names).unwrap().signed_by(&key, &ours).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    let demands = Demands { sasl: true, tls: Some(Arc::new(config).into()) };
    behind_a_gate(demands, async |mut site| {
        let file = |name: &str, pem: String| {
            let path = site.folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path
        };
        let (ours, theirs) = (file("ours.pem", ours.pem()), file("theirs.pem", theirs.pem()));
        let kafka = &mut site.config.kafka;
        kafka.security_protocol = millrace_log::SecurityProtocol::SaslSsl;
        kafka.sasl_username = Some(USER.into());
        kafka.sasl_password = Some(PASSWORD.into());
        kafka.ca_file = Some(theirs);
        is_refused(&site, "certificate");
        site.config.kafka.ca_file = Some(ours);
        works(&site).await;
    });
}
