-- How large homes were, minute by minute of the last day: so that growth is seen by whoever asks, whichever process
-- counted it.
CREATE TABLE home_sizes (
    at_us     BIGINT NOT NULL PRIMARY KEY,
    lines     BIGINT NOT NULL,
    readers   BIGINT NOT NULL,
    -- Items on their way into homes, those that were given up among them.
    jobs      BIGINT NOT NULL,
    -- Counted up to a bound.
    announced BIGINT NOT NULL
) {without_rowid};
