-- Events that a consumer of our own topics is done with: what comes again is not done again.
CREATE TABLE inbox (
    consumer        TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    processed_at_us BIGINT NOT NULL,
    PRIMARY KEY (consumer, event_id)
) {without_rowid};
CREATE INDEX inbox_by_time ON inbox (processed_at_us);

-- Events that a consumer has given up, and what a person decided of them. One row for each event of a consumer.
CREATE TABLE dlq (
    id             {identity},
    consumer       TEXT NOT NULL,
    event_id       TEXT NOT NULL,
    -- Where it stood when it was given up, and where at first.
    topic          TEXT NOT NULL,
    original_topic TEXT NOT NULL,
    partition      BIGINT NOT NULL,
    log_offset     BIGINT NOT NULL,
    key            {blob} NOT NULL,
    -- The key, where it is an account; else empty.
    did            TEXT NOT NULL,
    headers        {blob} NOT NULL,
    payload        {blob} NOT NULL,
    error          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    attempts       BIGINT NOT NULL,
    first_at_us    BIGINT NOT NULL,
    last_at_us     BIGINT NOT NULL,
    -- 0 pending, 1 retrying, 2 resolved, 3 discarded.
    state          BIGINT NOT NULL,
    -- How it ended, and who decided that.
    resolution     TEXT,
    actor          TEXT
);
CREATE UNIQUE INDEX dlq_by_event ON dlq (consumer, event_id);
CREATE INDEX dlq_by_account ON dlq (did);
CREATE INDEX dlq_by_state ON dlq (state, id);
