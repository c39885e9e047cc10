//! Asking the servers that hold the data folder, on loopback, with the token that lies in the folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::StatusCode;
use millrace_runtime::config::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::routes::ErrorBody;
use crate::failure::ProgramError;
use crate::folder::{self, Holder};

/// Longest wait for an answer: a migration may take a while.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Longest wait for the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A running server as a command sees it.
pub struct AdminClient {
    http: reqwest::Client,
    folder: PathBuf,
    base: String,
    token: Secret,
}

impl AdminClient {
    /// The server that holds `folder`.
    ///
    /// # Errors
    /// It does not say where it answers, or its token cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Self, ProgramError> {
        Self::of_holder(folder, folder::holder(folder))
    }

    /// The server that holds `folder`'s data, which must be running.
    ///
    /// # Errors
    /// None runs, it does not say where it answers, or its token cannot be read.
    pub fn of_running(folder: &Path) -> Result<Self, ProgramError> {
        let mut running = folder::running(folder).into_iter();
        let data = running.find(|(part, _)| *part == "data");
        let none = || ProgramError::NoServer { path: folder.to_owned() };
        Self::of_holder(folder, data.ok_or_else(none)?.1)
    }

    /// The AppView that runs on `folder`, whose operator's routes are its own.
    ///
    /// # Errors
    /// None runs, it does not say where it answers, or its token cannot be read.
    pub fn of_appview(folder: &Path) -> Result<Self, ProgramError> {
        let none = || ProgramError::NoServer { path: folder.to_owned() };
        Self::at(folder, folder::appview(folder).ok_or_else(none)?.appview_url)
    }

    fn of_holder(folder: &Path, holder: Holder) -> Result<Self, ProgramError> {
        Self::at(folder, holder.admin_url)
    }

    fn at(folder: &Path, base: Option<String>) -> Result<Self, ProgramError> {
        let unreachable = |reason: &str| ProgramError::ServerUnreachable {
            path: folder.to_owned(),
            url: "an unknown address".to_owned(),
            reason: reason.to_owned(),
        };
        let base = base.ok_or_else(|| unreachable("it has not finished starting"))?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .build();
        let http = http.map_err(|error| unreachable(&error.to_string()))?;
        Ok(Self { http, folder: folder.to_owned(), base, token: folder::admin_token(folder)? })
    }

    /// What the server's metrics say now.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn metrics(&self) -> Result<String, ProgramError> {
        let asked = self.http.get(format!("{}/metrics", self.base)).send().await;
        let answer = asked.and_then(reqwest::Response::error_for_status);
        let unreachable = |error| self.unreachable(&error);
        answer.map_err(unreachable)?.text().await.map_err(unreachable)
    }

    /// Whether the server says that it is ready, and what it says.
    ///
    /// # Errors
    /// No answer.
    pub async fn ready(&self) -> Result<(bool, String), ProgramError> {
        let asked = self.http.get(format!("{}/ready", self.base)).send().await;
        let answer = asked.map_err(|error| self.unreachable(&error))?;
        let ready = answer.status() == StatusCode::OK;
        let said = answer.text().await.map_err(|error| self.unreachable(&error))?;
        Ok((ready, said))
    }

    fn unreachable(&self, error: &reqwest::Error) -> ProgramError {
        ProgramError::ServerUnreachable {
            path: self.folder.clone(),
            url: self.base.clone(),
            reason: chain(error),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<A, ProgramError> {
        self.send(self.http.get(self.url(path)).query(query)).await
    }

    /// Has something done.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn post<A: DeserializeOwned>(&self, path: &str) -> Result<A, ProgramError> {
        self.send(self.http.post(self.url(path))).await
    }

    /// Has something done that needs to be said what.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn post_json<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ProgramError> {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/admin/{path}", self.base)
    }

    async fn send<A: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<A, ProgramError> {
        let unreachable = |error| self.unreachable(&error);
        let answer = request.bearer_auth(self.token.expose()).send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        let refused =
            |message: String| ProgramError::ServerRefused { status: status.as_u16(), message };
        if status == StatusCode::OK {
            return serde_json::from_slice(&body)
                .map_err(|error| refused(format!("unreadable answer: {error}")));
        }
        let told: Result<ErrorBody, _> = serde_json::from_slice(&body);
        Err(refused(told.map_or_else(|_| "without a reason".to_owned(), |body| body.message)))
    }
}

/// Every server of the folder, by the part it is: the one with the data, and an AppView apart.
///
/// # Errors
/// None runs.
pub fn servers_of_folder(folder: &Path) -> Result<Vec<(&'static str, AdminClient)>, ProgramError> {
    let mut servers = Vec::new();
    for (part, holder) in folder::running(folder) {
        servers.push((part, AdminClient::of_holder(folder, holder)?));
    }
    if servers.is_empty() {
        return Err(ProgramError::NoServer { path: folder.to_owned() });
    }
    Ok(servers)
}

/// An error and its causes on one line; the client's own text leaves out why.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
