-- Posts that an account has not written yet, as their author's device made them.
CREATE TABLE draft (
    did           TEXT NOT NULL,
    id            TEXT NOT NULL,
    draft         TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    updated_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, id)
) {without_rowid};
CREATE INDEX draft_by_time ON draft (did, updated_at_us);
