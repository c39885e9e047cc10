-- What an account wants to be told of, reason by reason, by the lexicon's words. A reason that is not
-- here is as it is for everybody.
CREATE TABLE notification_preference (
    did          TEXT NOT NULL,
    reason       TEXT NOT NULL,
    only_follows BIGINT NOT NULL,
    list         BIGINT NOT NULL,
    push         BIGINT NOT NULL,
    PRIMARY KEY (did, reason)
) {without_rowid};

-- Whether an account that does not say so is told only of whom it follows.
CREATE TABLE notification_priority (
    did      TEXT NOT NULL PRIMARY KEY,
    priority BIGINT NOT NULL
) {without_rowid};
