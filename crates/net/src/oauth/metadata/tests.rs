//! An honest server's metadata, and every way it may not be.

#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://entry.example.com";

fn issuer() -> Origin {
    Origin::canonical(ISSUER, Guard::new(false)).unwrap()
}

fn honest() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://entry.example.com/oauth/authorize",
        "token_endpoint": "https://entry.example.com/oauth/token",
        "pushed_authorization_request_endpoint": "https://entry.example.com/oauth/par",
        "revocation_endpoint": "https://entry.example.com/oauth/revoke",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "scopes_supported": ["atproto", "transition:generic"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": true,
        "client_id_metadata_document_supported": true,
        "something_new": { "is": "ignored" },
    })
}

fn with(member: &str, value: Value) -> Result<ServerMetadata, MetadataFault> {
    let mut told = honest();
    told[member] = value;
    server(told.to_string().as_bytes(), &issuer(), Guard::new(false))
}

#[test]
fn an_honest_server_passes() {
    let metadata = with("protected_resources", json!(["https://pds.example.com"])).unwrap();
    assert_eq!(metadata.par_endpoint.as_str(), "https://entry.example.com/oauth/par");
    let pds = |text| Origin::canonical(text, Guard::new(false)).unwrap();
    assert_eq!(metadata.protects(&pds("https://pds.example.com")), Ok(()));
    let other = pds("https://other.example.com");
    assert_eq!(metadata.protects(&other), Err(MetadataFault::Unprotected(other.clone())));
    let metadata = with("revocation_endpoint", Value::Null).unwrap();
    assert_eq!(metadata.revocation_endpoint, None);
    assert_eq!(metadata.protects(&other), Ok(()));
    assert!(with("token_endpoint", json!("https://other.example.com/token")).is_ok());
}

#[test]
fn every_part_of_the_profile_is_asked_for() {
    let unsupported = |member, value, wanted| {
        let fault = with(member, value).unwrap_err();
        assert_eq!(fault, MetadataFault::Unsupported { member, wanted });
    };
    unsupported("response_types_supported", json!(["token"]), "code");
    unsupported("grant_types_supported", json!(["refresh_token"]), "authorization_code");
    unsupported("grant_types_supported", json!(["authorization_code"]), "refresh_token");
    unsupported("code_challenge_methods_supported", json!(["plain"]), "S256");
    unsupported("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]), "none");
    unsupported("token_endpoint_auth_methods_supported", json!(["none"]), "private_key_jwt");
    unsupported("token_endpoint_auth_signing_alg_values_supported", json!([]), "ES256");
    unsupported("scopes_supported", json!(["openid"]), "atproto");
    unsupported("dpop_signing_alg_values_supported", json!(["RS256"]), "ES256");
    unsupported("authorization_response_iss_parameter_supported", json!(false), "true");
    unsupported("require_pushed_authorization_requests", json!(false), "true");
    unsupported("client_id_metadata_document_supported", json!(false), "true");

    let forbidden = |member, value, told| {
        assert_eq!(with(member, value).unwrap_err(), MetadataFault::Forbidden { member, told });
    };
    let member = "token_endpoint_auth_signing_alg_values_supported";
    forbidden(member, json!(["ES256", "none"]), "none");
    forbidden("require_request_uri_registration", json!(false), "false");
}

#[test]
fn endpoints_are_where_may_be_asked() {
    for member in
        ["authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint"]
    {
        let missing = with(member, Value::Null).unwrap_err();
        assert_eq!(missing, MetadataFault::NoEndpoint { member });
        for url in [
            "http://entry.example.com/x",
            "https://10.0.0.1/x",
            "https://[::1]/x",
            "https://user:pw@entry.example.com/x",
            "https://entry.example.com/x#y",
            "javascript:alert(1)",
            "/oauth/token",
            "",
        ] {
            let fault = with(member, json!(url)).unwrap_err();
            assert!(matches!(fault, MetadataFault::Endpoint { .. }), "{member} {url}: {fault}");
        }
    }
}

#[test]
fn an_issuer_speaks_for_itself() {
    for other in
        ["https://evil.example.com", "https://entry.example.com/", "", "https://ENTRY.example.com"]
    {
        let fault = with("issuer", json!(other)).unwrap_err();
        assert_eq!(fault, MetadataFault::Issuer(other.to_owned()));
    }
    for value in [json!(7), json!(null)] {
        assert!(matches!(with("issuer", value).unwrap_err(), MetadataFault::Json(_)));
    }
    assert!(matches!(with("scopes_supported", json!("atproto")), Err(MetadataFault::Json(_))));
}

#[test]
fn a_pds_names_one_server() {
    let pds = Origin::canonical("https://pds.example.com", Guard::new(false)).unwrap();
    let check = |resource: &str, servers: Value| {
        let json = json!({ "resource": resource, "authorization_servers": servers }).to_string();
        authorization_server(json.as_bytes(), &pds, Guard::new(false))
    };
    assert_eq!(check("https://pds.example.com", json!([ISSUER])), Ok(issuer()));
    let none = check("https://pds.example.com", json!([]));
    assert_eq!(none, Err(MetadataFault::AuthorizationServers(0)));
    let two = check("https://pds.example.com", json!([ISSUER, ISSUER]));
    assert_eq!(two, Err(MetadataFault::AuthorizationServers(2)));
    for other in ["https://other.example.com", "https://pds.example.com/", ""] {
        let resource = check(other, json!([ISSUER]));
        assert_eq!(resource, Err(MetadataFault::Resource(other.to_owned())));
    }
    for server in
        ["http://entry.example.com", "https://entry.example.com/", "https://192.168.1.1", "x"]
    {
        let named = check("https://pds.example.com", json!([server]));
        assert!(matches!(named, Err(MetadataFault::AuthorizationServer { .. })), "{server}");
    }
    let json = authorization_server(b"[]", &pds, Guard::new(false));
    assert!(matches!(json, Err(MetadataFault::Json(_))));
}
