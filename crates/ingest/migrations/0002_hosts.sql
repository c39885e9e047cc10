-- A source may be read from several hosts, each of which counts for itself: one cursor for each.
-- `address` says whose numbers the cursor counts. `source_cursor` stays for the version before this
-- one; what that one reads on is read again here, which is legal.
CREATE TABLE source_position (
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    cursor_seq BIGINT NOT NULL,
    event_us BIGINT,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (name, address)
) {without_rowid};
INSERT INTO source_position (name, address, cursor_seq, event_us, updated_us)
SELECT name, address, cursor_seq, event_us, updated_us FROM source_cursor;

-- Parts of a source's stream whose events may be missing, the latest last.
CREATE TABLE source_gap (
    id {identity},
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    from_seq BIGINT,
    to_seq BIGINT,
    noticed_us BIGINT NOT NULL
);
CREATE INDEX source_gap_source ON source_gap (source, id);
INSERT INTO source_gap (source, reason, noticed_us)
SELECT name, 'cursor_too_old', gap_us FROM source_cursor WHERE gap_us IS NOT NULL;

-- Who else claims a handle.
CREATE INDEX identity_task_handle ON identity_task (handle) WHERE handle IS NOT NULL;
