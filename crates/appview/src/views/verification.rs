//! Whether trusted verifiers vouch for an account. A verification holds as long as the account has
//! the handle and the name it had then.

use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::model::Verification;
use serde::Serialize;

use super::Views;
use crate::hydration::HydratedActor;

/// `app.bsky.actor.defs#verificationState`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerificationState<'a> {
    verifications: Vec<VerificationView<'a>>,
    verified_status: Standing,
    trusted_verifier_status: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Valid,
    Invalid,
    None,
}

/// `app.bsky.actor.defs#verificationView`. Handle and name are the issuer's of today.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationView<'a> {
    issuer: &'a Did,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_handle: Option<&'a str>,
    uri: &'a str,
    is_valid: bool,
    created_at: String,
}

impl<'a> Views<'a> {
    /// Nothing is said of accounts without a handle, or that have nothing to do with verification.
    pub(super) fn verification(&self, known: &'a HydratedActor) -> Option<VerificationState<'a>> {
        known.actor.handle.as_ref()?;
        let verifications: Vec<VerificationView<'a>> = known
            .actor
            .verifications
            .iter()
            .map(|verification| self.verification_view(known, verification))
            .collect();
        let contested = self.hydrated.labels().contests(&known.actor.did);
        let verified_status = match verifications.iter().any(|view| view.is_valid) {
            true if !contested => Standing::Valid,
            false if verifications.is_empty() => Standing::None,
            true | false => Standing::Invalid,
        };
        let trusted_verifier_status = match known.actor.trusted_verifier {
            true if contested => Standing::Invalid,
            true => Standing::Valid,
            false => Standing::None,
        };
        (!verifications.is_empty() || known.actor.trusted_verifier).then_some(VerificationState {
            verifications,
            verified_status,
            trusted_verifier_status,
        })
    }

    fn verification_view(
        &self,
        known: &HydratedActor,
        verification: &'a Verification,
    ) -> VerificationView<'a> {
        let issuer = self.hydrated.actor(&verification.issuer);
        VerificationView {
            issuer: &verification.issuer,
            issuer_display_name: issuer.and_then(|issuer| issuer.profile.display_name.as_deref()),
            issuer_handle: issuer
                .and_then(|issuer| issuer.actor.handle.as_ref())
                .map(|handle| handle.as_str()),
            uri: &verification.uri,
            is_valid: is_valid(known, verification),
            created_at: format_ms_us(verification.created_at_us),
        }
    }
}

fn is_valid(known: &HydratedActor, verification: &Verification) -> bool {
    let handle = known.actor.handle.as_ref().map(|handle| handle.as_str());
    let same = |said: &str, now: Option<&str>| !said.is_empty() && Some(said) == now;
    same(&verification.handle, handle)
        && same(&verification.display_name, known.profile.display_name.as_deref())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;
    use crate::hydration::Hydrated;
    use crate::views::tests::{CID, actor};

    #[test]
    fn a_verification_holds_for_the_handle_and_the_name_of_then() {
        // handle and name now, then, whether it holds
        let table = [
            (("a.test", "A"), ("a.test", "A"), true),
            (("a.test", "A"), ("b.test", "A"), false),
            (("a.test", "B"), ("a.test", "A"), false),
            (("a.test", ""), ("a.test", ""), false),
            (("a.test", "A"), ("", "A"), false),
        ];
        for (now, then, holds) in table {
            let mut known = serde_json::to_value(actor("did:plc:a", true, json!(null))).unwrap();
            known["handle"] = json!(now.0);
            let profile = json!({"displayName": now.1});
            known["profile"] = json!({"cid": CID, "value": profile, "indexedAtUs": 0});
            let known: millrace_dataplane::model::Actor = serde_json::from_value(known).unwrap();
            let word = json!({
                "uri": "at://did:plc:v/app.bsky.graph.verification/w", "issuer": "did:plc:v",
                "handle": then.0, "displayName": then.1, "createdAtUs": 0,
            });
            let word: Verification = serde_json::from_value(word).unwrap();
            let did = known.did.clone();
            let hydration = millrace_dataplane::query::hydrate::Hydration {
                actors: vec![known],
                ..Default::default()
            };
            let hydrated = Hydrated::new(
                hydration,
                None,
                false,
                &crate::request::labelers::Labelers::default(),
            );
            assert_eq!(is_valid(hydrated.actor(&did).unwrap(), &word), holds, "{now:?} {then:?}");
        }
    }
}
