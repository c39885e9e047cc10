-- Of each account with feed items the time of its newest: what a timeline asks of everybody who is followed.

CREATE TABLE feed_head (
    actor_id   BIGINT NOT NULL PRIMARY KEY,
    sort_at_us BIGINT NOT NULL
) {without_rowid};
INSERT INTO feed_head (actor_id, sort_at_us) SELECT actor_id, max(sort_at_us) FROM feed_item GROUP BY actor_id;
