-- What an operator has asked to be fetched. `passed`: accounts of which nothing was missing.
CREATE TABLE backfill_job (
    id {identity},
    kind TEXT NOT NULL,
    asked TEXT NOT NULL,
    again BIGINT NOT NULL,
    state TEXT NOT NULL,
    found BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    fetched BIGINT NOT NULL,
    records BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    error TEXT,
    begun_us BIGINT NOT NULL,
    changed_us BIGINT NOT NULL,
    ended_us BIGINT
);

-- Where each of a job's lists is read next: a host's, an account's list, or what the operator names.
CREATE TABLE backfill_list (
    job_id BIGINT NOT NULL,
    origin TEXT NOT NULL,
    cursor TEXT,
    done BIGINT NOT NULL,
    PRIMARY KEY (job_id, origin)
) {without_rowid};

-- A job's accounts that are not settled yet. `wished_us`: since when their lanes know of it.
CREATE TABLE backfill_account (
    job_id BIGINT NOT NULL,
    did TEXT NOT NULL,
    wished_us BIGINT,
    PRIMARY KEY (job_id, did)
) {without_rowid};
CREATE INDEX backfill_account_wished ON backfill_account (job_id, did) WHERE wished_us IS NOT NULL;
CREATE INDEX backfill_account_waiting ON backfill_account (job_id, did) WHERE wished_us IS NULL;

-- Accounts of a job that could not be fetched, by reason.
CREATE TABLE backfill_failure (
    job_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    accounts BIGINT NOT NULL,
    PRIMARY KEY (job_id, reason)
) {without_rowid};
