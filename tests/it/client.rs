//! The official client (`network/scenario.mjs`): people's own writes to their PDS, and their reads,
//! which the PDS sends on to the AppView with service auth. The client checks answers against the lexicons.

use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::json_lines::{JsonLines, Refused};
use crate::network::Network;

pub struct Client {
    node: JsonLines,
}

/// Somebody with an account on the PDS.
#[derive(Clone, Debug)]
pub struct Account {
    pub name: String,
    pub did: String,
    pub handle: String,
}

/// A record that was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub uri: String,
    pub cid: String,
}

impl Written {
    /// As it stands in a record that refers to it.
    pub fn strong_ref(&self) -> Value {
        json!({"uri": self.uri, "cid": self.cid})
    }
}

/// What a query answered.
#[derive(Debug)]
pub struct Answer {
    pub data: Value,
    pub headers: Value,
}

impl Client {
    /// An app for this network: it asks for the labels and takedowns of whoever moderates.
    pub async fn start(network: &Network, dir: &Path) -> Result<Self> {
        let mut env = vec![("PDS_URL", network.pds_url.clone())];
        env.extend(network.moderation.as_ref().map(|it| ("MODERATION_DID", it.did.clone())));
        let (node, _) = JsonLines::start("scenario.mjs", &env, dir).await?;
        Ok(Self { node })
    }

    pub async fn end(self) -> Result<()> {
        self.node.end().await
    }

    pub async fn create_account(&mut self, name: &str) -> Result<Account> {
        let made = self.node.must("createAccount", json!({"as": name})).await?;
        Ok(Account {
            name: name.to_owned(),
            did: text(&made, "did")?,
            handle: text(&made, "handle")?,
        })
    }

    pub async fn post(&mut self, by: &Account, text: &str) -> Result<Written> {
        self.write("post", json!({"as": by.name, "text": text})).await
    }

    pub async fn reply(
        &mut self,
        by: &Account,
        text: &str,
        root: &Written,
        parent: &Written,
    ) -> Result<Written> {
        let reply = json!({"root": root.strong_ref(), "parent": parent.strong_ref()});
        self.write("post", json!({"as": by.name, "text": text, "reply": reply})).await
    }

    /// A post with one image.
    pub async fn post_image(&mut self, by: &Account, text: &str, blob: &Value) -> Result<Written> {
        let images = json!([{"alt": "an image", "image": blob}]);
        let embed = json!({"$type": "app.bsky.embed.images", "images": images});
        self.write("post", json!({"as": by.name, "text": text, "embed": embed})).await
    }

    pub async fn like(&mut self, by: &Account, post: &Written) -> Result<Written> {
        self.write("like", json!({"as": by.name, "uri": post.uri, "cid": post.cid})).await
    }

    pub async fn follow(&mut self, by: &Account, whom: &Account) -> Result<Written> {
        self.write("follow", json!({"as": by.name, "did": whom.did})).await
    }

    /// Deletes a post, like or follow, as its collection says.
    pub async fn delete(&mut self, by: &Account, record: &Written) -> Result<()> {
        let method = match record.uri.split('/').nth(3) {
            Some("app.bsky.feed.post") => "deletePost",
            Some("app.bsky.feed.like") => "deleteLike",
            Some("app.bsky.graph.follow") => "deleteFollow",
            other => bail!("no way to delete {other:?}"),
        };
        self.node.must(method, json!({"as": by.name, "uri": record.uri})).await.map(drop)
    }

    pub async fn update_profile(&mut self, by: &Account, profile: Value) -> Result<()> {
        self.node.must("updateProfile", json!({"as": by.name, "profile": profile})).await.map(drop)
    }

    /// Marks all notifications up to now as seen.
    pub async fn update_seen(&mut self, by: &Account) -> Result<()> {
        self.node.must("updateSeen", json!({"as": by.name})).await.map(drop)
    }

    pub async fn query(&mut self, by: &Account, nsid: &str, params: Value) -> Result<Answer> {
        let mut answer = self.node.must("query", call(by, nsid, "params", params)).await?;
        Ok(Answer { data: answer["data"].take(), headers: answer["headers"].take() })
    }

    /// A query that the PDS passes on to `service`: `<did>#<service>`.
    pub async fn query_to(
        &mut self,
        service: &str,
        by: &Account,
        nsid: &str,
        params: Value,
    ) -> Result<Value> {
        let mut call = call(by, nsid, "params", params);
        call["to"] = service.into();
        Ok(self.node.must("query", call).await?["data"].take())
    }

    /// A procedure that the PDS passes on to `service`.
    pub async fn procedure_to(
        &mut self,
        service: &str,
        by: &Account,
        nsid: &str,
        input: Value,
    ) -> Result<Value> {
        let mut call = call(by, nsid, "input", input);
        call["to"] = service.into();
        Ok(self.node.must("procedure", call).await?["data"].take())
    }

    /// Gives the PDS a file; answers the blob that records name it by.
    pub async fn upload(&mut self, by: &Account, bytes: &[u8], mime: &str) -> Result<Value> {
        let bytes = BASE64_STANDARD.encode(bytes);
        self.node.must("upload", json!({"as": by.name, "bytes": bytes, "mime": mime})).await
    }

    /// A query that must be refused.
    pub async fn refused(&mut self, by: &Account, nsid: &str, params: Value) -> Result<Refused> {
        match self.node.ask("query", call(by, nsid, "params", params)).await? {
            Ok(answer) => bail!("{nsid} answered {answer}"),
            Err(refused) => Ok(refused),
        }
    }

    /// A query that may be refused.
    pub async fn try_query(
        &mut self,
        by: &Account,
        nsid: &str,
        params: Value,
    ) -> Result<Result<Value, Refused>> {
        self.tried("query", call(by, nsid, "params", params)).await
    }

    /// A procedure that may be refused.
    pub async fn try_procedure(
        &mut self,
        by: &Account,
        nsid: &str,
        input: Value,
    ) -> Result<Result<Value, Refused>> {
        self.tried("procedure", call(by, nsid, "input", input)).await
    }

    async fn tried(&mut self, method: &str, call: Value) -> Result<Result<Value, Refused>> {
        let answer = self.node.ask(method, call).await?;
        Ok(answer.map(|mut answer| answer["data"].take()))
    }

    /// A procedure; `Value::Null` sends no body.
    pub async fn procedure(&mut self, by: &Account, nsid: &str, input: Value) -> Result<Value> {
        let mut answer = self.node.must("procedure", call(by, nsid, "input", input)).await?;
        Ok(answer["data"].take())
    }

    async fn write(&mut self, method: &str, params: Value) -> Result<Written> {
        let written = self.node.must(method, params).await?;
        Ok(Written { uri: text(&written, "uri")?, cid: text(&written, "cid")? })
    }
}

fn call(by: &Account, nsid: &str, field: &str, value: Value) -> Value {
    json!({"as": by.name, "nsid": nsid, field: value})
}

fn text(value: &Value, field: &str) -> Result<String> {
    Ok(value[field].as_str().with_context(|| format!("{field} in {value}"))?.to_owned())
}
