//! The collector, by HTTP: OpenTelemetry's exporter writes the requests, this process's HTTP client
//! carries them.

use std::time::Duration;

use futures_util::future::BoxFuture;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use url::Url;

use super::TelemetryError;

/// Longest wait for the collector.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a collector's answer that are read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
struct Carrier(reqwest::Client);

impl HttpClient for Carrier {
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> BoxFuture<'f, Result<Response<Bytes>, HttpError>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let url = Url::parse(&head.uri.to_string())?;
            let sent = self.0.request(head.method, url).headers(head.headers).body(body);
            let mut answer = sent.send().await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                let room = ANSWER_BYTES_MAX - bytes.len();
                bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if bytes.len() >= ANSWER_BYTES_MAX {
                    break;
                }
            }
            let mut response = Response::new(Bytes::from(bytes));
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            Ok(response)
        })
    }
}

/// What posts spans to `url`, said to be of `resource`.
pub(super) fn exporter(url: &Url, resource: &Resource) -> Result<SpanExporter, TelemetryError> {
    crate::tls::install_provider();
    let wrong = |reason: String| TelemetryError::Endpoint { url: url.to_string(), reason };
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    let client = client.map_err(|error| wrong(error.to_string()))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Carrier(client))
        .with_endpoint(url.as_str())
        .with_timeout(TIMEOUT)
        .build();
    let mut exporter = exporter.map_err(|error| wrong(error.to_string()))?;
    exporter.set_resource(resource);
    Ok(exporter)
}
