//! Whether what a client sends is what the standards say.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::crypto::sha256;
use millrace_atproto::jwt::PublicJwk;
use serde_json::Value;

use super::{Form, Play};

impl Play {
    /// The thumbprint of a proof's key, or why the proof is refused.
    pub(super) fn prove(
        &mut self,
        headers: &HeaderMap,
        htm: &str,
        path: &str,
    ) -> Result<String, &'static str> {
        let proof = headers.get("dpop").and_then(|proof| proof.to_str().ok());
        let (header, claims, jwk) = read(proof.ok_or("no proof")?)?;
        if header["typ"] != "dpop+jwt" || header["alg"] != "ES256" {
            return Err("not a proof");
        }
        let jwk: PublicJwk = jwk.ok_or("no key")?;
        let expected = self.nonce();
        if expected.is_some() && claims["nonce"].as_str() != expected.as_deref() {
            return Err("use_dpop_nonce");
        }
        if claims["htm"] != htm || claims["htu"] != format!("{}{path}", self.origin) {
            return Err("of another request");
        }
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("DPoP "));
        let ath = token.map(|token| URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
        if claims["ath"].as_str() != ath.as_deref() {
            return Err("of another token");
        }
        if !self.token_ids.insert(claims["jti"].as_str().unwrap_or_default().to_owned()) {
            return Err("replayed");
        }
        Ok(jwk.thumbprint())
    }

    /// The id of the key that a confidential client signed with.
    pub(super) fn client(&mut self, form: &Form) -> Result<String, &'static str> {
        let Some(jwks) = self.jwks.clone() else {
            let public = !form.contains_key("client_assertion");
            return if public { Ok(String::new()) } else { Err("a public client signs nothing") };
        };
        let assertion = form.get("client_assertion").ok_or("no assertion")?;
        let parts: Vec<&str> = assertion.split('.').collect();
        let header = part(parts[0])?;
        let kid = header["kid"].as_str().ok_or("no kid")?;
        let mut keys = jwks["keys"].as_array().unwrap().iter();
        let key = keys.find(|key| key["kid"] == kid).ok_or("unknown kid")?.clone();
        let jwk: PublicJwk = serde_json::from_value(key).map_err(|_| "not a key")?;
        verify(&jwk, assertion)?;
        let claims = part(parts[1])?;
        let id = form["client_id"].as_str();
        let life = claims["exp"].as_i64().unwrap_or(0) - claims["iat"].as_i64().unwrap_or(0);
        if claims["iss"] != id || claims["sub"] != id || claims["aud"] != self.origin.as_str() {
            return Err("of another client or server");
        }
        if !(1..=60).contains(&life) {
            return Err("good for too long");
        }
        if !self.token_ids.insert(claims["jti"].as_str().unwrap_or_default().to_owned()) {
            return Err("replayed");
        }
        Ok(kid.to_owned())
    }
}

fn part(part: &str) -> Result<Value, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "not base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| "not JSON")
}

fn verify(jwk: &PublicJwk, token: &str) -> Result<(), &'static str> {
    let (signed, signature) = token.rsplit_once('.').ok_or("not a token")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "not base64url")?;
    let key = jwk.key().map_err(|_| "not a key")?;
    key.verify_malleable(signed.as_bytes(), &signature).map_err(|_| "wrong signature")
}

/// Header, claims and the key in the header, which has to have signed.
fn read(token: &str) -> Result<(Value, Value, Option<PublicJwk>), &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, _] = parts.as_slice() else { return Err("not a token") };
    let header = part(header)?;
    let jwk: Option<PublicJwk> = serde_json::from_value(header["jwk"].clone()).ok();
    if let Some(jwk) = &jwk {
        verify(jwk, token)?;
    }
    Ok((header, part(claims)?, jwk))
}
