//! Where an image of a record is served: a URL made from a pattern, so that a CDN or our own
//! route can answer it.

/// Fills `{preset}`, `{did}` and `{cid}` of `pattern`.
pub fn url(pattern: &str, preset: &str, did: &str, cid: &str) -> String {
    pattern.replace("{preset}", preset).replace("{did}", did).replace("{cid}", cid)
}

#[cfg(test)]
mod tests {
    #[test]
    fn fills_the_pattern() {
        let url = super::url(
            "http://h/img/{preset}/plain/{did}/{cid}@jpeg",
            "avatar",
            "did:web:a",
            "bafk",
        );
        assert_eq!(url, "http://h/img/avatar/plain/did:web:a/bafk@jpeg");
    }
}
