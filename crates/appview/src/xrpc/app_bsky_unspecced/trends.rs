//! What trends have in common: where a client finds the posts of one.

/// The page of a tag in the client.
pub(super) fn link(tag: &str) -> String {
    let mut link = "/hashtag/".to_owned();
    for part in url::form_urlencoded::byte_serialize(tag.as_bytes()) {
        // A space is no plus sign in a path.
        link.push_str(if part == "+" { "%20" } else { part });
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_escaped() {
        assert_eq!(link("Mill2"), "/hashtag/Mill2");
        assert_eq!(link("a/b c?"), "/hashtag/a%2Fb%20c%3F");
        assert_eq!(link("花"), "/hashtag/%E8%8A%B1");
    }
}
