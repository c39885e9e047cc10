-- Posts that `post.created.v1` tells of, so that it tells of each once, for as long as it would tell of it.
CREATE TABLE announced (
    post_actor BIGINT NOT NULL,
    post_rkey  BIGINT NOT NULL,
    sort_at_us BIGINT NOT NULL,
    PRIMARY KEY (post_actor, post_rkey)
) {without_rowid};
CREATE INDEX announced_by_time ON announced (sort_at_us);
