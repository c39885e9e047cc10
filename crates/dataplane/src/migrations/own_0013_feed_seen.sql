-- What an account has seen of its home: items by URI, with where they stood; and everything up to a time.
CREATE TABLE feed_seen (
    did        TEXT NOT NULL,
    item       TEXT NOT NULL,
    position   BIGINT,
    seen_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, item)
) {without_rowid};
CREATE INDEX feed_seen_by_time ON feed_seen (did, seen_at_us);
CREATE TABLE feed_seen_up_to (
    did        TEXT NOT NULL PRIMARY KEY,
    up_to_us   BIGINT NOT NULL,
    seen_at_us BIGINT NOT NULL
) {without_rowid};
