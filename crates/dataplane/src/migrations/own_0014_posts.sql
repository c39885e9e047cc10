-- What accounts write by the posts API. Records and post texts are JSON and text; times are microseconds.

-- Public posts on their way to the PDS of their author: the record that is to be there, or none where it is to go.
CREATE TABLE post_intent (
    did             TEXT NOT NULL,
    rkey            TEXT NOT NULL,
    -- Grows with each wish, so that one that comes meanwhile is not lost.
    version         BIGINT NOT NULL,
    record          TEXT,
    -- By what its author's PDS is asked.
    grant_id        TEXT NOT NULL,
    -- The same wish, said again, is the same post.
    idempotency_key TEXT,
    -- 0 pending, 1 done, 2 failed.
    state           BIGINT NOT NULL DEFAULT 0,
    attempts        BIGINT NOT NULL DEFAULT 0,
    -- Pending: when somebody may try. Else: when it is forgotten.
    next_at_us      BIGINT NOT NULL,
    cid             TEXT,
    error           TEXT,
    created_at_us   BIGINT NOT NULL,
    PRIMARY KEY (did, rkey)
) {without_rowid};
CREATE UNIQUE INDEX post_intent_by_idempotency ON post_intent (did, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX post_intent_by_time ON post_intent (state, next_at_us);

-- Posts that do not leave for a PDS: for their author alone, or for who follows their author.
CREATE TABLE limited_post (
    did             TEXT NOT NULL,
    rkey            TEXT NOT NULL,
    visibility      TEXT NOT NULL,
    content         TEXT NOT NULL,
    langs           TEXT NOT NULL,
    idempotency_key TEXT,
    created_at_us   BIGINT NOT NULL,
    updated_at_us   BIGINT NOT NULL,
    PRIMARY KEY (did, rkey)
) {without_rowid};
CREATE UNIQUE INDEX limited_post_by_idempotency ON limited_post (did, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX limited_post_by_time ON limited_post (did, created_at_us);

-- Blobs that were uploaded to their author's PDS and may be named by a post.
CREATE TABLE media (
    did           TEXT NOT NULL,
    cid           TEXT NOT NULL,
    mime_type     TEXT NOT NULL,
    bytes         BIGINT NOT NULL,
    width         BIGINT NOT NULL,
    height        BIGINT NOT NULL,
    alt           TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, cid)
) {without_rowid};
CREATE INDEX media_by_time ON media (created_at_us);
