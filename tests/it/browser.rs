//! What somebody's browser does on the pages of a real authorization server: the requests of its own
//! script, with the headers and cookies that a browser sends and the server insists on.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::{Value, json};

/// Where the server's own script asks.
const API: &str = "/@atproto/oauth-provider/~api";

pub struct Browser {
    http: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new() -> Result<Self> {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let none = reqwest::redirect::Policy::none();
        let http = Client::builder().no_proxy().redirect(none).build()?;
        Ok(Self { http, cookies: BTreeMap::new() })
    }

    /// Signs in on the page at `authorize_url` and agrees; the query that the browser brings back.
    pub async fn agree(
        &mut self,
        authorize_url: &str,
        did: &str,
        username: &str,
        password: &str,
    ) -> Result<String> {
        self.open(authorize_url, "cross-site", None).await?;
        let sign_in =
            json!({"locale": "en", "username": username, "password": password, "remember": true});
        self.ask(authorize_url, "sign-in", &sign_in).await?;
        let agreed = self.ask(authorize_url, "consent", &json!({"did": did})).await?;
        self.back(authorize_url, &agreed).await
    }

    /// Refuses on the page at `authorize_url`.
    pub async fn refuse(&mut self, authorize_url: &str) -> Result<String> {
        self.open(authorize_url, "cross-site", None).await?;
        let refused = self.ask(authorize_url, "reject", &json!({})).await?;
        self.back(authorize_url, &refused).await
    }

    /// Goes where the page leads in the end.
    async fn back(&mut self, page: &str, answer: &Value) -> Result<String> {
        let url = answer["url"].as_str().with_context(|| format!("a URL in {answer}"))?.to_owned();
        let answer = self.open(&url, "same-origin", Some(page)).await?;
        let to = answer.headers().get(LOCATION).context("a redirect")?.to_str()?;
        Ok(Url::parse(to)?.query().context("a query")?.to_owned())
    }

    /// A page.
    async fn open(&mut self, url: &str, site: &str, from: Option<&str>) -> Result<Response> {
        let mut request = self.http.get(url).header("accept", "text/html");
        request = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
        request = request.header("sec-fetch-site", site);
        if let Some(from) = from {
            request = request.header(REFERER, from);
        }
        let answer = self.send(request).await?;
        ensure!(!answer.status().is_client_error(), "{url}: {}", answer.text().await?);
        Ok(answer)
    }

    /// A question of the page's script.
    async fn ask(&mut self, page: &str, method: &str, input: &Value) -> Result<Value> {
        let origin = Url::parse(page)?.origin().ascii_serialization();
        let token = self.cookies.get("csrf-token").context("a CSRF token")?;
        let mut request = self.http.post(format!("{origin}{API}/{method}")).json(input);
        request = request.header("x-csrf-token", token);
        request =
            request.header("sec-fetch-mode", "same-origin").header("sec-fetch-site", "same-origin");
        request = request.header(ORIGIN, &origin).header(REFERER, page);
        let answer = self.send(request).await?;
        ensure!(answer.status().is_success(), "{method}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Response> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header(COOKIE, cookies.join("; ")).send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = cookie.split_once('=').context("a cookie")?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(answer)
    }
}
