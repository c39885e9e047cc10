-- Homes made beforehand, for who reads here. Integer ids and record keys come from the dictionary domain.
-- Times are microseconds, UTC. All of it can be made again from the data-plane.

-- Whose homes are made. `built_at_us` is empty while a home waits to be built from what there is.
CREATE TABLE feed_state (
    user_id         BIGINT NOT NULL PRIMARY KEY,
    last_read_at_us BIGINT NOT NULL,
    built_at_us     BIGINT,
    -- Up to which of their marks lines are read.
    marked_at_us    BIGINT NOT NULL DEFAULT 0,
    -- Languages and tags they write themselves: JSON lists.
    languages       TEXT NOT NULL DEFAULT '[]',
    tags            TEXT NOT NULL DEFAULT '[]'
) {without_rowid};
CREATE INDEX feed_state_unbuilt ON feed_state (user_id) WHERE built_at_us IS NULL;

-- Whom they follow, and how close they are.
CREATE TABLE affinity (
    author_id     BIGINT NOT NULL,
    user_id       BIGINT NOT NULL,
    mutual        BIGINT NOT NULL,
    interactions  DOUBLE PRECISION NOT NULL,
    updated_at_us BIGINT NOT NULL,
    PRIMARY KEY (author_id, user_id)
) {without_rowid};
CREATE INDEX affinity_by_user ON affinity (user_id, author_id);

-- Whose posts they are not to see: blocks in either direction, and mutes.
CREATE TABLE hidden (
    other_id BIGINT NOT NULL,
    user_id  BIGINT NOT NULL,
    PRIMARY KEY (other_id, user_id)
) {without_rowid};
CREATE INDEX hidden_by_user ON hidden (user_id, other_id);

-- How many of them follow an account. Its posts are written into their homes (0), or, where there are too
-- many of them, looked up when a home is read (1).
CREATE TABLE author_tier (
    actor_id  BIGINT NOT NULL PRIMARY KEY,
    followers BIGINT NOT NULL,
    tier      BIGINT NOT NULL DEFAULT 0
) {without_rowid};

-- The lines of homes. An item is what brings a post: the post itself, or a repost, by who made it.
CREATE TABLE user_feeds (
    user_id            BIGINT NOT NULL,
    item_actor         BIGINT NOT NULL,
    item_rkey          BIGINT NOT NULL,
    item_collection    BIGINT NOT NULL,
    post_actor         BIGINT NOT NULL,
    post_rkey          BIGINT NOT NULL,
    -- 0 own, 1 of who is followed, 2 reposted by who is followed.
    reason             BIGINT NOT NULL,
    sort_at_us         BIGINT NOT NULL,
    -- Affinity, engagement, content and kind, packed.
    parts              BIGINT NOT NULL,
    rank_key           DOUBLE PRECISION NOT NULL,
    -- As of the time below it.
    relevance_score    DOUBLE PRECISION NOT NULL CHECK (relevance_score >= 0 AND relevance_score <= 1),
    score_updated_at_us BIGINT NOT NULL,
    score_version      BIGINT NOT NULL,
    is_read            BIGINT NOT NULL DEFAULT 0,
    read_at_us         BIGINT,
    -- Where it stood when it was read.
    rank_position      BIGINT,
    created_at_us      BIGINT NOT NULL,
    PRIMARY KEY (user_id, item_actor, item_rkey, item_collection)
) {without_rowid};
CREATE INDEX user_feeds_by_post ON user_feeds (post_actor, post_rkey);

-- Posts that stand in homes, and when they are to be scored again.
CREATE TABLE post_stats (
    post_actor BIGINT NOT NULL,
    post_rkey  BIGINT NOT NULL,
    sort_at_us BIGINT NOT NULL,
    likes      BIGINT NOT NULL,
    replies    BIGINT NOT NULL,
    reposts    BIGINT NOT NULL,
    quotes     BIGINT NOT NULL,
    due_us     BIGINT,
    PRIMARY KEY (post_actor, post_rkey)
) {without_rowid};
CREATE INDEX post_stats_due ON post_stats (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX post_stats_by_time ON post_stats (sort_at_us);

-- Items on their way into homes, follower by follower in the order of their ids.
CREATE TABLE fanout_job (
    id              {identity},
    item_actor      BIGINT NOT NULL,
    item_rkey       BIGINT NOT NULL,
    item_collection BIGINT NOT NULL,
    post_actor      BIGINT NOT NULL,
    post_rkey       BIGINT NOT NULL,
    sort_at_us      BIGINT NOT NULL,
    is_reply        BIGINT NOT NULL,
    -- For the home of its author alone.
    is_private      BIGINT NOT NULL,
    engagement      DOUBLE PRECISION NOT NULL,
    languages       TEXT NOT NULL,
    tags            TEXT NOT NULL,
    after_user      BIGINT NOT NULL,
    done            BIGINT NOT NULL,
    -- 0 pending, 1 parked.
    state           BIGINT NOT NULL DEFAULT 0,
    attempts        BIGINT NOT NULL DEFAULT 0,
    error           TEXT NOT NULL DEFAULT '',
    created_at_us   BIGINT NOT NULL,
    UNIQUE (item_actor, item_rkey, item_collection)
);
CREATE INDEX fanout_job_pending ON fanout_job (id) WHERE state = 0;

-- Pairs of which something changed: what a home shows of somebody is made right again.
CREATE TABLE settle_job (
    user_id       BIGINT NOT NULL,
    other_id      BIGINT NOT NULL,
    -- Grows with each wish, so that one that comes meanwhile is not lost.
    wish          BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, other_id)
) {without_rowid};
