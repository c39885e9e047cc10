-- Whom and what an account does not want to see. Named by DID and record key, so that a rebuild
-- cannot make a mute point at somebody else.

-- Whole accounts, or only what they repost, or only their quotes.
CREATE TABLE actor_mute (
    did             TEXT NOT NULL,
    subject         TEXT NOT NULL,
    created_at_us   BIGINT NOT NULL,
    only_reposts    BIGINT NOT NULL DEFAULT 0,
    only_quoteposts BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (did, subject)
) {without_rowid};

CREATE TABLE list_mute (
    did           TEXT NOT NULL,
    list_did      TEXT NOT NULL,
    list_rkey     TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, list_did, list_rkey)
) {without_rowid};

-- Threads by their root post.
CREATE TABLE thread_mute (
    did           TEXT NOT NULL,
    root_did      TEXT NOT NULL,
    root_rkey     TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, root_did, root_rkey)
) {without_rowid};
