-- What labelers say of accounts and records. A subject without a collection (0) is an account. Of one labeler,
-- subject and value there is one row, what was said last; one that takes back stays, so that nothing older
-- comes again. Times are kept as they were written, and as microseconds.
CREATE TABLE label (
    subject_actor      BIGINT NOT NULL,
    subject_collection BIGINT NOT NULL,
    subject_rkey       BIGINT NOT NULL,
    src                BIGINT NOT NULL,
    val                TEXT NOT NULL,
    cid                TEXT,
    neg                BIGINT NOT NULL,
    cts                TEXT NOT NULL,
    cts_us             BIGINT NOT NULL,
    exp                TEXT,
    exp_us             BIGINT,
    indexed_at_us      BIGINT NOT NULL,
    PRIMARY KEY (subject_actor, subject_collection, subject_rkey, src, val)
) {without_rowid};
CREATE INDEX label_by_src ON label (src, indexed_at_us);
