//! A directory, a PDS and an authorization server in one, which hold the client to the standards and lie
//! where a test wants it. Whatever the client does wrong is refused with a reason.

mod answers;
mod checks;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::crypto::sha256;
use parking_lot::Mutex;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::server::Server;

pub type Form = HashMap<String, String>;

/// How nonces are given out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nonces {
    /// Against the profile.
    Never,
    /// One for all.
    Steady,
    /// Another with every answer, and no older one is taken.
    EveryRequest,
}

/// What a server plays, and what it remembers.
pub struct Play {
    pub origin: String,
    pub documents: HashMap<String, Value>,
    pub handles: HashMap<String, String>,
    pub nonces: Nonces,
    nonce: u64,
    /// Answered instead of a document of metadata: status, type, body.
    pub instead: HashMap<&'static str, (u16, &'static str, String)>,
    /// Members of documents and answers, replaced. By path.
    pub changes: HashMap<&'static str, Vec<(&'static str, Value)>>,
    /// Answered by an endpoint instead of what it would: status and body.
    pub refusals: HashMap<&'static str, (u16, Value)>,
    /// The keys of a confidential client.
    pub jwks: Option<Value>,
    pushed: HashMap<String, Form>,
    codes: HashMap<String, Form>,
    /// Refresh token → the session's `jkt` and the client key's id.
    sessions: HashMap<String, (String, String)>,
    /// Access token → `jkt`; what is not here has ended.
    pub access: HashMap<String, String>,
    pub revoked: Vec<String>,
    token_ids: HashSet<String>,
    /// Who signs in.
    pub sub: String,
    /// Every request, as `METHOD path`.
    pub asked: Vec<String>,
    /// The form or body of the last request.
    pub last: String,
    /// The headers of the last request.
    pub headers: HeaderMap,
    serial: u64,
}

pub type Shared = Arc<Mutex<Play>>;

pub struct Fake {
    pub server: Server,
    pub play: Shared,
}

impl Fake {
    pub async fn start() -> Self {
        let play = Play {
            origin: String::new(),
            documents: HashMap::new(),
            handles: HashMap::new(),
            nonces: Nonces::Steady,
            nonce: 0,
            instead: HashMap::new(),
            changes: HashMap::new(),
            refusals: HashMap::new(),
            jwks: None,
            pushed: HashMap::new(),
            codes: HashMap::new(),
            sessions: HashMap::new(),
            access: HashMap::new(),
            revoked: Vec::new(),
            token_ids: HashSet::new(),
            sub: String::new(),
            asked: Vec::new(),
            last: String::new(),
            headers: HeaderMap::new(),
            serial: 0,
        };
        let play: Shared = Arc::new(Mutex::new(play));
        let server = Server::http(answers::router(Arc::clone(&play))).await;
        play.lock().origin = server.url("");
        Self { server, play }
    }

    pub fn origin(&self) -> String {
        self.server.url("")
    }

    /// An account of this PDS or of another.
    pub fn register(&self, did: &str, handle: &str, pds: &str) {
        let document = json!({
            "id": did,
            "alsoKnownAs": [format!("at://{handle}")],
            "verificationMethod": [],
            "service": [{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds }],
        });
        let mut play = self.play.lock();
        play.documents.insert(did.to_owned(), document);
        play.handles.insert(handle.to_owned(), did.to_owned());
    }

    pub fn change(&self, path: &'static str, member: &'static str, value: Value) {
        self.play.lock().changes.entry(path).or_default().push((member, value));
    }

    /// What a browser brings back from there: the query.
    pub fn authorize(&self, url: &Url) -> String {
        let query: Form = url.query_pairs().into_owned().collect();
        let mut play = self.play.lock();
        let form = play.pushed.remove(&query["request_uri"]).unwrap();
        assert_eq!(query["client_id"], form["client_id"]);
        let code = play.serial("code");
        let state = form["state"].clone();
        play.codes.insert(code.clone(), form);
        let origin = play.origin.clone();
        let pairs = [("state", state.as_str()), ("iss", &origin), ("code", &code)];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

impl Play {
    fn serial(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}-{}", self.serial)
    }

    fn changed(&self, path: &str, mut value: Value) -> Value {
        for (member, change) in self.changes.get(path).into_iter().flatten() {
            value[*member] = change.clone();
        }
        value
    }

    fn nonce(&self) -> Option<String> {
        (self.nonces != Nonces::Never).then(|| format!("nonce-{}", self.nonce))
    }

    fn par(&mut self, mut form: Form, jkt: String, kid: String) -> Result<Value, &'static str> {
        let complete = form["response_type"] == "code" && form["code_challenge_method"] == "S256";
        if !complete || form["code_challenge"].len() != 43 || form["state"].len() != 43 {
            return Err("not a request");
        }
        form.extend([("jkt".to_owned(), jkt), ("kid".to_owned(), kid)]);
        let uri = self.serial("urn:ietf:params:oauth:request_uri:req");
        self.pushed.insert(uri.clone(), form);
        Ok(json!({ "request_uri": uri, "expires_in": 300 }))
    }

    fn token(&mut self, form: &Form, jkt: String, kid: String) -> Result<Value, &'static str> {
        let (jkt_then, kid_then) = match form["grant_type"].as_str() {
            "authorization_code" => {
                let then = self.codes.remove(&form["code"]).ok_or("invalid_grant")?;
                let challenge = URL_SAFE_NO_PAD.encode(sha256(form["code_verifier"].as_bytes()));
                if then["code_challenge"] != challenge
                    || then["redirect_uri"] != form["redirect_uri"]
                {
                    return Err("invalid_grant");
                }
                (then["jkt"].clone(), then["kid"].clone())
            }
            _ => self.sessions.remove(&form["refresh_token"]).ok_or("invalid_grant")?,
        };
        if jkt_then != jkt || kid_then != kid {
            return Err("invalid_grant");
        }
        let (access, refresh) = (self.serial("access"), self.serial("refresh"));
        self.access.insert(access.clone(), jkt.clone());
        self.sessions.insert(refresh.clone(), (jkt, kid));
        Ok(json!({
            "access_token": access, "refresh_token": refresh, "token_type": "DPoP", "expires_in": 900,
            "scope": "atproto transition:generic", "sub": self.sub,
        }))
    }
}
