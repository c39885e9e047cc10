//! What a browser shows: who did what, or how much happened. Nothing of what anybody wrote is in it.

use millrace_dataplane::query::push_news::{LIMIT_MAX, PushedNotice};
use millrace_dataplane::reason::Reason;
use serde_json::json;

/// Lines below the title.
const LINES_MAX: usize = 3;

/// The message of what is new, which is not nothing; `page` is where it is read.
pub(crate) fn of(fresh: &[PushedNotice], page: &str) -> Vec<u8> {
    let mut lines = fresh.iter().map(said);
    let (title, body) = match fresh.len() {
        0 | 1 => (lines.next().unwrap_or_default(), String::new()),
        many => {
            let more = if many >= LIMIT_MAX as usize { " or more" } else { "" };
            let some: Vec<String> = lines.take(LINES_MAX).collect();
            (format!("{many}{more} new notifications"), some.join("\n"))
        }
    };
    let mut types: Vec<&str> = fresh.iter().map(|one| one.reason.word()).collect();
    types.sort_unstable();
    types.dedup();
    let message =
        json!({ "title": title, "body": body, "count": fresh.len(), "types": types, "url": page });
    message.to_string().into_bytes()
}

fn said(notice: &PushedNotice) -> String {
    let who = match &notice.handle {
        Some(handle) => format!("@{handle}"),
        None => notice.author.to_string(),
    };
    let what = match notice.reason {
        Reason::Like => "liked your post",
        Reason::Repost => "reposted your post",
        Reason::Follow => "followed you",
        Reason::Mention => "mentioned you",
        Reason::Reply => "replied to you",
        Reason::Quote => "quoted you",
        Reason::StarterpackJoined => "came by your starter pack",
        Reason::Verified => "verified you",
        Reason::Unverified => "no longer verifies you",
        Reason::LikeViaRepost => "liked what you reposted",
        Reason::RepostViaRepost => "reposted what you reposted",
        Reason::SubscribedPost => "wrote a post",
    };
    format!("{who} {what}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use super::*;
    use crate::encrypt::MESSAGE_BYTES_MAX;
    use crate::tests::notice;

    fn made(fresh: &[PushedNotice]) -> Value {
        serde_json::from_slice(&of(fresh, "/n")).unwrap()
    }

    #[test]
    fn one_is_said_and_many_are_counted() {
        let one = notice("bob", 1);
        let expected = json!({
            "title": "@bob.test liked your post", "body": "", "count": 1, "types": ["LIKE"], "url": "/n",
        });
        assert_eq!(made(std::slice::from_ref(&one)), expected);
        let other = PushedNotice { reason: Reason::Follow, handle: None, ..one.clone() };
        let both = made(&[one.clone(), other.clone()]);
        assert_eq!(both["title"], "2 new notifications");
        assert_eq!(
            both["body"],
            format!("@bob.test liked your post\n{} followed you", other.author)
        );
        assert_eq!(both["types"], json!(["FOLLOW", "LIKE"]));
        let handle = Some("x".repeat(253));
        let many = vec![PushedNotice { handle, ..one }; LIMIT_MAX as usize];
        assert_eq!(made(&many)["title"], "100 or more new notifications");
        assert!(of(&many, &"p".repeat(1_000)).len() < MESSAGE_BYTES_MAX);
    }
}
