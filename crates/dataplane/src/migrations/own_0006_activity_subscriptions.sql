-- Of whose posts an account wants to be told, and since when: of posts that begin threads, of replies,
-- or of both. What it does not want to be told of has no time.
CREATE TABLE activity_subscription (
    did              TEXT NOT NULL,
    subject          TEXT NOT NULL,
    created_at_us    BIGINT NOT NULL,
    posts_since_us   BIGINT,
    replies_since_us BIGINT,
    PRIMARY KEY (did, subject)
) {without_rowid};
