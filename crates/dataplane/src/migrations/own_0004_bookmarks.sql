-- Posts that an account has kept for itself, by DID and record key, with the version it saw.
CREATE TABLE bookmark (
    did           TEXT NOT NULL,
    subject_did   TEXT NOT NULL,
    subject_rkey  TEXT NOT NULL,
    cid           TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, subject_did, subject_rkey)
) {without_rowid};
CREATE INDEX bookmark_by_time ON bookmark (did, created_at_us);

-- How many accounts keep a post: moves in the transaction that moves its bookmarks.
CREATE TABLE bookmark_count (
    subject_did  TEXT NOT NULL,
    subject_rkey TEXT NOT NULL,
    bookmarks    BIGINT NOT NULL,
    PRIMARY KEY (subject_did, subject_rkey)
) {without_rowid};
