//! Where a labeler is and what it signs with, as its DID document says. Documents come from strangers: an
//! address is taken only if the guard lets it pass, here and again when its name is looked up.

use millrace_atproto::crypto::PublicKey;
use millrace_atproto::did_doc::Identity;
use millrace_net::Guard;
use millrace_net::guard::UrlFault;
use url::Url;

const SERVICE: (&str, &str) = ("#atproto_labeler", "AtprotoLabeler");
const PATH: &str = "/xrpc/com.atproto.label.subscribeLabels";

/// A labeler that can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Without a cursor: the identity of the sequence that cursors belong to.
    pub(super) socket: Url,
    pub(super) key: PublicKey,
}

impl Place {
    /// # Errors
    /// Why the document names no labeler that can be followed, in words.
    pub(super) fn of(identity: &Identity, guard: Guard) -> Result<Self, String> {
        let service = identity
            .service(SERVICE.0, SERVICE.1)
            .ok_or("its DID document names no #atproto_labeler service")?;
        let key = identity.labeler_key.ok_or("its DID document has no #atproto_label key")?;
        let url = Url::parse(&service.endpoint).map_err(|_| "its endpoint is not a URL")?;
        guard.check_url(&url).map_err(|fault| match fault {
            UrlFault::Reason(reason) => format!("its endpoint is refused: {reason}"),
            UrlFault::Address { addr, reason } => {
                format!("its endpoint is refused: {addr} is {reason}")
            }
        })?;
        let origin = url.origin().ascii_serialization();
        // Rewriting the text, because `set_scheme` refuses to move between the two families.
        let socket = origin.replacen("http", "ws", 1) + PATH;
        let socket = Url::parse(&socket).map_err(|_| "its endpoint is not a URL")?;
        Ok(Self { socket, key })
    }

    /// The address of a connection at `cursor`; 0 is the oldest label there is.
    pub(super) fn at(&self, cursor: i64) -> Url {
        let mut url = self.socket.clone();
        url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
        url
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use millrace_atproto::Did;
    use serde_json::json;

    use super::*;

    const KEY: &str = "zQ3shunBKsXixLxKtC5qeSG9E4J5RkGN57im31pcTzbNQnm5w";

    fn of(endpoint: &str, key_id: &str, loopback: bool) -> Result<String, String> {
        let did = "did:plc:labeler";
        let doc = json!({
            "id": did,
            "verificationMethod": [{
                "id": key_id, "type": "Multikey", "controller": did, "publicKeyMultibase": KEY,
            }],
            "service": [{"id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": endpoint}],
        });
        let identity = Identity::parse(doc.to_string().as_bytes(), &Did::parse(did).unwrap());
        let place = Place::of(&identity.unwrap(), Guard::new(loopback))?;
        Ok(place.at(7).to_string())
    }

    #[test]
    fn only_addresses_that_may_be_asked() {
        let own = "#atproto_label";
        assert_eq!(
            of("https://labels.test/some/path", own, false).unwrap(),
            "wss://labels.test/xrpc/com.atproto.label.subscribeLabels?cursor=7"
        );
        assert_eq!(
            of("http://127.0.0.1:2583", own, true).unwrap(),
            "ws://127.0.0.1:2583/xrpc/com.atproto.label.subscribeLabels?cursor=7"
        );
        for refused in
            ["http://labels.test", "https://127.0.0.1", "https://10.0.0.1", "https://u:p@x.test"]
        {
            assert!(of(refused, own, false).is_err(), "{refused}");
        }
        // The key of commits does not stand in for the one of labels.
        let error = of("https://labels.test", "#atproto", false).unwrap_err();
        assert!(error.contains("#atproto_label"), "{error}");
    }
}
