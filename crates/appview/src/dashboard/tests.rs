//! A site of three files: what is kept for how long, what is compressed, what is a page and what is not.
#![expect(clippy::unwrap_used, reason = "tests")]

use http_body_util::BodyExt as _;

use super::*;

const SAMPLE: Site = Site(&[
    File {
        path: "assets/app-1a2b.js",
        content_type: "text/javascript; charset=utf-8",
        tag: "\"0a\"",
        plain: b"plain",
        gzip: Some(b"packed"),
    },
    File {
        path: "icon.svg",
        content_type: "image/svg+xml",
        tag: "\"0b\"",
        plain: b"<svg/>",
        gzip: None,
    },
    File {
        path: "index.html",
        content_type: "text/html; charset=utf-8",
        tag: "\"0c\"",
        plain: b"<html>",
        gzip: None,
    },
]);

fn asked(path: &str, headers: &[(HeaderName, &'static str)]) -> Response {
    let headers =
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    page(&SAMPLE, path, &headers.collect())
}

async fn body(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn addresses_within_the_dashboard_are_its_page_and_lost_files_are_not() {
    for path in ["", "profile/did:plc:x", "index.html", "../index.html", "a/b/c"] {
        let response = asked(path, &[]);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
        assert_eq!(body(response).await, "<html>", "{path}");
    }
    assert_eq!(asked("assets/app-old.js", &[]).status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_has_a_hash_in_its_name_is_kept_and_compressed_where_that_is_taken() {
    let response = asked("assets/app-1a2b.js", &[(ACCEPT_ENCODING, "br, gzip;q=0.8")]);
    assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(body(response).await, "packed");
    for refused in ["identity", "gzip;q=0", "xgzip", ""] {
        let response = asked("assets/app-1a2b.js", &[(ACCEPT_ENCODING, refused)]);
        assert_eq!(response.headers().get(CONTENT_ENCODING), None, "{refused}");
        assert_eq!(body(response).await, "plain", "{refused}");
    }
    let response = asked("icon.svg", &[(ACCEPT_ENCODING, "gzip")]);
    assert_eq!(response.headers().get(CONTENT_ENCODING), None);
}

#[tokio::test]
async fn a_known_tag_is_answered_without_the_file() {
    for known in ["\"0c\"", "W/\"0c\"", "\"xx\", \"0c\""] {
        let response = asked("", &[(IF_NONE_MATCH, known)]);
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(body(response).await, "");
    }
    assert_eq!(asked("", &[(IF_NONE_MATCH, "\"0b\"")]).status(), StatusCode::OK);
}

#[tokio::test]
async fn pages_run_no_script_but_their_own() {
    for response in [asked("", &[]), page(&Site(&[]), "anything", &HeaderMap::new())] {
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}

#[tokio::test]
async fn a_program_without_the_site_says_so() {
    let response = page(&Site(&[]), "", &HeaderMap::new());
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body(response).await.contains("without its dashboard"));
}

#[tokio::test]
async fn browsers_are_taken_to_it_and_others_are_not() {
    let with =
        |accept: &'static str| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    let response = home(with("text/html,application/xhtml+xml,*/*;q=0.8")).await;
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.headers()["location"], PATH);
    for headers in [with("*/*"), with("application/json"), HeaderMap::new()] {
        let response = home(headers).await;
        assert_eq!(
            (response.status(), &response.headers()[VARY]),
            (StatusCode::OK, &HeaderValue::from_static("accept"))
        );
        assert!(body(response).await.contains("/xrpc/"));
    }
}
