//! The two cookies of a browser: one while it signs in, one while it is signed in. No script reads them, and no other
//! site's page makes a browser act with them: [`is_from_here`] says which requests may be acted on.

use http::{HeaderMap, HeaderValue, header};

/// Seconds that the cookie of a sign-in lasts.
const SIGN_IN_S: i64 = 15 * 60;
/// Seconds that a browser keeps the other one; the session itself may end before.
const SESSION_S: i64 = 400 * 86_400;

/// How cookies are set here.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    /// The origins that the dashboard is served under.
    origins: Vec<String>,
    secure: bool,
}

impl Cookies {
    /// For a service that browsers reach under these origins, all of `https` or none.
    pub(crate) fn new(origins: Vec<String>) -> Self {
        let secure = origins.iter().all(|origin| origin.starts_with("https://"));
        Self { origins, secure }
    }

    fn name(&self, plain: &'static str) -> String {
        // A browser takes the prefix only with Secure, for the whole origin and for no other host.
        if self.secure { format!("__Host-{plain}") } else { plain.to_owned() }
    }

    fn set(&self, plain: &'static str, value: &str, same_site: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name(plain);
        let line = format!(
            "{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={seconds}{secure}"
        );
        HeaderValue::from_str(&line).expect("invariant: tokens are visible characters")
    }

    /// Remembers a browser that goes to an authorization server; it comes back from another site.
    pub(super) fn begin(&self, token: &str) -> HeaderValue {
        self.set(SIGN_IN, token, "Lax", SIGN_IN_S)
    }

    /// Forgets it.
    pub(super) fn begun(&self) -> HeaderValue {
        self.set(SIGN_IN, "", "Lax", 0)
    }

    /// Remembers a browser that is signed in.
    pub(super) fn signed_in(&self, token: &str) -> HeaderValue {
        self.set(SESSION, token, "Strict", SESSION_S)
    }

    /// Forgets it.
    pub(super) fn signed_out(&self) -> HeaderValue {
        self.set(SESSION, "", "Strict", 0)
    }

    /// What a browser that signs in shows.
    pub(super) fn of_sign_in<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        find(headers, &self.name(SIGN_IN))
    }

    /// What a browser that is signed in shows.
    pub(crate) fn of_session<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        find(headers, &self.name(SESSION))
    }

    /// Whether a page of ours sent the request: browsers say so themselves, and pages cannot say it for them.
    pub(crate) fn is_from_here(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match (text("sec-fetch-site"), text("origin")) {
            (Some(site), None) => matches!(site, "same-origin"),
            (Some(site), Some(origin)) => site == "same-origin" && self.serves(origin),
            (None, Some(origin)) => self.serves(origin),
            (None, None) => false,
        }
    }

    fn serves(&self, origin: &str) -> bool {
        self.origins.iter().any(|ours| ours == origin)
    }
}

const SESSION: &str = "millrace-session";
const SIGN_IN: &str = "millrace-sign-in";

/// The value of the one cookie of that name; none if there are two, of which one would be a stranger's.
fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    let value = found.next().filter(|value| !value.is_empty());
    value.filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_public_service_sets_cookies_that_no_other_host_can() {
        let cookies = Cookies::new(vec!["https://appview.example".to_owned()]);
        let line = cookies.signed_in("token");
        let line = line.to_str().unwrap();
        assert!(
            line.starts_with("__Host-millrace-session=token; Path=/; HttpOnly; SameSite=Strict")
        );
        assert!(line.ends_with("; Secure"));
        let sent = headers(&[("cookie", "a=b; __Host-millrace-session=token")]);
        assert_eq!(cookies.of_session(&sent), Some("token"));
        assert_eq!(cookies.of_session(&headers(&[("cookie", "millrace-session=token")])), None);
    }

    #[test]
    fn of_two_cookies_of_a_name_none_counts() {
        let cookies = Cookies::new(vec!["http://127.0.0.1:5000".to_owned()]);
        let check = |sent: &[(&'static str, &'static str)], expected: Option<&str>| {
            assert_eq!(cookies.of_session(&headers(sent)), expected, "{sent:?}");
        };
        check(&[("cookie", "millrace-session=a")], Some("a"));
        check(&[("cookie", "millrace-session=a; millrace-session=b")], None);
        check(&[("cookie", "millrace-session=a"), ("cookie", "millrace-session=b")], None);
        check(&[("cookie", "millrace-session=")], None);
        check(&[], None);
    }

    #[test]
    fn only_pages_of_ours_act() {
        let cookies = Cookies::new(vec!["https://appview.example".to_owned()]);
        let check = |sent: &[(&'static str, &'static str)], expected: bool| {
            assert_eq!(cookies.is_from_here(&headers(sent)), expected, "{sent:?}");
        };
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "same-origin"), ("origin", "https://appview.example")], true);
        check(&[("origin", "https://appview.example")], true);
        check(&[], false);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false);
        check(&[("origin", "null")], false);
        check(&[("origin", "http://appview.example")], false);
    }
}
