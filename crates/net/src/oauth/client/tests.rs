//! What a client may be, and what it tells.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn key(seed: u8) -> ClientKey {
    let key = SigningKey::generate(Curve::P256, &mut |bytes| bytes.fill(seed));
    ClientKey::new(key).unwrap()
}

fn client() -> ConfidentialClient {
    ConfidentialClient {
        client_id: "https://app.example.com/oauth/client.json".to_owned(),
        client_name: "Example".to_owned(),
        redirect_uris: vec!["https://app.example.com/oauth/callback".to_owned()],
        scope: "atproto transition:generic".to_owned(),
        jwks_uri: "https://app.example.com/oauth/jwks.json".to_owned(),
        keys: vec![key(2), key(1)],
    }
}

#[test]
fn a_loopback_client_says_everything_in_its_id() {
    let new = |uri: &str, scope: &str| LoopbackClient::new(vec![uri.to_owned()], scope.to_owned());
    let client = new("http://127.0.0.1:5000/callback", "atproto transition:generic").unwrap();
    assert_eq!(
        client.id,
        "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcallback&scope=atproto+transition%3Ageneric"
    );
    let client = ClientIdentity::Loopback(client);
    assert_eq!((client.metadata(), client.jwks(), client.key_ids().next()), (None, None, None));
    assert!(new("http://[::1]/", "atproto").is_ok());
    for uri in ["http://localhost/", "https://127.0.0.1/", "http://10.0.0.1/", "x:/y", ""] {
        assert!(matches!(new(uri, "atproto"), Err(ClientFault::RedirectUri(_))), "{uri}");
    }
    assert_eq!(new("http://127.0.0.1/", "transition:generic").unwrap_err(), ClientFault::Scope);
    let none = LoopbackClient::new(Vec::new(), "atproto".to_owned());
    assert_eq!(none.unwrap_err(), ClientFault::NoRedirectUri);
}

#[test]
fn a_confidential_client_tells_its_public_keys_and_no_more() {
    let client = ClientIdentity::confidential(client()).unwrap();
    let metadata = client.metadata().unwrap();
    assert_eq!(metadata["client_id"], client.client_id());
    assert_eq!(metadata["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(metadata["dpop_bound_access_tokens"], true);
    let jwks = client.jwks().unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for (told, seed) in keys.iter().zip([2, 1]) {
        assert_eq!(told["kid"], key(seed).id());
        let mut members: Vec<&String> = told.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
    assert!(client.key_ids().eq([key(2).id(), key(1).id()]));
    assert!(client.key(key(1).id()).is_some() && client.key("other").is_none());
}

#[test]
fn what_is_wrong_with_a_client_is_said() {
    let check = |change: fn(&mut ConfidentialClient), expected: fn(&ClientFault) -> bool| {
        let mut client = client();
        change(&mut client);
        let fault = ClientIdentity::confidential(client).unwrap_err();
        assert!(expected(&fault), "{fault}");
    };
    let id = |fault: &ClientFault| matches!(fault, ClientFault::ClientId(_));
    check(|client| client.client_id = "http://app.example.com/c.json".to_owned(), id);
    check(|client| client.client_id = "https://app.example.com:8443/c.json".to_owned(), id);
    check(|client| client.client_id = "https://app.example.com/".to_owned(), id);
    check(|client| client.client_id = "https://APP.example.com/c".to_owned(), id);
    let redirect = |fault: &ClientFault| matches!(fault, ClientFault::RedirectUri(_));
    check(|client| client.redirect_uris.push("http://app.example.com/".to_owned()), redirect);
    check(|client| client.redirect_uris.clear(), |fault| *fault == ClientFault::NoRedirectUri);
    check(|client| client.jwks_uri.clear(), |fault| matches!(fault, ClientFault::JwksUri(_)));
    check(|client| client.scope = "atprotox".to_owned(), |fault| *fault == ClientFault::Scope);
    check(|client| client.keys.clear(), |fault| *fault == ClientFault::Keys);
    check(|client| client.keys.push(key(1)), |fault| *fault == ClientFault::Keys);
    let other = SigningKey::generate(Curve::K256, &mut |bytes| bytes.fill(1));
    assert_eq!(ClientKey::new(other).unwrap_err(), ClientFault::KeyKind);
}

#[test]
fn only_what_is_declared_is_asked_for() {
    let client = ClientIdentity::confidential(client()).unwrap();
    let there = "https://app.example.com/oauth/callback";
    assert_eq!(client.declares(there, "atproto"), Ok(()));
    let undeclared = client.declares("https://evil.example/", "atproto");
    assert!(matches!(undeclared, Err(ClientFault::RedirectUriUndeclared(_))));
    let scope = client.declares(there, "atproto transition:chat.bsky");
    assert_eq!(scope, Err(ClientFault::ScopeUndeclared("transition:chat.bsky".to_owned())));
    assert_eq!(client.declares(there, "transition:generic"), Err(ClientFault::Scope));
}
