//! Where a browser goes when it is signed in: a page of the dashboard, and nowhere else.

use url::Url;

use crate::error::XrpcError;

/// The page that is shown where none was asked for.
pub(super) const HOME: &str = "/dashboard/";
/// Where a page's address is looked at; nobody is ever sent there.
const ORIGIN: &str = "http://dashboard.invalid";
const BYTES_MAX: usize = 512;

/// A page's path and query, if it is one.
pub(super) fn checked(path: &str) -> Result<String, XrpcError> {
    let is_page = || {
        let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let url = Url::parse(ORIGIN).ok()?.join(path).ok()?;
        let stays = url.origin().ascii_serialization() == ORIGIN && url.path().starts_with(HOME);
        (is_plain && path.len() <= BYTES_MAX && path.starts_with(HOME) && stays).then_some(())
    };
    match is_page() {
        Some(()) => Ok(path.to_owned()),
        None => Err(XrpcError::invalid("returnTo must be the path of a page of the dashboard")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_pages_of_ours_alone() {
        for right in ["/dashboard/", "/dashboard/profile/alice.test?tab=posts#top"] {
            assert_eq!(checked(right).ok().as_deref(), Some(right));
        }
        for wrong in [
            "",
            "/",
            "/dashboard",
            "https://evil.example/dashboard/",
            "//evil.example/dashboard/",
            "/\\evil.example/dashboard/",
            "/dashboard/../oauth/callback",
            "/dashboard/..\\..\\x",
            "/dashboard/%2e%2e/%2E%2e/x",
            "/dashboard/\r\nSet-Cookie: a=b",
            "/dashboard/\t",
            "/dashboard/é",
            "javascript:alert(1)",
        ] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
        assert!(checked(&format!("/dashboard/{}", "a".repeat(BYTES_MAX))).is_err());
    }
}
