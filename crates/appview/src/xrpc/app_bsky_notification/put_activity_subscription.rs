//! `app.bsky.notification.putActivitySubscription`: the viewer is told of what somebody posts, or
//! answers, from now on; of neither ends it.

use millrace_atproto::Did;
use millrace_dataplane::model::ActivitySubscription;
use millrace_dataplane::query::subscription;
use serde::{Deserialize, Serialize};

use crate::error::XrpcError;
use crate::xrpc::{Call, Json, Procedure};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutActivitySubscription {
    subject: Did,
    activity_subscription: ActivitySubscription,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    subject: Did,
    /// What holds now; absent once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_subscription: Option<ActivitySubscription>,
}

impl Procedure for PutActivitySubscription {
    const NSID: &'static str = "app.bsky.notification.putActivitySubscription";
    type Answer = Json;

    async fn run(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.account()?.clone();
        let Self { subject, activity_subscription: asked } = self;
        if actor == subject {
            return Err(XrpcError::invalid("Cannot subscribe to own activity"));
        }
        let ActivitySubscription { post, reply } = asked;
        let command =
            subscription::PutActivitySubscription { actor, subject: subject.clone(), post, reply };
        call.api().dataplane.command(command).await?;
        let activity_subscription = (post || reply).then_some(asked);
        Json::of(&Answer { subject, activity_subscription })
    }
}
