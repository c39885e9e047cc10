-- Where each source stands. `address` says which host's numbers the cursor counts: under another
-- address it means nothing and is not used.
CREATE TABLE source_cursor (
    name TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    cursor_seq BIGINT NOT NULL,
    event_us BIGINT,
    gap_us BIGINT,
    updated_us BIGINT NOT NULL
) {without_rowid};

-- One row for each account ever seen: how much of it is here, and where its chain of commits stands.
CREATE TABLE account (
    did TEXT NOT NULL PRIMARY KEY,
    sync_state TEXT NOT NULL,
    rev BIGINT,
    data_cid {blob},
    pds TEXT,
    active BIGINT NOT NULL,
    status TEXT,
    status_us BIGINT,
    updated_us BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_try_us BIGINT,
    error TEXT
) {without_rowid};
-- Accounts whose repository is to be fetched, the longest due first.
CREATE INDEX account_due ON account (next_try_us) WHERE next_try_us IS NOT NULL;

-- When an account's handle is to be looked at, and what was last announced for it.
CREATE TABLE identity_task (
    did TEXT NOT NULL PRIMARY KEY,
    due_us BIGINT NOT NULL,
    requested_us BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    announced BIGINT NOT NULL,
    handle TEXT,
    pds TEXT,
    error TEXT
) {without_rowid};
CREATE INDEX identity_task_due ON identity_task (due_us);

-- Events that were not accepted, the latest few, for an operator to look at.
CREATE TABLE rejected (
    id {identity},
    source TEXT NOT NULL,
    seq BIGINT,
    did TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    sample {blob} NOT NULL,
    sample_bytes BIGINT NOT NULL,
    seen_us BIGINT NOT NULL
);

-- How far listRepos of a host has been read.
CREATE TABLE backfill (
    origin TEXT NOT NULL PRIMARY KEY,
    cursor TEXT,
    repos BIGINT NOT NULL,
    done_us BIGINT,
    updated_us BIGINT NOT NULL
) {without_rowid};
