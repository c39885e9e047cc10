-- What is said here of accounts and records, as a labeler would: by DID, known here or not. A subject is empty
-- for the account, else `<collection>/<record key>`. One that takes back stays, as what was said last.
CREATE TABLE issued_label (
    did          TEXT NOT NULL,
    subject      TEXT NOT NULL,
    src          TEXT NOT NULL,
    val          TEXT NOT NULL,
    cid          TEXT,
    neg          BIGINT NOT NULL,
    cts          TEXT NOT NULL,
    exp          TEXT,
    exp_us       BIGINT,
    -- In base64, as it is told.
    sig          TEXT NOT NULL,
    reason       TEXT NOT NULL,
    issued_at_us BIGINT NOT NULL,
    PRIMARY KEY (did, subject, src, val)
) {without_rowid};
CREATE INDEX issued_label_by_src ON issued_label (src, issued_at_us);
